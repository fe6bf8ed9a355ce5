/* SPDX-License-Identifier: MIT */
/* Each function of timers, caches and maps either suspends and is a point of
 * cancellation, or never. */
#include "support.h"

#include "suspension.h"

static int yield_once(void *arg)
{
    (void)arg;
    return hem_yield();
}

static int load(void *arg, const void *key, void *ret)
{
    (void)arg;
    (void)key;
    (void)ret;
    return hem_yield();
}

static hem_cache *create(void)
{
    hem_cache *c = NULL;
    check_int(hem_cache_create(&c, load, NULL), 0);
    return c;
}

CASE(timer)
{
    (void)f;
    static hem_timer t;
    check_int(hem_timer_start(&t, HEM_SEC, yield_once, NULL, NULL), 0);
    check(hem_task_cancel(hem_timer_task(&t), NULL));
    return 0;
}

CASE(hem_timer_stop)
{
    (void)f;
    hem_timer t;
    check_int(hem_timer_start(&t, HEM_SEC, yield_once, NULL, NULL), 0);
    return hem_timer_stop(&t);
}

CASE(at_once_hem_timer_stop)
{
    (void)f;
    hem_timer t;
    check_int(hem_timer_start(&t, 0, yield_once, NULL, NULL), HEM_EINVAL);
    return hem_timer_stop(&t);
}

CASE(cache)
{
    (void)f;
    hem_cache *c = create();
    check(!hem_cache_invalidate(c, "x"));
    hem_cache_clear(c);
    check_int(hem_cache_info(c).items, 0);
    hem_cache_destroy(c);
    return 0;
}

static hem_cache *filled; /* for the next case */

CASE(hem_cache_get)
{
    (void)f;
    hem_cache *c = create();
    int rc = hem_cache_get(c, "x", NULL);
    if (rc < 0)
        hem_cache_destroy(c);
    else
        filled = c;
    return rc;
}

CASE(at_once_hem_cache_get)
{
    (void)f;
    int rc = hem_cache_get(filled, "x", NULL);
    hem_cache_destroy(filled);
    return rc;
}

static int get_x(void *arg)
{
    return hem_cache_get(arg, "x", NULL);
}

CASE(hem_cache_close)
{
    (void)f;
    hem_cache *c = create();
    hem_task *t;
    check_int(hem_spawn_with(&t, get_x, c, .eager = true), 0);
    int rc = hem_cache_close(c, true);
    hem_cache_destroy(c);
    return rc;
}

CASE(at_once_hem_cache_close)
{
    (void)f;
    hem_cache *c = create();
    int rc = hem_cache_close(c, true);
    hem_cache_destroy(c);
    return rc;
}

CASE(hem_map_at)
{
    (void)f;
    int items[2] = {0};
    return hem_map(yield_once, HEM_ITEMS(items, 2), NULL);
}

CASE(at_once_hem_map_at)
{
    (void)f;
    int items[1] = {0};
    return hem_map(yield_once, HEM_ITEMS(items, 0), NULL);
}

/* clang-format off */
static const struct suspension table[] = {
    NEVER(hem_timer_start_at, timer),
    NEVER(hem_timer_task, timer),
    AT_ONCE(hem_timer_stop),
    NEVER(hem_cache_create_at, cache),
    NEVER(hem_cache_invalidate, cache),
    NEVER(hem_cache_clear, cache),
    NEVER(hem_cache_info, cache),
    NEVER(hem_cache_destroy, cache),
    AT_ONCE(hem_cache_get),
    AT_ONCE(hem_cache_close),
    AT_ONCE(hem_map_at),
};
/* clang-format on */

int main(void)
{
    static const char *const headers[] = {"timer", "cache", "map"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}
