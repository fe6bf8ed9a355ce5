/* SPDX-License-Identifier: MIT */
/* Accepting: connections in their order, and what keeps them from coming. */
#include "support.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "net.h"

/* What accept4, replaced here, does. */
static struct fake {
    int errors[8]; /* one for each of the next calls */
    int again;     /* so many of the next calls fail with the first of them */
    int calls;
} fake;

int fake_accept4(int fd, struct sockaddr *a, socklen_t *n,
                 int flags) __asm__("accept4");

int fake_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    fake.calls++;
    int error = fake.errors[0];
    if (error && fake.again-- <= 0)
        memmove(&fake.errors[0], &fake.errors[1], sizeof(int) * 7);
    if (!error)
        return (int)syscall(SYS_accept4, fd, a, n, flags);
    errno = error;
    return -1;
}

static int fake_begin(void **state)
{
    fake = (struct fake){.calls = 0};
    return ledger_begin(state);
}

#define ACCEPT_TEST(name)                                                      \
    cmocka_unit_test_setup_teardown(name, fake_begin, ledger_end)

struct accepting {
    hem_listener listener;
    hem_stream stream;
    uint16_t port;
};

static int accept_one(void *arg)
{
    struct accepting *a = arg;
    return hem_accept(&a->listener, &a->stream);
}

static void begin(struct accepting *a)
{
    *a = (struct accepting){.port = 0};
    a->port = net_listen(&a->listener);
}

/* The stream that was accepted is that of the peer, and both end here. */
static void check_served(struct accepting *a, int peer)
{
    char buf[8] = "";
    net_say(peer, "hello");
    check_int(hem_stream_read_exactly(&a->stream, buf, 5, NULL), 5);
    check_str(buf, "hello");
    check_int(hem_stream_close(&a->stream), 0);
    check(net_hears_the_end(peer));
    net_close(peer);
}

VIRTUAL_TEST(accept_waits_for_a_connection)
{
    struct accepting a;
    hem_task *t;
    begin(&a);
    check_int(hem_spawn(&t, accept_one, &a), 0);
    net_settle();
    check_str(hem_task_waits_for(t), "read");
    int peer = net_connect(a.port);
    check_int(hem_await(t), 0);
    check_served(&a, peer);
    check_int(hem_listener_close(&a.listener), 0);
    return 0;
}

VIRTUAL_TEST(connections_are_accepted_in_their_order)
{
    struct accepting a;
    int peers[10];
    begin(&a);
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        peers[i] = net_connect(a.port);
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        check_int(accept_one(&a), 0);
        check_served(&a, peers[i]);
    }
    check_int(hem_listener_close(&a.listener), 0);
    return 0;
}

VIRTUAL_TEST(two_that_accept_are_refused)
{
    struct accepting a;
    hem_stream s = {0};
    hem_task *t;
    begin(&a);
    check_int(hem_spawn(&t, accept_one, &a), 0);
    net_settle();
    check_int(hem_accept(&a.listener, &s), HEM_EBUSY);
    check_int(hem_serve(&a.listener, NULL, NULL, NULL), HEM_EBUSY);
    int peer = net_connect(a.port);
    check_int(hem_await(t), 0);
    check_served(&a, peer);
    check_int(hem_listener_close(&a.listener), 0);
    return 0;
}

