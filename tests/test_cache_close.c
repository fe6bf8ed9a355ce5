/* SPDX-License-Identifier: MIT */
/* How caches are closed and destroyed, with loads under way. */
#include "support.h"

#include "forked.h"
#include "loads.h"
#include "ms.h"

VIRTUAL_TEST(close_cancels_loads_and_waits_for_them)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    loads.cleanup = 7 * MS;
    check_int(hem_cache_close(c, false), 0);
    check_int(now_ms(), 12);
    check_int(loads.running, 0);
    check_int(hem_cache_info(c).loading, 0);
    check_int(askers_await(a), HEM_ECANCELED);
    check_int(hem_cache_close(c, false), 0);
    hem_cache_destroy(c);
    return 0;
}

VIRTUAL_TEST(close_may_let_loads_finish)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    check_int(hem_cache_close(c, true), 0);
    check_int(now_ms(), 20);
    check_int(askers_await(a), 0);
    check_int(loads.alive, 2);
    hem_cache_destroy(c);
    check_int(loads.alive, 0);
    return 0;
}

VIRTUAL_TEST(a_closed_cache_refuses_and_keeps_its_values)
{
    hem_cache *c = loads_cache((hem_cache_options){0});
    check_int(loads_get(c, "x"), 1);
    check_int(hem_cache_close(c, false), 0);
    check_int(loads_get(c, "x"), HEM_EREFUSED);
    check_int(loads_get(c, "y"), HEM_EREFUSED);
    check_int(loads.alive, 1);
    check_int(hem_cache_info(c).items, 1);
    check(hem_cache_invalidate(c, "x"));
    check_int(loads.alive, 0);
    hem_cache_clear(c);
    hem_cache_destroy(c);
    check_int(hem_cache_close(NULL, false), 0);
    return 0;
}

VIRTUAL_TEST(a_load_that_swallows_its_cancellation_is_waited_for)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    loads.cleanup = 30 * MS;
    loads.stubborn = true;
    check_int(hem_cache_close(c, false), 0);
    check_int(now_ms(), 35);
    check_int(askers_await(a), 0);
    hem_cache_destroy(c);
    check_int(loads.alive, 0);
    return 0;
}

struct closer {
    hem_cache *cache;
    bool finish;
};

static int close_it(void *arg)
{
    struct closer *k = arg;
    return hem_cache_close(k->cache, k->finish);
}

VIRTUAL_TEST(cancelling_who_closes_cancels_the_loads)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    struct closer k = {c, true};
    hem_task *t;
    loads.cleanup = 4 * MS;
    check_int(hem_spawn(&t, close_it, &k), 0);
    check_int(hem_sleep(2 * MS), 0);
    check_str(hem_task_waits_for(t), "cache");
    check(hem_task_cancel(t, "hurry"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_str(hem_task_reason(t), "hurry");
    check_int(now_ms(), 11);
    check_int(loads.running, 0);
    check_int(askers_await(a), HEM_ECANCELED);
    hem_cache_destroy(c);
    return 0;
}

VIRTUAL_TEST(loads_that_swallow_it_leave_who_closes_cancelled_for_no_reason)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    struct closer k = {c, true};
    hem_task *t;
    loads.stubborn = true;
    check_int(hem_spawn(&t, close_it, &k), 0);
    check_int(hem_sleep(2 * MS), 0);
    check(hem_task_cancel(t, "hurry"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_str(hem_task_reason(t), NULL);
    check_int(askers_await(a), 0);
    hem_cache_destroy(c);
    return 0;
}

static hem_task *closing;

static int load_what_closes(void *arg, const void *key, void *ret)
{
    (void)arg;
    (void)key;
    (void)ret;
    HEM_TRY(hem_sleep(5 * MS));
    return hem_await(closing);
}

VIRTUAL_TEST(cancelling_breaks_a_ring_of_a_load_and_who_closes)
{
    struct asker a;
    struct closer k = {.finish = true};
    check_int(hem_cache_create(&k.cache, load_what_closes, NULL), 0);
    asker_spawn(&a, k.cache, "k");
    check_int(hem_sleep(MS), 0);
    check_int(hem_spawn(&closing, close_it, &k), 0);
    check_int(hem_sleep(20 * MS), 0); /* each waits for the other */
    check(hem_task_cancel(closing, NULL));
    check_int(hem_await(closing), HEM_ECANCELED);
    check_int(hem_await(a.task), HEM_ECANCELED);
    check_int(now_ms(), 21);
    check_int(hem_cache_close(k.cache, true), 0);
    hem_cache_destroy(k.cache);
    return 0;
}

VIRTUAL_TEST(one_with_a_pending_cancellation_cancels_the_loads)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_cache_close(c, true), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    check_int(now_ms(), 5);
    check_int(askers_await(a), HEM_ECANCELED);
    check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_cache_close(c, true), 0); /* nothing to wait for */
    check_int(hem_yield(), HEM_ECANCELED);
    hem_cache_destroy(c);
    return 0;
}

