/* SPDX-License-Identifier: MIT */
/*
 * A thread is started when more jobs are queued than threads are free. One is
 * free from before it sends the job back, so that a caller who makes one call
 * after the other keeps to one thread. The thread that ends a job lets its lane
 * admit the next.
 *
 * The pool outlives its loop where threads are left: they hold it, and give it
 * up when their function has returned.
 */
#include "loop/pool.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/sys.h"

#define THREADS_MAX        64
#define THREAD_STACK_BYTES ((size_t)1 << 20)

struct thread {
    pthread_t id;
    struct hem__pool *pool;
    /* Under the pool's mutex: */
    hem__pool_job *job; /* whose function it is in; NULL: in none */
    bool left;          /* nobody waits for it any more */
};

struct hem__pool {
    pthread_mutex_t mutex; /* for all below */
    pthread_cond_t work;   /* something is queued, or stopping */
    hem__list queue;       /* jobs that were admitted */
    size_t queued;         /* length of the queue */
    uint32_t count;        /* of threads */
    uint32_t busy;         /* of them: in a function */
    uint32_t asleep;       /* of them: to be woken */
    bool waking;           /* one of those has been told */
    bool stopping;
    uint32_t users; /* the loop and threads that are left; the last frees it */
    hem_loop *loop;
    hem__lanes lanes;
    struct thread threads[THREADS_MAX];
};

/* How many threads are left, of all pools that there were. */
static atomic_size_t left_count;

_Thread_local hem_loop *hem__pool_of;

static void queue_job(struct hem__pool *p, hem__pool_job *job)
{
    job->admitted = true;
    hem__list_insert(&p->queue, &job->link);
    p->queued++;
}

/* An admitted job of the lane has ended, or will not be. Returns whether
 * another was queued instead. */
static bool leave_lane(struct hem__pool *p, hem__lane *lane)
{
    lane->running--;
    if (lane->waiting == 0 || lane->running >= lane->limit)
        return false;
    hem__pool_job *job = HEM__CONTAINER(lane->held.next, hem__pool_job, link);
    hem__list_remove(&job->link);
    lane->waiting--;
    lane->running++;
    queue_job(p, job);
    return true;
}

/* Whether a thread is to be woken: those that are free and awake look at the
 * queue before they sleep, and the one that wakes sees to the next. */
static bool wakes(struct hem__pool *p)
{
    bool wake = !p->waking && p->asleep > 0 &&
                p->queued > p->count - p->busy - p->asleep;
    p->waking |= wake;
    return wake;
}

static hem__pool_job *take_job(struct hem__pool *p)
{
    hem__pool_job *job = HEM__CONTAINER(p->queue.next, hem__pool_job, link);
    hem__list_remove(&job->link);
    p->queued--;
    p->busy++;
    return job;
}

/* Under the mutex, which it gives up. */
static void leave_pool(struct hem__pool *p)
{
    bool last = --p->users == 0;
    pthread_mutex_unlock(&p->mutex);
    if (!last)
        return;
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->mutex);
    hem__lanes_deinit(&p->lanes);
    hem__free(p);
}

void hem__pool_await_left(void)
{
    while (atomic_load(&left_count) > 0)
        sched_yield();
}

/* The function of a job that was left has returned. Under the mutex, which it
 * gives up. */
static void end_left(struct hem__pool *p, hem__pool_job *job)
{
    leave_pool(p);
    job->late(job);
    atomic_fetch_sub(&left_count, 1);
}

