/* SPDX-License-Identifier: MIT */
/*
 * What a cache keeps: found by key, evicted by use, gone by time. All entries
 * live for the same time from the end of their loads, and so are expiring in
 * the order in which they ended: one timer is enough.
 */
#include <string.h>

#include "flow/cache.h"

static size_t key_bytes(const hem_cache *c, const void *key)
{
    return c->options.key_bytes ? c->options.key_bytes : strlen(key) + 1;
}

static bool same_key(const hem_cache *c, const void *a, const void *b)
{
    return c->options.key_bytes ? memcmp(a, b, c->options.key_bytes) == 0
                                : strcmp(a, b) == 0;
}

static hem__cache_entry *entry_of(hem__hash_node *n)
{
    return HEM__CONTAINER(n, hem__cache_entry, node);
}

hem__cache_entry *hem__cache_find(const hem_cache *c, const void *key)
{
    uint64_t hash = hem__hash(key, key_bytes(c, key));
    hem__hash_node *n = hem__hash_map_find(&c->map, hash);
    while (n && !same_key(c, hem__cache_key(c, entry_of(n)), key))
        n = hem__hash_map_next(n);
    return n ? entry_of(n) : NULL;
}

void hem__cache_touch(hem_cache *c, hem__cache_entry *e)
{
    hem__list_unlink(&e->used);
    hem__list_insert(&c->used, &e->used);
}

hem__cache_entry *hem__cache_entry_create(const hem_cache *c, const void *key)
{
    size_t n = key_bytes(c, key);
    size_t fixed = sizeof(hem__cache_entry) + c->key_offset;
    if (n > SIZE_MAX - fixed)
        return NULL;
    hem__cache_entry *e = hem__alloc(fixed + n);
    if (!e)
        return NULL;
    *e = (hem__cache_entry){.refs = 1};
    hem__list_init(&e->expiring);
    memset(e->value, 0, c->key_offset);
    memcpy(e->value + c->key_offset, key, n);
    return e;
}

void hem__cache_entry_release(hem_cache *c, hem__cache_entry *e)
{
    if (--e->refs > 0)
        return;
    if (e->filled && c->options.drop)
        c->options.drop(c->options.arg, e->value);
    hem__free(e);
}

static hem__cache_entry *first_used(const hem_cache *c)
{
    return HEM__CONTAINER(c->used.next, hem__cache_entry, used);
}

void hem__cache_keep(hem_cache *c, hem__cache_entry *e)
{
    const void *key = hem__cache_key(c, e);
    e->kept = true;
    e->refs++;
    hem__hash_map_add(&c->map, &e->node, hem__hash(key, key_bytes(c, key)));
    hem__list_insert(&c->used, &e->used);
    while (c->map.count > c->options.max_items)
        hem__cache_drop(c, first_used(c));
}

void hem__cache_drop(hem_cache *c, hem__cache_entry *e)
{
    if (!e->kept)
        return;
    e->kept = false;
    hem__hash_map_remove(&c->map, &e->node);
    hem__list_unlink(&e->used);
    hem__list_remove(&e->expiring);
    hem__cache_entry_release(c, e);
}

/* Have the timer fire when the first entry expires, if one does. */
static void arm(hem_cache *c)
{
    if (hem__timer_armed(&c->timer) || hem__list_empty(&c->expiring))
        return;
    const hem__cache_entry *e =
        HEM__CONTAINER(c->expiring.next, hem__cache_entry, expiring);
    hem__loop_arm(c->loop, &c->timer, e->expires);
}

void hem__cache_expire(hem_cache *c, hem__cache_entry *e)
{
    hem_ns after = c->options.expire;
    if (!e->kept || !after || after == HEM_NEVER)
        return;
    if (after < 0) {
        hem__cache_drop(c, e);
        return;
    }
    e->expires = hem__deadline(hem__loop_now(c->loop), after);
    hem__list_insert(&c->expiring, &e->expiring);
    arm(c);
}

void hem__cache_fire(hem__timer *timer)
{
    hem_cache *c = HEM__CONTAINER(timer, hem_cache, timer);
    hem_ns now = hem__loop_now(c->loop);
    while (!hem__list_empty(&c->expiring)) {
        hem__cache_entry *e =
            HEM__CONTAINER(c->expiring.next, hem__cache_entry, expiring);
        if (e->expires > now)
            break;
        hem__cache_drop(c, e);
    }
    arm(c);
}
