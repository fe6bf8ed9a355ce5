/* SPDX-License-Identifier: MIT */
/* Connecting: to addresses, to names, and in vain. */
#include "support.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "names.h"
#include "net.h"

/* What connect, replaced here, does. */
static struct fake {
    int errors[2];    /* of the next calls of connect(); 0: the true one */
    bool from_itself; /* connect() does so, once, from that address */
    int calls;        /* of connect() */
} fake;

int fake_connect(int fd, const struct sockaddr *a,
                 socklen_t n) __asm__("connect");

int fake_connect(int fd, const struct sockaddr *a, socklen_t n)
{
    fake.calls++;
    if (fake.from_itself)
        check_int(bind(fd, a, n), 0);
    fake.from_itself = false;
    int rc = (int)syscall(SYS_connect, fd, a, n);
    int error = fake.errors[0];
    fake.errors[0] = fake.errors[1];
    fake.errors[1] = 0;
    if (!error)
        return rc;
    errno = error;
    return -1;
}

/* The addresses of "two"; those of "many" are ten times these. */
static void know(const char *hosts)
{
    static char many[400];
    many[0] = '\0';
    for (int i = 0; i < 10; i++)
        snprintf(many + strlen(many), sizeof(many) - strlen(many), "%s ",
                 hosts);
    names_begin();
    names_add((struct name){"two", hosts, 0, 0});
    names_add((struct name){"many", many, 0, 0});
}

static int fake_begin(void **state)
{
    fake = (struct fake){.calls = 0};
    names_begin();
    return ledger_begin(state);
}

#define CONNECT_TEST(name)                                                     \
    cmocka_unit_test_setup_teardown(name, fake_begin, ledger_end)

struct connecting {
    hem_stream stream;
    const char *host;
    uint16_t port;
};

static int connect_to(void *arg)
{
    struct connecting *c = arg;
    return hem_connect(&c->stream, c->host, c->port, NULL);
}

/* The two ends are connected with each other, and work. */
static void check_connected(hem_stream *s, hem_listener *l)
{
    hem_stream other;
    char buf[8] = "";
    check_int(hem_accept(l, &other), 0);
    check_int(hem_stream_write(s, "ping", 4), 4);
    check_int(hem_stream_read_exactly(&other, buf, 4, NULL), 4);
    check_str(buf, "ping");
    check_int(hem_stream_write(&other, "pong", 4), 4);
    check_int(hem_stream_read_exactly(s, buf, 4, NULL), 4);
    check_str(buf, "pong");
    check_int(hem_stream_close(&other), 0);
    check_int(hem_stream_read(s, buf, sizeof(buf)), 0);
    check_int(hem_stream_close(s), 0);
}

VIRTUAL_TEST(a_numeric_address_is_connected_to)
{
    hem_listener l;
    hem_stream s;
    uint16_t port = net_listen(&l);
    check_int(hem_connect(&s, "127.0.0.1", port, NULL), 0);
    check_connected(&s, &l);
    check_int(hem_listener_close(&l), 0);
    check_int(names_asked(), 0);
    return 0;
}

VIRTUAL_TEST(ipv6_is_connected_to)
{
    if (!net_has_ipv6())
        return 0;
    hem_listener l;
    hem_stream s;
    hem_stream_info info;
    hem_address a;
    char text[HEM_ADDRESS_TEXT];
    check_int(hem_listen(&l, "::1", 0, NULL), 0);
    check_int(hem_listener_address(&l, &a), 0);
    check_int(hem_connect(&s, "::1", hem_address_port(&a), NULL), 0);
    check_int(hem_stream_get_info(&s, &info), 0);
    check_contains(hem_address_format(&info.local, text), "[::1]:");
    check_connected(&s, &l);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(the_addresses_of_a_name_are_tried_in_turn)
{
    static const char *const hosts[] = {"127.0.0.2 127.0.0.1",
                                        "127.0.0.1 127.0.0.2"};
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        hem_listener l;
        hem_stream s;
        hem_stream_info info;
        char text[HEM_ADDRESS_TEXT];
        know(hosts[i]);
        uint16_t port = net_listen(&l);
        check_int(hem_connect(&s, "two", port, NULL), 0);
        check_int(hem_stream_get_info(&s, &info), 0);
        check_contains(hem_address_format(&info.peer, text), "127.0.0.1:");
        check_connected(&s, &l);
        check_int(hem_listener_close(&l), 0);
        check_int(names_asked(), 1);
    }
    return 0;
}

