/* SPDX-License-Identifier: MIT */
/* Functions that are called when descriptors are ready. */
#include "support.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "udp.h"

static void make_pair(int *fds)
{
    check_int(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
        0);
}

static void close_both(const int *fds)
{
    check_int(close(fds[0]) | close(fds[1]), 0);
}

static void put_byte(int fd)
{
    check_int(write(fd, "x", 1), 1);
}

static void take_byte(int fd)
{
    char byte;
    check_int(read(fd, &byte, 1), 1);
}

/* A watch, and what it was told. */
struct told {
    hem_fd_watch watch;
    int calls;
    int events; /* of the last call */
    int stop_after;
    hem_fd_watch *other; /* stopped with it; or NULL */
};

static void tell(void *arg, int events)
{
    struct told *t = arg;
    check(hem_self() == NULL); /* no task is current */
    t->events = events;
    if (++t->calls == t->stop_after) {
        check(hem_fd_watch_stop(&t->watch));
        if (t->other)
            check(hem_fd_watch_stop(t->other));
    }
}

static void told_init(struct told *t)
{
    *t = (struct told){.calls = 0};
    hem_fd_watch_init(&t->watch, tell, t);
}

/* Some turns of the loop. Time stands still while a watch is told. */
static void turn(void)
{
    for (int i = 0; i < 2000; i++)
        check_int(hem_yield(), 0);
}

VIRTUAL_TEST(a_watch_is_told_as_long_as_it_lasts)
{
    int fds[2];
    struct told t;
    make_pair(fds);
    told_init(&t);
    check_int(hem_fd_watch_start(&t.watch, fds[0], HEM_READABLE), 0);
    turn();
    check_int(t.calls, 0);
    put_byte(fds[1]);
    turn();
    check(t.calls > 1);
    check_int(t.events, HEM_READABLE);
    take_byte(fds[0]);
    turn();
    int calls = t.calls;
    turn();
    check_int(t.calls, calls);
    check(hem_fd_watch_stop(&t.watch));
    check(!hem_fd_watch_stop(&t.watch));
    put_byte(fds[1]);
    turn();
    check_int(t.calls, calls);
    close_both(fds);
    return 0;
}

VIRTUAL_TEST(a_watch_may_stop_itself)
{
    int fds[2];
    struct told t;
    make_pair(fds);
    told_init(&t);
    t.stop_after = 1;
    put_byte(fds[1]);
    check_int(hem_fd_watch_start(&t.watch, fds[0], HEM_READABLE), 0);
    turn();
    check_int(t.calls, 1);
    check_int(hem_fd_watch_change(&t.watch, HEM_READABLE), HEM_EMISUSE);
    t.stop_after = 2; /* it may be started again */
    check_int(hem_fd_watch_start(&t.watch, fds[0], HEM_READABLE), 0);
    turn();
    check_int(t.calls, 2);
    close_both(fds);
    return 0;
}

VIRTUAL_TEST(what_is_watched_for_may_change)
{
    int fds[2];
    struct told t;
    make_pair(fds);
    told_init(&t);
    put_byte(fds[1]);
    check_int(hem_fd_watch_start(&t.watch, fds[0], 0), 0); /* not yet */
    check_int(hem_fd_watch_start(&t.watch, fds[0], 0), HEM_EALREADY);
    turn();
    check_int(t.calls, 0);
    check_int(hem_fd_watch_change(&t.watch, HEM_WRITABLE), 0);
    turn();
    check_int(t.events, HEM_WRITABLE);
    check_int(hem_fd_watch_change(&t.watch, HEM_WRITABLE | HEM_READABLE), 0);
    turn();
    check_int(t.events, HEM_WRITABLE | HEM_READABLE);
    check_int(hem_fd_watch_change(&t.watch, HEM_READABLE), 0);
    turn();
    check_int(t.events, HEM_READABLE);
    check_int(hem_fd_watch_change(&t.watch, 0), 0);
    turn();
    int calls = t.calls;
    check_int(close(fds[1]), 0); /* also of the end nothing is told */
    turn();
    check_int(t.calls, calls);
    check_int(hem_fd_watch_change(&t.watch, HEM_READABLE | HEM_HANGUP),
              HEM_EINVAL);
    check_int(hem_fd_watch_change(&t.watch, HEM_URGENT), 0);
    turn();
    check_int(t.events, HEM_HANGUP); /* always, else it would be for nothing */
    check(hem_fd_watch_stop(&t.watch));
    check_int(close(fds[0]), 0);
    return 0;
}

VIRTUAL_TEST(one_watch_in_each_direction)
{
    int fds[2];
    struct told reader, writer;
    make_pair(fds);
    told_init(&reader);
    told_init(&writer);
    check_int(hem_fd_watch_start(&reader.watch, fds[0], HEM_READABLE), 0);
    check_int(hem_fd_watch_start(&writer.watch, fds[0], HEM_READABLE),
              HEM_EBUSY);
    check(!hem_fd_watch_stop(&writer.watch));
    check_int(hem_fd_watch_start(&writer.watch, fds[0], HEM_WRITABLE), 0);
    check_int(hem_fd_watch_change(&writer.watch, HEM_READABLE), HEM_EBUSY);
    check_int(hem_fd_wait(fds[0], HEM_READABLE), HEM_EBUSY);
    put_byte(fds[1]);
    turn();
    check_int(reader.events, HEM_READABLE);
    check_int(writer.events, HEM_WRITABLE);
    check(hem_fd_watch_stop(&reader.watch)); /* which came first */
    int calls = writer.calls;
    turn();
    check(writer.calls > calls);
    check_int(hem_fd_wait(fds[0], HEM_READABLE), HEM_READABLE);
    check(hem_fd_watch_stop(&writer.watch));
    close_both(fds);
    return 0;
}

