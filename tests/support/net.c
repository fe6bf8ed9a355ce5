/* SPDX-License-Identifier: MIT */
#include "net.h"

#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sa;
}

uint16_t net_listen(hem_listener *l)
{
    hem_address a = {.length = 0};
    check_int(hem_listen(l, "127.0.0.1", 0, NULL), 0);
    check_int(hem_listener_address(l, &a), 0);
    return hem_address_port(&a);
}

int net_connect(uint16_t port)
{
    struct sockaddr_in sa = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0);
    check_int(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

int net_open(hem_stream *s, uint32_t limit)
{
    hem_listener l;
    hem_address a;
    check_int(
        hem_listen(&l, "127.0.0.1", 0, &(hem_listen_options){.limit = limit}),
        0);
    check_int(hem_listener_address(&l, &a), 0);
    int peer = net_connect(hem_address_port(&a));
    check_int(hem_accept(&l, s), 0);
    check_int(hem_listener_close(&l), 0);
    return peer;
}

void net_open_pair(hem_stream *a, hem_stream *b)
{
    hem_listener l;
    uint16_t port = net_listen(&l);
    check_int(hem_connect(a, "127.0.0.1", port, NULL), 0);
    check_int(hem_accept(&l, b), 0);
    check_int(hem_listener_close(&l), 0);
}

void net_send(int peer, const void *p, size_t size)
{
    const char *at = p;
    while (size > 0) {
        ssize_t n = send(peer, at, size, MSG_NOSIGNAL);
        if (!check(n > 0))
            return;
        at += n;
        size -= (size_t)n;
    }
}

void net_say(int peer, const char *text)
{
    net_send(peer, text, strlen(text));
}

bool net_hears(int peer, const char *text)
{
    char got[256] = "";
    size_t size = strlen(text);
    if (size >= sizeof(got) || recv(peer, got, size, MSG_WAITALL) < 0)
        return false;
    return strcmp(got, text) == 0;
}

bool net_hears_the_end(int peer)
{
    char byte;
    return recv(peer, &byte, 1, 0) == 0;
}

void net_expect(int peer, const char *want, size_t size)
{
    static char got[1 << 16];
    for (size_t sum = 0; sum < size;) {
        size_t n = size - sum < sizeof(got) ? size - sum : sizeof(got);
        ssize_t rc = recv(peer, got, n, MSG_DONTWAIT);
        if (rc < 0 && errno == EAGAIN) {
            check_int(hem_yield(), 0);
            continue;
        }
        if (!check(rc > 0) || !check(memcmp(got, want + sum, (size_t)rc) == 0))
            return;
        sum += (size_t)rc;
    }
}

size_t net_drain(int peer, size_t max)
{
    static char waste[1 << 16];
    size_t sum = 0;
    while (sum < max) {
        size_t size = max - sum < sizeof(waste) ? max - sum : sizeof(waste);
        ssize_t n = recv(peer, waste, size, MSG_DONTWAIT);
        if (n <= 0)
            break;
        sum += (size_t)n;
    }
    return sum;
}

void net_finish(int peer)
{
    check_int(shutdown(peer, SHUT_WR), 0);
}

void net_close(int peer)
{
    check_int(close(peer), 0);
}

void net_reset(int peer)
{
    struct linger now = {.l_onoff = 1};
    check_int(setsockopt(peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    check_int(close(peer), 0);
}

uint16_t net_refusing(int *ret_fd)
{
    struct sockaddr_in sa = loopback(0);
    socklen_t n = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check_int(bind(fd, (struct sockaddr *)&sa, n), 0);
    check_int(getsockname(fd, (struct sockaddr *)&sa, &n), 0);
    *ret_fd = fd;
    return ntohs(sa.sin_port);
}

bool net_has_ipv6(void)
{
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

void net_settle(void)
{
    check_int(hem_sleep(1), 0);
}
