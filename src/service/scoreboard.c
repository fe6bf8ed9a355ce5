/* SPDX-License-Identifier: MIT */
#include "service/scoreboard.h"

#include <sys/mman.h>

#include "base/log.h"
#include "base/sys.h"
#include "hem/error.h"

static size_t bytes_of(const hem__scoreboard *b)
{
    return b->count * sizeof(*b->slots);
}

int hem__scoreboard_init(hem__scoreboard *b, size_t count)
{
    HEM__ASSERT(count > 0);
    *b = (hem__scoreboard){.count = count};
    void *memory;
    size_t bytes;
    if (__builtin_mul_overflow(count, sizeof(*b->slots), &bytes) ||
        hem__sys_map_shared(&memory, bytes) < 0)
        return HEM_ENOMEM;
    b->slots = memory;
    return 0;
}

void hem__scoreboard_deinit(hem__scoreboard *b)
{
    if (b->slots)
        munmap(b->slots, bytes_of(b));
    b->slots = NULL;
    b->count = 0;
}

static void clear(hem__slot *s)
{
    atomic_store(&s->phase, HEM_WORKER_STARTING);
    atomic_store(&s->error, 0);
    atomic_store(&s->beats, 0);
    atomic_store(&s->requests, 0);
    for (size_t i = 0; i < HEM_METRICS_MAX; i++)
        atomic_store(&s->metrics[i], 0);
}

hem__slot *hem__scoreboard_take(hem__scoreboard *b)
{
    for (size_t i = 0; i < b->count; i++) {
        hem__slot *s = &b->slots[i];
        if (s->taken)
            continue;
        clear(s);
        s->taken = true;
        return s;
    }
    return NULL;
}

/* Sums wrap round, as Prometheus' counters may. */
static int64_t add(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

void hem__scoreboard_give_back(hem__scoreboard *b, hem__slot *s,
                               const hem_metric *metrics, size_t count)
{
    HEM__ASSERT(s->taken && count <= HEM_METRICS_MAX);
    b->requests += atomic_load(&s->requests);
    for (size_t i = 0; i < count; i++) {
        if (!metrics[i].gauge)
            b->metrics[i] = add(b->metrics[i], atomic_load(&s->metrics[i]));
    }
    s->taken = false;
}

uint64_t hem__scoreboard_requests(const hem__scoreboard *b)
{
    uint64_t sum = b->requests;
    for (size_t i = 0; i < b->count; i++) {
        if (b->slots[i].taken)
            sum += atomic_load(&b->slots[i].requests);
    }
    return sum;
}

int64_t hem__scoreboard_metric(const hem__scoreboard *b, size_t i)
{
    HEM__ASSERT(i < HEM_METRICS_MAX);
    int64_t sum = b->metrics[i];
    for (size_t j = 0; j < b->count; j++) {
        if (b->slots[j].taken)
            sum = add(sum, atomic_load(&b->slots[j].metrics[i]));
    }
    return sum;
}
