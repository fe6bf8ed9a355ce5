/* SPDX-License-Identifier: MIT */
#include "loop/post.h"

#include <errno.h>
#include <sched.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/list.h"
#include "hem/error.h"

void hem__loop_wake_up(hem_loop *l)
{
    int saved = errno;
    uint64_t one = 1;
    /* An eventfd takes any number of ones; interrupted it cannot be, for it
     * does not block. */
    ssize_t rc = write(l->wake.fd, &one, sizeof(one));
    (void)rc;
    errno = saved;
}

/* By a thread that is counted in `posting`: the loop may take the post, and
 * end, before this returns, but waits until the thread is not. */
static void push(hem_loop *l, hem__post *p)
{
    hem__post *head = atomic_load_explicit(&l->posts, memory_order_relaxed);
    do {
        p->next = head;
    } while (!atomic_compare_exchange_weak_explicit(
        &l->posts, &head, p, memory_order_release, memory_order_relaxed));
    if (!head)
        hem__loop_wake_up(l);
}

static void leave(hem_loop *l)
{
    atomic_fetch_sub_explicit(&l->posting, 1, memory_order_release);
}

void hem__post_send(hem_loop *l, hem__post *p)
{
    atomic_fetch_add_explicit(&l->posting, 1, memory_order_relaxed);
    push(l, p);
    leave(l);
}

int hem__post_try(hem_loop *l, hem__post *p)
{
    atomic_fetch_add(&l->posting, 1);
    bool closed = atomic_load(&l->closed);
    if (!closed)
        push(l, p);
    leave(l);
    return closed ? HEM_ESHUTDOWN : 0;
}

void hem__posts_close(hem_loop *l)
{
    atomic_store(&l->closed, true);
    hem__posts_finish(l);
}

void hem__posts_finish(hem_loop *l)
{
    while (atomic_load(&l->posting) > 0)
        sched_yield();
}

void hem__posts_take(hem_loop *l)
{
    if (!atomic_load_explicit(&l->posts, memory_order_relaxed))
        return;
    hem__post *p =
        atomic_exchange_explicit(&l->posts, NULL, memory_order_acquire);
    hem__post *first = NULL;
    while (p) {
        hem__post *next = p->next;
        p->next = first;
        first = p;
        p = next;
    }
    while (first) {
        p = first;
        first = p->next;
        hem__queue_push_job(&l->ready, &p->job);
    }
}

struct user_post {
    hem__post post;
    hem_callback_fn *fn;
    void *arg;
};

static void run_user_post(hem__ready *n)
{
    hem__post *post = HEM__CONTAINER(n, hem__post, job.ready);
    struct user_post *p = HEM__CONTAINER(post, struct user_post, post);
    hem_callback_fn *fn = p->fn;
    void *arg = p->arg;
    hem__free(p);
    fn(arg);
}

int hem_post(hem_loop *l, hem_callback_fn *fn, void *arg)
{
    struct user_post *p = hem__alloc(sizeof(*p));
    if (!p)
        return HEM_ENOMEM;
    p->post.job.ready.run = run_user_post;
    p->fn = fn;
    p->arg = arg;
    int rc = hem__post_try(l, &p->post);
    if (rc < 0)
        hem__free(p);
    return rc;
}

hem_loop *hem_loop_hold(hem_loop *l)
{
    atomic_fetch_add_explicit(&l->holds, 1, memory_order_relaxed);
    return l;
}

void hem_loop_release(hem_loop *l)
{
    if (!l)
        return;
    if (atomic_fetch_sub_explicit(&l->holds, 1, memory_order_acq_rel) == 1)
        hem__free(l->memory);
}
