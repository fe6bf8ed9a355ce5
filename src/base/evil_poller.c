/* SPDX-License-Identifier: MIT */
/* Evil I/O: epoll, whose events come late, twice and in any order. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/evil_dice.h"
#include "base/sys.h" /* which has evil.h behind syscalls.h */
#include "hem/error.h"

#undef hem__call_epoll_wait_ns /* ours is made of it */

#define FDS_MAX   65536
#define STASH_MAX 64

/* What each descriptor is watched for, by the latest epoll that took it. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct watched {
    int ep;
    bool known;
    struct epoll_event event;
} watched[FDS_MAX];

/* Events that were kept back, of this thread's epoll. */
static _Thread_local struct epoll_event stash[STASH_MAX];
static _Thread_local int stash_count;
static _Thread_local int stash_ep;

bool hem__evil_rearm(int fd)
{
    pthread_mutex_lock(&mutex);
    struct watched w = {0};
    if (fd >= 0 && fd < FDS_MAX)
        w = watched[fd];
    pthread_mutex_unlock(&mutex);
    return w.known && epoll_ctl(w.ep, EPOLL_CTL_MOD, fd, &w.event) == 0;
}

void hem__evil_forget_events(void)
{
    stash_count = 0;
}

int hem__evil_epoll_create1(int flags)
{
    int ep = epoll_create1(flags);
    if (ep < 0)
        return -errno;
    if (stash_ep == ep || stash_count == 0) {
        stash_ep = ep;
        stash_count = 0;
    }
    return ep;
}

int hem__evil_epoll_ctl(int ep, int op, int fd, struct epoll_event *e)
{
    pthread_mutex_lock(&mutex);
    int rc = epoll_ctl(ep, op, fd, e) < 0 ? -errno : 0;
    if (rc == 0 && fd < FDS_MAX)
        watched[fd] = (struct watched){.ep = ep,
                                       .known = op != EPOLL_CTL_DEL && e,
                                       .event = e ? *e : watched[fd].event};
    pthread_mutex_unlock(&mutex);
    return rc;
}

static void swap(struct epoll_event *a, struct epoll_event *b)
{
    struct epoll_event c = *a;
    *a = *b;
    *b = c;
}

/* Some of `count` events are kept back, some come twice or in two. */
static int disturb(struct epoll_event *e, int count, int max)
{
    for (int i = count; i-- > 0;) {
        if (!hem__evil_now())
            continue;
        uint32_t part = e[i].events & (EPOLLIN | EPOLLOUT);
        switch (hem__evil_below(3)) {
        case 0:
            if (stash_count < STASH_MAX && count > 1) {
                stash[stash_count++] = e[i];
                e[i] = e[--count];
            }
            break;
        case 1:
            if (count < max)
                e[count++] = e[i];
            break;
        default:
            if (count < max && part && part != e[i].events) {
                e[count] = e[i];
                e[count++].events = part;
                e[i].events &= ~part;
            }
            break;
        }
    }
    for (int i = count - 1; i > 0; i--)
        swap(&e[i], &e[hem__evil_below((uint64_t)i + 1)]);
    return count;
}

/* Take what was kept back into `e`. */
static int unstash(struct epoll_event *e, int max)
{
    int count = 0;
    while (count < max && stash_count > 0)
        e[count++] = stash[--stash_count];
    return count;
}

int hem__evil_epoll_wait_ns(int ep, struct epoll_event *e, int max, int64_t ns)
{
    if (!hem__evil_is_on() || stash_ep != ep)
        return hem__call_epoll_wait_ns(ep, e, max, ns);
    if (hem__evil_now() && hem__evil_interrupts())
        return HEM_EINTR;
    int late = unstash(e, max / 2);
    int count =
        hem__call_epoll_wait_ns(ep, e + late, max - late, late ? 0 : ns);
    if (count < 0)
        count = late ? 0 : count;
    return count < 0 ? count : disturb(e, late + count, max);
}

static void lock(void)
{
    pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

__attribute__((constructor)) static void watch_forks(void)
{
    (void)pthread_atfork(lock, unlock, unlock);
}
