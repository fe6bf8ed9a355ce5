/* SPDX-License-Identifier: MIT */
/*
 * Calls of tasks on threads. The caller is parked while its job is at the pool,
 * or has been cancelled: then a job that has not begun is withdrawn, and one
 * that has, with `abandon`, is left to itself (`fiber` is NULL) and freed by
 * the loop when it comes back. So a call with `abandon` is a heap object;
 * without, the caller's frame stays until the job is back, and holds it.
 */
#include "base/alloc.h"
#include "hem/thread.h"
#include "loop/fiber.h"
#include "loop/pool.h"

struct call {
    hem__pool_job job;
    void (*abandon)(void *arg);
    void (*interrupt)(void *arg);
    hem__fiber *fiber; /* who waits; NULL: nobody any more */
};

/* In the loop, when the job has come back. */
static void job_back(hem__ready *n)
{
    hem__post *post = HEM__CONTAINER(n, hem__post, job.ready);
    struct call *c = HEM__CONTAINER(post, struct call, job.post);
    hem__loop->outside--;
    if (c->fiber) {
        hem__wake(hem__loop, c->fiber, 0);
        return;
    }
    c->abandon(c->job.arg);
    hem__free(c);
}

static bool cancel_call(hem_loop *l, hem__fiber *f, const char *why)
{
    struct call *c = f->wait_on;
    if (hem__pool_withdraw(l, &c->job)) {
        l->outside--;
        return hem__wake_cancelled(l, f, why);
    }
    if (c->interrupt)
        c->interrupt(c->job.arg);
    if (!c->abandon)
        return false;
    c->fiber = NULL;
    f->wait_on = NULL; /* the call is the loop's now */
    return hem__wake_cancelled(l, f, why);
}

/* On the thread, after the end of the run: all tasks had left their calls. */
static void job_late(hem__pool_job *job)
{
    struct call *c = HEM__CONTAINER(job, struct call, job);
    c->abandon(c->job.arg);
    hem__free(c);
}

static const hem__wait wait_call = {"thread call", cancel_call};

/* `*ret_left`: the call is left to the loop. */
static int make_call(hem_loop *l, struct call *c, const hem_thread_lane *lane,
                     bool *ret_left)
{
    hem__fiber *f = c->fiber;
    HEM_TRY(hem__pool_submit(l, lane, &c->job));
    l->outside++;
    f->wait_on = c;
    int rc = hem__park(l, f, &wait_call);
    *ret_left = !f->wait_on;
    if (*ret_left)
        return rc;
    if (rc == 0)
        rc = c->job.result;
    if (rc == HEM_ECANCELED && c->abandon)
        c->abandon(c->job.arg);
    return rc;
}

int hem_thread_call(hem_fn *fn, void *arg, const hem_thread_options *opts)
{
    static const hem_thread_options defaults;
    hem_loop *l = hem__loop_need("hem_thread_call");
    hem__fiber *f = hem__fiber_need(l, "hem_thread_call");
    const hem_thread_options *o = opts ? opts : &defaults;
    if (o->detach && !o->abandon)
        return HEM_EINVAL;
    struct call here;
    struct call *c = o->abandon ? hem__alloc(sizeof(*c)) : &here;
    if (!c)
        return HEM_ENOMEM;
    *c = (struct call){.job = {.post = {.job = {.ready = {.run = job_back}}},
                               .fn = fn,
                               .arg = arg,
                               .late = o->detach ? job_late : NULL},
                       .abandon = o->abandon,
                       .interrupt = o->interrupt,
                       .fiber = f};
    bool left = false;
    int rc = make_call(l, c, o->lane, &left);
    if (c != &here && !left)
        hem__free(c);
    return rc;
}
