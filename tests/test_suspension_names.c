/* SPDX-License-Identifier: MIT */
/* Addresses, names and clients: what suspends and what never does. */
#include "suspension.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "names.h"
#include "net.h"
#include "support.h"

CASE(address)
{
    hem_address a;
    char text[HEM_ADDRESS_TEXT];
    int refusing;
    (void)f;
    check_int(hem_address_parse(&a, "::1", net_refusing(&refusing)), 0);
    check_contains(hem_address_format(&a, text), "[::1]:");
    check_int(hem_address_unix(&a, "x", 1), 0);
    check_int(hem_address_of_socket(&a, refusing), 0);
    check_int(hem_address_unix(&a, "/a", 2), 0);
    check_int(hem_address_of_socket(&a, refusing), 0);
    check(hem_address_port(&a) > 0);
    close(refusing);
    return 0;
}

CASE(backend)
{
    (void)f;
    check_str(hem_resolve_backend(), "test");
    return 0;
}

CASE(hem_resolve)
{
    hem_address a;
    (void)f;
    names_begin();
    names_add((struct name){"host.example", "::1", 0, 0});
    int rc = (int)hem_resolve(&a, 1, "localhost", 80, NULL);
    int second = (int)hem_resolve(&a, 1, "host.example", 80, NULL);
    return rc < 0 ? rc : second;
}

CASE(hem_resolve_name)
{
    hem_address a;
    char name[HEM_HOST_TEXT];
    (void)f;
    names_begin();
    names_add((struct name){"host.example", "::1", 0, 0});
    check_int(hem_address_parse(&a, "::1", 80), 0);
    int rc = hem_resolve_name(&a, name, sizeof(name),
                              &(hem_resolve_options){.numeric_only = true});
    int second = hem_resolve_name(&a, name, sizeof(name), NULL);
    return rc < 0 ? rc : second;
}

static int end(int rc, hem_stream *s, hem_listener *l)
{
    check_int(hem_stream_close(s), rc < 0 ? HEM_EBADF : 0);
    check_int(hem_listener_close(l), 0);
    return rc;
}

CASE(hem_connect)
{
    hem_listener l;
    hem_stream s;
    (void)f;
    uint16_t port = net_listen(&l);
    return end(hem_connect(&s, "127.0.0.1", port, NULL), &s, &l);
}

CASE(hem_connect_address)
{
    hem_listener l;
    hem_stream s;
    hem_address a;
    (void)f;
    check_int(hem_address_parse(&a, "127.0.0.1", net_listen(&l)), 0);
    return end(hem_connect_address(&s, &a, NULL), &s, &l);
}

CASE(hem_connect_unix)
{
    hem_stream s;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    (void)f;
    int length = snprintf(sa.sun_path, sizeof(sa.sun_path), "@hem-test-%ld",
                          (long)getpid());
    char name[sizeof(sa.sun_path)];
    memcpy(name, sa.sun_path, sizeof(name));
    sa.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t n = offsetof(struct sockaddr_un, sun_path) + (size_t)length;
    check_int(bind(fd, (struct sockaddr *)&sa, (socklen_t)n), 0);
    check_int(listen(fd, 1), 0);
    int rc = hem_connect_unix(&s, name, NULL);
    check_int(hem_stream_close(&s), rc < 0 ? HEM_EBADF : 0);
    close(fd);
    return rc;
}

static const struct suspension table[] = {
    NEVER(hem_address_parse, address),
    NEVER(hem_address_format, address),
    NEVER(hem_address_unix, address),
    NEVER(hem_address_of_socket, address),
    NEVER(hem_address_port, address),
    NEVER(hem_resolve_backend, backend),
    SUSPENDS(hem_resolve),
    SUSPENDS(hem_resolve_name),
    SUSPENDS(hem_connect),
    SUSPENDS(hem_connect_address),
    SUSPENDS(hem_connect_unix),
};

int main(void)
{
    static const char *const headers[] = {"address", "resolve", "connect"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}
