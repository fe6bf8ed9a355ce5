/* SPDX-License-Identifier: MIT */
/* Tasks that wait for descriptors of their own. */
#include "support.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "net.h"
#include "settle.h"
#include "udp.h"

static void make_pipe(int *fds)
{
    check_int(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
}

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

/* Fill what is written to `fd`. */
static void fill(int fd)
{
    static char bytes[4096];
    while (write(fd, bytes, sizeof(bytes)) > 0)
        continue;
}

static int wait_readable(void *arg)
{
    return hem_fd_wait(*(int *)arg, HEM_READABLE);
}

static int wait_writable(void *arg)
{
    return hem_fd_wait(*(int *)arg, HEM_WRITABLE);
}

static int wait_both(void *arg)
{
    return hem_fd_wait(*(int *)arg, HEM_READABLE | HEM_WRITABLE);
}

VIRTUAL_TEST(waiting_ends_when_there_is_something_to_read)
{
    int fds[2];
    make_pipe(fds);
    hem_task *t = spawn_settled(wait_readable, &fds[0]);
    check(!hem_task_done(t));
    check_str(hem_task_waits_for(t), "descriptor");
    put_byte(fds[1]);
    check_int(hem_await(t), HEM_READABLE);
    /* it is of the moment: there still is */
    check_int(wait_readable(&fds[0]), HEM_READABLE);
    check_int(wait_writable(&fds[1]), HEM_WRITABLE);
    close_both(fds);
    return 0;
}

VIRTUAL_TEST(what_is_ready_of_both_is_told)
{
    int fds[2];
    make_pair(fds);
    check_int(wait_both(&fds[0]), HEM_WRITABLE);
    put_byte(fds[1]);
    check_int(wait_both(&fds[0]), HEM_READABLE | HEM_WRITABLE);
    fill(fds[0]);
    check_int(wait_both(&fds[0]), HEM_READABLE);
    close_both(fds);
    return 0;
}

VIRTUAL_TEST(one_may_wait_to_read_and_one_to_write)
{
    int fds[2];
    make_pair(fds);
    fill(fds[0]);
    hem_task *reader = spawn_settled(wait_readable, &fds[0]);
    hem_task *writer = spawn_settled(wait_writable, &fds[0]);
    check_int(wait_readable(&fds[0]), HEM_EBUSY);
    check_int(wait_writable(&fds[0]), HEM_EBUSY);
    check_int(wait_both(&fds[0]), HEM_EBUSY);
    put_byte(fds[1]);
    check_int(hem_await(reader), HEM_READABLE);
    settle();
    check(!hem_task_done(writer)); /* the first one of the two has gone */
    net_drain(fds[1], SIZE_MAX);
    check_int(hem_await(writer), HEM_WRITABLE);
    close_both(fds);
    return 0;
}

VIRTUAL_TEST(the_end_is_something_to_read)
{
    int fds[2];
    make_pipe(fds);
    hem_task *t = spawn_settled(wait_readable, &fds[0]);
    check_int(close(fds[1]), 0);
    check_int(hem_await(t), HEM_READABLE | HEM_HANGUP);
    check_int(close(fds[0]), 0);
    return 0;
}

VIRTUAL_TEST(who_waits_to_write_is_told_that_nobody_reads)
{
    int fds[2];
    make_pipe(fds);
    fill(fds[1]);
    hem_task *t = spawn_settled(wait_writable, &fds[1]);
    check_int(close(fds[0]), 0);
    check_int(hem_await(t), HEM_WRITABLE | HEM_HANGUP);
    check_int(close(fds[1]), 0);
    return 0;
}

VIRTUAL_TEST(a_hang_up_is_told_to_both)
{
    int fds[2];
    make_pair(fds);
    fill(fds[0]);
    hem_task *reader = spawn_settled(wait_readable, &fds[0]);
    hem_task *writer = spawn_settled(wait_writable, &fds[0]);
    check_int(close(fds[1]), 0);
    check_int(hem_await(reader), HEM_READABLE | HEM_HANGUP);
    check_int(hem_await(writer), HEM_WRITABLE | HEM_HANGUP);
    check_int(close(fds[0]), 0);
    return 0;
}

VIRTUAL_TEST(urgent_data_are_told_by_themselves)
{
    HEM_LISTENER(l);
    uint16_t port = net_listen(&l);
    int near = net_connect(port);
    HEM_STREAM(s);
    check_int(hem_accept(&l, &s), 0);
    hem_stream_info info;
    check_int(hem_stream_get_info(&s, &info), 0);
    check_int(send(info.fd, "!", 1, MSG_OOB), 1);
    check_int(hem_fd_wait(near, HEM_URGENT), HEM_URGENT);
    int both = HEM_URGENT | HEM_WRITABLE;
    int told = 0; /* in one event, or one after the other */
    for (int i = 0; i < 100 && told != both; i++) {
        int rc = hem_fd_wait(near, both);
        check(rc > 0 && (rc & ~both) == 0);
        told |= rc;
    }
    check_int(told, both);
    check_int(hem_stream_close(&s), 0);
    net_close(near);
    return 0;
}

VIRTUAL_TEST(a_file_is_always_ready)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    check_int(wait_readable(&fd), HEM_READABLE);
    check_int(wait_both(&fd), HEM_READABLE | HEM_WRITABLE);
    check_int(hem_fd_wait(fd, HEM_URGENT), HEM_EPERM);
    check_int(close(fd), 0);
    return 0;
}