VIRTUAL_TEST(several_may_close_a_cache)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    struct closer k[] = {{c, true}, {c, true}, {c, false}};
    hem_task *t[COUNT_OF(k)];
    loads.cleanup = 4 * MS;
    for (size_t i = 0; i < COUNT_OF(k); i++) {
        check_int(hem_spawn(&t[i], close_it, &k[i]), 0);
        check_int(hem_sleep(2 * MS), 0);
    }
    for (size_t i = 0; i < COUNT_OF(k); i++)
        check_int(hem_await(t[i]), 0);
    check_int(now_ms(), 13);
    check_int(askers_await(a), HEM_ECANCELED);
    hem_cache_destroy(c);
    return 0;
}

VIRTUAL_TEST(close_does_not_wait_for_loads_that_clear_forgot)
{
    struct asker a[2], b;
    hem_cache *c = askers_busy(a);
    hem_cache_clear(c);
    check_int(hem_cache_info(c).loading, 2);
    asker_spawn(&b, c, "z");
    check_int(hem_sleep(MS), 0);
    check_int(hem_cache_close(c, false), 0);
    check_int(now_ms(), 6);
    check_int(hem_await(b.task), HEM_ECANCELED);
    check_int(askers_await(a), 0);
    check_int(now_ms(), 20);
    check_int(loads.alive, 0); /* forgotten: kept by nobody */
    hem_cache_destroy(c);
    return 0;
}

VIRTUAL_TEST(clear_leaves_those_who_close_waiting)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    struct closer k = {c, true};
    hem_task *t;
    check_int(hem_spawn(&t, close_it, &k), 0);
    check_int(hem_sleep(MS), 0);
    hem_cache_clear(c);
    check_int(hem_await(t), 0);
    check_int(now_ms(), 20);
    check_int(askers_await(a), 0);
    hem_cache_destroy(c);
    return 0;
}

static int load_and_close(void *arg, const void *key, void *ret)
{
    (void)key;
    (void)ret;
    return hem_cache_close(*(hem_cache **)arg, false);
}

VIRTUAL_TEST(a_load_cannot_close_its_cache)
{
    hem_cache *c;
    hem_cache_options opts = {.arg = &c};
    check_int(hem_cache_create(&c, load_and_close, &opts), 0);
    check_int(loads_get(c, "k"), HEM_EDEADLK);
    check_int(loads_get(c, "k"), HEM_EDEADLK); /* it is open */
    hem_cache_destroy(c);
    return 0;
}

VIRTUAL_TEST(destroy_cancels_loads_and_their_askers)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    loads.cleanup = 4 * MS;
    hem_cache_destroy(c);
    check_int(loads.running, 2);
    check_int(askers_await(a), HEM_ECANCELED);
    check_int(now_ms(), 9);
    check_int(loads.alive, 0);
    return 0;
}

VIRTUAL_TEST(destroy_leaves_a_stubborn_load_to_its_askers)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    loads.cleanup = 4 * MS;
    loads.stubborn = true;
    hem_cache_destroy(c);
    check_int(askers_await(a), 0);
    check_int(loads.alive, 0);
    return 0;
}