VIRTUAL_TEST(a_name_may_have_more_addresses_than_are_tried)
{
    int refusing;
    hem_stream s;
    know("127.0.0.1 127.0.0.1");
    uint16_t port = net_refusing(&refusing);
    check_int(hem_connect(&s, "two", port, NULL), HEM_ECONNREFUSED);
    int calls = fake.calls; /* for two addresses */
    check_int(hem_connect(&s, "many", port, NULL), HEM_ECONNREFUSED);
    check_int(fake.calls - calls, calls / 2 * 16);
    close(refusing);
    return 0;
}

VIRTUAL_TEST(where_nobody_listens_a_connection_is_refused)
{
    int refusing;
    hem_stream s;
    uint16_t port = net_refusing(&refusing);
    check_int(hem_connect(&s, "127.0.0.1", port, NULL), HEM_ECONNREFUSED);
    check_int(hem_stream_close(&s), HEM_EBADF);
    know("127.0.0.2 127.0.0.1");
    check_int(hem_connect(&s, "two", port, NULL), HEM_ECONNREFUSED);
    check_int(hem_stream_close(&s), HEM_EBADF);
    close(refusing);
    return 0;
}

VIRTUAL_TEST(what_is_no_host_is_refused_as_by_resolve)
{
    hem_stream s;
    char name[300];
    memset(name, 'a', sizeof(name));
    name[299] = '\0';
    check_int(hem_connect(&s, "", 80, NULL), HEM_EINVAL);
    check_int(hem_connect(&s, "127.1", 80, NULL), HEM_EINVAL);
    check_int(hem_connect(&s, "0x7f000001", 80, NULL), HEM_EINVAL);
    check_int(hem_connect(&s, name, 80, NULL), HEM_ENAMETOOLONG);
    check_int(hem_connect(&s, "nobody", 80, NULL), HEM_ENAME);
    check_int(hem_stream_close(&s), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(a_connection_that_fails_later_is_closed)
{
    static const int errors[] = {ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH,
                                 ENETUNREACH, ECONNRESET};
    hem_listener l;
    uint16_t port = net_listen(&l);
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        hem_stream s;
        fake.errors[0] = EINPROGRESS;
        fake.errors[1] = errors[i];
        check_int(hem_connect(&s, "127.0.0.1", port, NULL), -errors[i]);
        check_int(hem_stream_close(&s), HEM_EBADF);
    }
    check_int(hem_listener_close(&l), 0);
    return 0;
}

/* A socket whose connect to `a` has begun; whether it was answered. */
static bool is_answered(const hem_address *a, int *ret_fd)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    check(connect(fd, (const struct sockaddr *)&a->storage, a->length) < 0);
    check_int(errno, EINPROGRESS);
    *ret_fd = fd;
    return poll(&p, 1, 50) == 1;
}

/* A port where nobody answers: the queue of `l` is full, with `peers`. */
static uint16_t listen_deaf(hem_listener *l, int *peers, size_t *ret_count)
{
    hem_address a;
    size_t count = 0;
    check_int(
        hem_listen(l, "127.0.0.1", 0, &(hem_listen_options){.backlog = 1}), 0);
    check_int(hem_listener_address(l, &a), 0);
    while (is_answered(&a, &peers[count++]) && check(count < 8))
        continue;
    *ret_count = count;
    return hem_address_port(&a);
}

VIRTUAL_TEST(a_connect_that_waits_can_be_cancelled)
{
    hem_listener l;
    int peers[8];
    size_t count;
    struct connecting c = {.host = "127.0.0.1"};
    hem_task *t;
    c.port = listen_deaf(&l, peers, &count);
    check_int(hem_spawn(&t, connect_to, &c), 0);
    net_settle();
    check_str(hem_task_waits_for(t), "connect");
    hem_task_cancel(t, "test");
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_stream_close(&c.stream), HEM_EBADF);

    know("127.0.0.1 127.0.0.2"); /* not tried after a cancellation */
    c.host = "two";
    hem_timeout timeout;
    check_int(hem_timeout_open(&timeout, HEM_SEC), 0);
    check_int(hem_timeout_close(&timeout, connect_to(&c)), HEM_ETIMEDOUT);
    check_int(hem_stream_close(&c.stream), HEM_EBADF);
    check_int(hem_listener_close(&l), 0);
    while (count > 0)
        close(peers[--count]);
    return 0;
}

