/* SPDX-License-Identifier: MIT */
#include "plan.h"

static int by_place(const void *a, const void *b)
{
    const hem__fault_call *x = a;
    const hem__fault_call *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    if (x->site != y->site)
        return (uintptr_t)x->site < (uintptr_t)y->site ? -1 : 1;
    return x->n < y->n ? -1 : x->n > y->n;
}

static bool same_place(const hem__fault_call *a, const hem__fault_call *b)
{
    return a->id == b->id && a->site == b->site;
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static void add(struct plan *p, const struct attempt *a)
{
    if ((p->count & (p->count - 1)) == 0) {
        size_t room = p->count ? p->count * 2 : 1;
        p->attempts = realloc(p->attempts, room * sizeof(*p->attempts));
        if (!p->attempts)
            abort();
    }
    p->attempts[p->count++] = *a;
}

/* Draw from `count` calls of one place, for one error and mode. */
static void draw(struct plan *p, struct attempt *a,
                 const hem__fault_call *calls, size_t count, size_t each,
                 uint64_t *random)
{
    if (!each || count <= each) {
        for (size_t i = 0; i < count; i++) {
            a->n = calls[i].n;
            add(p, a);
        }
        return;
    }
    for (size_t i = 0; i < each; i++) { /* one of each of `each` parts */
        size_t begin = count * i / each;
        size_t end = count * (i + 1) / each;
        a->n = calls[begin + next_random(random) % (end - begin)].n;
        add(p, a);
    }
}

void plan_make(struct plan *ret, const struct scenario *s, struct record *r,
               size_t each, uint64_t seed)
{
    size_t count = r->call_count < r->calls_max ? r->call_count : r->calls_max;
    qsort(r->calls, count, sizeof(r->calls[0]), by_place);
    *ret = (struct plan){0};
    size_t end;
    for (size_t begin = 0; begin < count; begin = end) {
        const hem__fault_call *first = &r->calls[begin];
        for (end = begin; end < count && same_place(first, &r->calls[end]);)
            end++;
        ret->sites++;
        uint32_t errors = hem__fault_errors(first->id);
        for (uint32_t error = 0; error < errors; error++) {
            for (int m = 0; m < HEM__FAULT_MODES; m++) {
                struct attempt a = {.scenario = s,
                                    .error = error,
                                    .mode = (enum hem__fault_mode)m};
                draw(ret, &a, first, end - begin, each, &seed);
            }
        }
    }
}

void plan_free(struct plan *p)
{
    free(p->attempts);
}

const char *attempt_describe(const struct attempt *a, char *buf)
{
    snprintf(buf, 100, "%llu:%u:%s", (unsigned long long)a->n,
             (unsigned)a->error, hem__fault_mode_name(a->mode));
    return buf;
}
