/* SPDX-License-Identifier: MIT */
/*
 * Caches: what a function returned for a key, kept for the next who asks;
 * aiotools' lru_cache, which is async-lru.
 *
 *     static int load_page(void *arg, const void *key, void *ret_value)
 *     {
 *         return fetch(arg, key, ret_value);      // may suspend
 *     }
 *
 *     hem_cache *pages;
 *     HEM_TRY(hem_cache_create(&pages, load_page,
 *                              &(hem_cache_options){
 *                                  .value_bytes = sizeof(struct page),
 *                                  .expire = 60 * HEM_SEC}));
 *     struct page page;
 *     HEM_TRY(hem_cache_get(pages, "/index", &page));
 *     ...
 *     int rc = hem_cache_close(pages, false);
 *     hem_cache_destroy(pages);
 *
 * One load for all who ask. Where a key is not known its load begins, in a
 * task of its own, and all who ask for that key before it has ended wait for
 * this one load. Cancelling one who waits, or all of them, leaves the load
 * alone: it goes on, and its value is kept. The load belongs to the loop's own
 * scope and gets a copy of the variables (var.h) of the task that asked first.
 *
 * A load that fails, or is cancelled, is not kept: all who wait get its error
 * and its record (failure.h), and the next who asks starts another. The
 * failure of a load that nobody waits for any more is reported as one that
 * nobody asked for (run.h).
 *
 * What is kept: at most .max_items entries, of which that goes first that was
 * not asked for the longest; each until .expire after its load has ended. An
 * entry counts from the moment that its load begins. One that goes while it is
 * loaded is still given to those who wait, and to nobody else.
 *
 * Values are copied out: byte by byte, or by the hook .copy, which may take a
 * reference instead. Keys are copied in: strings, or .key_bytes bytes, which
 * are compared as bytes, so that padding between members must be zeroed. (The
 * original's option `typed` has no meaning for bytes; partial application,
 * aiotools' apartial, is .arg.)
 *
 * Life: create -> get, ... -> close, which ends the loads -> destroy. A cache
 * belongs to the loop in which it was created, and to its thread; to use it in
 * another loop is a mistake that ends the process. A forked child may destroy
 * what it inherited.
 */
#ifndef HEM_CACHE_H
#define HEM_CACHE_H

#include "base.h"
#include "task.h"

HEM_BEGIN_DECLS

typedef struct hem_cache hem_cache;

/*
 * Provide the value of `key`: write it to `ret_value`, which is .value_bytes
 * of zeros, and return 0 or more, which hem_cache_get() returns as well; or
 * return an error, with nothing in `ret_value` that would have to be dropped.
 * Both pointers are valid during the call.
 */
typedef int hem_cache_load_fn(void *arg, const void *key, void *ret_value);

/* For hem_cache_options.max_items. */
#define HEM_CACHE_NO_LIMIT SIZE_MAX

typedef struct hem_cache_options {
    size_t key_bytes;   /* 0: keys are strings that end with a NUL */
    size_t value_bytes; /* 0: what the load returns is all there is */
    size_t max_items;   /* 0: 128; HEM_CACHE_NO_LIMIT */
    hem_ns expire;      /* 0: never; negative: once those have it who wait */
    /* Write a copy of `value` to `ret` and return 0, or an error, which
     * hem_cache_get() then returns. Must not suspend. NULL: memcpy. */
    int (*copy)(void *arg, void *ret, const void *value);
    /* Free what `value` holds: nobody will be given it any more. Must not
     * suspend; often called with no task current. NULL: nothing to do. */
    void (*drop)(void *arg, void *value);
    void *arg;          /* for the function and both hooks */
    const char *name;   /* of the loads' tasks; NULL: the function's */
    size_t stack_bytes; /* of the loads; 0: the loop's default */
} hem_cache_options;

/*
 * Make an empty cache of what `load` returns. `opts` may be NULL and is
 * borrowed until the return. The caller owns the cache. HEM_ENOMEM. A macro.
 * [loop thread]
 */
#define hem_cache_create(ret, load, ...)                                       \
    hem_cache_create_at((ret), (load), HEM__SITE(#load), __VA_ARGS__)

HEM_API HEM_CHECK int hem_cache_create_at(hem_cache **ret,
                                          hem_cache_load_fn *load,
                                          const hem_site *site,
                                          const hem_cache_options *opts);

/*
 * Get the value of `key`: copy it to `ret`, which may be NULL, and return what
 * its load has returned; at once if that has ended, else when it ends. It is
 * begun where there is none. A load that asks for what it loads itself, or in a
 * ring, waits until it is cancelled, as in the original. `key` is borrowed until the call returns. `ret` is
 * untouched on failure, but by .copy. Errors: that of the load; HEM_ECANCELED:
 * the load was cancelled, or the caller; HEM_EREFUSED: the cache is closed, or
 * the loop is ending; what hem_spawn() returns, HEM_ENOMEM among it: no load
 * began, nothing has changed; that of .copy. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_cache_get(hem_cache *c, const void *key, void *ret);

/* Forget a key, and return whether it was known. Its load, if it is under way,
 * goes on for those who wait. async-lru's cache_invalidate(). [loop thread] */
HEM_API bool hem_cache_invalidate(hem_cache *c, const void *key);

/*
 * Forget all keys, and count from 0 again. Loads that are under way go on for
 * those who wait; as in the original they are forgotten by hem_cache_close()
 * as well, which neither cancels them nor waits for them. cache_clear().
 * [loop thread]
 */
HEM_API void hem_cache_clear(hem_cache *c);

typedef struct hem_cache_stats {
    uint64_t hits;    /* keys that were known, their loads ended or not */
    uint64_t misses;  /* loads begun */
    size_t items;     /* entries that are kept, or loaded to be */
    size_t max_items; /* as in the options, or 128 */
    size_t loading;   /* loads under way, of keys forgotten as well */
} hem_cache_stats;

/* Return how the cache is doing; cache_info(). [loop thread] */
HEM_API hem_cache_stats hem_cache_info(const hem_cache *c);

/*
 * Refuse to be asked from now on, cancel the loads that are under way, or, if
 * `finish`, let them end by themselves, and wait until they have ended; returns
 * at once if there are none. Values stay until hem_cache_destroy(). May be
 * called again. If the caller is cancelled meanwhile, the loads are, and it
 * waits on. NULL does nothing. async-lru's cache_close().
 * HEM_ECANCELED: that happened, and all loads have ended (but for one that
 * itself waits for the caller); HEM_EDEADLK: the caller is a load of this
 * cache, nothing has changed.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_cache_close(hem_cache *c, bool finish);

/*
 * Free the cache and drop its values. It may also be called when the loop is
 * no more. Loads that are under way, for it was not closed, are cancelled but
 * not waited for: until they have ended, .arg and all that they use must stay;
 * those who wait for them get HEM_ECANCELED. NULL does nothing. Not from
 * .copy or .drop. [loop thread]
 */
HEM_API void hem_cache_destroy(hem_cache *c);

HEM_END_DECLS

#endif
