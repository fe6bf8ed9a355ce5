/* SPDX-License-Identifier: MIT */
/* Items for maps, and what is done with them. */
#ifndef SUPPORT_ITEMS_H
#define SUPPORT_ITEMS_H

#include "hem.h"

struct item {
    hem_ns takes;
    hem_ns cleanup; /* after it was cancelled */
    int result;     /* negative: it fails so, as "item" */
    hem_ns begun;   /* -1: never */
    hem_ns ended;
};

/* How many calls run, and have run at once since items_prepare(). */
extern int items_running, items_most;

/* `n` items, each of which takes `takes`. */
void items_prepare(struct item *items, size_t n, hem_ns takes);

/* The call for an item; an hem_fn. */
int item_work(void *arg);

#endif
