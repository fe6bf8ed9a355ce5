/* SPDX-License-Identifier: MIT */
/* Connecting to one address, of Unix sockets too, and from one. */
#include "support.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ms.h"
#include "names.h"
#include "net.h"

/* A Unix socket that listens, with a queue of `backlog` + 1. */
struct server {
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* or "@name" */
    int fd;
};

static void serve(struct server *sv, const char *path, int backlog)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    memcpy(sv->path, path, length + 1);
    memcpy(sa.sun_path, path, length);
    if (path[0] == '@')
        sa.sun_path[0] = '\0';
    socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length +
                              (path[0] != '@'));
    sv->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check_int(bind(sv->fd, (struct sockaddr *)&sa, n), 0);
    check_int(listen(sv->fd, backlog), 0);
}

static void serve_somewhere(struct server *sv, int backlog)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/hem-test-%ld.sock", (long)getpid());
    serve(sv, path, backlog);
}

static void stop(struct server *sv)
{
    close(sv->fd);
    if (sv->path[0] != '@')
        unlink(sv->path);
}

/* The stream's other end comes out of the queue, and both work. */
static void check_connected(hem_stream *s, struct server *sv)
{
    char buf[8] = "";
    int peer = accept(sv->fd, NULL, NULL);
    check_int(hem_stream_write(s, "ping", 4), 4);
    check(net_hears(peer, "ping"));
    net_say(peer, "pong");
    check_int(hem_stream_read_exactly(s, buf, 4, NULL), 4);
    check_str(buf, "pong");
    net_close(peer);
    check_int(hem_stream_read(s, buf, sizeof(buf)), 0);
    check_int(hem_stream_close(s), 0);
}

VIRTUAL_TEST(a_unix_socket_is_connected_to)
{
    struct server sv;
    hem_stream s;
    serve_somewhere(&sv, 4);
    check_int(hem_connect_unix(&s, sv.path, NULL), 0);
    check_connected(&s, &sv);
    stop(&sv);
    return 0;
}

VIRTUAL_TEST(an_abstract_name_is_connected_to)
{
    struct server sv;
    hem_stream s;
    char name[64];
    snprintf(name, sizeof(name), "@hem-test-%ld", (long)getpid());
    serve(&sv, name, 4);
    check_int(hem_connect_unix(&s, name, NULL), 0);
    check_connected(&s, &sv);
    check_int(hem_connect_unix(&s, name + 1, NULL), HEM_ENOENT);
    stop(&sv);
    return 0;
}

VIRTUAL_TEST(a_path_is_used_as_a_whole_or_not_at_all)
{
    static const size_t lengths[] = {106, 107, 108, 109, 4096};
    static char path[5000];
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        hem_stream s;
        memset(path, 'a', sizeof(path));
        int n =
            snprintf(path, sizeof(path), "/tmp/hem-test-%d-", (int)getpid());
        path[n] = 'a';
        path[lengths[i]] = '\0';
        check_int(hem_connect_unix(&s, path, NULL),
                  lengths[i] <= 107 ? HEM_ENOENT : HEM_ENAMETOOLONG);
        path[0] = '@';
        check_int(hem_connect_unix(&s, path, NULL),
                  lengths[i] <= 107 ? HEM_ECONNREFUSED : HEM_ENAMETOOLONG);
        check_int(hem_stream_close(&s), HEM_EBADF);
    }
    path[107] =
        '\0'; /* as long as can be: a path, and what it would be cut to */
    path[0] = '/';
    struct server sv;
    hem_stream s;
    serve(&sv, path, 4);
    check_int(hem_connect_unix(&s, path, NULL), 0);
    check_connected(&s, &sv);
    path[107] = 'a';
    path[108] = '\0';
    check_int(hem_connect_unix(&s, path, NULL), HEM_ENAMETOOLONG);
    stop(&sv);
    check_int(hem_connect_unix(&s, "", NULL), HEM_EINVAL);
    return 0;
}

