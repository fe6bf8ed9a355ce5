/* SPDX-License-Identifier: MIT */
/* Evil I/O: how often, and what next. */
#include "base/evil.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/evil_dice.h"

#define EINTR_MAX   3 /* in a row */
#define DEFAULT     20
#define PERCENT_MAX 90

static uint64_t seed;
static unsigned percent; /* 0: good */
static atomic_uint_fast64_t drawn, done;
static _Thread_local int interruptions; /* in a row */

/* splitmix64 of how many were drawn */
static uint64_t draw(void)
{
    uint64_t n = atomic_fetch_add(&drawn, 1);
    uint64_t x = seed * UINT64_C(0x2545f4914f6cdd1d) +
                 (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t hem__evil_below(uint64_t n)
{
    return draw() % n;
}

bool hem__evil_is_on(void)
{
    return percent > 0;
}

bool hem__evil_now(void)
{
    if (!percent || hem__evil_below(100) >= percent)
        return false;
    atomic_fetch_add(&done, 1);
    return true;
}

void hem__evil_set(uint64_t new_seed, unsigned new_percent)
{
    seed = new_seed;
    percent = new_percent > PERCENT_MAX ? PERCENT_MAX : new_percent;
    interruptions = 0;
    hem__evil_forget_events();
    atomic_store(&drawn, 0);
    atomic_store(&done, 0);
}

uint64_t hem__evil_count(void)
{
    return atomic_load(&done);
}

bool hem__evil_interrupts(void)
{
    if (interruptions >= EINTR_MAX || hem__evil_below(3) != 0) {
        interruptions = 0;
        return false;
    }
    interruptions++;
    return true;
}

__attribute__((constructor)) static void set_by_environment(void)
{
    const char *text = getenv("HEM_EVIL");
    unsigned long long n = 0;
    double probability = DEFAULT / 100.0;
    if (!text)
        return;
    if (sscanf(text, "%llu:%lf", &n, &probability) < 1 || probability < 0 ||
        probability > 1)
        fprintf(stderr, "hem: HEM_EVIL=%s is not SEED[:PROBABILITY]\n", text);
    else
        hem__evil_set(n, (unsigned)(probability * 100));
}
