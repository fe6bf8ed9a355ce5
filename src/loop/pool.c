/* SPDX-License-Identifier: MIT */
/*
 * Calls on other threads.
 *
 * A job: queued --thread--> running --thread--> posted --loop--> done.
 * Its caller is parked meanwhile, or has been cancelled: then a queued job is
 * taken out of the queue, and a running one with `abandon` is left to itself
 * (`fiber` is NULL) and freed by the loop when it comes back. Jobs are heap
 * objects, for they may outlive the caller's frame.
 */
#include "loop/pool.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "base/sys.h"
#include "hem/thread.h"
#include "loop/fiber.h"
#include "loop/post.h"

#define THREADS_MAX        8
#define THREAD_STACK_BYTES ((size_t)1 << 20)

struct job {
    hem__post post; /* sent back when done */
    hem__list link; /* in the queue; self-linked once it runs */
    hem_fn *fn;
    void *arg;
    int result;
    void (*abandon)(void *arg);
    hem__fiber *fiber; /* who waits; NULL: abandoned */
};

struct hem__pool {
    pthread_mutex_t mutex; /* for all below */
    pthread_cond_t work;   /* something is queued, or stopping */
    hem__list queue;
    uint32_t queued; /* length of the queue */
    uint32_t idle;   /* threads that wait for work, or were told of some */
    uint32_t count;
    bool stopping;
    hem_loop *loop;
    pthread_t threads[THREADS_MAX];
};

static void *thread_main(void *arg)
{
    struct hem__pool *p = arg;
    pthread_mutex_lock(&p->mutex);
    for (;;) {
        while (hem__list_empty(&p->queue) && !p->stopping) {
            p->idle++;
            pthread_cond_wait(&p->work, &p->mutex);
            p->idle--;
        }
        if (hem__list_empty(&p->queue))
            break;
        struct job *job = HEM__CONTAINER(p->queue.next, struct job, link);
        hem__list_remove(&job->link);
        p->queued--;
        pthread_mutex_unlock(&p->mutex);
        job->result = job->fn(job->arg);
        hem__post_send(p->loop, &job->post);
        pthread_mutex_lock(&p->mutex);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

static int pool_create(hem_loop *l)
{
    struct hem__pool *p = hem__calloc(sizeof(*p));
    if (!p)
        return HEM_ENOMEM;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->work, NULL);
    hem__list_init(&p->queue);
    p->loop = l;
    l->pool = p;
    return 0;
}

void hem__pool_destroy(hem_loop *l)
{
    struct hem__pool *p = l->pool;
    if (!p)
        return;
    pthread_mutex_lock(&p->mutex);
    p->stopping = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
    for (uint32_t i = 0; i < p->count; i++)
        pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->mutex);
    hem__free(p);
    l->pool = NULL;
}

/* Start a thread with all signals blocked. */
static int thread_start(struct hem__pool *p)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc =
        hem__sys_thread_create(&p->threads[p->count], &attr, thread_main, p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc == 0)
        p->count++;
    return rc;
}

/* Queue a job and see to it that a thread will run it. */
static int submit(struct hem__pool *p, struct job *job)
{
    int rc = 0;
    pthread_mutex_lock(&p->mutex);
    if (p->queued >= p->idle && p->count < THREADS_MAX) {
        rc = thread_start(p);
        if (rc < 0 && p->count > 0)
            rc = 0; /* those there are will do */
    }
    if (rc == 0) {
        hem__list_insert(&p->queue, &job->link);
        p->queued++;
        pthread_cond_signal(&p->work);
    }
    pthread_mutex_unlock(&p->mutex);
    return rc;
}

/* In the loop, when the job has come back. */
static void job_back(hem__ready *n)
{
    hem__post *post = HEM__CONTAINER(n, hem__post, job.ready);
    struct job *job = HEM__CONTAINER(post, struct job, post);
    hem__loop->outside--;
    if (job->fiber) {
        hem__wake(hem__loop, job->fiber, 0);
        job->fiber = NULL;
        return;
    }
    job->abandon(job->arg);
    hem__free(job);
}

/* Take a job that has not begun out of the queue. */
static bool withdraw(struct hem__pool *p, struct job *job)
{
    pthread_mutex_lock(&p->mutex);
    bool queued = !hem__list_empty(&job->link);
    if (queued) {
        hem__list_remove(&job->link);
        p->queued--;
    }
    pthread_mutex_unlock(&p->mutex);
    return queued;
}

static bool cancel_call(hem_loop *l, hem__fiber *f, const char *why)
{
    struct job *job = f->wait_on;
    if (withdraw(l->pool, job)) {
        l->outside--;
        return hem__wake_cancelled(l, f, why);
    }
    if (!job->abandon)
        return false;
    job->fiber = NULL;
    f->wait_on = NULL; /* the job is the loop's now */
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_call = {"thread call", cancel_call};

static int call(hem_loop *l, hem__fiber *f, struct job *job)
{
    int rc = submit(l->pool, job);
    if (rc < 0) {
        hem__free(job);
        return rc;
    }
    l->outside++;
    f->wait_on = job;
    rc = hem__park(l, f, &wait_call);
    if (!f->wait_on)
        return rc;
    if (rc == 0)
        rc = job->result;
    if (rc == HEM_ECANCELED && job->abandon)
        job->abandon(job->arg);
    hem__free(job);
    return rc;
}

int hem_thread_call(hem_fn *fn, void *arg, const hem_thread_options *opts)
{
    hem_loop *l = hem__loop_need("hem_thread_call");
    hem__fiber *f = hem__fiber_need(l, "hem_thread_call");
    if (!l->pool)
        HEM_TRY(pool_create(l));
    struct job *job = hem__alloc(sizeof(*job));
    if (!job)
        return HEM_ENOMEM;
    *job = (struct job){.post = {.job = {.ready = {.run = job_back}}},
                        .fn = fn,
                        .arg = arg,
                        .abandon = opts ? opts->abandon : NULL,
                        .fiber = f};
    hem__list_init(&job->link);
    return call(l, f, job);
}
