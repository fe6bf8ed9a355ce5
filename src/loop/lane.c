/* SPDX-License-Identifier: MIT */
#include "loop/lane.h"

#include "base/alloc.h"

#define LIMIT_DEFAULT 8

static void lane_init(hem__lane *lane, const hem_thread_lane *key)
{
    lane->key = key;
    lane->limit = key && key->limit ? key->limit : LIMIT_DEFAULT;
    lane->running = 0;
    lane->waiting = 0;
    hem__list_init(&lane->held);
}

void hem__lanes_init(hem__lanes *a)
{
    lane_init(&a->common, NULL);
    for (size_t i = 0; i < HEM__LANE_CHAINS; i++)
        a->chains[i] = NULL;
}

void hem__lanes_deinit(hem__lanes *a)
{
    for (size_t i = 0; i < HEM__LANE_CHAINS; i++) {
        while (a->chains[i]) {
            hem__lane *lane = a->chains[i];
            a->chains[i] = lane->next;
            hem__free(lane);
        }
    }
}

static hem__lane **chain_of(hem__lanes *a, const hem_thread_lane *key)
{
    uint64_t hash = (uintptr_t)key * UINT64_C(0x9e3779b97f4a7c15);
    return &a->chains[(hash >> 32) % HEM__LANE_CHAINS];
}

hem__lane *hem__lanes_find(hem__lanes *a, const hem_thread_lane *key)
{
    if (!key)
        return &a->common;
    hem__lane *lane = *chain_of(a, key);
    while (lane && lane->key != key)
        lane = lane->next;
    return lane;
}

hem__lane *hem__lanes_get(hem__lanes *a, const hem_thread_lane *key)
{
    hem__lane *lane = hem__lanes_find(a, key);
    if (lane && lane->running == 0 && key)
        lane_init(lane, key); /* another one, perhaps, at the same address */
    if (lane)
        return lane;
    hem__lane **chain = chain_of(a, key);
    for (lane = *chain; lane && lane->running > 0; lane = lane->next)
        continue;
    if (!lane) {
        lane = hem__alloc(sizeof(*lane));
        if (!lane)
            return NULL;
        lane->next = *chain;
        *chain = lane;
    }
    lane_init(lane, key);
    return lane;
}
