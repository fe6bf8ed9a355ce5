/* SPDX-License-Identifier: MIT */
#include "base/syscalls.h"

#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/uio.h>
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

pid_t hem__call_fork_bare(int *ret_pidfd)
{
    /* Arguments beyond the first three are in another order on some CPUs. */
    *ret_pidfd = -1;
    long pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, ret_pidfd, 0, 0);
    if (pid < 0 && errno == EINVAL) /* an emulator */
        pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    return pid < 0 ? -errno : (pid_t)pid;
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

int hem__call_map_shared(void **ret, size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return -errno;
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

int hem__call_uring_setup(unsigned entries, struct io_uring_params *p)
{
    long rc = syscall(SYS_io_uring_setup, entries, p);
    return rc < 0 ? -errno : (int)rc;
}

int hem__call_uring_map(void **ret, int fd, size_t bytes, off_t at)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_POPULATE, fd, at);
    if (p == MAP_FAILED)
        return -errno;
    (void)madvise(p, bytes, MADV_DONTFORK); /* a child has no use for it */
    *ret = p;
    return 0;
}

int hem__call_uring_submit(int fd)
{
    long rc = syscall(SYS_io_uring_enter, fd, 1U, 0U, 0U, (void *)0, (size_t)0);
    return rc < 0 ? -errno : (int)rc;
}

int hem__call_open_cached(const char *path, int flags)
{
    struct open_how how = {.flags = (uint64_t)(unsigned)flags,
                           .resolve = RESOLVE_CACHED};
    long rc = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
    if (rc >= 0)
        return (int)rc;
    switch (errno) {
    case ENOSYS:
    case EINVAL: /* no such flag */
    case EPERM:  /* a filter of system calls that does not know it */
        return HEM_EAGAIN;
    default:
        return -errno;
    }
}

/* Whether there may be no more to read at `at`. */
static bool may_end_at(int fd, off_t at)
{
    struct stat st;
    return fstat(fd, &st) < 0 || at >= st.st_size;
}

ssize_t hem__call_pread_nowait(int fd, void *p, size_t n, off_t at)
{
    struct iovec part = {p, n};
    ssize_t rc = preadv2(fd, &part, 1, at, RWF_NOWAIT);
    /* Linux 5.9 and 5.10 say 0 of what is not in memory: preadv2(2), BUGS. */
    if (rc == 0 && !may_end_at(fd, at))
        return HEM_EAGAIN;
    if (rc >= 0)
        return rc;
    return errno == ENOSYS ? HEM_ENOTSUP : -errno;
}

ssize_t hem__call_pwrite_nowait(int fd, const void *p, size_t n, off_t at)
{
    struct iovec part = {(void *)(uintptr_t)p, n};
    ssize_t rc = pwritev2(fd, &part, 1, at, RWF_NOWAIT);
    if (rc >= 0)
        return rc;
    return errno == ENOSYS ? HEM_ENOTSUP : -errno;
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

/* What the functions that look into the databases of users and groups mean. */
static int found(int error, const void *entry)
{
    if (entry)
        return 1;
    return error == ENOENT || error == ESRCH ? 0 : -error;
}

int hem__call_find_user(const char *name, struct passwd *ret, char *buf,
                        size_t size)
{
    struct passwd *entry = NULL;
    int error = getpwnam_r(name, ret, buf, size, &entry);
    return found(error, entry);
}

int hem__call_find_uid(uid_t id, struct passwd *ret, char *buf, size_t size)
{
    struct passwd *entry = NULL;
    int error = getpwuid_r(id, ret, buf, size, &entry);
    return found(error, entry);
}

int hem__call_find_group(const char *name, struct group *ret, char *buf,
                         size_t size)
{
    struct group *entry = NULL;
    int error = getgrnam_r(name, ret, buf, size, &entry);
    return found(error, entry);
}

int hem__call_list_groups(const char *user, gid_t group, gid_t *ret, int max)
{
    int count = max;
    if (getgrouplist(user, group, ret, &count) >= 0)
        return count;
    return count > max ? HEM_ELIMIT : HEM_ENOMEM;
}
