/* SPDX-License-Identifier: MIT */
/* Each function of generators, managers and deferred calls either suspends and
 * is a point of cancellation, or never does by itself. */
#include "support.h"

#include "suspension.h"

static int give_one(hem_gen *g, void *arg)
{
    return hem_gen_yield(g, arg);
}

static int count(void *arg)
{
    return ++*(int *)arg;
}

static int manager(hem_actx *cm, void *arg)
{
    return hem_actx_yield(cm, arg);
}

static int mark(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

static int pass(void *arg, int rc)
{
    (void)arg;
    return rc;
}

CASE(gen)
{
    (void)f;
    hem_gen g;
    hem_gen_init(&g, give_one, NULL);
    check(!hem_gen_done(&g));
    check_int(hem_gen_next(&g, NULL), 1);
    check_int(hem_gen_throw(&g, HEM_EIO, NULL), HEM_EIO);
    check_int(hem_gen_close(&g), 0);
    return 0;
}

CASE(iter)
{
    (void)f;
    int n = 0;
    int value;
    return hem_iter_until(count, &n, 5, &value);
}

CASE(actx)
{
    (void)f;
    hem_actx cm;
    check_int(hem_actx_open(&cm, manager, NULL, NULL), 0);
    return hem_actx_close(&cm, 0);
}

/* Its members are set up, then torn down: both suspend. */
CASE(hem_actx_group_open)
{
    (void)f;
    static hem_actx_group g;
    static hem_actx_member m;
    m = (hem_actx_member)HEM_ACTX_MEMBER(manager, NULL);
    HEM_TRY(hem_actx_group_open(&g, &m, 1));
    bool ran = f->ran;
    check_int(hem_actx_group_close(&g, 0), 0);
    f->ran = ran;
    return 0;
}

CASE(at_once_hem_actx_group_open)
{
    (void)f;
    hem_actx_group g;
    check_int(hem_actx_group_open(&g, NULL, 0), 0);
    return hem_actx_group_close(&g, 0);
}

/* Only the close may be interrupted. */
CASE(hem_actx_group_close)
{
    static hem_actx_group g;
    static hem_actx_member m;
    bool pending = hem_task_cancel_pending(hem_self());
    if (pending)
        check_int(hem_task_uncancel(hem_self()), 0);
    m = (hem_actx_member)HEM_ACTX_MEMBER(manager, NULL);
    check_int(hem_actx_group_open(&g, &m, 1), 0);
    if (pending)
        check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_spawn(NULL, mark, &f->ran), 0);
    f->ran = false;
    return hem_actx_group_close(&g, 0);
}

CASE(at_once_hem_actx_group_close)
{
    return call_at_once_hem_actx_group_open(f);
}

CASE(exit_stack)
{
    (void)f;
    static int n;
    hem_exit_stack st, other;
    hem_exit_stack_init(&st);
    hem_exit_stack_init(&other);
    check_int(hem_exit_stack_enter(&st, manager, NULL, NULL), 0);
    check_int(hem_exit_stack_push(&st, count, &n), 0);
    check_int(hem_exit_stack_push_exit(&st, pass, NULL), 0);
    hem_exit_stack_move(&other, &st);
    return hem_exit_stack_close(&other, 0);
}

CASE(defer)
{
    (void)f;
    static int n;
    HEM_DEFER(d);
    check_int(hem_defer(&d, count, &n), 0);
    return hem_defer_close(&d, 0);
}

/* clang-format off */
static const struct suspension table[] = {
    NEVER(hem_gen_init_at, gen),
    NEVER(hem_gen_next, gen),
    NEVER(hem_gen_throw, gen),
    NEVER(hem_gen_close, gen),
    NEVER(hem_gen_done, gen),
    NEVER(hem_gen_yield, gen),
    NEVER(hem_iter_until, iter),
    NEVER(hem_actx_open_at, actx),
    NEVER(hem_actx_close, actx),
    NEVER(hem_actx_yield, actx),
    AT_ONCE(hem_actx_group_open),
    AT_ONCE(hem_actx_group_close),
    NEVER(hem_exit_stack_init, exit_stack),
    NEVER(hem_exit_stack_enter_at, exit_stack),
    NEVER(hem_exit_stack_push, exit_stack),
    NEVER(hem_exit_stack_push_exit, exit_stack),
    NEVER(hem_exit_stack_move, exit_stack),
    NEVER(hem_exit_stack_close, exit_stack),
    NEVER(hem_defer, defer),
    NEVER(hem_defer_close, defer),
};
/* clang-format on */

int main(void)
{
    static const char *const headers[] = {"gen", "actx", "exit_stack", "defer"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}