VIRTUAL_TEST(close_wakes_who_accepts)
{
    struct accepting a;
    hem_task *t;
    begin(&a);
    check_int(hem_spawn(&t, accept_one, &a), 0);
    net_settle();
    check_int(hem_listener_close(&a.listener), 0);
    check_int(hem_await(t), HEM_EBADF);
    check_int(hem_stream_close(&a.stream), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(a_cancelled_accept_loses_no_connection)
{
    struct accepting a;
    hem_task *t;
    begin(&a);
    for (int i = 0; i < 2; i++) {
        int peer = -1;
        check_int(hem_spawn(&t, accept_one, &a), 0);
        net_settle();
        if (i == 1)
            peer = net_connect(a.port); /* comes as the accept is cancelled */
        hem_task_cancel(t, "test");
        check_int(hem_await(t), HEM_ECANCELED);
        check_int(hem_stream_close(&a.stream), HEM_EBADF);
        if (i == 0)
            peer = net_connect(a.port);
        check_int(accept_one(&a), 0);
        check_served(&a, peer);
    }
    int peer = net_connect(a.port);
    hem_task_cancel(hem_self(), "test");
    check_int(accept_one(&a), HEM_ECANCELED);
    hem_task_uncancel(hem_self());
    check_int(accept_one(&a), 0);
    check_served(&a, peer);
    check_int(hem_listener_close(&a.listener), 0);
    return 0;
}

VIRTUAL_TEST(hostile_10_connections_that_died_are_passed_over)
{
    static const int errors[] = {ECONNABORTED, EPROTO,   EPERM,
                                 EINTR,        ENETDOWN, EHOSTUNREACH};
    struct accepting a;
    begin(&a);
    int peer = net_connect(a.port);
    memcpy(fake.errors, errors, sizeof(errors));
    check_int(accept_one(&a), 0);
    check_int(fake.calls, COUNT_OF(errors) + 1);
    check_int(hem_now(), 0);
    check_served(&a, peer);
    check_int(hem_listener_close(&a.listener), 0);
    return 0;
}

VIRTUAL_TEST(hostile_10_errors_without_end_do_not_keep_others_from_running)
{
    struct accepting a;
    begin(&a);
    int peer = net_connect(a.port);
    fake.errors[0] = EPERM;
    fake.again = 18;
    check_int(accept_one(&a), 0);
    check_logged("HEM_EPERM");
    check_int(hem_now(), 70 * HEM_MSEC); /* 10 + 20 + 40 */
    check_served(&a, peer);
    check_int(hem_listener_close(&a.listener), 0);
    return 0;
}

VIRTUAL_TEST(without_descriptors_accept_tries_again_ever_later)
{
    static const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        struct accepting a;
        begin(&a);
        int peer = net_connect(a.port);
        hem_ns begun = hem_now();
        fake.errors[0] = errors[i];
        fake.again = 8;
        check_int(accept_one(&a), 0);
        /* 10 + 20 + ... + 320 + 500 + 500 + 500 */
        check_int(hem_now() - begun, 2130 * HEM_MSEC);
        check_logged(hem_errname(-errors[i]));
        check_served(&a, peer);
        check_int(hem_listener_close(&a.listener), 0);
    }
    return 0;
}

VIRTUAL_TEST(lacks_of_descriptors_are_logged_at_most_once_a_second)
{
    struct accepting a;
    begin(&a);
    for (int i = 0; i < 100; i++) {
        int peer = net_connect(a.port);
        hem_ns begun = hem_now();
        fake.errors[0] = EMFILE;
        fake.again = 1;
        check_int(accept_one(&a), 0);
        check_int(hem_now() - begun, 30 * HEM_MSEC);
        if (i % 34 == 0) /* 1020 ms later */
            check_logged("HEM_EMFILE");
        check_served(&a, peer);
    }
    check_int(hem_listener_close(&a.listener), 0);
    return 0;
}

VIRTUAL_TEST(a_lack_that_ends_with_an_empty_queue_is_over)
{
    struct accepting a;
    hem_task *t;
    begin(&a);
    fake.errors[0] = EMFILE;
    fake.again = 1;
    check_int(hem_spawn(&t, accept_one, &a), 0);
    check_int(hem_sleep(HEM_SEC), 0);
    check_str(hem_task_waits_for(t), "read");
    check_logged("HEM_EMFILE");
    fake.errors[0] = EMFILE;
    fake.again = 1;
    hem_ns begun = hem_now();
    int peer = net_connect(a.port);
    check_int(hem_await(t), 0);
    check_int(hem_now() - begun, 30 * HEM_MSEC);
    check_logged("HEM_EMFILE");
    check_served(&a, peer);
    check_int(hem_listener_close(&a.listener), 0);
    return 0;
}

VIRTUAL_TEST(a_pause_ends_with_the_listener_or_the_task)
{
    for (int i = 0; i < 2; i++) {
        struct accepting a;
        hem_task *t;
        begin(&a);
        fake.errors[0] = EMFILE;
        fake.again = 1000;
        check_int(hem_spawn(&t, accept_one, &a), 0);
        check_int(hem_sleep(10 * HEM_SEC + HEM_MSEC), 0);
        hem_ns begun = hem_now();
        if (i == 0)
            hem_task_cancel(t, "test");
        else
            check_int(hem_listener_close(&a.listener), 0);
        check_int(hem_await(t), i == 0 ? HEM_ECANCELED : HEM_EBADF);
        check_int(hem_now(), begun);
        check_logged("HEM_EMFILE");
        check_int(hem_listener_close(&a.listener), i == 0 ? 0 : HEM_EBADF);
        fake.errors[0] = 0;
    }
    return 0;
}

VIRTUAL_TEST(an_error_of_the_listener_is_returned)
{
    struct accepting a;
    begin(&a);
    check_int(shutdown(a.listener.sockets[0].fd.fd, SHUT_RDWR), 0);
    check_int(accept_one(&a), HEM_EINVAL);
    check_int(hem_listener_close(&a.listener), 0);
    return 0;
}

/* Take all descriptors that the process may have, few. */
static size_t take_all(int *ret, size_t max)
{
    struct rlimit limit;
    size_t count = 0;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = max;
    check_int(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while ((ret[count] = dup(0)) >= 0)
        count++;
    check_int(errno, EMFILE);
    return count;
}

VIRTUAL_TEST(hostile_09_when_descriptors_run_out_nobody_is_lost)
{
    if (in_valgrind()) /* which accepts, closes, and says EMFILE */
        return 0;
    struct rlimit before;
    struct accepting a, served;
    hem_task *t;
    char buf[8];
    int taken[100];
    begin(&a);
    int old_peer = net_open(&served.stream, 0);
    int peer = net_connect(a.port);
    getrlimit(RLIMIT_NOFILE, &before);
    size_t count = take_all(taken, COUNT_OF(taken));
    check_int(hem_spawn(&t, accept_one, &a), 0);
    for (int i = 0; i < 10; i++) {
        net_say(old_peer, "hello");
        check_int(hem_stream_read_exactly(&served.stream, buf, 5, NULL), 5);
        check_int(hem_sleep(HEM_SEC), 0);
    }
    check(!hem_task_done(t));
    check(fake.calls > 10 && fake.calls < 30);
    check_logged("HEM_EMFILE");
    while (count > 0)
        close(taken[--count]);
    hem_ns begun = hem_now();
    check_int(hem_await(t), 0);
    check(hem_now() - begun <= 500 * HEM_MSEC);
    check_int(setrlimit(RLIMIT_NOFILE, &before), 0);
    check_served(&a, peer);
    check_served(&served, old_peer);
    check_int(hem_listener_close(&a.listener), 0);
    return 0;
}

static int accept_all(void *arg)
{
    for (;;) {
        HEM_STREAM(s);
        HEM_TRY(hem_accept(arg, &s));
    }
}

FIFO_TEST(who_gives_way_finds_the_listener_closed)
{
    struct accepting a;
    int peers[100];
    hem_task *t;
    begin(&a);
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        peers[i] = net_connect(a.port);
    check_int(hem_spawn(&t, accept_all, &a.listener), 0);
    check_int(hem_yield(), 0);
    check_str(hem_task_waits_for(t), "ready");
    check_int(hem_listener_close(&a.listener), 0);
    check_int(hem_await(t), HEM_EBADF);
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        net_close(peers[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACCEPT_TEST(accept_waits_for_a_connection),
        ACCEPT_TEST(connections_are_accepted_in_their_order),
        ACCEPT_TEST(two_that_accept_are_refused),
        ACCEPT_TEST(close_wakes_who_accepts),
        ACCEPT_TEST(a_cancelled_accept_loses_no_connection),
        ACCEPT_TEST(hostile_10_connections_that_died_are_passed_over),
        ACCEPT_TEST(
            hostile_10_errors_without_end_do_not_keep_others_from_running),
        ACCEPT_TEST(without_descriptors_accept_tries_again_ever_later),
        ACCEPT_TEST(lacks_of_descriptors_are_logged_at_most_once_a_second),
        ACCEPT_TEST(a_lack_that_ends_with_an_empty_queue_is_over),
        ACCEPT_TEST(a_pause_ends_with_the_listener_or_the_task),
        ACCEPT_TEST(an_error_of_the_listener_is_returned),
        ACCEPT_TEST(hostile_09_when_descriptors_run_out_nobody_is_lost),
        ACCEPT_TEST(who_gives_way_finds_the_listener_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
