/* SPDX-License-Identifier: MIT */
/* Servers whose clients, or whose machine, do what they should not. Full size
 * in tests/scale/test_hostile_servers.c. */
#include "support.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "net.h"
#include "serving.h"
#include "unix_net.h"

/* accept4, replaced here, fails so often with this error. */
static int accept_error;
static int accept_errors;
static int accept_calls;

int fake_accept4(int fd, struct sockaddr *a, socklen_t *n,
                 int flags) __asm__("accept4");

int fake_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    accept_calls++;
    if (accept_errors > 0) {
        accept_errors--;
        errno = accept_error;
        return -1;
    }
    return (int)syscall(SYS_accept4, fd, a, n, flags);
}

VIRTUAL_TEST(hostile_01_slow_clients_are_closed_at_the_deadline_of_the_head)
{
    enum { SLOW = 300 };
    struct serving sv = {.fn = serving_line};
    static int peers[SLOW];
    hem_task *t = serving_start(&sv);
    for (size_t i = 0; i < SLOW; i++)
        peers[i] = net_connect(sv.port);
    net_settle();
    hem_ns begun = hem_now();
    for (int second = 0; second < 10; second++) {
        check_int(hem_listener_connections(&sv.listener), SLOW);
        for (size_t i = 0; i < SLOW; i++)
            net_say(peers[i], "x"); /* one byte each */
        serving_check_honest(&sv, 1);
        check_int(hem_sleep(second < 9 ? HEM_SEC : HEM_SEC - 1), 0);
    }
    check_int(hem_now() - begun, 10 * HEM_SEC - 1);
    net_settle();
    net_settle();
    check_int(sv.late, SLOW);
    check_int(hem_listener_connections(&sv.listener), 0);
    for (size_t i = 0; i < SLOW; i++)
        net_close(peers[i]);
    check_int(sv.served, 10);
    serving_stop(&sv, t);
    return 0;
}

static int get_option(int fd, int level, int name)
{
    int value = -1;
    socklen_t n = sizeof(value);
    check_int(getsockopt(fd, level, name, &value, &n), 0);
    return value;
}