VIRTUAL_TEST(destroy_ends_the_wait_of_those_who_close)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    struct closer k = {c, true};
    hem_task *t;
    check_int(hem_spawn(&t, close_it, &k), 0);
    check_int(hem_sleep(MS), 0);
    hem_cache_destroy(c);
    check_int(hem_await(t), 0);
    check_int(now_ms(), 6);
    check_int(askers_await(a), HEM_ECANCELED);
    return 0;
}

static int destroy_in_child(void *arg)
{
    hem_cache_destroy(arg);
    check_int(loads.alive, 0);
    return forked_verdict();
}

VIRTUAL_TEST(a_forked_child_may_destroy_what_it_inherited)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    check_int(askers_await(a), 0);
    asker_spawn(&a[0], c, "z");
    check_int(hem_yield(), 0);
    check_int(forked_status(destroy_in_child, c).exit_code, 0);
    check_int(loads_get(c, "x") > 0, true);
    check(hem_await(a[0].task) > 0);
    loads_destroy(c);
    return 0;
}

/* Main returns with two loads under way, the cache in `*arg`. */
static int leave_busy(void *arg)
{
    static struct asker a[2];
    *(hem_cache **)arg = askers_busy(a);
    return 0;
}

static void the_end_of_the_run_ends_loads(void **state)
{
    (void)state;
    hem_cache *c = NULL;
    check_int(run_virtual(leave_busy, &c), 0);
    check_int(loads.running, 0);
    check_int(loads.alive, 0);
    hem_cache_destroy(c);
    run_assert_checks();
}

static int fail_when_cancelled(void *arg, const void *key, void *ret)
{
    (void)arg;
    (void)key;
    (void)ret;
    (void)!hem_sleep(HEM_NEVER);
    return hem_fail(HEM_EIO, "no cleanup");
}

static int leave_failing(void *arg)
{
    static struct asker a;
    hem_cache **c = arg;
    check_int(hem_cache_create(c, fail_when_cancelled, NULL), 0);
    asker_spawn(&a, *c, "x");
    return hem_sleep(MS);
}

static void a_load_that_fails_at_the_end_is_reported_once(void **state)
{
    (void)state;
    hem_cache *c = NULL;
    check_int(run_virtual(leave_failing, &c), 0);
    check_report(HEM_REPORT_AT_EXIT, "fail_when_cancelled", HEM_EIO);
    check_str(report_message(), "no cleanup");
    hem_cache_destroy(c);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(close_cancels_loads_and_waits_for_them),
        LEDGER_TEST(close_may_let_loads_finish),
        LEDGER_TEST(a_closed_cache_refuses_and_keeps_its_values),
        LEDGER_TEST(a_load_that_swallows_its_cancellation_is_waited_for),
        LEDGER_TEST(cancelling_who_closes_cancels_the_loads),
        LEDGER_TEST(
            loads_that_swallow_it_leave_who_closes_cancelled_for_no_reason),
        LEDGER_TEST(cancelling_breaks_a_ring_of_a_load_and_who_closes),
        LEDGER_TEST(one_with_a_pending_cancellation_cancels_the_loads),
        LEDGER_TEST(several_may_close_a_cache),
        LEDGER_TEST(close_does_not_wait_for_loads_that_clear_forgot),
        LEDGER_TEST(clear_leaves_those_who_close_waiting),
        LEDGER_TEST(a_load_cannot_close_its_cache),
        LEDGER_TEST(destroy_cancels_loads_and_their_askers),
        LEDGER_TEST(destroy_leaves_a_stubborn_load_to_its_askers),
        LEDGER_TEST(destroy_ends_the_wait_of_those_who_close),
        LEDGER_TEST(a_forked_child_may_destroy_what_it_inherited),
        LEDGER_TEST(the_end_of_the_run_ends_loads),
        LEDGER_TEST(a_load_that_fails_at_the_end_is_reported_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
