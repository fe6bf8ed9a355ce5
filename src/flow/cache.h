/* SPDX-License-Identifier: MIT */
/*
 * Caches, inside.
 *
 * An entry is a key and its value. It is held by the cache while it is `kept`,
 * by its load, and by who copies the value; whoever gives it up last drops the
 * value. A load is what happens between the first who asks and the end of its
 * task; it is held by the task, and by each who waits.
 *
 *     asked first --> kept, loading --load ends--> kept, with a value
 *                          |                            |
 *                     evicted, forgotten,           evicted, forgotten,
 *                     load failed                   expired
 *                          v                            v
 *                     not kept: no more hits; goes with its last holder
 */
#ifndef HEM__FLOW_CACHE_H
#define HEM__FLOW_CACHE_H

#include <stdalign.h>

#include "base/hash_map.h"
#include "base/list.h"
#include "hem/cache.h"
#include "task/outcome.h"
#include "task/task.h"

typedef struct hem__cache_entry {
    hem__hash_node node;          /* in cache.map, while `kept` */
    hem__list used;               /* in cache.used, while `kept` */
    hem__list expiring;           /* in cache.expiring, or in no list */
    hem_ns expires;               /* while in cache.expiring */
    struct hem__cache_load *load; /* NULL: it has ended */
    size_t refs;                  /* holders */
    int status;                   /* result of the load, once it has ended */
    bool kept;
    bool filled;                       /* there is a value, to be dropped */
    alignas(max_align_t) char value[]; /* and, behind it, the key */
} hem__cache_entry;

typedef struct hem__cache_load {
    hem__list link; /* in cache.loads, until its task has ended */
    hem_cache *cache;
    hem__cache_entry *entry;
    hem_task *task;       /* held; NULL once it has ended */
    hem_done done;        /* of the task */
    hem__outcome outcome; /* of the task, for those who wait */
    hem_error *error;     /* record of its failure, held, or NULL */
    size_t refs;          /* holders */
    uint64_t seq;         /* its number among the loads of the cache */
} hem__cache_load;

struct hem_cache {
    hem_loop *loop;
    uint64_t loop_serial; /* tells it from others in the same place */
    hem_cache_load_fn *load;
    const hem_site *site; /* where it was created */
    hem_cache_options options;
    size_t key_offset;  /* in hem__cache_entry.value */
    hem__hash_map map;  /* entries by key */
    hem__list used;     /* entries, that asked for last at the end */
    hem__list expiring; /* entries that will, the first to do so first */
    hem__timer timer;   /* armed for the first; its place is reserved */
    hem__list loads;    /* whose tasks have not ended, oldest first */
    size_t loading;     /* number of them */
    uint64_t next_seq;  /* of loads */
    uint64_t forgotten; /* loads before that are not waited for */
    hem__list closers;  /* who waits for loads to end */
    uint64_t hits, misses;
    size_t refs; /* the owner, and each load */
    bool closed;
};

/* cache_entry.c */

/* The entry of `key`; NULL: none. */
hem__cache_entry *hem__cache_find(const hem_cache *c, const void *key);

/* It was asked for. */
void hem__cache_touch(hem_cache *c, hem__cache_entry *e);

/* Make an entry for `key`, held by the caller, not kept. NULL: no memory. */
hem__cache_entry *hem__cache_entry_create(const hem_cache *c, const void *key);

void hem__cache_entry_release(hem_cache *c, hem__cache_entry *e);

/* Keep an entry, as the one used last, and evict what is too many. */
void hem__cache_keep(hem_cache *c, hem__cache_entry *e);

/* Keep it no more, if it is kept. */
void hem__cache_drop(hem_cache *c, hem__cache_entry *e);

/* The value of `e` is there: it expires, if values do. */
void hem__cache_expire(hem_cache *c, hem__cache_entry *e);

static inline const void *hem__cache_key(const hem_cache *c,
                                         const hem__cache_entry *e)
{
    return e->value + c->key_offset;
}

/* The `fire` of cache.timer. */
void hem__cache_fire(hem__timer *timer);

/* cache_load.c */

/* Begin to load `key`, and keep its entry. */
int hem__cache_load_start(hem_cache *c, const void *key, hem__cache_load **ret);

/* Wait, in task `self`, for the value, and copy it to `ret`. */
int hem__cache_load_wait(hem_loop *l, hem_task *self, hem__cache_load *load,
                         void *ret);

/* Copy a value that is there. */
int hem__cache_give(hem_cache *c, hem__cache_entry *e, void *ret);

/* Give up a hold of the cache. */
void hem__cache_release(hem_cache *c);

/* A load has ended: wake those who wait for all. */
void hem__cache_tell_closers(hem_loop *l, hem_cache *c, const hem_task *last);

#endif
