/* SPDX-License-Identifier: MIT */
/* Generators, managers, exit stacks, groups, deferred calls: what is set up is
 * torn down, whatever fails. */
#include "torture.h"

/* What has been set up and not torn down. */
static int up;

static int count(hem_gen *g, void *arg)
{
    up++;
    int rc = 0;
    for (int i = 1; i <= *(int *)arg && rc == 0; i++) {
        rc = hem_sleep(HEM_MSEC);
        if (rc == 0)
            rc = hem_gen_yield(g, &i);
    }
    up--;
    return rc;
}

static int twice(hem_gen *g, void *arg)
{
    HEM_GEN(inner, count, arg, .stack_bytes = 128 << 10);
    void *value;
    int rc;
    while ((rc = hem_gen_next(&inner, &value)) > 0) {
        int doubled = 2 * *(int *)value;
        HEM_TRY(hem_gen_yield(g, &doubled));
    }
    return rc;
}

static int generators(void *arg)
{
    (void)arg;
    int n = 3;
    int sum = 0;
    HEM_GEN(g, twice, &n);
    void *value;
    int rc;
    while ((rc = hem_gen_next(&g, &value)) > 0)
        sum += *(int *)value;
    if (rc == 0)
        check_int(sum, 12);
    check_int(up, 0);
    return rc;
}

/* Closed at the end of the run, whatever memory there is then. */
static int left_open(void *arg)
{
    (void)arg;
    static int n = 3;
    hem_gen g;
    for (int i = 0; i < 3; i++) {
        hem_gen_init(&g, count, &n);
        HEM_TRY(hem_gen_next(&g, NULL));
    }
    return 0;
}

static int manager(hem_actx *cm, void *arg)
{
    HEM_TRY(hem_sleep(HEM_MSEC));
    up++;
    int rc = hem_actx_yield(cm, arg);
    int slept = hem_sleep(HEM_MSEC);
    up--;
    return rc < 0 ? rc : slept;
}

static int in_manager(void *arg)
{
    hem_actx cm;
    void *value = NULL;
    HEM_TRY(hem_actx_open(&cm, manager, &up, &value));
    check(value == &up);
    int rc = hem_actx_close(&cm, hem_fail(HEM_ERANGE, "planned"));
    check_int(rc, HEM_ERANGE);
    check_int(up, 0);
    HEM_TRY(hem_actx_open(&cm, manager, arg, NULL));
    return hem_actx_close(&cm, 0);
}

static int take_down(void *arg)
{
    --*(int *)arg;
    return hem_yield();
}

static int pass(void *arg, int rc)
{
    --*(int *)arg;
    return rc;
}

static int exit_stack(void *arg)
{
    (void)arg;
    HEM_EXIT_STACK(st);
    for (int i = 0; i < 3; i++) {
        HEM_TRY(hem_exit_stack_enter(&st, manager, NULL, NULL));
        HEM_TRY(hem_exit_stack_push(&st, take_down, &up));
        up++;
        HEM_TRY(hem_exit_stack_push_exit(&st, pass, &up));
        up++;
    }
    check_int(hem_exit_stack_close(&st, 5), 5);
    return 0;
}

static int defer(void *arg)
{
    (void)arg;
    HEM_DEFER(d);
    for (int i = 0; i < 3 * HEM_DEFER_ROOM; i++) {
        up++; /* taken down in any case */
        HEM_TRY(hem_defer(&d, take_down, &up));
    }
    check_int(hem_defer_close(&d, 5), 5);
    return 0;
}

static int group(void *arg)
{
    (void)arg;
    hem_actx_member m[] = {
        HEM_ACTX_MEMBER(manager, NULL),
        HEM_ACTX_MEMBER(manager, NULL, .stack_bytes = 128 << 10),
        HEM_ACTX_MEMBER(manager, NULL),
    };
    hem_actx_group g;
    HEM_TRY(hem_actx_group_open(&g, m, COUNT_OF(m)));
    int entered = 0;
    for (size_t i = 0; i < COUNT_OF(m); i++)
        entered += check_success(m[i].entered);
    check_int(up, entered);
    check_int(hem_actx_group_close(&g, HEM_ERANGE), HEM_ERANGE);
    check_int(up, 0);
    for (size_t i = 0; i < COUNT_OF(m); i++)
        check_int(m[i].exited, 0);
    return 0;
}

static int places;

static int flow_main(void *arg)
{
    hem_fn *const *part = arg;
    check_success(in_crowd(places, *part, NULL));
    return 0;
}

void scenario_flow(void)
{
    static hem_fn *const parts[] = {generators, left_open, in_manager,
                                    exit_stack, defer,     group};
    for (places = 0; places < 3; places++) {
        for (size_t i = 0; i < COUNT_OF(parts); i++) {
            hem_virtual_clock clock = {0};
            up = 0;
            check_success(hem_run(flow_main, (void *)&parts[i],
                                  &(hem_run_options){.clock = &clock}));
            check_int(up, 0);
        }
    }
}
