/* SPDX-License-Identifier: MIT */
#include "base/syscalls.h"

#include <stdatomic.h>
#include <time.h>

/* Newer than the headers of some systems. */
#define MADV_INSTALL_GUARD 102
#define MADV_UNKNOWN       (-1)

int hem__call_epoll_wait_ns(int ep, struct epoll_event *e, int max, int64_t ns)
{
    static atomic_bool has_pwait2 = true;
    if (ns == 0 || ns < 0) {
        int rc = epoll_wait(ep, e, max, ns == 0 ? 0 : -1);
        return rc < 0 ? -errno : rc;
    }
    if (atomic_load_explicit(&has_pwait2, memory_order_relaxed)) {
        struct timespec ts = {.tv_sec = (time_t)(ns / HEM_SEC),
                              .tv_nsec = (long)(ns % HEM_SEC)};
        long rc =
            syscall(SYS_epoll_pwait2, ep, e, max, &ts, (void *)0, (size_t)0);
        /* EPERM: a filter of system calls that does not know it */
        if (rc >= 0 || (errno != ENOSYS && errno != EPERM))
            return rc < 0 ? -errno : (int)rc;
        atomic_store_explicit(&has_pwait2, false, memory_order_relaxed);
    }
    int64_t ms = ns / HEM_MSEC + (ns % HEM_MSEC != 0);
    int rc = epoll_wait(ep, e, max, ms > INT32_MAX ? INT32_MAX : (int)ms);
    return rc < 0 ? -errno : rc;
}

int hem__call_map_stacks(void **ret, size_t bytes)
{
    void *p =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (p == MAP_FAILED)
        return -errno;
    (void)madvise(p, bytes, MADV_NOHUGEPAGE); /* a hint */
    *ret = p;
    return 0;
}

int hem__call_guard_region(void *p, size_t bytes)
{
    static atomic_bool heeds_advice = false;
    if (!atomic_load_explicit(&heeds_advice, memory_order_relaxed)) {
        if (madvise(p, bytes, MADV_UNKNOWN) == 0)
            return HEM_EINVAL; /* as qemu, which takes any and does nothing */
        atomic_store_explicit(&heeds_advice, true, memory_order_relaxed);
    }
    return madvise(p, bytes, MADV_INSTALL_GUARD) < 0 ? -errno : 0;
}

static int from_resolver(int rc)
{
    switch (rc) {
    case 0:
        return 0;
    case EAI_AGAIN:
        return HEM_ENAMETEMP;
    case EAI_MEMORY:
        return HEM_ENOMEM;
    case EAI_SYSTEM:
        return -errno;
    default:
        return HEM_ENAME;
    }
}

int hem__call_resolve(const char *host, const struct addrinfo *hints,
                      struct addrinfo **ret)
{
    return from_resolver(getaddrinfo(host, NULL, hints, ret));
}

int hem__call_resolve_name(const struct sockaddr *a, socklen_t n, char *name,
                           socklen_t size)
{
    return from_resolver(getnameinfo(a, n, name, size, NULL, 0, NI_NAMEREQD));
}