VIRTUAL_TEST(what_is_no_descriptor_is_refused)
{
    int fds[2];
    make_pipe(fds);
    check_int(hem_fd_wait(-1, HEM_READABLE), HEM_EBADF);
    check_int(hem_fd_wait(999, HEM_READABLE), HEM_EBADF);
    check_int(hem_fd_wait(INT32_MAX, HEM_READABLE), HEM_EBADF);
    check_int(hem_fd_wait(fds[0], 0), HEM_EINVAL);
    check_int(hem_fd_wait(fds[0], HEM_HANGUP), HEM_EINVAL);
    check_int(hem_fd_wait(fds[0], HEM_READABLE | 16), HEM_EINVAL);
    close_both(fds);
    check_int(wait_readable(&fds[0]), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(what_is_hems_is_refused)
{
    HEM_DATAGRAM(d);
    udp_open(&d);
    int fd = hem_datagram_fd(&d);
    char byte;
    check_int(wait_readable(&fd), HEM_EEXIST);
    check_int(hem_fd_close(fd), HEM_EEXIST);
    check_int(hem_sock_recv(fd, &byte, 1), HEM_EEXIST);
    return 0;
}

VIRTUAL_TEST(a_cancelled_wait_leaves_nothing)
{
    int fds[2];
    make_pipe(fds);
    hem_task *t = spawn_settled(wait_readable, &fds[0]);
    check(hem_task_cancel(t, "enough"));
    check_int(hem_await(t), HEM_ECANCELED);
    put_byte(fds[1]);
    check_int(wait_readable(&fds[0]), HEM_READABLE);
    close_both(fds);
    return 0;
}

VIRTUAL_TEST(a_wait_that_is_cancelled_as_it_ends_is_cancelled)
{
    int fds[2];
    make_pipe(fds);
    hem_timeout t;
    put_byte(fds[1]);
    check_int(hem_timeout_open(&t, 0), 0);
    check_int(hem_timeout_close(&t, wait_readable(&fds[0])), HEM_ETIMEDOUT);
    close_both(fds);
    return 0;
}

VIRTUAL_TEST(closing_ends_the_waits)
{
    int fds[2];
    make_pair(fds);
    fill(fds[0]);
    hem_task *reader = spawn_settled(wait_readable, &fds[0]);
    hem_task *writer = spawn_settled(wait_writable, &fds[0]);
    check_int(hem_fd_close(fds[0]), 0);
    check_int(hem_await(reader), HEM_EBADF);
    check_int(hem_await(writer), HEM_EBADF);
    check_int(hem_fd_close(fds[0]), HEM_EBADF);
    check_int(hem_fd_close(-1), HEM_EBADF);
    check_int(close(fds[1]), 0);
    return 0;
}

VIRTUAL_TEST(memory_may_lack_for_the_table)
{
    int fd = eventfd(1, EFD_CLOEXEC);
    int high = fcntl(fd, F_DUPFD_CLOEXEC, 500);
    ledger_fail_at(1);
    check_int(wait_readable(&high), HEM_ENOMEM);
    check_int(wait_readable(&high), HEM_READABLE);
    size_t before = ledger_allocations();
    check_int(wait_readable(&high), HEM_READABLE);
    check_int(ledger_allocations(), before); /* a wait allocates nothing */
    check_int(close(fd) | close(high), 0);
    return 0;
}

VIRTUAL_TEST(a_thousand_waits_leave_the_poller_empty)
{
    int fds[2];
    make_pipe(fds);
    put_byte(fds[1]);
    for (int i = 0; i < 1000; i++)
        check_int(wait_readable(&fds[0]), HEM_READABLE);
    close_both(fds);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(waiting_ends_when_there_is_something_to_read),
        LEDGER_TEST(what_is_ready_of_both_is_told),
        LEDGER_TEST(one_may_wait_to_read_and_one_to_write),
        LEDGER_TEST(the_end_is_something_to_read),
        LEDGER_TEST(who_waits_to_write_is_told_that_nobody_reads),
        LEDGER_TEST(a_hang_up_is_told_to_both),
        LEDGER_TEST(urgent_data_are_told_by_themselves),
        LEDGER_TEST(a_file_is_always_ready),
        LEDGER_TEST(what_is_no_descriptor_is_refused),
        LEDGER_TEST(what_is_hems_is_refused),
        LEDGER_TEST(a_cancelled_wait_leaves_nothing),
        LEDGER_TEST(a_wait_that_is_cancelled_as_it_ends_is_cancelled),
        LEDGER_TEST(closing_ends_the_waits),
        LEDGER_TEST(memory_may_lack_for_the_table),
        LEDGER_TEST(a_thousand_waits_leave_the_poller_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