static void *thread_main(void *arg)
{
    struct thread *self = arg;
    struct hem__pool *p = self->pool;
    hem_loop *loop = hem__pool_of = p->loop;
    pthread_mutex_lock(&p->mutex);
    for (;;) {
        while (p->queued == 0 && !p->stopping) {
            p->asleep++;
            pthread_cond_wait(&p->work, &p->mutex);
            p->asleep--;
            p->waking = false;
        }
        if (p->queued == 0)
            break;
        hem__pool_job *job = self->job = take_job(p);
        bool wake = wakes(p);
        pthread_mutex_unlock(&p->mutex);
        if (wake)
            pthread_cond_signal(&p->work);
        job->result = job->fn(job->arg);
        pthread_mutex_lock(&p->mutex);
        if (self->left) {
            end_left(p, job);
            return NULL;
        }
        self->job = NULL;
        p->busy--;
        (void)leave_lane(p, job->lane);
        pthread_mutex_unlock(&p->mutex);
        hem__post_send(loop, &job->post);
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
    hem__lanes_init(&p->lanes);
    p->loop = l;
    p->users = 1;
    l->pool = p;
    return 0;
}

/* Leave a thread that need not be waited for. */
static void leave_thread(struct hem__pool *p, struct thread *t)
{
    if (!t->job || !t->job->late)
        return;
    t->left = true;
    p->users++;
    p->busy--;
    atomic_fetch_add(&left_count, 1);
    pthread_detach(t->id);
}

void hem__pool_destroy(hem_loop *l)
{
    struct hem__pool *p = l->pool;
    if (!p)
        return;
    pthread_mutex_lock(&p->mutex);
    p->stopping = true;
    pthread_cond_broadcast(&p->work);
    for (uint32_t i = 0; i < p->count; i++)
        leave_thread(p, &p->threads[i]);
    pthread_mutex_unlock(&p->mutex);
    for (uint32_t i = 0; i < p->count; i++) {
        if (!p->threads[i].left)
            pthread_join(p->threads[i].id, NULL);
    }
    pthread_mutex_lock(&p->mutex);
    HEM__ASSERT(p->queued == 0 && p->busy == 0);
    leave_pool(p);
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
    struct thread *t = &p->threads[p->count];
    *t = (struct thread){.pool = p};
    int rc = hem__sys_thread_create(&t->id, &attr, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc == 0)
        p->count++;
    return rc;
}

/* See to it that there is a thread for one job more. */
static int need_thread(struct hem__pool *p)
{
    if (p->queued < p->count - p->busy || p->count == THREADS_MAX)
        return 0;
    int rc = thread_start(p);
    return p->count > 0 ? 0 : rc; /* those there are will do */
}

/* Under the mutex. */
static int hand_in(struct hem__pool *p, const hem_thread_lane *key,
                   hem__pool_job *job)
{
    hem__lane *lane = hem__lanes_get(&p->lanes, key);
    if (!lane)
        return HEM_ENOMEM;
    job->lane = lane;
    job->admitted = false;
    if (lane->running >= lane->limit) {
        hem__list_insert(&lane->held, &job->link);
        lane->waiting++;
        return 0;
    }
    HEM_TRY(need_thread(p));
    lane->running++;
    queue_job(p, job);
    return 0;
}

int hem__pool_submit(hem_loop *l, const hem_thread_lane *lane,
                     hem__pool_job *job)
{
    if (lane && lane->limit > THREADS_MAX)
        return HEM_EINVAL;
    if (!l->pool)
        HEM_TRY(pool_create(l));
    struct hem__pool *p = l->pool;
    hem__list_init(&job->link);
    pthread_mutex_lock(&p->mutex);
    int rc = hand_in(p, lane, job);
    bool wake = wakes(p);
    pthread_mutex_unlock(&p->mutex);
    if (wake)
        pthread_cond_signal(&p->work);
    return rc;
}

/* Under the mutex. */
static void take_back(struct hem__pool *p, hem__pool_job *job)
{
    hem__list_remove(&job->link);
    if (!job->admitted) {
        job->lane->waiting--;
        return;
    }
    p->queued--;
    (void)leave_lane(p, job->lane); /* a thread is on its way */
}

bool hem__pool_withdraw(hem_loop *l, hem__pool_job *job)
{
    struct hem__pool *p = l->pool;
    pthread_mutex_lock(&p->mutex);
    bool waits = !hem__list_empty(&job->link);
    if (waits)
        take_back(p, job);
    pthread_mutex_unlock(&p->mutex);
    return waits;
}

void hem_thread_lane_get_info(const hem_thread_lane *lane,
                              hem_thread_lane_info *ret)
{
    hem_loop *l = hem__loop_need("hem_thread_lane_get_info");
    struct hem__pool *p = l->pool;
    *ret = (hem_thread_lane_info){0, 0};
    if (!p)
        return;
    pthread_mutex_lock(&p->mutex);
    const hem__lane *found = hem__lanes_find(&p->lanes, lane);
    if (found)
        *ret = (hem_thread_lane_info){found->running, found->waiting};
    pthread_mutex_unlock(&p->mutex);
}
