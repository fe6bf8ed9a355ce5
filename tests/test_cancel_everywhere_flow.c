/* SPDX-License-Identifier: MIT */
/* Generators, managers, exit stacks, groups and deferred calls, cancelled
 * everywhere. */
#include "cancel_everywhere.h"
#include "support.h"

/* What must be torn down as often as it was set up. */
struct balance {
    int up, down;
};

static int set_up(struct balance *b, int rc)
{
    b->up += rc == 0;
    return rc;
}

/* A manager that waits in both parts, and holds a lock round its block. */

struct guard {
    hem_lock *lock;
    struct balance *balance;
};

static int guarded(hem_actx *cm, void *arg)
{
    const struct guard *g = arg;
    HEM_TRY(hem_sleep(HEM_MSEC));
    HEM_TRY(set_up(g->balance, hem_lock_acquire(g->lock)));
    int rc = hem_actx_yield(cm, g);
    g->balance->down++;
    int slept = hem_sleep(HEM_MSEC);
    check_int(hem_lock_release(g->lock), 0);
    return rc < 0 ? rc : slept;
}

/* Two tasks draw from pipelines of two generators, the inner of which holds a
 * lock and a timeout round its yields. */

struct pipeline {
    hem_lock lock;
    struct balance balance;
    int sum;
};

static void pipeline_begin(void *state)
{
    struct pipeline *s = state;
    hem_lock_init(&s->lock);
}

static int count(struct pipeline *s, hem_gen *g)
{
    (void)s;
    for (int i = 1; i <= 3; i++) {
        HEM_TRY(hem_sleep(HEM_MSEC));
        HEM_TRY(hem_gen_yield(g, &i));
    }
    return 0;
}

static int source(hem_gen *g, void *arg)
{
    struct pipeline *s = arg;
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, 50 * HEM_MSEC));
    int rc = set_up(&s->balance, hem_lock_acquire(&s->lock));
    if (rc == 0) {
        rc = count(s, g);
        int slept = hem_yield();
        s->balance.down++;
        check_int(hem_lock_release(&s->lock), 0);
        rc = rc < 0 ? rc : slept;
    }
    return hem_timeout_close(&t, rc);
}

static int doubled(hem_gen *g, void *arg)
{
    HEM_GEN(inner, source, arg);
    void *value;
    int rc;
    while ((rc = hem_gen_next(&inner, &value)) > 0) {
        int twice = 2 * *(int *)value;
        HEM_TRY(hem_yield());
        HEM_TRY(hem_gen_yield(g, &twice));
    }
    return rc;
}

static int draw(void *arg)
{
    struct pipeline *s = arg;
    HEM_GEN(g, doubled, s);
    void *value;
    int rc;
    while ((rc = hem_gen_next(&g, &value)) > 0) {
        HEM_TRY(hem_sleep(HEM_MSEC));
        s->sum += *(int *)value;
    }
    return rc;
}

static int pipeline_body(void *arg)
{
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, draw, arg));
    HEM_TRY(hem_scope_spawn(&s, NULL, draw, arg));
    return hem_scope_close(&s, 0);
}

static void pipeline_end(void *state, const struct disturbance *d)
{
    struct pipeline *s = state;
    check_int(s->balance.up, s->balance.down);
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    if (!d->requests)
        check_int(s->sum, 24);
    check(!hem_lock_locked(&s->lock));
}

/* Managers in managers, and one that is left open in a block. */

struct managers {
    hem_lock a, b;
    struct balance balance;
    int through;
};

static void managers_begin(void *state)
{
    struct managers *s = state;
    hem_lock_init(&s->a);
    hem_lock_init(&s->b);
}

static int in_block(struct managers *s)
{
    struct guard g = {&s->b, &s->balance};
    HEM_ACTX(cm);
    HEM_TRY(hem_actx_open(&cm, guarded, &g, NULL));
    return hem_sleep(HEM_MSEC); /* closed by the way out */
}

static int in_managers(void *arg)
{
    struct managers *s = arg;
    struct guard g = {&s->a, &s->balance};
    HEM_ACTX(cm);
    HEM_TRY(hem_actx_open(&cm, guarded, &g, NULL));
    int rc = in_block(s);
    rc = hem_actx_close(&cm, rc);
    if (rc == 0)
        rc = hem_yield();
    s->through += rc == 0;
    return rc;
}

static int managers_body(void *arg)
{
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, in_managers, arg));
    HEM_TRY(hem_scope_spawn(&s, NULL, in_managers, arg));
    return hem_scope_close(&s, 0);
}

static void managers_end(void *state, const struct disturbance *d)
{
    struct managers *s = state;
    check_int(s->balance.up, s->balance.down);
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    check(s->through == 2 || d->requests);
    check(s->through >= 1 || d->body);
    check(!hem_lock_locked(&s->a) && !hem_lock_locked(&s->b));
}

/* An exit stack and deferred calls. */

struct stacks {
    hem_lock lock;
    struct balance balance;
    int called, told;
};

