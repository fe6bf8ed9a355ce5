/* SPDX-License-Identifier: MIT */
/*
 * Groups of managers: aiotools' actxgroup. Each member is set up in one task
 * and torn down in another, all side by side, by hem_gather(). Room for the
 * operands is made when the group is opened, so that the close lacks nothing
 * but tasks; what has none is torn down in the caller.
 */
#include "base/alloc.h"
#include "flow/gen.h"
#include "flow/kept.h"
#include "hem/actx.h"
#include "hem/gather.h"

static const hem_site enter_site = {"enter", "hem_actx_group_open", 0};
static const hem_site exit_site = {"exit", "hem_actx_group_close", 0};

static int enter(void *arg)
{
    hem_actx_member *m = arg;
    hem_gen_options o = {.stack_bytes = m->stack_bytes, .site = &enter_site};
    return hem_actx_open_at(&m->actx, m->fn, m->arg, &m->value, &o);
}

/* Tear down in the current task: what is to be `exited`. */
static int leave(hem_actx_member *m)
{
    int rc = m->group->rc;
    if (!m->actx.open)
        return 0;
    int status = hem_actx_close(&m->actx, rc);
    if (status == rc)
        return 0;
    return status < 0 ? status : 1;
}

static int leave_in_task(void *arg)
{
    hem_actx_member *m = arg;
    hem__kept k = {hem_error_hold(m->group->error), m->group->why};
    hem__kept_restore(&k, (hem_task *)hem__loop->current);
    return leave(m);
}

/* Spawn a task for a member, as operand `c`. */
static int spawn(hem_actx_member *m, hem_fn *fn, const hem_spawn_options *opts,
                 hem_call *c)
{
    hem_task *t;
    HEM_TRY(hem_spawn_with_at(&t, fn, m, opts));
    *c = (hem_call)HEM_CALL_TASK(t);
    return 0;
}

static int spawn_entering(hem_actx_member *m, hem_call *c)
{
    hem_spawn_options o = {.name = m->enter_name ? m->enter_name : m->names[0],
                           .site = &enter_site};
    return spawn(m, enter, &o, c);
}

static int spawn_leaving(hem_actx_member *m, hem_call *c)
{
    hem_spawn_options o = {.name = m->exit_name ? m->exit_name : m->names[1],
                           .site = &exit_site};
    return spawn(m, leave_in_task, &o, c);
}

static void forget(const hem_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hem_task_forget(hem__task_of_future(calls[i].future));
}

/* All of them, or none: those spawned before one that fails never begin. */
static int begin_entering(hem_actx_group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        int rc = spawn_entering(&g->members[i], &g->calls[i]);
        if (rc == 0)
            continue;
        for (size_t k = 0; k < i; k++)
            hem_future_cancel(g->calls[k].future, NULL);
        forget(g->calls, i);
        return rc;
    }
    return 0;
}

static void reset(hem_actx_group *g)
{
    for (size_t i = 0; i < g->count; i++) {
        hem_actx_member *m = &g->members[i];
        m->value = NULL;
        m->entered = HEM_ESTATE;
        m->exited = HEM_ESTATE;
        m->error = NULL;
        m->actx.open = false;
        m->group = g;
    }
}

static void deinit(hem_actx_group *g)
{
    hem__free(g->calls);
    g->calls = NULL;
}

/* Tear down, in the caller, what is still set up: no task could be spawned for
 * it, or that was cancelled before it began. Returns HEM_ECANCELED if the
 * caller is cancelled meanwhile. */
static int leave_rest(hem_actx_group *g)
{
    int rc = 0;
    for (size_t i = g->count; i > 0; i--) {
        hem_actx_member *m = &g->members[i - 1];
        if (!m->actx.open)
            continue;
        m->exited = leave(m);
        if (m->exited == HEM_ECANCELED)
            rc = HEM_ECANCELED;
    }
    return rc;
}

static int enter_all(hem_task *t, hem_actx_group *g)
{
    HEM_TRY(begin_entering(g));
    int rc = hem_gather(g->calls, g->count, HEM_RETURN_ERRORS);
    for (size_t i = 0; i < g->count; i++) {
        g->members[i].entered = g->calls[i].status;
        g->members[i].error = rc < 0 ? NULL : g->calls[i].error;
    }
    forget(g->calls, g->count);
    if (rc == 0)
        return 0;
    g->rc = rc;
    hem__kept kept = hem__keep(t);
    (void)leave_rest(g);
    hem__kept_restore(&kept, t);
    return rc;
}

int hem_actx_group_open(hem_actx_group *g, hem_actx_member *members,
                        size_t count)
{
    hem_loop *l = hem__loop_need("hem_actx_group_open");
    hem_task *t = hem__task_need(l, "hem_actx_group_open");
    *g = (hem_actx_group){.members = members, .count = count};
    reset(g);
    g->calls = hem__alloc((count ? count : 1) * sizeof(*g->calls));
    if (!g->calls)
        return HEM_ENOMEM;
    int rc = enter_all(t, g);
    if (rc < 0)
        deinit(g);
    return rc;
}

/* Spawn a task for each member, if it can be. Returns how many there are. */
static size_t begin_leaving(hem_actx_group *g)
{
    size_t count = 0;
    for (size_t i = 0; i < g->count; i++) {
        hem_actx_member *m = &g->members[i];
        bool spawned = spawn_leaving(m, &g->calls[count]) == 0;
        m->call = spawned ? &g->calls[count++] : NULL;
    }
    return count;
}

/* Returns HEM_ECANCELED if the caller was cancelled meanwhile. */
static int leave_all(hem_actx_group *g)
{
    size_t count = begin_leaving(g);
    int rc = hem_gather(g->calls, count, HEM_RETURN_ERRORS);
    forget(g->calls, count);
    for (size_t i = 0; i < g->count; i++) {
        hem_actx_member *m = &g->members[i];
        m->exited = m->call ? m->call->status : 0;
        m->error = m->call && g->rc >= 0 ? m->call->error : NULL;
    }
    int rest = leave_rest(g);
    return rc < 0 ? rc : rest;
}

int hem_actx_group_close(hem_actx_group *g, int rc)
{
    hem_loop *l = hem__loop_need("hem_actx_group_close");
    hem_task *t = hem__task_need(l, "hem_actx_group_close");
    if (!g->calls)
        return HEM_EMISUSE;
    hem__kept kept = hem__keep(t);
    g->rc = rc;
    g->error = kept.error;
    g->why = kept.why;
    bool interrupted = leave_all(g) < 0;
    if (rc < 0 && !interrupted)
        hem__kept_restore(&kept, t);
    else
        hem__kept_drop(&kept);
    for (size_t i = 0; interrupted && i < g->count; i++) {
        g->members[i].exited = HEM_ESTATE;
        g->members[i].error = NULL;
    }
    deinit(g);
    return interrupted ? HEM_ECANCELED : rc;
}
