/* SPDX-License-Identifier: MIT */
/* Streams whose peers, or whose own program, do what they should not. */
#include "support.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "loop/poller.h"
#include "net.h"

#define MANY ((size_t)16 << 20) /* more than the kernel takes */

static char many[MANY];

static int read_some(void *arg)
{
    char buf[64];
    return (int)hem_stream_read(arg, buf, sizeof(buf));
}

static int read_exactly(void *arg)
{
    char buf[64];
    return (int)hem_stream_read_exactly(arg, buf, sizeof(buf), NULL);
}

static int read_line(void *arg)
{
    char *line;
    return (int)hem_stream_read_line(arg, &line);
}

static int write_many(void *arg)
{
    return (int)hem_stream_write(arg, many, MANY);
}

static int send_many(void *arg)
{
    int file = memfd_create("test", MFD_CLOEXEC);
    check_int(ftruncate(file, MANY), 0);
    int rc = (int)hem_stream_send_file(arg, file, 0, MANY);
    close(file);
    return rc;
}

static hem_fn *const calls[] = {read_some, read_exactly, read_line, write_many,
                                send_many};

/* Make sure that who waits in the stream has something to do. */
static void poke(int peer)
{
    net_say(peer, "some bytes");
    net_drain(peer, MANY);
}

/* Closes a stream as soon as it is told to, and takes its descriptor. */
struct closer {
    hem_stream told; /* by a byte from here */
    hem_stream *victim;
    int taken;   /* the descriptor */
    int ends[2]; /* one is what it now refers to */
};

static int close_and_take(void *arg)
{
    struct closer *c = arg;
    char byte;
    check_int(hem_stream_read(&c->told, &byte, 1), 1);
    check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, c->ends), 0);
    c->taken = c->victim->fd.fd;
    check_int(hem_stream_close(c->victim), 0);
    check_int(dup2(c->ends[0], c->taken), c->taken);
    check_int(write(c->ends[1], "theirs", 6), 6);
    return 0;
}

/* The call found its stream closed, unless it was told of its bytes before. */
static void check_ended(hem_task *t)
{
    int rc = hem_await(t);
    check_int(evil_io() && rc > 0 ? HEM_EBADF : rc, HEM_EBADF);
}

/* What a call that was woken does after another task has closed its stream. */
static void check_recycled(hem_fn *call)
{
    hem_stream s;
    struct closer c = {.victim = &s};
    hem_task *closer, *t;
    char buf[8] = "";
    int teller = net_open(&c.told, 0);
    int peer = net_open(&s, 0);
    check_int(hem_spawn(&t, call, &s), 0);
    check_int(hem_spawn(&closer, close_and_take, &c), 0);
    net_settle();
    net_say(teller, "x"); /* both are woken, the closer first */
    poke(peer);
    check_int(hem_await(closer), 0);
    check_ended(t);
    check(s.buffer == NULL);
    check_int(recv(c.taken, buf, sizeof(buf), 0), 6);
    check_str(buf, "theirs");
    check(recv(c.ends[1], buf, sizeof(buf), 0) < 0);
    close(c.taken);
    close(c.ends[0]);
    close(c.ends[1]);
    check_int(hem_stream_close(&c.told), 0);
    net_reset(teller);
    net_reset(peer);
}

FIFO_TEST(hostile_13_a_call_on_a_closed_stream_leaves_its_descriptor_alone)
{
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        check_recycled(calls[i]);
    return 0;
}

/* Closes a stream as soon as it is told to, and opens it again. */
static int close_and_open(void *arg)
{
    struct closer *c = arg;
    char byte;
    check_int(hem_stream_read(&c->told, &byte, 1), 1);
    check_int(hem_stream_close(c->victim), 0);
    c->ends[0] = net_open(c->victim, 0);
    net_say(c->ends[0], "theirs");
    return 0;
}

FIFO_TEST(hostile_13_a_call_does_not_go_on_in_the_next_life_of_its_stream)
{
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        hem_stream s;
        struct closer c = {.victim = &s};
        hem_task *closer, *t;
        char buf[8] = "";
        int teller = net_open(&c.told, 0);
        int peer = net_open(&s, 0);
        check_int(hem_spawn(&t, calls[i], &s), 0);
        check_int(hem_spawn(&closer, close_and_open, &c), 0);
        net_settle();
        net_say(teller, "x");
        poke(peer);
        check_int(hem_await(closer), 0);
        check_ended(t);
        check_int(hem_stream_read_exactly(&s, buf, 6, NULL), 6);
        check_str(buf, "theirs");
        check_int(net_drain(c.ends[0], 1), 0);
        check_int(hem_stream_close(&s), 0);
        check_int(hem_stream_close(&c.told), 0);
        net_reset(teller);
        net_reset(peer);
        net_reset(c.ends[0]);
    }
    return 0;
}

/* Take all descriptors below `fd`; `ret` gets them. */
static size_t take_below(int fd, int *ret, size_t max)
{
    size_t count = 0;
    while (count < max) {
        int next = dup(0);
        if (next >= fd) {
            close(next);
            break;
        }
        ret[count++] = next;
    }
    return count;
}

