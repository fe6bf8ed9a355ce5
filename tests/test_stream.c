/* SPDX-License-Identifier: MIT */
/* Streams: their life, what is known of them, and their end. */
#include "support.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net.h"

/* The next bytes of the stream are this text. */
static void check_reads(hem_stream *s, const char *text)
{
    char buf[64] = "";
    check_int(hem_stream_read_exactly(s, buf, strlen(text), NULL),
              strlen(text));
    check_str(buf, text);
}

static void check_all_refused(hem_stream *s)
{
    char buf[8], *p;
    size_t got = 77;
    hem_stream_info info;
    check_int(hem_stream_read(s, buf, sizeof(buf)), HEM_EBADF);
    check_int(hem_stream_read_some(s, &p), HEM_EBADF);
    check_int(hem_stream_read_exactly(s, buf, sizeof(buf), &got), HEM_EBADF);
    check_int(got, 0);
    check_int(hem_stream_read_until(s, "\n", &p), HEM_EBADF);
    check_int(hem_stream_read_line(s, &p), HEM_EBADF);
    check_int(hem_stream_write(s, buf, sizeof(buf)), HEM_EBADF);
    check_int(hem_stream_write(s, buf, 0), HEM_EBADF);
    check_int(hem_stream_send_file(s, 0, 0, 1), HEM_EBADF);
    check_int(hem_stream_shutdown_write(s), HEM_EBADF);
    check_int(hem_stream_get_info(s, &info), HEM_EBADF);
    check_int(hem_stream_close(s), HEM_EBADF);
    check_int(hem_stream_abort(s), HEM_EBADF);
}

VIRTUAL_TEST(a_stream_that_was_never_open_is_closed)
{
    hem_stream s = {0};
    check_all_refused(&s);
    check_int(hem_stream_close(NULL), 0);
    check_int(hem_stream_abort(NULL), 0);
    return 0;
}

