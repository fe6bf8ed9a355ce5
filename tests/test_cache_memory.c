/* SPDX-License-Identifier: MIT */
/* Caches without memory, and anything at any time. */
#include "support.h"

#include "loads.h"
#include "ms.h"

static const hem_cache_options plain = {.value_bytes = sizeof(int),
                                        .drop = loads_drop};

VIRTUAL_TEST(a_create_without_memory_creates_nothing)
{
    hem_cache *c = NULL;
    size_t live = ledger_live();
    size_t n = 1;
    for (; n < 10; n++) {
        ledger_fail_at(n);
        int rc = hem_cache_create(&c, loads_load, &plain);
        ledger_fail_at(0);
        if (rc == 0)
            break;
        check_int(rc, HEM_ENOMEM);
        check(c == NULL);
        check_int(ledger_live(), live);
    }
    check(n > 2 && n < 10);
    hem_cache_destroy(c);
    hem_cache_options huge = {.value_bytes = SIZE_MAX - 5};
    c = NULL;
    check_int(hem_cache_create(&c, loads_load, &huge), HEM_ENOMEM);
    return 0;
}

VIRTUAL_TEST(a_create_without_memory_for_its_timer_creates_nothing)
{
    static hem_cache *many[100];
    size_t live = 0;
    int lacking = 0;
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        live = ledger_live();
        ledger_fail_at(3);
        int rc = hem_cache_create(&many[i], loads_load, &plain);
        ledger_fail_at(0);
        if (rc == 0)
            continue;
        lacking++;
        check_int(rc, HEM_ENOMEM);
        check_int(ledger_live(), live);
        check_int(hem_cache_create(&many[i], loads_load, &plain), 0);
    }
    check(lacking > 0);
    for (size_t i = 0; i < COUNT_OF(many); i++)
        hem_cache_destroy(many[i]);
    for (size_t i = 0; i < 2 * COUNT_OF(many); i++) { /* there is room again */
        hem_cache *c = NULL;
        ledger_fail_at(3);
        check_int(hem_cache_create(&c, loads_load, &plain), 0);
        ledger_fail_at(0);
        hem_cache_destroy(c);
    }
    return 0;
}

VIRTUAL_TEST(a_get_without_memory_changes_nothing)
{
    memset(&loads, 0, sizeof(loads));
    hem_cache_options opts = plain;
    opts.max_items = 1;
    opts.stack_bytes = (size_t)300 << 10; /* not in the pool yet */
    hem_cache *c;
    check_int(hem_cache_create(&c, loads_load, &opts), 0);
    size_t n = 1;
    size_t live = ledger_live();
    for (; n < 20; n++) {
        ledger_fail_at(n);
        int rc = loads_get(c, "x");
        ledger_fail_at(0);
        if (rc > 0)
            break;
        check_int(rc, HEM_ENOMEM);
        hem_cache_stats info = hem_cache_info(c);
        check(info.misses == 0 && info.items == 0 && info.loading == 0);
        check(ledger_live() <= live + 1); /* a reserve may be there */
        live = ledger_live();
    }
    check(n > 2 && n < 20);
    ledger_fail_from(1);
    check_int(loads_get(c, "y"), HEM_ENOMEM); /* "x" is not evicted for it */
    check_int(loads_get(c, "x"), 1);
    ledger_fail_from(0);
    check_int(loads.alive, 1);
    check_int(hem_cache_info(c).hits, 1);
    opts.stack_bytes = (size_t)2 << 30;
    hem_cache_destroy(c);
    check_int(hem_cache_create(&c, loads_load, &opts), 0);
    check_int(loads_get(c, "x"), HEM_EINVAL);
    hem_cache_destroy(c);
    return 0;
}

