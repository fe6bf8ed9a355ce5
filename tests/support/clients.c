/* SPDX-License-Identifier: MIT */
#include "clients.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "net.h"
#include "support.h"

enum act { CONNECT, FLOOD, SAY, LEAVE_ANSWERED, LEAVE_ENDED, LEAVE };

struct order {
    enum act act;
    uint16_t port;
    size_t count;
};

static int orders = -1; /* this process' end of a socket */

/* In the other process. */
static int *fds;
static size_t count, room;

static rlim_t raise_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

static void keep(int fd)
{
    if (count == room) {
        room = room ? 2 * room : 1024;
        fds = realloc(fds, room * sizeof(*fds));
        if (!fds)
            abort();
    }
    fds[count++] = fd;
}

static size_t say_all(void)
{
    size_t could = 0;
    for (size_t i = 0; i < count; i++)
        could += send(fds[i], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
    return could;
}

/* Who has got something, or has come to the end, leaves. */
static size_t leave_some(bool ended)
{
    size_t left = 0, rest = 0;
    for (size_t i = 0; i < count; i++) {
        char byte;
        ssize_t n = recv(fds[i], &byte, 1, MSG_DONTWAIT);
        bool over = n == 0 || (n < 0 && errno != EAGAIN);
        if (ended ? over : n > 0) {
            close(fds[i]);
            left++;
        } else {
            fds[rest++] = fds[i];
        }
    }
    count = rest;
    return left;
}

static size_t leave_all(void)
{
    size_t all = count;
    while (count > 0)
        close(fds[--count]);
    return all;
}

static size_t obey(const struct order *o)
{
    switch (o->act) {
    case CONNECT:
        for (size_t i = 0; i < o->count; i++)
            keep(net_connect(o->port));
        return o->count;
    case FLOOD:
        for (size_t i = 0; i < o->count; i++)
            net_reset(net_connect(o->port));
        return o->count;
    case SAY:
        return say_all();
    case LEAVE_ANSWERED:
    case LEAVE_ENDED:
        return leave_some(o->act == LEAVE_ENDED);
    default:
        return leave_all();
    }
}

/* Until the test has ended. A count that cannot be says that something went
 * wrong. */
static void obey_all(int fd)
{
    struct order o;
    raise_limit();
    while (recv(fd, &o, sizeof(o), 0) == sizeof(o)) {
        size_t did = obey(&o);
        if (check_failures_take())
            did = SIZE_MAX;
        if (send(fd, &did, sizeof(did), MSG_NOSIGNAL) != sizeof(did))
            break;
    }
    _exit(0);
}

void clients_start(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        abort();
    pid_t pid = fork(); /* whose child is nobody's that a test would see */
    if (pid < 0)
        abort();
    if (pid == 0) {
        if (fork() != 0)
            _exit(0);
        close(ends[0]);
        obey_all(ends[1]);
    }
    waitpid(pid, NULL, 0);
    close(ends[1]);
    orders = ends[0];
}

void clients_stop(void)
{
    close(orders);
}

size_t clients_possible(size_t n)
{
    enum { OTHERS = 100 };
    rlim_t limit = raise_limit();
    return limit < n + OTHERS ? (size_t)limit - OTHERS : n;
}

static size_t give(enum act act, uint16_t port, size_t n)
{
    struct order o;
    size_t did = SIZE_MAX;
    memset(&o, 0, sizeof(o));
    o.act = act;
    o.port = port;
    o.count = n;
    check_int(send(orders, &o, sizeof(o), MSG_NOSIGNAL), sizeof(o));
    check_int(recv(orders, &did, sizeof(did), 0), sizeof(did));
    check(did != SIZE_MAX);
    return did;
}

void clients_connect(uint16_t port, size_t n)
{
    check_int(give(CONNECT, port, n), n);
}

void clients_flood(uint16_t port, size_t n)
{
    check_int(give(FLOOD, port, n), n);
}

size_t clients_say(void)
{
    return give(SAY, 0, 0);
}

size_t clients_leave_answered(void)
{
    return give(LEAVE_ANSWERED, 0, 0);
}

size_t clients_leave_ended(void)
{
    return give(LEAVE_ENDED, 0, 0);
}

size_t clients_leave(void)
{
    return give(LEAVE, 0, 0);
}