VIRTUAL_TEST(a_connect_that_waits_ends_with_its_stream)
{
    hem_listener l;
    int peers[8];
    size_t count;
    struct connecting c = {.host = "two"};
    hem_task *t;
    know("127.0.0.1 127.0.0.2"); /* the second is not tried */
    c.port = listen_deaf(&l, peers, &count);
    check_int(hem_spawn(&t, connect_to, &c), 0);
    while (strcmp(hem_task_waits_for(t), "connect") != 0)
        check_int(hem_yield(), 0);
    fake.calls = 0;
    check_int(hem_stream_write(&c.stream, "x", 1), HEM_EBUSY);
    check_int(hem_stream_close(&c.stream), 0);
    check_int(hem_await(t), HEM_EBADF);
    check_int(hem_stream_close(&c.stream), HEM_EBADF);
    check_int(fake.calls, 0);
    check_int(hem_listener_close(&l), 0);
    while (count > 0)
        close(peers[--count]);
    return 0;
}

VIRTUAL_TEST(a_connect_that_asks_for_a_name_ends_with_its_stream)
{
    struct connecting c = {.host = "slow", .port = 1};
    hem_task *t;
    names_add((struct name){"slow", "127.0.0.1", 0, HEM_SEC});
    check_int(hem_spawn(&t, connect_to, &c), 0);
    net_settle();
    check_int(hem_stream_write(&c.stream, "x", 1), HEM_EBUSY);
    check_int(hem_stream_close(&c.stream), 0);
    check_int(hem_await(t), HEM_EBADF);
    check_int(fake.calls, 0);
    check_int(hem_stream_close(&c.stream), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(a_connection_with_itself_is_none)
{
    int refusing;
    hem_stream s;
    uint16_t port = net_refusing(&refusing);
    close(refusing);
    fake.from_itself = true;
    check_int(hem_connect(&s, "127.0.0.1", port, NULL), HEM_ECONNREFUSED);
    check_int(hem_stream_close(&s), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(a_cancelled_task_does_not_connect)
{
    hem_listener l;
    hem_stream s;
    uint16_t port = net_listen(&l);
    hem_task_cancel(hem_self(), "test");
    check_int(hem_connect(&s, "127.0.0.1", port, NULL), HEM_ECANCELED);
    hem_task_uncancel(hem_self());
    check_int(hem_stream_close(&s), HEM_EBADF);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(without_descriptors_there_is_no_connection)
{
    hem_listener l;
    hem_stream s;
    struct rlimit before, none;
    uint16_t port = net_listen(&l);
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){0, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    check_int(hem_connect(&s, "127.0.0.1", port, NULL), HEM_EMFILE);
    setrlimit(RLIMIT_NOFILE, &before);
    check_int(hem_stream_close(&s), HEM_EBADF);
    check_int(hem_connect(&s, "127.0.0.1", port, NULL), 0);
    check_connected(&s, &l);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(the_limit_of_read_ahead_is_that_of_the_options)
{
    hem_listener l;
    hem_stream s, other;
    char *line;
    uint16_t port = net_listen(&l);
    check_int(
        hem_connect(&s, "127.0.0.1", port, &(hem_connect_options){.limit = 10}),
        0);
    check_int(hem_accept(&l, &other), 0);
    check_int(hem_stream_write(&other, "123456789\n1234567890\n", 21), 21);
    check_int(hem_stream_read_line(&s, &line), 10);
    check_int(hem_stream_read_line(&s, &line), HEM_ELIMIT);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_stream_close(&other), 0);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONNECT_TEST(a_numeric_address_is_connected_to),
        CONNECT_TEST(ipv6_is_connected_to),
        CONNECT_TEST(the_addresses_of_a_name_are_tried_in_turn),
        CONNECT_TEST(a_name_may_have_more_addresses_than_are_tried),
        CONNECT_TEST(where_nobody_listens_a_connection_is_refused),
        CONNECT_TEST(what_is_no_host_is_refused_as_by_resolve),
        CONNECT_TEST(a_connection_that_fails_later_is_closed),
        CONNECT_TEST(a_connect_that_waits_can_be_cancelled),
        CONNECT_TEST(a_connect_that_waits_ends_with_its_stream),
        CONNECT_TEST(a_connect_that_asks_for_a_name_ends_with_its_stream),
        CONNECT_TEST(a_connection_with_itself_is_none),
        CONNECT_TEST(a_cancelled_task_does_not_connect),
        CONNECT_TEST(without_descriptors_there_is_no_connection),
        CONNECT_TEST(the_limit_of_read_ahead_is_that_of_the_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