VIRTUAL_TEST(ends_need_no_memory)
{
    struct asker a[2];
    hem_cache *c = askers_busy(a);
    ledger_fail_from(1);
    check(hem_cache_invalidate(c, "x"));
    check_int(hem_cache_close(c, false), 0);
    check_int(askers_await(a), HEM_ECANCELED);
    hem_cache_destroy(c);
    ledger_fail_from(0);
    c = askers_busy(a);
    ledger_fail_from(1);
    hem_cache_clear(c);
    hem_cache_destroy(c);
    check_int(askers_await(a), HEM_ECANCELED);
    ledger_fail_from(0);
    return 0;
}

/* Anything at any time. */
struct chaos {
    hem_cache *cache;
    uint32_t random;
    int right; /* answers */
};

static uint32_t draw(struct chaos *x, uint32_t below)
{
    x->random = x->random * 1664525 + 1013904223;
    return (x->random >> 8) % below;
}

static int load_chaos(void *arg, const void *key, void *ret)
{
    struct chaos *x = arg;
    int n = atoi(key);
    HEM_TRY(hem_sleep(draw(x, 4) * MS));
    if (draw(x, 8) == 0)
        return HEM_EIO;
    *(int *)ret = n;
    loads.alive++;
    return 0;
}

static int ask_chaos(void *arg)
{
    struct chaos *x = arg;
    for (int i = 0; i < 20; i++) {
        char key[16];
        int value = -1;
        int n = (int)draw(x, 12) + 1;
        snprintf(key, sizeof(key), "%d", n);
        int rc = hem_cache_get(x->cache, key, &value);
        if (rc >= 0) {
            check_int(value, n);
            x->right++;
        }
        if (draw(x, 16) == 0)
            (void)hem_cache_invalidate(x->cache, key);
        if (draw(x, 200) == 0)
            hem_cache_clear(x->cache);
        if (draw(x, 3) == 0 && hem_sleep(draw(x, 3) * MS) < 0)
            return 0;
    }
    return 0;
}

static bool cancel_some(void *arg, hem_task *t)
{
    struct chaos *x = arg;
    if (t != hem_self() && draw(x, 4) == 0)
        (void)hem_task_cancel(t, NULL);
    return true;
}

static void disturb(struct chaos *x)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &(hem_scope_options){.kind = HEM_SUPERVISOR}),
              0);
    for (int i = 0; i < 12; i++)
        check_int(hem_scope_spawn(&s, NULL, ask_chaos, x), 0);
    for (int i = 0; i < 6; i++) {
        check_int(hem_sleep(4 * MS), 0);
        hem_task_each(cancel_some, x);
    }
    if (draw(x, 2)) {
        int rc = hem_cache_close(x->cache, draw(x, 2) != 0);
        check_int(rc, 0);
    }
    check_int(hem_scope_close(&s, 0), 0);
}

VIRTUAL_TEST(values_are_of_their_keys_and_each_is_dropped_once)
{
    int right = 0;
    for (uint32_t seed = 1; seed <= scaled(3000) / 10; seed++) {
        struct chaos x = {.random = seed};
        hem_cache_options opts = plain;
        opts.arg = &x;
        opts.max_items = draw(&x, 6) + 1;
        opts.expire = (hem_ns)draw(&x, 6) * MS - MS;
        memset(&loads, 0, sizeof(loads));
        check_int(hem_cache_create(&x.cache, load_chaos, &opts), 0);
        disturb(&x);
        hem_cache_destroy(x.cache);
        check_int(hem_sleep(20 * MS), 0); /* loads that nobody waits for */
        check_int(loads.alive, 0);
        right += x.right;
    }
    check(right > 0);
    (void)reports_take();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_create_without_memory_creates_nothing),
        LEDGER_TEST(a_create_without_memory_for_its_timer_creates_nothing),
        LEDGER_TEST(a_get_without_memory_changes_nothing),
        LEDGER_TEST(ends_need_no_memory),
        LEDGER_TEST(values_are_of_their_keys_and_each_is_dropped_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
