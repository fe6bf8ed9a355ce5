/* SPDX-License-Identifier: MIT */
/*
 * The floor under calls on threads: a loop that waits by epoll hands a function
 * to a thread by a futex, and is told of its end by an eventfd. One after the
 * other with one thread; 16 at once with 4, their ends told together.
 */
#define _GNU_SOURCE 1

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wall.h"

#define CALLS       10000
#define WIDE        16
#define THREADS_MAX 4

static _Atomic(uint32_t) queued; /* calls not taken; the futex */
static _Atomic(uint32_t) done;   /* calls not told */
static int poller, event;

static void futex(int op, uint32_t value)
{
    (void)syscall(SYS_futex, &queued, op | FUTEX_PRIVATE_FLAG, value, NULL,
                  NULL, 0);
}

static void *work(void *arg)
{
    (void)arg;
    for (;;) {
        uint32_t n = atomic_load(&queued);
        if (n == 0) {
            futex(FUTEX_WAIT, 0);
            continue;
        }
        if (!atomic_compare_exchange_strong(&queued, &n, n - 1))
            continue;
        uint64_t one = 1;
        if (atomic_fetch_add(&done, 1) == 0 &&
            write(event, &one, sizeof(one)) < 0)
            abort();
    }
    return NULL; /* never */
}

static void hand_in(uint32_t n)
{
    atomic_fetch_add(&queued, n);
    futex(FUTEX_WAKE, n);
}

/* Keep `*arg` calls under way. */
static int run_calls(void *arg)
{
    uint32_t width = *(uint32_t *)arg;
    uint32_t left = CALLS, under_way = width;
    hand_in(width);
    while (left > 0) {
        struct epoll_event e;
        if (epoll_wait(poller, &e, 1, -1) < 0 && errno != EINTR)
            return -errno;
        uint32_t n = atomic_exchange(&done, 0);
        under_way -= n;
        left -= n < left ? n : left;
        if (left > under_way && n > 0) {
            uint32_t more = left - under_way < n ? left - under_way : n;
            hand_in(more);
            under_way += more;
        }
        if (left > 0 && under_way == 0)
            return -1;
    }
    while (under_way > 0)
        under_way -= atomic_exchange(&done, 0);
    return 0;
}

int main(void)
{
    pthread_t threads[THREADS_MAX];
    uint32_t one = 1, many = WIDE;
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    poller = epoll_create1(EPOLL_CLOEXEC);
    event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (poller < 0 || event < 0 ||
        epoll_ctl(poller, EPOLL_CTL_ADD, event, &e) < 0)
        return 1;
    int rc = pthread_create(&threads[0], NULL, work, NULL);
    if (rc == 0)
        rc = wall_measure("thread_call", run_calls, &one, CALLS);
    for (int i = 1; i < THREADS_MAX && rc == 0; i++)
        rc = pthread_create(&threads[i], NULL, work, NULL);
    if (rc == 0)
        rc = wall_measure("thread_call_16_wide", run_calls, &many, CALLS);
    return rc != 0; /* the threads go with the process */
}