VIRTUAL_TEST(time_does_not_run_ahead_of_what_is_watched)
{
    int fds[2];
    struct told t;
    make_pair(fds);
    told_init(&t);
    t.stop_after = 1;
    check_int(hem_fd_watch_start(&t.watch, fds[0], HEM_READABLE), 0);
    put_byte(fds[1]);
    check_int(hem_sleep(1), 0);
    check_int(t.calls, 1);
    close_both(fds);
    return 0;
}

VIRTUAL_TEST(what_cannot_be_watched_is_refused)
{
    struct told t;
    HEM_DATAGRAM(d);
    udp_open(&d);
    told_init(&t);
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    check_int(hem_fd_watch_start(&t.watch, fd, HEM_READABLE), HEM_EPERM);
    check_int(close(fd), 0);
    check_int(hem_fd_watch_start(&t.watch, fd, HEM_READABLE), HEM_EBADF);
    check_int(hem_fd_watch_start(&t.watch, -1, HEM_READABLE), HEM_EBADF);
    check_int(hem_fd_watch_start(&t.watch, 0, 64), HEM_EINVAL);
    check_int(hem_fd_watch_start(&t.watch, hem_datagram_fd(&d), HEM_READABLE),
              HEM_EEXIST);
    check(!hem_fd_watch_stop(&t.watch));
    return 0;
}

VIRTUAL_TEST(closing_stops_a_watch)
{
    int fds[2];
    struct told t;
    make_pair(fds);
    told_init(&t);
    check_int(hem_fd_watch_start(&t.watch, fds[0], HEM_READABLE), 0);
    check_int(hem_fd_close(fds[0]), 0);
    check_int(hem_fd_watch_change(&t.watch, HEM_WRITABLE), HEM_EMISUSE);
    check(!hem_fd_watch_stop(&t.watch));
    check(send(fds[1], "x", 1, MSG_NOSIGNAL) < 0);
    turn();
    check_int(t.calls, 0);
    check_int(close(fds[1]), 0);
    return 0;
}

static struct told left_behind;
static int left_fds[2];

static int leave_started(void *arg)
{
    (void)arg;
    told_init(&left_behind);
    return hem_fd_watch_start(&left_behind.watch, left_fds[0], HEM_READABLE);
}

static int use_again(void *arg)
{
    (void)arg;
    check(!hem_fd_watch_stop(&left_behind.watch));
    check_int(hem_fd_watch_start(&left_behind.watch, left_fds[0], HEM_READABLE),
              0);
    put_byte(left_fds[1]);
    turn();
    check(left_behind.calls > 0);
    check(hem_fd_watch_stop(&left_behind.watch));
    return 0;
}

static void a_watch_that_outlives_its_loop_is_stopped(void **state)
{
    (void)state;
    make_pair(left_fds);
    check_int(run_virtual(leave_started, NULL), 0);
    check(!hem_fd_watch_stop(&left_behind.watch));
    left_behind.stop_after = 0;
    check_int(run_virtual(leave_started, NULL), 0);
    check_int(run_virtual(use_again, NULL), 0);
    close_both(left_fds);
    run_assert_checks();
}

/* A callback that starts a task which uses the descriptor. */

static int read_it(void *arg)
{
    int fd = *(int *)arg;
    check_int(hem_fd_wait(fd, HEM_READABLE), HEM_READABLE);
    take_byte(fd);
    return 7;
}

struct spawning {
    hem_fd_watch watch;
    hem_task *task;
    int fd;
};

static void spawn_reader(void *arg, int events)
{
    struct spawning *s = arg;
    check_int(events, HEM_READABLE);
    check(hem_fd_watch_stop(&s->watch));
    check_int(hem_spawn(&s->task, read_it, &s->fd), 0);
}

VIRTUAL_TEST(a_callback_may_hand_over_to_a_task)
{
    int fds[2];
    make_pair(fds);
    struct spawning s = {.fd = fds[0]};
    hem_fd_watch_init(&s.watch, spawn_reader, &s);
    check_int(hem_fd_watch_start(&s.watch, fds[0], HEM_READABLE), 0);
    put_byte(fds[1]);
    turn();
    check(s.task != NULL);
    check_int(hem_await(s.task), 7);
    close_both(fds);
    return 0;
}

static int start_idle(void *arg)
{
    return hem_fd_watch_start(arg, 0, 0);
}

static int start_anew(void *arg)
{
    check_int(hem_fd_watch_change(arg, 0), HEM_EMISUSE);
    check_int(hem_fd_watch_start(arg, 0, 0), 0);
    check(hem_fd_watch_stop(arg));
    return 0;
}

static void a_watch_for_nothing_is_stopped_with_its_loop(void **state)
{
    (void)state;
    hem_fd_watch w;
    hem_fd_watch_init(&w, NULL, NULL);
    check_int(run_virtual(start_idle, &w), 0);
    check_int(run_virtual(start_anew, &w), 0);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_watch_is_told_as_long_as_it_lasts),
        LEDGER_TEST(a_watch_may_stop_itself),
        LEDGER_TEST(what_is_watched_for_may_change),
        LEDGER_TEST(one_watch_in_each_direction),
        LEDGER_TEST(time_does_not_run_ahead_of_what_is_watched),
        LEDGER_TEST(what_cannot_be_watched_is_refused),
        LEDGER_TEST(closing_stops_a_watch),
        LEDGER_TEST(a_watch_that_outlives_its_loop_is_stopped),
        LEDGER_TEST(a_callback_may_hand_over_to_a_task),
        LEDGER_TEST(a_watch_for_nothing_is_stopped_with_its_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
