/* SPDX-License-Identifier: MIT */
/* Sockets handed over by systemd, as sd_listen_fds(3) has it: descriptors from
 * 3 on, LISTEN_FDS of them, for the process LISTEN_PID. */
#include <stdlib.h>

#include "base/sys.h"
#include "io/listen.h"

#define FIRST_FD 3

/* A number above 0, written as such; 0: it is none. */
static long parse_number(const char *text)
{
    char *end;
    if (text[0] < '1' || text[0] > '9')
        return 0;
    long n = strtol(text, &end, 10);
    return *end == '\0' && n < INT32_MAX ? n : 0;
}

static bool are_open(long count)
{
    for (int fd = FIRST_FD; fd < FIRST_FD + count; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            return false;
    }
    return true;
}

ssize_t hem_inherited_sockets(int *ret, size_t max)
{
    const char *pid = getenv("LISTEN_PID");
    const char *fds = getenv("LISTEN_FDS");
    if (!pid || !fds || parse_number(pid) != getpid())
        return 0;
    long count = parse_number(fds);
    if (count == 0)
        return HEM_EINVAL;
    if ((size_t)count > max)
        return HEM_ELIMIT;
    if (!are_open(count))
        return HEM_EBADF;
    for (long i = 0; i < count; i++) {
        ret[i] = FIRST_FD + (int)i;
        (void)fcntl(ret[i], F_SETFD, FD_CLOEXEC);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return (ssize_t)count;
}

int hem_listen_inherited(hem_listener *l, const hem_listen_options *opts)
{
    int fds[HEM_LISTENER_SOCKETS];
    hem_listen_options o = opts ? *opts : hem__listen_defaults;
    ssize_t count = hem_inherited_sockets(fds, HEM_LISTENER_SOCKETS);
    if (count <= 0)
        return count < 0 ? (int)count : HEM_ENOENT;
    o.fds = fds;
    o.fd_count = (size_t)count;
    return hem_listen(l, NULL, 0, &o);
}
