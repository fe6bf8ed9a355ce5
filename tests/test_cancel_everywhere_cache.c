/* SPDX-License-Identifier: MIT */
/* Caches, timers and maps, cancelled everywhere: values are of their keys and
 * dropped once, ticks do not outlive their timer, calls not their map. */
#include "cancel_everywhere.h"
#include "ms.h"
#include "support.h"

/* Four ask for two keys, of which one is evicted meanwhile. */

struct cache {
    hem_cache *cache;
    int loads, alive, answers;
};

static int load_letter(void *arg, const void *key, void *ret)
{
    struct cache *s = arg;
    s->loads++;
    HEM_TRY(hem_sleep(2 * MS));
    HEM_TRY(hem_yield());
    *(char *)ret = *(const char *)key;
    s->alive++;
    return 0;
}

static void drop_letter(void *arg, void *value)
{
    struct cache *s = arg;
    check(*(char *)value == 'a' || *(char *)value == 'b');
    s->alive--;
}

static void cache_begin(void *state)
{
    struct cache *s = state;
    hem_cache_options opts = {.value_bytes = 1,
                              .max_items = 1,
                              .expire = 3 * MS,
                              .drop = drop_letter,
                              .arg = s};
    check_int(hem_cache_create(&s->cache, load_letter, &opts), 0);
}

static int ask_for(struct cache *s, const char *key)
{
    char value = '?';
    int rc = hem_cache_get(s->cache, key, &value);
    check_int(value, rc == 0 ? *key : '?');
    s->answers += rc == 0;
    return rc;
}

static int ask_ab(void *arg)
{
    HEM_TRY(ask_for(arg, "a"));
    HEM_TRY(hem_sleep(MS));
    return ask_for(arg, "b");
}

static int ask_ba(void *arg)
{
    HEM_TRY(hem_sleep(MS));
    HEM_TRY(ask_for(arg, "b"));
    return ask_for(arg, "a");
}

static int ask_all(struct cache *s)
{
    HEM_SCOPE(children);
    for (int i = 0; i < 2; i++) {
        HEM_TRY(hem_scope_spawn(&children, NULL, ask_ab, s));
        HEM_TRY(hem_scope_spawn(&children, NULL, ask_ba, s));
    }
    HEM_TRY(hem_sleep(4 * MS));
    (void)hem_cache_invalidate(s->cache, "b");
    return hem_scope_close(&children, 0);
}

static int cache_body(void *arg)
{
    struct cache *s = arg;
    int rc = ask_all(s);
    int closed = hem_cache_close(s->cache, true);
    return closed < 0 ? closed : rc;
}

static void cache_end(void *state, const struct disturbance *d)
{
    struct cache *s = state;
    if (!d->requests) {
        check_int(d->rc, 0);
        check_int(s->answers, 8);
    }
    check_int(hem_cache_info(s->cache).loading, 0);
    hem_cache_destroy(s->cache);
    check_int(s->alive, 0);
}

/* A timer of each kind, stopped after some ticks. */

struct timers {
    hem_timer timers[4];
    int running;
};

static int tick(void *arg)
{
    struct timers *s = arg;
    s->running++;
    int rc = hem_sleep(3 * MS);
    s->running--;
    return rc;
}

static void timers_begin(void *state)
{
    struct timers *s = state;
    check_int(s->running, 0);
}

static int timers_body(void *arg)
{
    static const hem_timer_options opts[] = {
        {.policy = HEM_TIMER_ACCUMULATE},
        {.policy = HEM_TIMER_CANCEL},
        {.policy = HEM_TIMER_SKIP},
        {.fixed_delay = true},
    };
    struct timers *s = arg;
    for (int i = 0; i < 4; i++)
        check_int(hem_timer_start(&s->timers[i], 2 * MS, tick, s, &opts[i]), 0);
    int rc = hem_sleep(7 * MS);
    for (int i = 0; i < 4; i++) {
        int stopped = hem_timer_stop(&s->timers[i]);
        rc = stopped < 0 ? stopped : rc;
    }
    check_int(s->running, 0);
    return rc;
}

static void timers_end(void *state, const struct disturbance *d)
{
    struct timers *s = state;
    check_int(s->running, 0);
    for (int i = 0; i < 4; i++)
        check(hem_timer_task(&s->timers[i]) == NULL);
    if (!d->requests)
        check_int(d->rc, 0);
}

/* Six items, two at a time, not too fast. */

struct map {
    int items[6];
    int ret[6];
    int running, done;
};

static int call(void *arg)
{
    int *item = arg;
    struct map *s = (struct map *)(void *)(item - *item);
    check(++s->running <= 2);
    int rc = hem_sleep(3 * MS);
    s->running--;
    s->done += rc == 0;
    return rc;
}

static void map_begin(void *state)
{
    struct map *s = state;
    for (int i = 0; i < 6; i++) {
        s->items[i] = i; /* its place */
        s->ret[i] = HEM_ECANCELED;
    }
}

static int map_body(void *arg)
{
    struct map *s = arg;
    hem_map_options opts = {
        .max_at_once = 2, .max_per_second = 500, .ret = s->ret};
    int rc = hem_map(call, HEM_ITEMS(s->items, 6), &opts);
    check_int(s->running, 0);
    return rc;
}

static void map_end(void *state, const struct disturbance *d)
{
    struct map *s = state;
    int right = 0;
    for (int i = 0; i < 6; i++)
        right += s->ret[i] == 0;
    check_int(right, s->done);
    check_int(d->rc, d->requests ? HEM_ECANCELED : 0);
    check(s->done == 6 || d->requests);
}

static const struct flow flows[] = {
    FLOW(cache),
    FLOW(timers),
    FLOW(map),
};

int main(void)
{
    return cancel_everywhere(flows, COUNT_OF(flows));
}
