/* SPDX-License-Identifier: MIT */
/*
 * Whether the cost of one thing grows with the number of things: CPU time of
 * one out of 1, 10, 1,000, ... 1,000,000, and the stack that this takes.
 *
 *     hem_scale [MAX]
 *
 *     siblings    scopes with a child, one after the other
 *     nested      scopes, each inside the one before
 *     parallel    scopes with a child, each in a child of one scope
 *     children    children of one scope
 *     handles     the same, with handles
 *     abort       children of one scope, which sleep as it is aborted
 *     cancel      sleeping tasks, cancelled one by one, and awaited
 *     event       tasks that wait for one event
 *     queue       tasks that wait for an item each
 *     lock        tasks that wait for a lock, and pass it on
 *     lock_over   acquisitions of a lock with as many cancelled waiters
 *     semaphore   tasks that wait for a semaphore, released as often at once
 *     timeouts    tasks that close a timeout that has just expired
 *
 * Stacks have been in use before, so that the kernel's part in their first use
 * does not count. What remains is the algorithm, which is to be flat, and the
 * memory: caches hold the stacks of some hundred tasks, and what is beyond
 * takes several times as long, but no more than that.
 *
 * Prints `NAME/COUNT value ns` for each, and `NAME/stack value bytes`: the most
 * that the acting task's stack took, and growth of the thread's own. A series
 * ends early where it grows with the number and would take long.
 */
#define _GNU_SOURCE 1

#include <sys/mman.h>
#include <unistd.h>

#include "hem_series.h"

#define STACK_BYTES ((size_t)64 << 10)
#define PAGE_BYTES  ((size_t)4096)
#define TOO_LONG_NS 2e9 /* for ten times as many, if they grow on */

static const size_t counts[] = {1, 10, 1000, 10000, 100000, 1000000};

#define COUNTS (sizeof(counts) / sizeof(counts[0]))

/* A series, as far as it has come. */
struct progress {
    const struct series *series;
    size_t count;       /* present one */
    double ns;          /* of one, at the latest count; 0: none yet */
    bool over;          /* it would take too long */
    size_t stack_bytes; /* of the acting task, at the most */
};

static size_t repeats(size_t count)
{
    return count < 1000 ? 1000 / count : 1;
}

static int batch(void *arg)
{
    const struct progress *p = arg;
    for (size_t i = 0; i < repeats(p->count); i++)
        HEM_TRY(p->series->run(p->count));
    return 0;
}

static size_t stack_wanted(const struct progress *p)
{
    return STACK_BYTES + p->count * p->series->level_bytes;
}

/* The page that the caller's frame is on. */
#define STACK_PAGE()                                                           \
    ((char *)((uintptr_t)__builtin_frame_address(0) & ~(PAGE_BYTES - 1)))

/* Give back what the stack has below this page, of `bytes` in all, for a task
 * before may have used it. */
static void stack_clear(char *page, size_t bytes)
{
    size_t above = 2 * PAGE_BYTES; /* that the task has used, at the most */
    (void)madvise(page - (bytes - above), bytes - above, MADV_DONTNEED);
}

static size_t stack_used(char *page)
{
    unsigned char resident = 0;
    size_t used = 0;
    while (mincore(page - used, PAGE_BYTES, &resident) == 0 && (resident & 1))
        used += PAGE_BYTES;
    return used;
}

static int measure(void *arg)
{
    struct progress *p = arg;
    double ns = 0;
    stack_clear(STACK_PAGE(), stack_wanted(p));
    HEM_TRY(bench_measure(&ns, batch, p, p->count * repeats(p->count)));
    size_t used = stack_used(STACK_PAGE());
    if (used > p->stack_bytes)
        p->stack_bytes = used;
    printf("%s/%zu %.2f ns\n", p->series->name, p->count, ns);
    double growth = p->ns > 0 ? ns / p->ns : 1;
    p->over = growth > 8 && 10 * growth * ns * (double)p->count > TOO_LONG_NS;
    p->ns = ns;
    return 0;
}

/* All series at one count, each in a task with a stack to its measure: in one
 * run, so that they share the stacks of their children. */
static int measure_all(void *arg)
{
    struct progress *all = arg;
    for (struct progress *p = all; p < all + SERIES; p++) {
        hem_task *t;
        if (p->over || p->count > p->series->max)
            continue;
        HEM_TRY(hem_spawn_with(&t, measure, p, .stack_bytes = stack_wanted(p)));
        HEM_TRY(hem_await(t));
        hem_task_forget(t);
    }
    return 0;
}

/* The stack of the thread, where the loop's own context is. */
static size_t thread_stack_bytes(void)
{
    char line[256];
    size_t kilobytes = 0;
    FILE *f = fopen("/proc/self/status", "re");
    if (!f)
        return 0;
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "VmStk: %zu", &kilobytes) == 1)
            break;
    }
    fclose(f);
    return kilobytes * 1024;
}

/* Under a virtual clock, so that no stack is given back meanwhile. */
static int run_counts(struct progress *all, size_t max)
{
    for (size_t i = 0; i < COUNTS && counts[i] <= max; i++) {
        hem_virtual_clock clock = {0};
        for (size_t k = 0; k < SERIES; k++)
            all[k].count = counts[i];
        HEM_TRY(hem_run(measure_all, all, &(hem_run_options){.clock = &clock}));
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct progress all[SERIES] = {{0}};
    for (size_t k = 0; k < SERIES; k++)
        all[k].series = &all_series[k];
    size_t thread_bytes = thread_stack_bytes();
    int rc = run_counts(all, argc > 1 ? (size_t)atol(argv[1]) : SIZE_MAX);
    thread_bytes = thread_stack_bytes() - thread_bytes;
    for (size_t k = 0; k < SERIES && rc >= 0; k++)
        printf("%s/stack %zu bytes\n", all[k].series->name,
               all[k].stack_bytes + thread_bytes);
    return bench_exit(argv, rc);
}
