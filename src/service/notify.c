/* SPDX-License-Identifier: MIT */
/*
 * sd_notify(3) without its library: a datagram to a Unix socket. The socket is
 * made for each: there are few of them, and a program may change its user, or
 * its descriptors, in between.
 */
#include "hem/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/standard.h"
#include "base/sys.h"
#include "io/unix.h"

#define FDS_MAX        253 /* SCM_MAX_FD of the kernel */
#define NAME_MAX_BYTES 255

/* 1: there is one. */
static int get_address(hem_address *ret)
{
    const char *name = getenv("NOTIFY_SOCKET");
    if (!name || !*name)
        return 0;
    if ((*name != '/' && *name != '@') || !name[1])
        return HEM_EINVAL;
    HEM_TRY(hem__unix_address(ret, name));
    return 1;
}

/* One that is closed could be the number of the socket that is made here. */
static bool are_open(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fcntl(fds[i], F_GETFD) < 0)
            return false;
    }
    return true;
}

/* Fill in the message's control data; `control` has room for all. */
static void attach(struct msghdr *m, void *control, const int *fds,
                   size_t count)
{
    m->msg_control = control;
    m->msg_controllen = CMSG_SPACE(count * sizeof(*fds));
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(*fds));
    memcpy(CMSG_DATA(c), fds, count * sizeof(*fds));
}

static int send_to(const hem_address *a, struct msghdr *m)
{
    struct sockaddr_storage to = a->storage;
    m->msg_name = &to;
    m->msg_namelen = a->length;
    HEM_TRY(hem__standard_ensure());
    int fd =
        hem__sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fd;
    ssize_t rc;
    do {
        rc = hem__sys_sendmsg(fd, m, MSG_NOSIGNAL);
    } while (rc == HEM_EINTR);
    close(fd);
    return rc < 0 ? (int)rc : 1;
}

int hem_notify_fds(const char *state, const int *fds, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
    } control = {.bytes = {0}};
    hem_address a;
    if (!state || !*state || count > FDS_MAX)
        return HEM_EINVAL;
    int rc = get_address(&a);
    if (rc <= 0)
        return rc;
    if (!are_open(fds, count))
        return HEM_EBADF;
    struct iovec text = {(void *)(uintptr_t)state, strlen(state)};
    struct msghdr m = {.msg_iov = &text, .msg_iovlen = 1};
    if (count > 0)
        attach(&m, &control, fds, count);
    return send_to(&a, &m);
}

int hem_notify(const char *state)
{
    return hem_notify_fds(state, NULL, 0);
}

static bool is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t length = name ? strnlen(name, NAME_MAX_BYTES + 1) : 0;
    return length > 0 && length <= NAME_MAX_BYTES &&
           strspn(name, allowed) == length;
}

static int send_named(const char *what, const char *name, const int *fds,
                      size_t count)
{
    char state[NAME_MAX_BYTES + 64];
    if (!is_name(name))
        return HEM_EINVAL;
    snprintf(state, sizeof(state), "%s=1\nFDNAME=%s", what, name);
    return hem_notify_fds(state, fds, count);
}

int hem_fd_store(const char *name, int fd)
{
    return send_named("FDSTORE", name, &fd, 1);
}

int hem_fd_store_remove(const char *name)
{
    return send_named("FDSTOREREMOVE", name, NULL, 0);
}

/* A number of digits only; 0: it is none, or too large. */
static uint64_t parse(const char *text)
{
    uint64_t n = 0;
    if (!text || !*text || text[strspn(text, "0123456789")])
        return 0;
    for (; *text; text++) {
        if (n > (uint64_t)INT64_MAX / 10 - 10)
            return 0;
        n = 10 * n + (uint64_t)(*text - '0');
    }
    return n;
}

hem_ns hem_watchdog_interval(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    if (pid && parse(pid) != (uint64_t)getpid())
        return HEM_NEVER;
    uint64_t us = parse(getenv("WATCHDOG_USEC"));
    if (us == 0 || us > (uint64_t)(HEM_NEVER / HEM_USEC))
        return HEM_NEVER;
    return (hem_ns)us * HEM_USEC;
}