VIRTUAL_TEST(a_closed_stream_refuses_everything)
{
    hem_stream s;
    int peer = net_open(&s, 0);
    check_int(hem_stream_close(&s), 0);
    check_all_refused(&s);
    check(net_hears_the_end(peer));
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(a_double_close_leaves_the_next_owner_of_the_descriptor_alone)
{
    hem_stream s;
    hem_stream_info info;
    int peer = net_open(&s, 0);
    check_int(hem_stream_get_info(&s, &info), 0);
    check_int(hem_stream_close(&s), 0);
    check_int(dup2(peer, info.fd), info.fd);
    check_all_refused(&s);
    check_int(close(info.fd), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(a_declared_stream_is_closed_with_its_block)
{
    int peers[3];
    for (int i = 0; i < 3; i++) {
        HEM_STREAM(s);
        check_int(hem_stream_close(&s), HEM_EBADF);
        if (i == 0)
            continue; /* was never open */
        peers[i] = net_open(&s, 0);
        if (i == 1)
            check_int(hem_stream_close(&s), 0);
    }
    for (int i = 1; i < 3; i++) {
        check(net_hears_the_end(peers[i]));
        net_close(peers[i]);
    }
    return 0;
}

static int read_three(void *arg)
{
    char buf[3];
    return (int)hem_stream_read_exactly(arg, buf, sizeof(buf), NULL);
}

static int use_in_child(void *arg)
{
    hem_stream *s = arg;
    int fd = s->fd.fd;
    check_all_refused(s);
    check(fcntl(fd, F_GETFD) < 0);
    return check_failures_take();
}

VIRTUAL_TEST(in_a_forked_child_streams_are_closed)
{
    hem_stream s;
    struct ending e;
    hem_task *t;
    int peer = net_open(&s, 0);
    check_int(hem_spawn(&t, read_three, &s), 0);
    net_settle();
    process_run(use_in_child, &s, &e);
    check_int(e.signo, 0);
    check_int(e.status, 0);
    check_str(e.text, "");
    net_say(peer, "yes");
    check_int(hem_await(t), 3);
    check_int(hem_stream_close(&s), 0);
    check(net_hears_the_end(peer));
    net_close(peer);
    return 0;
}

static int read_bytes(void *arg)
{
    char byte;
    for (int i = 0; i < 1000; i++)
        HEM_TRY(hem_stream_read(arg, &byte, 1));
    return 0;
}

static int write_bytes(void *arg)
{
    for (int i = 0; i < 1000; i++)
        HEM_TRY(hem_stream_write(arg, "x", 1));
    return 0;
}

FIFO_TEST(who_gives_way_finds_the_stream_closed)
{
    static hem_fn *const calls[] = {read_bytes, write_bytes};
    static const char bytes[1000];
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        hem_stream s;
        hem_task *t;
        int peer = net_open(&s, 0);
        net_send(peer, bytes, sizeof(bytes));
        check_int(hem_spawn(&t, calls[i], &s), 0);
        check_int(hem_yield(), 0);
        if (!evil_io()) /* it may wait before it gives way */
            check_str(hem_task_waits_for(t), "ready");
        check_int(hem_stream_close(&s), 0);
        check_int(hem_await(t), HEM_EBADF);
        net_reset(peer);
    }
    return 0;
}

VIRTUAL_TEST(each_direction_ends_by_itself)
{
    hem_stream s;
    char byte;
    int peer = net_open(&s, 0);
    net_finish(peer);
    check_int(hem_stream_read(&s, &byte, 1), 0);
    check_int(hem_stream_write(&s, "still here", 10), 10);
    check(net_hears(peer, "still here"));
    check_int(hem_stream_close(&s), 0);
    net_close(peer);

    peer = net_open(&s, 0);
    check_int(hem_stream_shutdown_write(&s), 0);
    check(net_hears_the_end(peer));
    check_int(hem_stream_write(&s, "x", 1), HEM_EPIPE);
    check_int(hem_stream_shutdown_write(&s), 0);
    net_say(peer, "still here");
    check_reads(&s, "still here");
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(what_was_written_before_the_close_arrives)
{
    hem_stream s;
    int peer = net_open(&s, 0);
    check_int(hem_stream_write(&s, "last words", 10), 10);
    check_int(hem_stream_close(&s), 0);
    check(net_hears(peer, "last words"));
    check(net_hears_the_end(peer));
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(abort_resets_the_connection)
{
    hem_stream s;
    char byte;
    int peer = net_open(&s, 0);
    check_int(hem_stream_abort(&s), 0);
    check(recv(peer, &byte, 1, 0) < 0);
    check_int(errno, ECONNRESET);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(info_tells_both_ends_and_counts)
{
    hem_stream a, b;
    hem_stream_info ia, ib;
    char text[2][HEM_ADDRESS_TEXT];
    net_open_pair(&a, &b);
    check_int(hem_stream_write(&a, "hello", 5), 5);
    check_reads(&b, "hel");
    check_int(hem_stream_get_info(&a, &ia), 0);
    check_int(hem_stream_get_info(&b, &ib), 0);
    check_str(hem_address_format(&ia.local, text[0]),
              hem_address_format(&ib.peer, text[1]));
    check_str(hem_address_format(&ia.peer, text[0]),
              hem_address_format(&ib.local, text[1]));
    check_int(ia.bytes_written, 5);
    check_int(ia.bytes_read, 0);
    check_int(ib.bytes_read, 3);
    check_int(ib.bytes_written, 0);
    check_int(hem_stream_close(&a), 0);
    check_int(hem_stream_close(&b), 0);
    return 0;
}

VIRTUAL_TEST(descriptors_are_closed_on_exec_and_send_at_once)
{
    hem_stream ends[2];
    net_open_pair(&ends[0], &ends[1]);
    for (size_t i = 0; i < 2; i++) {
        hem_stream_info info;
        check_int(hem_stream_get_info(&ends[i], &info), 0);
        check(fcntl(info.fd, F_GETFD) & FD_CLOEXEC);
        check(fcntl(info.fd, F_GETFL) & O_NONBLOCK);
        int no_delay = 0;
        socklen_t n = sizeof(no_delay);
        check_int(getsockopt(info.fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &n),
                  0);
        check_int(no_delay, 1);
        check_int(hem_stream_close(&ends[i]), 0);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_stream_that_was_never_open_is_closed),
        LEDGER_TEST(a_closed_stream_refuses_everything),
        LEDGER_TEST(
            a_double_close_leaves_the_next_owner_of_the_descriptor_alone),
        LEDGER_TEST(a_declared_stream_is_closed_with_its_block),
        LEDGER_TEST(in_a_forked_child_streams_are_closed),
        LEDGER_TEST(who_gives_way_finds_the_stream_closed),
        LEDGER_TEST(each_direction_ends_by_itself),
        LEDGER_TEST(what_was_written_before_the_close_arrives),
        LEDGER_TEST(abort_resets_the_connection),
        LEDGER_TEST(info_tells_both_ends_and_counts),
        LEDGER_TEST(descriptors_are_closed_on_exec_and_send_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
