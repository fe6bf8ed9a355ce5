/* SPDX-License-Identifier: MIT */
#include "flow/cache.h"

#include <string.h>

#include "base/log.h"

#define DEFAULT_MAX_ITEMS 128

/* Rounded up to the alignment of keys. */
static bool round_up(size_t bytes, size_t *ret)
{
    const size_t unit = alignof(max_align_t);
    *ret = (bytes + unit - 1) / unit * unit;
    return bytes <= SIZE_MAX / 2;
}

static void init(hem_cache *c, hem_cache_load_fn *load, const hem_site *site)
{
    hem_loop *l = hem__loop;
    c->loop = l;
    c->loop_serial = l->serial;
    c->load = load;
    c->site = site;
    c->timer.fire = hem__cache_fire;
    c->refs = 1;
    hem__list_init(&c->used);
    hem__list_init(&c->expiring);
    hem__list_init(&c->loads);
    hem__list_init(&c->closers);
    if (!c->options.max_items)
        c->options.max_items = DEFAULT_MAX_ITEMS;
}

int hem_cache_create_at(hem_cache **ret, hem_cache_load_fn *load,
                        const hem_site *site, const hem_cache_options *opts)
{
    hem_loop *l = hem__loop_need("hem_cache_create");
    hem_cache *c = hem__calloc(sizeof(*c));
    int rc = HEM_ENOMEM;
    if (!c)
        return rc;
    if (opts)
        c->options = *opts;
    if (!round_up(c->options.value_bytes, &c->key_offset))
        goto fail_free;
    rc = hem__hash_map_init(&c->map);
    if (rc < 0)
        goto fail_free;
    rc = hem__timers_reserve(&l->timers);
    if (rc < 0)
        goto fail_map;
    init(c, load, site);
    *ret = c;
    return 0;

fail_map:
    hem__hash_map_deinit(&c->map);
fail_free:
    hem__free(c);
    return rc;
}

/* The loop of the cache; a mistake in the caller's text if that is not the one
 * of this thread. */
static hem_loop *need(const hem_cache *c, const char *function)
{
    hem_loop *l = hem__loop_need(function);
    if (l != c->loop || l->serial != c->loop_serial)
        hem__abort("%s: the cache created at %s:%d belongs to another loop",
                   function, c->site->file, c->site->line);
    return l;
}

int hem_cache_get(hem_cache *c, const void *key, void *ret)
{
    hem_loop *l = need(c, "hem_cache_get");
    hem_task *self = hem__task_need(l, "hem_cache_get");
    if (c->closed)
        return HEM_EREFUSED;
    hem__cache_entry *e = hem__cache_find(c, key);
    hem__cache_load *load = e ? e->load : NULL;
    if (e) {
        hem__cache_touch(c, e);
        c->hits++;
    } else {
        HEM_TRY(hem__cache_load_start(c, key, &load));
        c->misses++;
    }
    return load ? hem__cache_load_wait(l, self, load, ret)
                : hem__cache_give(c, e, ret);
}

bool hem_cache_invalidate(hem_cache *c, const void *key)
{
    (void)need(c, "hem_cache_invalidate");
    hem__cache_entry *e = hem__cache_find(c, key);
    if (e)
        hem__cache_drop(c, e);
    return e != NULL;
}

static void drop_all(hem_cache *c)
{
    while (!hem__list_empty(&c->used))
        hem__cache_drop(c,
                        HEM__CONTAINER(c->used.next, hem__cache_entry, used));
}

void hem_cache_clear(hem_cache *c)
{
    (void)need(c, "hem_cache_clear");
    c->hits = c->misses = 0;
    c->forgotten = c->next_seq;
    drop_all(c);
}

hem_cache_stats hem_cache_info(const hem_cache *c)
{
    (void)need(c, "hem_cache_info");
    return (hem_cache_stats){.hits = c->hits,
                             .misses = c->misses,
                             .items = c->map.count,
                             .max_items = c->options.max_items,
                             .loading = c->loading};
}

