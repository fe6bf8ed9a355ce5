/* SPDX-License-Identifier: MIT */
#include "loads.h"

#include "ms.h"
#include "support.h"

struct loads loads;

int loads_load(void *arg, const void *key, void *ret)
{
    (void)arg;
    (void)key;
    int number = ++loads.begun;
    int result = loads.result;
    loads.task = hem_self();
    loads.running++;
    int rc = hem_sleep(loads.takes);
    if (rc < 0 && loads.cleanup)
        (void)!hem_sleep(loads.cleanup);
    loads.running--;
    if (rc < 0 && !loads.stubborn)
        return rc;
    if (result < 0)
        return hem_fail(result, "load %d", number);
    *(int *)ret = number;
    loads.alive++;
    return 0;
}

void loads_drop(void *arg, void *value)
{
    (void)arg;
    check(*(int *)value > 0);
    loads.alive--;
}

hem_cache *loads_cache(hem_cache_options opts)
{
    memset(&loads, 0, sizeof(loads));
    loads.takes = 20 * MS;
    opts.value_bytes = sizeof(int);
    opts.drop = loads_drop;
    hem_cache *c = NULL;
    check_int(hem_cache_create(&c, loads_load, &opts), 0);
    return c;
}

void loads_destroy(hem_cache *c)
{
    hem_cache_destroy(c);
    check_int(loads.alive, 0);
}

int loads_get(hem_cache *c, const char *key)
{
    int value = -1;
    int rc = hem_cache_get(c, key, &value);
    check_int(value == -1, rc < 0);
    return rc < 0 ? rc : value;
}

int asker_ask(void *arg)
{
    struct asker *a = arg;
    int rc = loads_get(a->cache, a->key);
    a->at = now_ms();
    a->why = hem_failure();
    if (a->why)
        snprintf(a->message, sizeof(a->message), "%s", a->why->message);
    return rc;
}

void asker_spawn(struct asker *a, hem_cache *c, const char *key)
{
    *a = (struct asker){.cache = c, .key = key};
    check_int(hem_spawn(&a->task, asker_ask, a), 0);
}

hem_cache *askers_busy(struct asker a[2])
{
    hem_cache *c = loads_cache((hem_cache_options){0});
    asker_spawn(&a[0], c, "x");
    asker_spawn(&a[1], c, "y");
    check_int(hem_sleep(5 * MS), 0);
    check_int(hem_cache_info(c).loading, 2);
    return c;
}

int askers_await(struct asker a[2])
{
    int first = hem_await(a[0].task);
    int second = hem_await(a[1].task);
    check_int(first < 0, second < 0);
    return first < 0 ? first : 0;
}
