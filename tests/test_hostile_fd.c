/* SPDX-License-Identifier: MIT */
/* Descriptors of others that are closed and used again at bad moments. */
#include "support.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "settle.h"
#include "udp.h"

static void make_pair(int *fds)
{
    check_int(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
        0);
}

static void put_byte(int fd)
{
    check_int(write(fd, "x", 1), 1);
}

/* Some turns of the loop. Time stands still while a watch is told. */
static void turn(void)
{
    for (int i = 0; i < 2000; i++)
        check_int(hem_yield(), 0);
}

/* Two watches whose events come in one batch; whichever is told first acts. */
struct two {
    int fds[2][2];
    hem_fd_watch watch[2];
    int calls[2];
    void (*act)(struct two *t, int first); /* once */
    bool acted;
    int first; /* told, and acted */
    hem_fd_watch third;
    int third_calls;
    int third_fds[2];
};

static void tell(struct two *t, int which)
{
    t->calls[which]++;
    if (!t->acted) {
        t->acted = true;
        t->first = which;
        t->act(t, which);
    }
}

static void tell_first(void *arg, int events)
{
    check_int(events, HEM_READABLE);
    tell(arg, 0);
}

static void tell_second(void *arg, int events)
{
    check_int(events, HEM_READABLE);
    tell(arg, 1);
}

static void tell_third(void *arg, int events)
{
    struct two *t = arg;
    (void)events;
    t->third_calls++;
}

static void run_two(struct two *t, void (*act)(struct two *t, int first))
{
    *t = (struct two){.act = act};
    hem_fd_watch_init(&t->watch[0], tell_first, t);
    hem_fd_watch_init(&t->watch[1], tell_second, t);
    hem_fd_watch_init(&t->third, tell_third, t);
    for (int i = 0; i < 2; i++) {
        make_pair(t->fds[i]);
        put_byte(t->fds[i][1]);
        check_int(hem_fd_watch_start(&t->watch[i], t->fds[i][0], HEM_READABLE),
                  0);
    }
    turn();
    check(t->acted);
}

static void stop_other(struct two *t, int first)
{
    check(hem_fd_watch_stop(&t->watch[!first]));
    check(hem_fd_watch_stop(&t->watch[first]));
}

VIRTUAL_TEST(hostile_12_a_watch_stopped_by_another_is_not_told)
{
    struct two t;
    run_two(&t, stop_other);
    check_int(t.calls[0] + t.calls[1], 1);
    for (int i = 0; i < 2; i++)
        check_int(close(t.fds[i][0]) | close(t.fds[i][1]), 0);
    return 0;
}

/* The other descriptor is closed, and its number is that of a new one, quiet,
 * which is watched at once. */
static void reuse_other(struct two *t, int first)
{
    int number = t->fds[!first][0];
    check(hem_fd_watch_stop(&t->watch[first]));
    check(hem_fd_watch_stop(&t->watch[!first]));
    check_int(close(number), 0);
    make_pair(t->third_fds);
    if (t->third_fds[0] != number) {
        check_int(dup3(t->third_fds[0], number, O_CLOEXEC), number);
        check_int(close(t->third_fds[0]), 0);
        t->third_fds[0] = number;
    }
    check_int(hem_fd_watch_start(&t->third, number, HEM_READABLE), 0);
}

VIRTUAL_TEST(hostile_12_an_event_never_reaches_the_next_of_its_number)
{
    struct two t;
    run_two(&t, reuse_other);
    check_int(t.third_calls, 0); /* it has nothing to read */
    put_byte(t.third_fds[1]);
    turn();
    check(t.third_calls > 0);
    check(hem_fd_watch_stop(&t.third));
    check_int(close(t.third_fds[0]) | close(t.third_fds[1]), 0);
    for (int i = 0; i < 2; i++)
        check_int(close(t.fds[i][1]), 0);
    for (int i = 0; i < 2; i++)
        (void)close(t.fds[i][0]); /* one of them is closed already */
    return 0;
}

/* The same without having stopped the watch: a mistake, that harms only its
 * maker. */
static void close_without_stop(struct two *t, int first)
{
    check(hem_fd_watch_stop(&t->watch[first]));
    check_int(close(t->fds[!first][0]), 0);
}