/* Somebody who waits for loads to end. */
struct closer {
    hem__list link; /* among those of the cache */
    hem_cache *cache;
    uint64_t first;       /* loads from that one on, while they last */
    hem__outcome outcome; /* told when they have ended */
    bool busy;            /* passing a cancellation on */
    bool cancelled;       /* one was passed on */
};

static hem__cache_load *load_of(hem__list *e)
{
    return HEM__CONTAINER(e, hem__cache_load, link);
}

/* Whether a load from `first` on is under way. */
static bool loading_from(const hem_cache *c, uint64_t first)
{
    return !hem__list_empty(&c->loads) && load_of(c->loads.prev)->seq >= first;
}

/* Whether one of them was not over. */
static bool cancel_from(hem_cache *c, uint64_t first, const char *why)
{
    bool any = false;
    for (hem__list *e = c->loads.next; e != &c->loads; e = e->next) {
        if (load_of(e)->seq >= first)
            any |= hem_task_cancel(load_of(e)->task, why);
    }
    return any;
}

/* A load may wait for who waits here, so that the request comes back: that ring
 * is broken. */
static bool cancel_closer(hem_loop *l, hem__fiber *f, const char *why)
{
    struct closer *k = HEM__CONTAINER(f->waiter.of, struct closer, outcome);
    if (k->busy) {
        hem__list_unlink(&k->link);
        hem__list_unlink(&f->waiter.link);
        return hem__wake_cancelled(l, f, why);
    }
    k->busy = true;
    bool passed_on = cancel_from(k->cache, k->first, why);
    k->busy = false;
    k->cancelled |= passed_on;
    return passed_on;
}

static const hem__wait wait_close = {"cache", cancel_closer};

void hem__cache_tell_closers(hem_loop *l, hem_cache *c, const hem_task *last)
{
    hem__list *next;
    for (hem__list *e = c->closers.next; e != &c->closers; e = next) {
        next = e->next;
        struct closer *k = HEM__CONTAINER(e, struct closer, link);
        if (loading_from(c, k->first))
            continue;
        hem__list_remove(&k->link);
        if (!k->cancelled) {
            hem__outcome_settle(l, &k->outcome, HEM__DONE, 0);
            continue;
        }
        k->outcome.why =
            hem_task_cancelled(last) ? hem_task_reason(last) : NULL;
        hem__outcome_settle(l, &k->outcome, HEM__DONE, HEM_ECANCELED);
    }
}

/* Whether the task is a load of the cache that has not ended. */
static bool is_load(const hem_cache *c, const hem_task *t)
{
    for (hem__list *e = c->loads.next; e != &c->loads; e = e->next) {
        if (load_of(e)->task == t)
            return true;
    }
    return false;
}

int hem_cache_close(hem_cache *c, bool finish)
{
    if (!c)
        return 0;
    hem_loop *l = need(c, "hem_cache_close");
    hem_task *self = hem__task_need(l, "hem_cache_close");
    if (is_load(c, self))
        return HEM_EDEADLK;
    c->closed = true;
    struct closer k = {.cache = c, .first = c->forgotten};
    if (!loading_from(c, k.first))
        return 0;
    if (!finish)
        (void)cancel_from(c, k.first, NULL);
    hem__outcome_init(&k.outcome);
    hem__list_insert(&c->closers, &k.link);
    return hem__outcome_wait(l, &self->fiber, &k.outcome, &wait_close);
}

void hem__cache_release(hem_cache *c)
{
    if (--c->refs > 0)
        return;
    hem__hash_map_deinit(&c->map);
    hem__free(c);
}

/* The cache may be all that is left of a loop that has ended, and its loads
 * with it. */
static bool loop_is_there(const hem_cache *c)
{
    const hem_loop *l = hem__loop;
    return l && l == c->loop && l->serial == c->loop_serial;
}

void hem_cache_destroy(hem_cache *c)
{
    if (!c)
        return;
    c->closed = true;
    drop_all(c);
    if (loop_is_there(c)) {
        hem__timer_disarm(&c->loop->timers, &c->timer);
        hem__timers_release(&c->loop->timers);
        (void)cancel_from(c, 0, NULL);
    }
    hem__cache_release(c);
}
