/* SPDX-License-Identifier: MIT */
/* Names, and connections to them: of two addresses the first refuses. And a Unix
 * socket. */
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "loop/pool.h"
#include "torture.h"

#define HOST "host.example"

static struct sockaddr_in sa[2] = {{.sin_family = AF_INET},
                                   {.sin_family = AF_INET}};
static struct addrinfo infos[2] = {
    {.ai_family = AF_INET,
     .ai_addr = (struct sockaddr *)&sa[0],
     .ai_addrlen = sizeof(sa[0]),
     .ai_next = &infos[1]},
    {.ai_family = AF_INET,
     .ai_addr = (struct sockaddr *)&sa[1],
     .ai_addrlen = sizeof(sa[1])},
};

int getaddrinfo(const char *host, const char *service,
                const struct addrinfo *hints, struct addrinfo **ret)
{
    check(!service && hints);
    check_str(host, HOST);
    sa[0].sin_addr.s_addr = htonl(INADDR_LOOPBACK + 8); /* nobody is there */
    sa[1].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *ret = infos;
    return 0;
}

void freeaddrinfo(struct addrinfo *list)
{
    check(list == infos);
}

int getnameinfo(const struct sockaddr *a, socklen_t n, char *host,
                socklen_t size, char *service, socklen_t service_size,
                int flags)
{
    check(a && n == sizeof(sa[0]) && !service && !service_size);
    check_int(flags, NI_NAMEREQD);
    snprintf(host, size, HOST);
    return 0;
}

static int accept_one(void *arg)
{
    hem_stream s;
    char byte;
    int rc = accept_any(arg, &s);
    if (!check_success(rc, HEM_ECANCELED))
        return 0;
    hem_stream_info info;
    check_success(hem_stream_get_info(&s, &info));
    ssize_t n = hem_stream_read(&s, &byte, 1);
    if (check_success(n, HEM_ECANCELED, TORTURE_PEER_FAILED) && n == 1)
        check_success(hem_stream_write(&s, &byte, 1), TORTURE_PEER_FAILED);
    check_int(hem_stream_close(&s), 0);
    return 0;
}

/* Send a byte, and have it back. */
static int talk(hem_stream *s)
{
    char byte = 'x';
    ssize_t n = hem_stream_write(s, &byte, 1);
    byte = 0;
    if (n > 0)
        n = hem_stream_read(s, &byte, 1);
    check(n <= 0 || byte == 'x');
    check_int(hem_stream_close(s), 0);
    return n == 0 ? HEM_EINCOMPLETE : (int)n;
}

/* The record of a failed connect has a member for each address, but for those
 * that memory lacked for. */
static int tell(int rc)
{
    const hem_error *e = hem_failure();
    if (e && e->code == rc && e->count > 0)
        check(e->count + e->lost <= 2);
    return rc;
}

static int connect_by_name(uint16_t port)
{
    hem_stream s;
    hem_address local;
    check_int(hem_address_parse(&local, "127.0.0.1", 0), 0);
    int rc =
        hem_connect(&s, HOST, port, &(hem_connect_options){.local = &local});
    return rc < 0 ? tell(rc) : talk(&s);
}

struct finding {
    hem_listener listener;
    uint16_t port;
};

static int look_up(void)
{
    hem_address a[4];
    char name[HEM_HOST_TEXT];
    ssize_t n = hem_resolve(a, COUNT_OF(a), HOST, 80, NULL);
    if (!check_success(n))
        return (int)n;
    check_int(n, 2);
    check_int(hem_address_port(&a[1]), 80);
    int rc = hem_resolve_name(&a[1], name, sizeof(name), NULL);
    if (check_success(rc))
        check_str(name, HOST);
    return 0;
}

static int find_and_connect(void *arg)
{
    struct finding *p = arg;
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, accept_one, &p->listener));
    (void)look_up();
    HEM_TRY(connect_by_name(p->port));
    return hem_scope_close(&s, 0);
}

static int connect_to_unix(void *arg)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char name[64];
    hem_stream s;
    (void)arg;
    int length =
        snprintf(name, sizeof(name), "@hem-torture-%ld", (long)getpid());
    memcpy(un.sun_path + 1, name + 1, (size_t)length - 1);
    size_t n = offsetof(struct sockaddr_un, sun_path) + (size_t)length;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check_int(bind(fd, (struct sockaddr *)&un, (socklen_t)n), 0);
    check_int(listen(fd, 1), 0);
    int rc = hem_connect_unix(&s, name, NULL);
    if (rc == 0)
        check_int(hem_stream_close(&s), 0);
    close(fd);
    return rc;
}

static int names_main(void *arg)
{
    (void)arg;
    struct finding p;
    HEM_TRY(listen_somewhere(&p.listener, &p.port, "127.0.0.1"));
    check_success(in_time(find_and_connect, &p), HEM_ECANCELED,
                  HEM_ECONNREFUSED, TORTURE_PEER_FAILED);
    check_int(hem_listener_close(&p.listener), 0);
    check_success(in_time(connect_to_unix, NULL), HEM_ECANCELED, HEM_ETIMEDOUT);
    return 0;
}

void scenario_names(void)
{
    check_success(hem_run(names_main, NULL, NULL));
    hem__pool_await_left();
}
