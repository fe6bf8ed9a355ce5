/* SPDX-License-Identifier: MIT */
/* Streams: what is put, kept, and sent in the background. */
#include "support.h"

#include <sys/socket.h>

#include "net.h"

#define MANY ((size_t)32 << 20) /* more than the kernel takes */
#define HIGH ((size_t)64 << 10)

static char many[MANY];

static void fill_many(void)
{
    for (size_t i = 0; i < MANY; i++)
        many[i] = (char)(i * 31 + (i >> 8) * 7 + (i >> 16));
}

/* Put pieces of `many` until the stream refuses more, and goes on to when it had
 * time to send; how much it took. */
static size_t put_much(hem_stream *s, size_t piece)
{
    size_t sum = 0;
    for (int full = 0; full < 5;) {
        int rc = hem_stream_put(s, many + sum, piece);
        if (rc == HEM_ELIMIT) {
            check_int(hem_sleep(HEM_MSEC), 0);
            full++;
            continue;
        }
        if (!check_int(rc, 0) || !check(sum < MANY - piece))
            return sum;
        sum += piece;
        full = 0;
    }
    return sum;
}

VIRTUAL_TEST(put_sends_at_once_what_the_kernel_takes)
{
    hem_stream s;
    int peer = net_open(&s, 0);
    size_t live = ledger_live();
    check_int(hem_stream_put(&s, "hello", 5), 0);
    check_int(hem_stream_put(&s, "", 0), 0);
    check_int(hem_stream_put(&s, NULL, 0), 0);
    if (evil_io()) /* what goes is up to the kernel */
        check_int(hem_stream_flush(&s), 0);
    check(net_hears(peer, "hello"));
    check_int(hem_stream_pending(&s), 0);
    check_int(hem_stream_bytes_written(&s), 5);
    check_int(ledger_live(), live);
    check_int(hem_stream_drain(&s), 0);
    check_int(hem_stream_flush(&s), 0);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(put_keeps_no_more_than_high_water_and_one_put)
{
    hem_stream s;
    fill_many();
    int peer = net_open(&s, 0);
    size_t piece = 10000;
    size_t taken = put_much(&s, piece);
    check(hem_stream_pending(&s) > HIGH);
    check(hem_stream_pending(&s) <= HIGH + piece);
    check_int(hem_stream_bytes_written(&s) + hem_stream_pending(&s), taken);
    net_expect(peer, many, taken);
    check_int(hem_stream_flush(&s), 0);
    check_int(hem_stream_pending(&s), 0);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

static int drain_it(void *arg)
{
    return hem_stream_drain(arg);
}

static int flush_it(void *arg)
{
    return hem_stream_flush(arg);
}

static int aclose_it(void *arg)
{
    return hem_stream_aclose(arg);
}

VIRTUAL_TEST(drain_waits_until_a_quarter_is_kept)
{
    hem_stream s;
    hem_task *drains[2], *flush;
    int peer = net_open(&s, 0);
    size_t taken = put_much(&s, 10000);
    for (int i = 0; i < 2; i++)
        check_int(hem_spawn(&drains[i], drain_it, &s), 0);
    check_int(hem_spawn(&flush, flush_it, &s), 0);
    net_settle();
    check_str(hem_task_waits_for(drains[0]), "drain");
    check_str(hem_task_waits_for(drains[1]), "drain");
    size_t heard = 0;
    while (!hem_task_done(drains[0])) {
        check(hem_stream_pending(&s) > HIGH / 4);
        net_expect(peer, many + heard, 1000);
        heard += 1000;
        net_settle();
    }
    check(hem_task_done(drains[1]));
    check(hem_stream_pending(&s) <= HIGH / 4);
    check_int(hem_await(drains[0]), 0);
    check_int(hem_await(drains[1]), 0);
    net_expect(peer, many + heard, taken - heard);
    check_int(hem_await(flush), 0);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

struct write {
    hem_stream *stream;
    const char *from;
    size_t size;
};

static int write_it(void *arg)
{
    struct write *w = arg;
    ssize_t n = hem_stream_write(w->stream, w->from, w->size);
    return n < 0 ? (int)n : check_int(n, w->size) - 1;
}

VIRTUAL_TEST(what_was_put_goes_before_a_write_and_what_comes_during_it_behind)
{
    hem_stream s;
    hem_task *t;
    fill_many();
    int peer = net_open(&s, 0);
    size_t at = put_much(&s, 10000);
    struct write w = {&s, many + at, MANY / 2};
    check_int(hem_spawn(&t, write_it, &w), 0);
    net_settle(); /* it waits for what was put */
    net_expect(peer, many, 10000);
    net_expect(peer, many + 10000, at - 10000);
    net_settle(); /* it is in the middle */
    at += MANY / 2;
    check_int(hem_stream_put(&s, many + at, 5000), 0);
    check_int(hem_stream_put(&s, many + at + 5000, 5000), 0);
    check_int(hem_stream_pending(&s), 10000);
    net_expect(peer, many + at - MANY / 2, MANY / 2 + 10000);
    check_int(hem_await(t), 0);
    check_int(hem_stream_flush(&s), 0);
    check_int(hem_stream_bytes_written(&s), at + 10000);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(a_cancelled_write_leaves_what_was_put_before_it)
{
    hem_stream s;
    hem_task *t;
    fill_many();
    int peer = net_open(&s, 0);
    size_t taken = put_much(&s, 10000);
    struct write w = {&s, "never", 5};
    check_int(hem_spawn(&t, write_it, &w), 0);
    net_settle();
    check_int(hem_cancel_and_wait(t, "test"), 0);
    net_expect(peer, many, taken);
    check_int(hem_stream_aclose(&s), 0);
    check(net_hears_the_end(peer));
    net_close(peer);
    return 0;
}

/* Two streams: one that is full, whose peer is `*ret_peer`, and one that has a
 * byte to be peeked at, without a wait. */
static void open_full(hem_stream *s, hem_stream *ready, int *ret_peer)
{
    int fds[2];
    check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    check_int(hem_stream_open_fd(s, fds[0], NULL), 0);
    check_int(hem_stream_put(s, many, 500000), 0);
    *ret_peer = fds[1];
    hem_stream end;
    check_int(hem_stream_pair(ready, &end, NULL), 0);
    check_int(hem_stream_put(&end, "x", 1), 0);
    check_int(hem_stream_close(&end), 0);
}

VIRTUAL_TEST(a_write_that_gives_way_first_lets_only_go_what_is_kept)
{
    hem_stream s, ready;
    int peer;
    hem_task *t;
    char *p;
    fill_many();
    open_full(&s, &ready, &peer);
    struct write w = {&s, many + 500000, 3};
    check_int(hem_spawn(&t, write_it, &w), 0);
    net_settle(); /* it waits for all that was put, of which a part goes */
    check_int(hem_cancel_and_wait(t, "test"), 0);
    size_t heard = 0;
    while (hem_stream_pending(&s) > 150000) {
        net_expect(peer, many + heard, 1000);
        heard += 1000;
        net_settle();
    }
    check(hem_stream_pending(&s) > 0);
    for (int i = 0; i < 64; i++) /* the write is to give way as it begins */
        check_int(hem_stream_peek(&ready, 1, &p), 1);
    check_int(hem_spawn(&t, write_it, &w), 0);
    net_expect(peer, many + heard, 500003 - heard);
    check_int(hem_await(t), 0);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_stream_close(&ready), 0);
    close(peer);
    return 0;
}

VIRTUAL_TEST(aclose_sends_all_and_a_cancelled_one_aborts)
{
    hem_stream s;
    hem_task *t;
    fill_many();
    int peer = net_open(&s, 0);
    size_t taken = put_much(&s, 10000);
    check_int(hem_spawn(&t, aclose_it, &s), 0);
    net_expect(peer, many, taken);
    check_int(hem_await(t), 0);
    check(net_hears_the_end(peer));
    check_int(hem_stream_aclose(&s), HEM_EBADF);
    net_close(peer);

    peer = net_open(&s, 0);
    taken = put_much(&s, 10000);
    check_int(hem_spawn(&t, aclose_it, &s), 0);
    net_settle();
    check_int(hem_cancel_and_wait(t, "test"), 0);
    check_int(hem_stream_close(&s), HEM_EBADF);
    check_int(hem_stream_pending(&s), 0);
    check(net_drain(peer, MANY) < taken);
    net_close(peer);
    return 0;
}

/* Have the kernel take less than HIGH of a stream, whatever room there is: a
 * socket that is full for epoll has a third of its room left. */
static void narrow(const hem_stream *s)
{
    int size = HIGH / 4;
    check_int(setsockopt(s->fd.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)),
              0);
}

VIRTUAL_TEST(close_tells_what_was_lost_and_wakes_who_drains)
{
    hem_stream s;
    hem_task *t;
    int peer = net_open(&s, 0);
    narrow(&s);
    for (int i = 0; i < 10; i++) /* full as the kernel sees it, too */
        (void)put_much(&s, 10000);
    check_int(hem_spawn(&t, drain_it, &s), 0);
    net_settle();
    check_int(hem_stream_close(&s), HEM_EINCOMPLETE);
    check_int(hem_await(t), HEM_EBADF);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(close_sends_what_there_is_room_for)
{
    hem_stream s;
    int peer = net_open(&s, 0);
    size_t taken = put_much(&s, 10000);
    check_int(net_drain(peer, taken), hem_stream_bytes_written(&s));
    int rc = hem_stream_close(&s); /* there is room now, and one try */
    check(rc == 0 || (evil_io() && rc == HEM_EINCOMPLETE));
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(a_reset_ends_what_is_kept)
{
    hem_stream s;
    hem_task *t;
    int peer = net_open(&s, 0);
    (void)put_much(&s, 10000);
    check_int(hem_spawn(&t, flush_it, &s), 0);
    net_settle();
    net_reset(peer);
    check_int(hem_await(t), HEM_ECONNRESET);
    check_int(hem_stream_put(&s, "x", 1), HEM_ECONNRESET);
    check_int(hem_stream_write(&s, "x", 1), HEM_ECONNRESET);
    check_int(hem_stream_drain(&s), HEM_ECONNRESET);
    check_int(hem_stream_flush(&s), HEM_ECONNRESET);
    check_int(hem_stream_pending(&s), 0);
    check_int(hem_stream_close(&s), HEM_EINCOMPLETE);
    return 0;
}

VIRTUAL_TEST(what_nobody_takes_is_given_up)
{
    hem_stream s;
    hem_task *t;
    int peer = net_open(&s, 0);
    (void)put_much(&s, 10000);
    hem_ns full = hem_now();
    check_int(hem_spawn(&t, flush_it, &s), 0);
    check_int(hem_await(t), HEM_ETIMEDOUT);
    check(hem_now() > full + 29 * HEM_SEC && hem_now() <= full + 30 * HEM_SEC);
    check_int(hem_stream_put(&s, "x", 1), HEM_ETIMEDOUT);
    check_int(hem_stream_abort(&s), 0);
    net_close(peer);
    return 0;
}

static int end_it(void *arg)
{
    return hem_stream_shutdown_write(arg);
}

VIRTUAL_TEST(nothing_is_taken_while_writing_is_shut_down)
{
    hem_stream s;
    hem_task *t;
    fill_many();
    int peer = net_open(&s, 0);
    size_t taken = put_much(&s, 10000);
    check_int(hem_spawn(&t, end_it, &s), 0);
    net_settle();
    check(!hem_task_done(t));
    size_t pending = hem_stream_pending(&s);
    check_int(hem_stream_put(&s, "x", 1), HEM_EPIPE);
    check_int(hem_stream_shutdown_write(&s), HEM_EBUSY);
    check_int(hem_stream_pending(&s), pending);
    net_expect(peer, many, taken);
    check_int(hem_await(t), 0);
    check_int(hem_stream_put(&s, "x", 1), HEM_EPIPE);
    check(net_hears_the_end(peer));
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(a_cancelled_shutdown_lets_put_go_on)
{
    hem_stream s;
    hem_task *t;
    fill_many();
    int peer = net_open(&s, 0);
    size_t taken = put_much(&s, 10000);
    check_int(hem_spawn(&t, end_it, &s), 0);
    net_settle();
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    net_expect(peer, many, taken);
    check_int(hem_stream_put(&s, "x", 1), 0);
    check_int(hem_stream_flush(&s), 0);
    check(net_hears(peer, "x"));
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(put_sends_at_once_what_the_kernel_takes),
        LEDGER_TEST(put_keeps_no_more_than_high_water_and_one_put),
        LEDGER_TEST(drain_waits_until_a_quarter_is_kept),
        LEDGER_TEST(
            what_was_put_goes_before_a_write_and_what_comes_during_it_behind),
        LEDGER_TEST(a_cancelled_write_leaves_what_was_put_before_it),
        LEDGER_TEST(a_write_that_gives_way_first_lets_only_go_what_is_kept),
        LEDGER_TEST(aclose_sends_all_and_a_cancelled_one_aborts),
        LEDGER_TEST(close_tells_what_was_lost_and_wakes_who_drains),
        LEDGER_TEST(close_sends_what_there_is_room_for),
        LEDGER_TEST(a_reset_ends_what_is_kept),
        LEDGER_TEST(what_nobody_takes_is_given_up),
        LEDGER_TEST(nothing_is_taken_while_writing_is_shut_down),
        LEDGER_TEST(a_cancelled_shutdown_lets_put_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