VIRTUAL_TEST(hostile_12_a_descriptor_closed_while_it_is_watched_is_not_mixed_up)
{
    struct two t;
    run_two(&t, close_without_stop);
    int other = !t.first;
    int calls = t.calls[other];
    check(calls <= 1); /* it was in the batch already */
    check_int(hem_fd_watch_start(&t.third, t.fds[other][0], HEM_READABLE),
              HEM_EBADF);
    make_pair(t.third_fds); /* gets the number */
    check_int(t.third_fds[0], t.fds[other][0]);
    put_byte(t.third_fds[1]);
    turn();
    check_int(t.calls[other], calls);
    check_int(hem_fd_watch_start(&t.third, t.third_fds[0], HEM_READABLE), 0);
    turn();
    check(t.third_calls > 0);
    check_int(t.calls[other], calls);
    check(!hem_fd_watch_stop(&t.watch[other])); /* it was found out */
    check(hem_fd_watch_stop(&t.third));
    check_int(close(t.third_fds[0]) | close(t.third_fds[1]), 0);
    check_int(close(t.fds[!other][0]), 0);
    check_int(close(t.fds[0][1]) | close(t.fds[1][1]), 0);
    return 0;
}

static int wait_readable(void *arg)
{
    return hem_fd_wait(*(int *)arg, HEM_READABLE);
}

static int wait_writable(void *arg)
{
    return hem_fd_wait(*(int *)arg, HEM_WRITABLE);
}

VIRTUAL_TEST(hostile_13_who_waits_for_a_closed_one_gets_EBADF_once_it_is_known)
{
    int fds[2], next[2];
    make_pair(fds);
    hem_task *t = spawn_settled(wait_readable, &fds[0]);
    check_int(close(fds[0]), 0);
    make_pair(next);
    check_int(next[0], fds[0]);
    put_byte(next[1]);
    turn();
    check(!hem_task_done(t)); /* not told of the next one */
    check_int(wait_writable(&next[0]), HEM_WRITABLE);
    check(hem_task_done(t));
    check_int(hem_await(t), HEM_EBADF);
    check_int(wait_readable(&next[0]), HEM_READABLE);
    check_int(close(fds[1]) | close(next[0]) | close(next[1]), 0);
    return 0;
}

VIRTUAL_TEST(hostile_13_a_wait_does_not_disturb_hems_own_use_of_the_number)
{
    HEM_DATAGRAM(d);
    HEM_DATAGRAM(from);
    int fds[2];
    udp_open(&from);
    make_pair(fds);
    hem_task *reader = spawn_settled(wait_readable, &fds[0]);
    hem_fd_watch watch;
    hem_fd_watch_init(&watch, tell_third, NULL);
    check_int(hem_fd_watch_start(&watch, fds[0], HEM_URGENT), 0);
    check_int(close(fds[0]), 0);
    hem_address here = udp_open(&d);
    check_int(hem_datagram_fd(&d), fds[0]);
    udp_say(&from, &here, "one");
    udp_expect(&d, "one");
    check_int(hem_fd_watch_change(&watch, HEM_WRITABLE), HEM_EBADF);
    check(hem_task_cancel(reader, NULL));
    check_int(hem_await(reader), HEM_ECANCELED);
    check(hem_fd_watch_stop(&watch));
    udp_say(&from, &here, "two");
    udp_expect(&d, "two");
    check_int(close(fds[1]), 0);
    return 0;
}

VIRTUAL_TEST(hostile_13_closing_twice_closes_once)
{
    int fds[2];
    make_pair(fds);
    check_int(hem_fd_close(fds[0]), 0);
    check_int(hem_fd_close(fds[0]), HEM_EBADF);
    check_int(wait_readable(&fds[0]), HEM_EBADF);
    check_int(close(fds[1]), 0);
    HEM_DATAGRAM(d);
    udp_open(&d);
    check_int(hem_datagram_close(&d), 0);
    check_int(hem_datagram_close(&d), HEM_EBADF);
    return 0;
}

static int receive(void *arg)
{
    char byte;
    return (int)hem_datagram_receive(arg, &byte, 1);
}

VIRTUAL_TEST(hostile_13_an_endpoint_closed_as_its_datagram_comes)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    HEM_DATAGRAM(next);
    udp_open_pair(&a, &b);
    hem_task *t = spawn_settled(receive, &b);
    udp_say(&a, NULL, "x");
    int number = hem_datagram_fd(&b);
    check_int(hem_datagram_close(&b), 0);
    udp_open(&next);
    check_int(hem_datagram_fd(&next), number);
    check_int(hem_await(t), HEM_EBADF);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(hostile_12_a_watch_stopped_by_another_is_not_told),
        LEDGER_TEST(hostile_12_an_event_never_reaches_the_next_of_its_number),
        LEDGER_TEST(
            hostile_12_a_descriptor_closed_while_it_is_watched_is_not_mixed_up),
        LEDGER_TEST(
            hostile_13_who_waits_for_a_closed_one_gets_EBADF_once_it_is_known),
        LEDGER_TEST(
            hostile_13_a_wait_does_not_disturb_hems_own_use_of_the_number),
        LEDGER_TEST(hostile_13_closing_twice_closes_once),
        LEDGER_TEST(hostile_13_an_endpoint_closed_as_its_datagram_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