static void stacks_begin(void *state)
{
    struct stacks *s = state;
    hem_lock_init(&s->lock);
}

static int called(void *arg)
{
    struct stacks *s = arg;
    s->balance.down++;
    s->called++;
    return hem_sleep(HEM_MSEC);
}

static int told(void *arg, int rc)
{
    struct stacks *s = arg;
    s->balance.down++;
    s->told++;
    int slept = hem_yield();
    return rc < 0 ? rc : slept;
}

static int on_stack(struct stacks *s)
{
    struct guard g = {&s->lock, &s->balance};
    HEM_EXIT_STACK(st);
    HEM_TRY(set_up(&s->balance, hem_exit_stack_push(&st, called, s)));
    HEM_TRY(hem_exit_stack_enter(&st, guarded, &g, NULL));
    HEM_TRY(set_up(&s->balance, hem_exit_stack_push_exit(&st, told, s)));
    return hem_exit_stack_close(&st, hem_sleep(HEM_MSEC));
}

static int stacks_body(void *arg)
{
    struct stacks *s = arg;
    HEM_DEFER(d);
    HEM_TRY(set_up(&s->balance, hem_defer(&d, called, s)));
    HEM_TRY(hem_yield());
    HEM_TRY(set_up(&s->balance, hem_defer(&d, called, s)));
    HEM_TRY(on_stack(s));
    return hem_defer_close(&d, hem_sleep(HEM_MSEC));
}

static void stacks_end(void *state, const struct disturbance *d)
{
    struct stacks *s = state;
    check_int(s->balance.up, s->balance.down);
    check_int(d->rc, d->requests ? HEM_ECANCELED : 0);
    if (!d->requests) {
        check_int(s->called, 3);
        check_int(s->told, 1);
    }
    check(!hem_lock_locked(&s->lock));
}

/* A group. */

struct group {
    hem_lock locks[3];
    struct balance balance;
    int open;
};

static void group_begin(void *state)
{
    struct group *s = state;
    for (size_t i = 0; i < COUNT_OF(s->locks); i++)
        hem_lock_init(&s->locks[i]);
}

static int group_body(void *arg)
{
    struct group *s = arg;
    struct guard g[3];
    hem_actx_member m[3];
    for (size_t i = 0; i < COUNT_OF(g); i++) {
        g[i] = (struct guard){&s->locks[i], &s->balance};
        m[i] = (hem_actx_member)HEM_ACTX_MEMBER(guarded, &g[i]);
    }
    hem_actx_group group;
    HEM_TRY(hem_actx_group_open(&group, m, COUNT_OF(m)));
    for (size_t i = 0; i < COUNT_OF(m); i++)
        s->open += m[i].entered == 0;
    return hem_actx_group_close(&group, hem_sleep(HEM_MSEC));
}

static void group_end(void *state, const struct disturbance *d)
{
    struct group *s = state;
    check_int(s->balance.up, s->balance.down);
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
    if (!d->requests)
        check_int(s->open, 3);
    for (size_t i = 0; i < COUNT_OF(s->locks); i++)
        check(!hem_lock_locked(&s->locks[i]));
}

/* A generator that its task leaves open: the end of the run closes it. */

struct left {
    struct balance *balance;
};

static struct balance left_balance;

static void left_begin(void *state)
{
    struct left *s = state;
    s->balance = &left_balance;
}

static int left_open(hem_gen *g, void *arg)
{
    struct balance *b = arg;
    HEM_TRY(hem_sleep(HEM_MSEC));
    b->up++;
    int rc = hem_gen_yield(g, NULL);
    if (rc == 0)
        rc = hem_sleep(HEM_MSEC);
    b->down++;
    int slept = hem_yield();
    return rc < 0 ? rc : slept;
}

static int leave_open(void *arg)
{
    const struct left *s = arg;
    hem_gen g;
    hem_gen_init(&g, left_open, s->balance);
    HEM_TRY(hem_gen_next(&g, NULL));
    HEM_TRY(hem_sleep(HEM_MSEC));
    memset(&g, 0x55, sizeof(g));
    return hem_yield();
}

static int left_body(void *arg)
{
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, leave_open, arg));
    HEM_TRY(hem_scope_spawn(&s, NULL, leave_open, arg));
    return hem_scope_close(&s, 0);
}

/* The run is not over yet: this is seen behind all of them. */
static void left_end(void *state, const struct disturbance *d)
{
    (void)state;
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
}

static void generators_left_open_have_all_been_closed(void **state)
{
    (void)state;
    assert_true(left_balance.up > 0);
    assert_int_equal(left_balance.up, left_balance.down);
}

int main(void)
{
    static const struct flow flows[] = {
        FLOW(pipeline), FLOW(managers), FLOW(stacks), FLOW(group), FLOW(left),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generators_left_open_have_all_been_closed),
    };
    int failed = cancel_everywhere(flows, COUNT_OF(flows));
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
