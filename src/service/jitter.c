/* SPDX-License-Identifier: MIT */
#include "service/jitter.h"

#include <time.h>
#include <unistd.h>

/* splitmix64's. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

uint64_t hem__jitter(uint64_t max, uint64_t salt)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t x = mix((uint64_t)now.tv_nsec ^ mix((uint64_t)getpid()));
    x = mix(x ^ mix(salt));
    return max == UINT64_MAX ? x : x % (max + 1);
}
