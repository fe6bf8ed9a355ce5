/* SPDX-License-Identifier: MIT */
/* Caches whose loads the tests steer, and tasks that ask them. */
#ifndef SUPPORT_LOADS_H
#define SUPPORT_LOADS_H

#include "hem.h"

/* The loads of all tests: each takes `takes` and, where it is cancelled,
 * `cleanup`; its value is its number, from 1. */
extern struct loads {
    hem_ns takes;
    hem_ns cleanup;
    bool stubborn; /* a cancelled load goes on and gives its value */
    int result;    /* negative: it fails so, as "load N" */
    int begun;
    int running;
    int alive;      /* values that were not dropped */
    hem_task *task; /* of the latest */
} loads;

/* The function, and .drop. */
int loads_load(void *arg, const void *key, void *ret);
void loads_drop(void *arg, void *value);

/* Begin anew, with a cache whose loads take 20 ms. The options may limit it. */
hem_cache *loads_cache(hem_cache_options opts);

/* Destroy it; no value is left. */
void loads_destroy(hem_cache *c);

/* Which load the value of `key` came from, or the error. */
int loads_get(hem_cache *c, const char *key);

struct asker {
    hem_cache *cache;
    const char *key;
    hem_task *task;
    int at;               /* ms: when it had its answer */
    const hem_error *why; /* record that came with an error */
    char message[40];     /* of it */
};

/* As a task: loads_get(), and note when and why; an hem_fn. */
int asker_ask(void *arg);

void asker_spawn(struct asker *a, hem_cache *c, const char *key);

/* A cache with two loads, from 0 to 20 ms; it is 5 ms. */
hem_cache *askers_busy(struct asker a[2]);

/* 0, or the error of both. */
int askers_await(struct asker a[2]);

#endif