VIRTUAL_TEST(
    hostile_12_an_event_of_a_closed_descriptor_does_not_reach_the_next_owner)
{
    hem_stream old, next;
    hem_listener l;
    hem_task *t;
    int taken[64];
    uint16_t port = net_listen(&l);
    int next_peer = net_connect(port);
    int old_peer = net_open(&old, 0);
    check_int(hem_spawn(&t, read_some, &old), 0);
    net_settle();
    poke(old_peer);
    check(hem_await(t) > 0);
    int number = old.fd.fd;
    int copy = dup(number); /* so that the poller keeps it */
    check_int(hem_stream_close(&old), 0);
    size_t count = take_below(number, taken, COUNT_OF(taken));
    check_int(hem_accept(&l, &next), 0);
    check_int(next.fd.fd, number);
    check_int(hem_spawn(&t, read_some, &next), 0);
    net_settle();
    hem_task_cancel(t, "test"); /* known to the poller, and nobody waits */
    check_int(hem_await(t), HEM_ECANCELED);
    poke(old_peer);
    net_settle();
    check(!(next.fd.ready & HEM__FD_READ));
    net_say(next_peer, "x");
    check_int(read_some(&next), 1);
    while (count > 0)
        close(taken[--count]);
    close(copy);
    check_int(hem_stream_close(&next), 0);
    check_int(hem_listener_close(&l), 0);
    net_reset(old_peer);
    net_reset(next_peer);
    return 0;
}

VIRTUAL_TEST(hostile_07_a_reset_ends_every_call_that_waits)
{
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        hem_stream s;
        hem_task *t;
        hem_stream_info info;
        int peer = net_open(&s, 0);
        check_int(hem_spawn(&t, calls[i], &s), 0);
        net_settle();
        net_reset(peer);
        check_int(hem_await(t), HEM_ECONNRESET);
        check_int(read_some(&s), 0);
        check_int(read_exactly(&s), HEM_EINCOMPLETE);
        check_int(write_many(&s), HEM_EPIPE);
        check_int(send_many(&s), HEM_EPIPE);
        check_int(hem_stream_shutdown_write(&s), HEM_ENOTCONN);
        check_int(hem_stream_get_info(&s, &info), HEM_ENOTCONN);
        check_int(hem_stream_close(&s), 0);
    }
    return 0;
}

VIRTUAL_TEST(hostile_07_a_reset_ends_the_next_call)
{
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        hem_stream s;
        int peer = net_open(&s, 0);
        net_reset(peer);
        check_int(calls[i](&s), HEM_ECONNRESET);
        check_int(i % 2 ? hem_stream_close(&s) : hem_stream_abort(&s), 0);
    }
    return 0;
}

VIRTUAL_TEST(hostile_07_a_reset_wakes_the_reader_and_the_writer)
{
    hem_stream s;
    hem_task *reader, *writer;
    int peer = net_open(&s, 0);
    check_int(hem_spawn(&reader, read_some, &s), 0);
    check_int(hem_spawn(&writer, write_many, &s), 0);
    net_settle();
    net_reset(peer);
    int got = hem_await(reader), sent = hem_await(writer);
    check(got == HEM_ECONNRESET || got == 0); /* one of them is told */
    check(sent == HEM_ECONNRESET || sent == HEM_EPIPE);
    check(got == HEM_ECONNRESET || sent == HEM_ECONNRESET);
    check_int(hem_stream_close(&s), 0);
    return 0;
}

VIRTUAL_TEST(hostile_07_a_connection_reset_in_the_queue_is_told_when_it_is_read)
{
    hem_listener l;
    hem_stream s;
    uint16_t port = net_listen(&l);
    net_reset(net_connect(port));
    int peer = net_connect(port);
    check_int(hem_accept(&l, &s), 0);
    check_int(read_some(&s), HEM_ECONNRESET);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_accept(&l, &s), 0);
    net_say(peer, "hello");
    char buf[5];
    check_int(hem_stream_read_exactly(&s, buf, 5, NULL), 5);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_listener_close(&l), 0);
    net_close(peer);
    return 0;
}

/* Read once, wait a while, read once more. */
static int read_twice(void *arg)
{
    HEM_TRY(read_some(arg));
    for (int i = 0; i < 10; i++)
        HEM_TRY(hem_yield());
    hem_timeout timeout;
    HEM_TRY(hem_timeout_open(&timeout, HEM_SEC));
    return hem_timeout_close(&timeout, read_some(arg));
}

VIRTUAL_TEST(hostile_06_the_end_is_seen_though_a_writer_waits)
{
    hem_stream s;
    hem_task *reader, *writer;
    int peer = net_open(&s, 0);
    check_int(hem_spawn(&writer, write_many, &s), 0);
    check_int(hem_spawn(&reader, read_twice, &s), 0);
    net_settle();
    net_say(peer, "last words");
    net_finish(peer);
    check_int(hem_await(reader), 0);
    hem_task_cancel(writer, "test");
    check_int(hem_await(writer), HEM_ECANCELED);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(hostile_06_what_comes_behind_urgent_data_is_read_at_once)
{
    hem_stream s;
    hem_task *t;
    int peer = net_open(&s, 0);
    check_int(hem_spawn(&t, read_twice, &s), 0);
    net_settle();
    net_say(peer, "ab");
    check_int(send(peer, "!", 1, MSG_OOB), 1);
    net_say(peer, "cd");
    check_int(hem_await(t), 2);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(
            hostile_13_a_call_on_a_closed_stream_leaves_its_descriptor_alone),
        LEDGER_TEST(
            hostile_13_a_call_does_not_go_on_in_the_next_life_of_its_stream),
        LEDGER_TEST(
            hostile_12_an_event_of_a_closed_descriptor_does_not_reach_the_next_owner),
        LEDGER_TEST(hostile_07_a_reset_ends_every_call_that_waits),
        LEDGER_TEST(hostile_07_a_reset_ends_the_next_call),
        LEDGER_TEST(hostile_07_a_reset_wakes_the_reader_and_the_writer),
        LEDGER_TEST(
            hostile_07_a_connection_reset_in_the_queue_is_told_when_it_is_read),
        LEDGER_TEST(hostile_06_the_end_is_seen_though_a_writer_waits),
        LEDGER_TEST(hostile_06_what_comes_behind_urgent_data_is_read_at_once),
    };
    signal(SIGPIPE, SIG_DFL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