VIRTUAL_TEST(a_socket_that_nobody_listens_to_refuses)
{
    struct server sv;
    hem_stream s;
    serve_somewhere(&sv, 4);
    close(sv.fd);
    check_int(hem_connect_unix(&s, sv.path, NULL), HEM_ECONNREFUSED);
    check_int(hem_stream_close(&s), HEM_EBADF);
    check_int(hem_failure()->code, HEM_ECONNREFUSED);
    check_int(hem_failure()->count, 1);
    unlink(sv.path);
    check_int(hem_connect_unix(&s, sv.path, NULL), HEM_ENOENT);
    return 0;
}

/* Fill the queue of a server, whose backlog is 0. */
static int fill(const struct server *sv)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(sa.sun_path, sv->path, sizeof(sa.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check_int(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

struct connecting {
    hem_stream stream;
    const char *path;
    const hem_connect_options *options;
};

static int connect_to(void *arg)
{
    struct connecting *c = arg;
    return hem_connect_unix(&c->stream, c->path, c->options);
}

VIRTUAL_TEST(while_the_queue_of_a_unix_socket_is_full_it_waits)
{
    struct server sv;
    hem_task *t;
    serve_somewhere(&sv, 0);
    int first = fill(&sv);
    struct connecting c = {.path = sv.path};
    check_int(hem_spawn(&t, connect_to, &c), 0);
    check_int(hem_sleep(HEM_SEC), 0);
    check_str(hem_task_waits_for(t), "connect");
    int peer = accept(sv.fd, NULL, NULL);
    check_int(hem_await(t), 0);
    check(now_ms() <= 1064);
    check_connected(&c.stream, &sv);
    net_close(peer);
    net_close(first);
    stop(&sv);
    return 0;
}

VIRTUAL_TEST(to_wait_for_a_queue_has_a_limit_can_be_cancelled_and_closed)
{
    struct server sv;
    hem_task *t;
    hem_stream s;
    serve_somewhere(&sv, 0);
    int first = fill(&sv);
    check_int(hem_connect_unix(&s, sv.path,
                               &(hem_connect_options){.timeout = HEM_SEC}),
              HEM_ETIMEDOUT);
    check_int(now_ms(), 1000);
    check_int(hem_stream_close(&s), HEM_EBADF);

    struct connecting c = {.path = sv.path};
    for (int ms = 0; ms < 20; ms++) {
        check_int(hem_spawn(&t, connect_to, &c), 0);
        check_int(hem_sleep(ms * MS), 0);
        hem_task_cancel(t, "test");
        check_int(hem_await(t), HEM_ECANCELED);
        check_int(hem_stream_close(&c.stream), HEM_EBADF);
    }
    check_int(hem_spawn(&t, connect_to, &c), 0);
    check_int(hem_sleep(100 * MS), 0);
    check_int(hem_stream_close(&c.stream), 0);
    check_int(hem_await(t), HEM_EBADF);
    net_close(first);
    stop(&sv);
    return 0;
}

static hem_address parse(const char *host, uint16_t port)
{
    hem_address a = {.length = 0};
    check_int(hem_address_parse(&a, host, port), 0);
    return a;
}

VIRTUAL_TEST(an_address_is_connected_to)
{
    hem_listener l;
    hem_stream s, other;
    hem_address a = parse("127.0.0.1", net_listen(&l));
    check_int(hem_connect_address(&s, &a, NULL), 0);
    check_int(hem_accept(&l, &other), 0);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_stream_close(&other), 0);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(an_address_that_refuses_is_told)
{
    int refusing;
    char text[HEM_ADDRESS_TEXT], want[2 * HEM_ADDRESS_TEXT];
    hem_stream s;
    hem_address a = parse("127.0.0.1", net_refusing(&refusing));
    check_int(hem_connect_address(&s, &a, NULL), HEM_ECONNREFUSED);
    snprintf(want, sizeof(want), "connect to %s: Connection refused",
             hem_address_format(&a, text));
    check_str(hem_failure()->message, want);
    check_int(hem_stream_close(&s), HEM_EBADF);
    close(refusing);
    return 0;
}

VIRTUAL_TEST(other_families_are_refused)
{
    hem_stream s;
    hem_address a = {.length = sizeof(sa_family_t)};
    check_int(hem_connect_address(&s, &a, NULL), HEM_EAFNOSUPPORT);
    check_int(hem_stream_close(&s), HEM_EBADF);
    a.storage.ss_family = AF_NETLINK;
    check_int(hem_connect_address(&s, &a, NULL), HEM_EAFNOSUPPORT);
    return 0;
}

VIRTUAL_TEST(the_local_address_is_that_of_the_options)
{
    hem_listener l;
    hem_stream s, other;
    hem_stream_info info;
    char text[HEM_ADDRESS_TEXT];
    uint16_t port = net_listen(&l);
    hem_address local = parse("127.0.0.5", 0);
    hem_connect_options o = {.local = &local};
    check_int(hem_connect(&s, "127.0.0.1", port, &o), 0);
    check_int(hem_accept(&l, &other), 0);
    check_int(hem_stream_get_info(&other, &info), 0);
    check_contains(hem_address_format(&info.peer, text), "127.0.0.5:");

    hem_stream second;
    local = info.peer; /* its port is taken */
    check_int(hem_connect(&second, "127.0.0.1", port, &o), HEM_EADDRINUSE);
    check_int(hem_stream_close(&second), HEM_EBADF);
    local = parse("192.0.2.1", 0);
    check_int(hem_connect(&second, "127.0.0.1", port, &o), HEM_EADDRNOTAVAIL);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_stream_close(&other), 0);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(only_addresses_of_the_local_ones_family_are_tried)
{
    hem_listener l;
    hem_stream s;
    uint16_t port = net_listen(&l);
    hem_address local = parse("127.0.0.1", 0);
    hem_connect_options o = {.local = &local};
    names_begin();
    names_add((struct name){"both.example", "::1 127.0.0.1", 0, 0});
    names_add((struct name){"six.example", "::1", 0, 0});
    check_int(hem_connect(&s, "both.example", port, &o), 0);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_connect(&s, "six.example", port, &o), HEM_EAFNOSUPPORT);
    check_int(hem_connect(&s, "::1", port, &o), HEM_EAFNOSUPPORT);
    check_int(hem_connect(&s, "127.0.0.1", port,
                          &(hem_connect_options){.family = AF_INET6}),
              HEM_EAFNOSUPPORT);
    check_int(hem_stream_close(&s), HEM_EBADF);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(localhost_finds_a_server_of_one_family)
{
    hem_listener l;
    hem_stream s;
    uint16_t port = net_listen(&l);
    names_begin();
    check_int(hem_connect(&s, "localhost", port, NULL), 0);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_listener_close(&l), 0);
    check_int(hem_connect(&s, "localhost", port, NULL), HEM_ECONNREFUSED);
    check_int(hem_failure()->count, 2);
    check_int(names_asked(), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_unix_socket_is_connected_to),
        LEDGER_TEST(an_abstract_name_is_connected_to),
        LEDGER_TEST(a_path_is_used_as_a_whole_or_not_at_all),
        LEDGER_TEST(a_socket_that_nobody_listens_to_refuses),
        LEDGER_TEST(while_the_queue_of_a_unix_socket_is_full_it_waits),
        LEDGER_TEST(
            to_wait_for_a_queue_has_a_limit_can_be_cancelled_and_closed),
        LEDGER_TEST(an_address_is_connected_to),
        LEDGER_TEST(an_address_that_refuses_is_told),
        LEDGER_TEST(other_families_are_refused),
        LEDGER_TEST(the_local_address_is_that_of_the_options),
        LEDGER_TEST(only_addresses_of_the_local_ones_family_are_tried),
        LEDGER_TEST(localhost_finds_a_server_of_one_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
