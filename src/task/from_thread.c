/* SPDX-License-Identifier: MIT */
/*
 * Calls of threads to tasks. What belongs to a call is in the frame of the
 * thread, which sleeps until it is told: by the post, if no task can be
 * spawned, or by the end of the task. So each post that is taken must be run,
 * which the loop's end does (hem__loop_drain).
 */
#include "hem/from_thread.h"

#include <pthread.h>

#include "loop/pool.h"
#include "loop/post.h"
#include "task/task.h"

struct thread_call {
    hem__post post;
    hem_done done; /* of the task */
    hem_fn *fn;
    void *arg;
    const hem_site *site;
    pthread_mutex_t mutex; /* for `over` */
    pthread_cond_t told;
    uint32_t inside; /* 1: it is made by a thread that the loop waits for: while
                        that waits for the task, virtual time may go on */
    bool over;       /* the rest is valid, and the loop's no more */
    int rc;          /* of the call */
    int result;
};

/* The last that the loop does with it. */
static void tell(struct thread_call *c, int rc, int result)
{
    pthread_mutex_lock(&c->mutex);
    c->rc = rc;
    c->result = result;
    c->over = true;
    pthread_cond_signal(&c->told);
    pthread_mutex_unlock(&c->mutex);
}

static void task_ended(void *arg, int status)
{
    struct thread_call *c = arg;
    hem__loop->outside += c->inside;
    tell(c, 0, status);
}

static int spawn(hem_loop *l, struct thread_call *c)
{
    hem_task *t;
    if (hem__runtime_of(l)->ending)
        return HEM_ESHUTDOWN;
    HEM_TRY(hem_spawn_at(&t, c->fn, c->arg, c->site));
    t->future.outcome.flags |= HEM__TASK_RETRIEVED;
    hem_task_on_done(t, &c->done, task_ended, c);
    hem_task_forget(t);
    l->outside -= c->inside;
    return 0;
}

/* In the loop. */
static void begin(hem__ready *n)
{
    hem__post *post = HEM__CONTAINER(n, hem__post, job.ready);
    struct thread_call *c = HEM__CONTAINER(post, struct thread_call, post);
    int rc = spawn(hem__loop, c);
    if (rc < 0)
        tell(c, rc, 0);
}

static void wait_told(struct thread_call *c)
{
    pthread_mutex_lock(&c->mutex);
    while (!c->over)
        pthread_cond_wait(&c->told, &c->mutex);
    pthread_mutex_unlock(&c->mutex);
}

int hem_call_from_thread_at(hem_loop *loop, hem_fn *fn, void *arg,
                            int *ret_result, const hem_site *site)
{
    if (hem__loop == loop)
        return HEM_EDEADLK;
    struct thread_call c = {.post = {.job = {.ready = {.run = begin}}},
                            .fn = fn,
                            .arg = arg,
                            .site = site,
                            .inside = hem__pool_of == loop};
    pthread_mutex_init(&c.mutex, NULL);
    pthread_cond_init(&c.told, NULL);
    int rc = hem__post_try(loop, &c.post);
    if (rc == 0) {
        wait_told(&c);
        rc = c.rc;
    }
    pthread_cond_destroy(&c.told);
    pthread_mutex_destroy(&c.mutex);
    if (rc == 0)
        *ret_result = c.result;
    return rc;
}
