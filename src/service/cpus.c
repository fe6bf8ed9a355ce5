/* SPDX-License-Identifier: MIT */
/* How many CPUs there are for this process, and staying on one. */
#include "service/cpus.h"

#include <string.h>

#include "base/sys.h"
#include "hem/daemon.h"

#define BITS  (8 * sizeof(unsigned long))
#define WORDS (16384 / BITS) /* the kernel knows 8192 CPUs at most */

struct cpus {
    unsigned long words[WORDS];
};

static bool has(const struct cpus *c, size_t i)
{
    return c->words[i / BITS] >> i % BITS & 1;
}

static uint32_t count(const struct cpus *c)
{
    uint32_t n = 0;
    for (size_t i = 0; i < WORDS; i++)
        n += (uint32_t)__builtin_popcountl(c->words[i]);
    return n;
}

static int get(struct cpus *ret)
{
    memset(ret, 0, sizeof(*ret));
    int rc = hem__sys_get_affinity(ret->words, sizeof(ret->words));
    if (rc < 0)
        return rc;
    return count(ret) > 0 ? 0 : HEM_EINVAL;
}

uint32_t hem_cpu_count(void)
{
    struct cpus mine;
    uint32_t quota = hem__cpu_quota("");
    long n =
        get(&mine) == 0 ? (long)count(&mine) : sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1)
        n = 1;
    return quota < n ? quota : (uint32_t)n;
}

int hem_cpu_pin(uint32_t i)
{
    struct cpus mine, one = {{0}};
    HEM_TRY(get(&mine));
    uint32_t left = i % count(&mine);
    size_t at = 0;
    for (; !has(&mine, at) || left > 0; at++)
        left -= has(&mine, at);
    one.words[at / BITS] = 1UL << at % BITS;
    return hem__sys_set_affinity(one.words, sizeof(one.words));
}
