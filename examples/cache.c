/* SPDX-License-Identifier: MIT */
/*
 * A cache: one load for all who ask at the same time; later ones get what is
 * kept, until it expires.
 */
#include <hem.h>
#include <stdio.h>

static int load_weather(void *arg, const void *key, void *ret_value)
{
    (void)arg, (void)key;
    HEM_TRY(hem_sleep(HEM_SEC)); /* a slow service */
    *(int *)ret_value = 21;
    return 0;
}

static int visitor(void *cache)
{
    int degrees;
    HEM_TRY(hem_cache_get(cache, "Kyiv", &degrees));
    return printf("%.0f s: %d degrees\n", (double)hem_now() / 1e9, degrees);
}

static int visits(hem_cache *cache)
{
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, visitor, cache));
    HEM_TRY(visitor(cache)); /* one load for both */
    HEM_TRY(visitor(cache)); /* kept */
    HEM_TRY(hem_sleep(60 * HEM_SEC));
    return hem_scope_close(&s, visitor(cache)); /* expired, loaded again */
}

static int main_task(void *arg)
{
    (void)arg;
    hem_cache *cache;
    hem_cache_options o = {.value_bytes = sizeof(int), .expire = 60 * HEM_SEC};
    HEM_TRY(hem_cache_create(&cache, load_weather, &o));
    int rc = visits(cache);
    printf("%d misses\n", (int)hem_cache_info(cache).misses);
    int closed = hem_cache_close(cache, false);
    hem_cache_destroy(cache);
    return rc < 0 ? rc : closed;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     1 s: 21 degrees
 *     1 s: 21 degrees
 *     1 s: 21 degrees
 *     62 s: 21 degrees
 *     2 misses
 */