static int look_at_options(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    hem_stream_info info;
    HEM_TRY(hem_stream_get_info(s, &info));
    check_int(get_option(info.fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    check_int(get_option(info.fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
    sv->served++;
    return 0;
}

/* That the kernel then closes it is seen in tests/scale. */
VIRTUAL_TEST(hostile_08_every_connection_notices_that_its_peer_vanished)
{
    struct serving sv = {.fn = look_at_options};
    hem_task *t = serving_start(&sv);
    int peer = net_connect(sv.port);
    net_settle();
    check_int(sv.served, 1);
    net_close(peer);
    serving_stop(&sv, t);
    return 0;
}

/* Without descriptors, in virtual time: the calls are counted, not the ticks. */
VIRTUAL_TEST(hostile_09_without_descriptors_nobody_spins_and_nobody_is_lost)
{
    if (in_valgrind()) /* which accepts, closes, and says EMFILE */
        return 0;
    enum { CLIENTS = 60, LIMIT = 100 };
    struct serving sv = {.fn = serving_echo};
    int peers[CLIENTS];
    struct rlimit before, few;
    hem_task *t = serving_start(&sv);
    for (size_t i = 0; i < CLIENTS; i++)
        peers[i] = net_connect(sv.port); /* nobody has accepted them yet */
    getrlimit(RLIMIT_NOFILE, &before);
    few = (struct rlimit){LIMIT, before.rlim_max};
    check_int(setrlimit(RLIMIT_NOFILE, &few), 0);
    net_settle();
    size_t accepted = hem_listener_connections(&sv.listener);
    check(accepted > 0 && accepted < CLIENTS);
    check_logged("HEM_EMFILE");
    accept_calls = 0;
    for (int i = 0; i < 10; i++) {
        check_int(hem_sleep(HEM_SEC), 0);
        net_say(peers[0], "x"); /* who is there is served */
        net_expect(peers[0], "x", 1);
    }
    check(accept_calls > 10 && accept_calls < 30);
    check_int(hem_listener_connections(&sv.listener), accepted);
    for (size_t i = 0; i < accepted; i++)
        net_close(peers[i]);
    hem_ns begun = hem_now();
    while (hem_listener_connections(&sv.listener) != CLIENTS - accepted)
        check_int(hem_sleep(HEM_MSEC), 0);
    check(hem_now() - begun <= 501 * HEM_MSEC);
    check_int(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (size_t i = accepted; i < CLIENTS; i++) {
        net_say(peers[i], "y");
        net_expect(peers[i], "y", 1);
        net_close(peers[i]);
    }
    check_int(sv.served, CLIENTS);
    serving_stop(&sv, t);
    return 0;
}

VIRTUAL_TEST(hostile_10_whatever_accept_says_the_server_goes_on)
{
    static const int errors[] = {ECONNABORTED, EPROTO,       EPERM,
                                 ENOBUFS,      ENOMEM,       EINTR,
                                 ENETDOWN,     EHOSTUNREACH, EOPNOTSUPP};
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        struct serving sv = {.fn = serving_echo};
        hem_task *t = serving_start(&sv);
        int peer = net_connect(sv.port);
        net_say(peer, "hello");
        accept_error = errors[i];
        accept_errors = 40;
        hem_ns begun = hem_now();
        while (sv.served == 0)
            check_int(hem_sleep(HEM_MSEC), 0);
        net_expect(peer, "hello", 5);
        check(hem_now() - begun < 20 * HEM_SEC);
        check_logged(hem_errname(-errors[i])); /* one line */
        net_close(peer);
        serving_stop(&sv, t);
    }
    return 0;
}

VIRTUAL_TEST(hostile_11_a_flood_of_connections_that_are_reset_leaves_nothing)
{
    struct serving sv = {.fn = serving_echo};
    hem_task *t = serving_start(&sv);
    size_t descriptors = 0, live = 0;
    for (int i = 0; i < 2000; i++) {
        net_reset(net_connect(sv.port));
        if (i % 100 == 99)
            net_settle();
        if (i == 199) {
            net_settle();
            descriptors = ledger_descriptors();
            live = ledger_live();
        }
    }
    net_settle();
    net_settle();
    check_int(hem_listener_connections(&sv.listener), 0);
    check_int(ledger_descriptors(), descriptors);
    check_int(ledger_live(), live);
    serving_check_honest(&sv, 1);
    serving_stop(&sv, t);
    return 0;
}

/* Close a listener in the turn in which a connection comes in, and have its
 * number used by another: that one is not bothered. */
VIRTUAL_TEST(hostile_12_the_next_owner_of_a_number_gets_no_stale_event)
{
    for (int added = 0; added < 2; added++) {
        struct serving sv = {.fn = serving_echo}, next = {.fn = serving_echo};
        hem_task *t = serving_start(&sv);
        int number = sv.listener.sockets[0].fd.fd, peer;
        if (added) {
            check_int(
                hem_listener_add(&sv.listener, "127.0.0.2", sv.port, NULL), 0);
            number = sv.listener.sockets[1].fd.fd;
            net_settle();
        }
        int copy = dup(number); /* so that the kernel goes on telling */
        struct sockaddr_in sa = {.sin_family = AF_INET,
                                 .sin_port = htons(sv.port)};
        sa.sin_addr.s_addr = htonl(added ? 0x7f000002 : 0x7f000001);
        peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        check_int(connect(peer, (struct sockaddr *)&sa, sizeof(sa)), 0);
        check_int(hem_listener_close(&sv.listener), 0);
        int low[64], count = 0;
        while (count < 64 && (low[count] = dup(0)) >= 0 && low[count] < number)
            count++;
        close(low[count]);
        next.port = net_listen(&next.listener);
        check_int(next.listener.sockets[0].fd.fd, number);
        check_int(hem_await(t), 0);
        check_int(sv.served, 0);
        check_int(hem_spawn(&t, serving_run, &next), 0);
        net_settle();
        check_int(next.served, 0);
        serving_check_honest(&next, 1);
        serving_stop(&next, t);
        net_close(peer);
        close(copy);
        while (count > 0)
            close(low[--count]);
    }
    return 0;
}

VIRTUAL_TEST(hostile_13_a_listener_is_closed_once_and_touches_nothing_after)
{
    struct serving sv = {.fn = serving_echo};
    hem_stream s = {0};
    hem_address a;
    int numbers[3], theirs[3];
    hem_task *t = serving_start(&sv);
    check_int(hem_listener_add(&sv.listener, "127.0.0.2", 0, NULL), 0);
    check_int(hem_listener_add(&sv.listener, "127.0.0.3", 0, NULL), 0);
    for (int i = 0; i < 3; i++)
        numbers[i] = sv.listener.sockets[i].fd.fd;
    net_settle();
    check_int(hem_listener_close(&sv.listener), 0);
    for (int i = 0; i < 3; i++) /* the next owners of the numbers */
        check_int(theirs[i] = dup2(0, numbers[i]), numbers[i]);
    check_int(hem_listener_close(&sv.listener), HEM_EBADF);
    check_int(hem_accept(&sv.listener, &s), HEM_EBADF);
    check_int(hem_serve(&sv.listener, serving_echo, NULL, NULL), HEM_EBADF);
    check_int(hem_listener_address(&sv.listener, &a), HEM_EBADF);
    check_int(hem_listener_add(&sv.listener, NULL, 0, NULL), HEM_EBADF);
    check_int(hem_await(t), 0); /* the task that waited */
    for (int i = 0; i < 3; i++)
        check_int(close(theirs[i]), 0); /* still theirs */
    return 0;
}

static void check_unix_refused(const char *path, int error)
{
    hem_listener l = {.limit = 77};
    check_int(hem_listen_unix(&l, path, NULL), error);
    check_int(l.limit, 77);
}

VIRTUAL_TEST(hostile_25_paths_of_unix_sockets_are_never_cut)
{
    static const size_t lengths[] = {108, 109, 4096};
    static char path[4097];
    char base[64];
    struct stat st;
    hem_listener l;
    unix_begin(base);
    size_t used = strlen(base);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        memset(path, 'x', sizeof(path));
        memcpy(path, base, used);
        path[lengths[i]] = '\0';
        check_unix_refused(path, HEM_ENAMETOOLONG);
        path[0] = '@';
        check_unix_refused(path, HEM_ENAMETOOLONG);
    }
    memset(path, 'x', sizeof(path)); /* the longest */
    memcpy(path, base, used);
    path[107] = '\0';
    check_int(hem_listen_unix(&l, path, NULL), 0);
    check_int(lstat(path, &st), 0);
    int peer = unix_connect(path);
    check(peer >= 0);
    net_close(peer);
    check_int(hem_listener_close(&l), 0);
    unix_end(); /* no file of another name is there */
    return 0;
}

VIRTUAL_TEST(hostile_25_only_a_socket_that_refuses_is_replaced)
{
    char path[64], link[80];
    hem_listener l, other;
    unix_begin(path);
    unix_leave(path);
    check_int(hem_listen_unix(&l, path, NULL), 0); /* a leftover */
    check_int(hem_listen_unix(&other, path, NULL), HEM_EADDRINUSE);
    snprintf(link, sizeof(link), "%s.link", path);
    check_int(symlink(path, link), 0); /* to one that answers */
    check_unix_refused(link, HEM_EEXIST);
    check_int(hem_listener_close(&l), 0);
    check_unix_refused(link, HEM_EEXIST); /* to nothing */
    check_int(unlink(link), 0);
    unix_end();
    return 0;
}

VIRTUAL_TEST(hostile_25_abstract_names_have_all_their_bytes)
{
    hem_listener l, other;
    hem_address a, b;
    char text[HEM_ADDRESS_TEXT];
    char name[32];
    int n = snprintf(name, sizeof(name), "%chem-%d%cx", 0, (int)getpid(), 0);
    check_int(hem_address_unix(&a, name, (size_t)n), 0);
    check_int(hem_listen_address(&l, &a, NULL), 0);
    check_int(hem_listener_address(&l, &b), 0);
    check_int(b.length, a.length);
    check_contains(hem_address_format(&b, text), "\\x00x");
    name[n - 1] = 'y'; /* differs behind the NUL */
    check_int(hem_address_unix(&b, name, (size_t)n), 0);
    check_int(hem_listen_address(&other, &a, NULL), HEM_EADDRINUSE);
    check_int(hem_listen_address(&other, &b, NULL), 0);
    check_int(hem_listener_close(&other), 0);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(
            hostile_01_slow_clients_are_closed_at_the_deadline_of_the_head),
        LEDGER_TEST(hostile_08_every_connection_notices_that_its_peer_vanished),
        LEDGER_TEST(
            hostile_09_without_descriptors_nobody_spins_and_nobody_is_lost),
        LEDGER_TEST(hostile_10_whatever_accept_says_the_server_goes_on),
        LEDGER_TEST(
            hostile_11_a_flood_of_connections_that_are_reset_leaves_nothing),
        LEDGER_TEST(hostile_12_the_next_owner_of_a_number_gets_no_stale_event),
        LEDGER_TEST(
            hostile_13_a_listener_is_closed_once_and_touches_nothing_after),
        LEDGER_TEST(hostile_25_paths_of_unix_sockets_are_never_cut),
        LEDGER_TEST(hostile_25_only_a_socket_that_refuses_is_replaced),
        LEDGER_TEST(hostile_25_abstract_names_have_all_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
