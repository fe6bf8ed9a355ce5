/* SPDX-License-Identifier: MIT */
/*
 * Maps: a function called for each item of an array, so many calls at a time
 * and so many a second; aiometer's run_all() and run_on_each().
 *
 *     static int fetch(void *arg) { struct page *p = arg; ... }
 *
 *     struct page pages[1000];
 *     HEM_TRY(hem_map(fetch, HEM_ITEMS(pages, 1000),
 *                     &(hem_map_options){.max_at_once = 10,
 *                                        .max_per_second = 50}));
 *
 * Each call is a task of its own, a child of a scope within the call of
 * hem_map(), and gets a pointer to its item: results go into the items. Items
 * are begun in their order, each when it may be: so there are never more tasks
 * than .max_at_once, however many items there are.
 *
 * The first call that fails, or is cancelled, ends the map: the others are
 * cancelled, no more are begun, and hem_map() returns its error when all have
 * ended. With .return_errors all items have their turn. When the caller is
 * cancelled, all calls are. All of it happens in the loop, on the thread, of
 * the caller.
 */
#ifndef HEM_MAP_H
#define HEM_MAP_H

#include "base.h"
#include "task.h"

HEM_BEGIN_DECLS

/* An array: borrowed until the call returns to which it is given. */
typedef struct hem_items {
    void *base;
    size_t count;
    size_t item_bytes; /* of one */
} hem_items;

/* `count` items of `array`. */
#define HEM_ITEMS(array, count)                                                \
    ((hem_items){(array), (count), sizeof((array)[0])})

typedef struct hem_map_options {
    size_t max_at_once;    /* 0: 64; SIZE_MAX: no limit */
    double max_per_second; /* begun, evenly spaced; 0: no limit */
    bool return_errors;    /* a failure ends nothing */
    int *ret;              /* for the result or error of each item, or NULL;
                              HEM_ECANCELED: it was cancelled, or not begun */
    const char *name;      /* of the tasks; NULL: the function's */
    size_t stack_bytes;    /* of the tasks; 0: the loop's default */
} hem_map_options;

/*
 * Call fn(item) for each of the items and wait until all calls have ended; at
 * once if there are none. `opts` may be NULL. Returns 0, or the error of the call that failed first,
 * with its record (failure.h); with .return_errors 0. HEM_ECANCELED: the caller
 * was cancelled, or a call was; HEM_EINVAL: max_per_second is negative or not a
 * number, stack_bytes above 1 GiB; what hem_spawn() returns: not all calls were
 * begun, and those that were have been cancelled. (Where memory lacks for a
 * task, the map first waits for one of its own to end.) A macro.
 * [suspends] [cancel point]
 */
#define hem_map(fn, items, ...)                                                \
    hem_map_at((fn), (items), HEM__SITE(#fn), __VA_ARGS__)

HEM_API HEM_CHECK int hem_map_at(hem_fn *fn, hem_items items,
                                 const hem_site *site,
                                 const hem_map_options *opts);

HEM_END_DECLS

#endif
