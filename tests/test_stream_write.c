/* SPDX-License-Identifier: MIT */
/* Streams: writing, from memory and from files. */
#include "support.h"

#include <signal.h>
#include <sys/mman.h>

#include "net.h"

#define MANY ((size_t)16 << 20) /* more than the kernel takes */

static char many[MANY];

/* A write, in a task of its own: of memory, or of a file. */
struct writing {
    hem_stream *stream;
    const char *from;
    size_t size;
    int file;
    off_t offset;
    ssize_t result;
};

static int write_memory(void *arg)
{
    struct writing *w = arg;
    w->result = hem_stream_write(w->stream, w->from, w->size);
    return w->result < 0 ? (int)w->result : 0;
}

static int write_file(void *arg)
{
    struct writing *w = arg;
    w->result = hem_stream_send_file(w->stream, w->file, w->offset, w->size);
    return w->result < 0 ? (int)w->result : 0;
}

static hem_fn *const writes[] = {write_memory, write_file};

/* A file in memory with `size` bytes of `many`, whose contents tell where they
 * are from. */
static int open_file(size_t size)
{
    for (size_t i = 0; i < MANY; i++)
        many[i] = (char)(i * 31 + (i >> 8) * 7 + (i >> 16));
    int fd = memfd_create("test", MFD_CLOEXEC);
    check_int(write(fd, many, size), size);
    return fd;
}

static uint64_t written(const hem_stream *s)
{
    hem_stream_info info = {.fd = -1};
    check_int(hem_stream_get_info(s, &info), 0);
    return info.bytes_written;
}

/* Begin a write of `many`, of which the peer takes nothing, in a task. */
static hem_task *begin(hem_fn *write, struct writing *w, hem_stream *s, int fd)
{
    hem_task *t;
    *w = (struct writing){
        .stream = s, .from = many, .size = MANY, .file = fd, .result = 77};
    check_int(hem_spawn(&t, write, w), 0);
    net_settle();
    check_str(hem_task_waits_for(t), "write");
    return t;
}

VIRTUAL_TEST(write_sends_all)
{
    hem_stream s;
    int peer = net_open(&s, 0);
    check_int(hem_stream_write(&s, "hello", 5), 5);
    check_int(hem_stream_write(&s, "", 0), 0);
    check_int(hem_stream_write(&s, NULL, 0), 0);
    check_int(hem_stream_write(&s, " world", 6), 6);
    check(net_hears(peer, "hello world"));
    check_int(written(&s), 11);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(a_write_waits_for_a_peer_that_does_not_read)
{
    int file = open_file(MANY);
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        hem_stream s;
        struct writing w;
        int peer = net_open(&s, 0);
        hem_task *t = begin(writes[i], &w, &s, file);
        size_t live = ledger_live();
        size_t resident = ledger_resident();
        uint64_t stuck = written(&s);
        check(stuck > 0 && stuck < MANY);
        for (int k = 0; k < 10; k++)
            net_settle();
        check_int(written(&s), stuck);
        check_int(ledger_live(), live);
        check(ledger_resident() < resident + (1 << 20));
        net_expect(peer, many, MANY);
        check_int(hem_await(t), 0);
        check_int(w.result, MANY);
        check_int(written(&s), MANY);
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
    close(file);
    return 0;
}

VIRTUAL_TEST(a_cancelled_write_tells_how_much_was_sent)
{
    int file = open_file(MANY);
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        hem_stream s;
        struct writing w;
        int peer = net_open(&s, 0);
        hem_task *t = begin(writes[i], &w, &s, file);
        hem_task_cancel(t, "test");
        check_int(hem_await(t), HEM_ECANCELED);
        size_t sent = (size_t)written(&s);
        check(sent > 0 && sent < MANY);
        w = (struct writing){.stream = &s,
                             .from = many + sent,
                             .file = file,
                             .offset = (off_t)sent,
                             .size = MANY - sent};
        check_int(hem_spawn(&t, writes[i], &w), 0);
        net_expect(peer, many, MANY);
        check_int(hem_await(t), 0);
        check_int(written(&s), MANY);
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
    close(file);
    return 0;
}

VIRTUAL_TEST(a_timeout_ends_a_write)
{
    hem_stream s;
    hem_timeout timeout;
    int peer = net_open(&s, 0);
    check_int(hem_timeout_open(&timeout, 20 * HEM_SEC), 0);
    int rc = (int)hem_stream_write(&s, many, MANY);
    check_int(hem_timeout_close(&timeout, rc), HEM_ETIMEDOUT);
    check_int(hem_now(), 20 * HEM_SEC);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(a_cancelled_task_does_not_begin_to_write)
{
    int file = open_file(1);
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        hem_stream s;
        int peer = net_open(&s, 0);
        struct writing w = {
            .stream = &s, .from = many, .size = 1, .file = file};
        hem_task_cancel(hem_self(), "test");
        check_int(writes[i](&w), HEM_ECANCELED);
        hem_task_uncancel(hem_self());
        check_int(written(&s), 0);
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
    close(file);
    return 0;
}

VIRTUAL_TEST(two_that_write_are_refused)
{
    int file = open_file(MANY);
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        hem_stream s;
        struct writing w;
        char byte;
        int peer = net_open(&s, 0);
        hem_task *t = begin(writes[i], &w, &s, file);
        check_int(hem_stream_write(&s, "x", 1), HEM_EBUSY);
        check_int(hem_stream_send_file(&s, file, 0, 1), HEM_EBUSY);
        net_say(peer, "x");
        check_int(hem_stream_read(&s, &byte, 1), 1);
        hem_task_cancel(t, "test");
        check_int(hem_await(t), HEM_ECANCELED);
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
    close(file);
    return 0;
}

/* Reads a byte from one stream, then writes to another. */
struct intruder {
    hem_stream told;
    hem_stream *victim;
    hem_task *writer;
};

static int intrude(void *arg)
{
    struct intruder *in = arg;
    char byte;
    check_int(hem_stream_read(&in->told, &byte, 1), 1);
    if (!evil_io() || !hem_task_done(in->writer)) /* it may be told before */
        check_int(hem_stream_write(in->victim, "no", 2), HEM_EBUSY);
    return 0;
}

FIFO_TEST(nobody_writes_between_the_parts_of_a_write)
{
    hem_stream s;
    struct writing w;
    struct intruder in = {.victim = &s};
    hem_task *intruder;
    int teller = net_open(&in.told, 0);
    int peer = net_open(&s, 0);
    check_int(hem_spawn(&intruder, intrude, &in), 0);
    hem_task *t = begin(write_memory, &w, &s, -1);
    in.writer = t;
    net_say(teller, "x"); /* both are woken, the intruder first */
    net_expect(peer, many, MANY);
    check_int(hem_await(t), 0);
    check_int(hem_await(intruder), 0);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_stream_close(&in.told), 0);
    net_close(teller);
    net_close(peer);
    return 0;
}

static int read_byte(void *arg)
{
    char byte;
    return (int)hem_stream_read(arg, &byte, 1);
}

VIRTUAL_TEST(close_wakes_who_writes_and_who_reads)
{
    int file = open_file(MANY);
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        hem_stream s;
        struct writing w;
        hem_task *reader;
        int peer = net_open(&s, 0);
        check_int(hem_spawn(&reader, read_byte, &s), 0);
        hem_task *t = begin(writes[i], &w, &s, file);
        check_int(i % 2 ? hem_stream_close(&s) : hem_stream_abort(&s), 0);
        check_int(hem_await(t), HEM_EBADF);
        check_int(hem_await(reader), HEM_EBADF);
        net_close(peer);
    }
    close(file);
    return 0;
}

VIRTUAL_TEST(shutdown_during_a_write_is_refused)
{
    int file = open_file(MANY);
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        hem_stream s;
        struct writing w;
        int peer = net_open(&s, 0);
        hem_task *t = begin(writes[i], &w, &s, file);
        check_int(hem_stream_shutdown_write(&s), HEM_EBUSY);
        net_expect(peer, many, MANY);
        check_int(hem_await(t), 0);
        check_int(hem_stream_shutdown_write(&s), 0);
        check(net_hears_the_end(peer));
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
    close(file);
    return 0;
}

VIRTUAL_TEST(a_peer_that_takes_nothing_is_given_up)
{
    int file = open_file(MANY);
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        hem_stream s;
        struct writing w;
        int peer = net_open(&s, 0);
        hem_ns start = hem_now();
        hem_task *t = begin(writes[i], &w, &s, file);
        check_int(hem_await(t), HEM_ETIMEDOUT);
        check(hem_now() >= start + 30 * HEM_SEC);
        check(hem_now() < start + 31 * HEM_SEC);
        check_int(hem_stream_abort(&s), 0);
        net_close(peer);
    }
    close(file);
    return 0;
}

struct echo {
    hem_stream *stream;
    size_t size;
};

static int echo_back(void *arg)
{
    struct echo *e = arg;
    static char buf[5000];
    for (size_t sum = 0; sum < e->size;) {
        ssize_t n = hem_stream_read(e->stream, buf, sizeof(buf));
        HEM_TRY(n);
        HEM_TRY(hem_stream_write(e->stream, buf, (size_t)n));
        sum += (size_t)n;
    }
    return 0;
}

VIRTUAL_TEST(one_task_reads_while_another_writes)
{
    static char got[MANY];
    hem_stream a, b;
    hem_task *echo, *writer;
    close(open_file(0));
    net_open_pair(&a, &b);
    struct writing w = {.stream = &a, .from = many, .size = MANY};
    struct echo e = {.stream = &b, .size = MANY};
    check_int(hem_spawn(&echo, echo_back, &e), 0);
    check_int(hem_spawn(&writer, write_memory, &w), 0);
    check_int(hem_stream_read_exactly(&a, got, MANY, NULL), MANY);
    check(memcmp(got, many, MANY) == 0);
    check_int(hem_await(writer), 0);
    check_int(hem_await(echo), 0);
    check_int(hem_stream_close(&a), 0);
    check_int(hem_stream_close(&b), 0);
    return 0;
}

static bool pipe_signal_pends(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

VIRTUAL_TEST(a_broken_connection_raises_no_signal)
{
    int file = open_file(10);
    hem_stream s;
    struct writing w = {.stream = &s, .from = many, .size = 10, .file = file};
    sigset_t mask;
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        int peer = net_open(&s, 0);
        check_int(hem_stream_shutdown_write(&s), 0);
        check_int(writes[i](&w), HEM_EPIPE);
        check_int(writes[i](&w), HEM_EPIPE);
        check(!pipe_signal_pends());
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
        check(!sigismember(&mask, SIGPIPE));
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
    close(file);
    return 0;
}

VIRTUAL_TEST(a_pending_signal_of_the_program_stays)
{
    int file = open_file(10);
    hem_stream s;
    struct writing w = {.stream = &s, .from = many, .size = 10, .file = file};
    sigset_t pipe, before;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    raise(SIGPIPE);
    int peer = net_open(&s, 0);
    check_int(hem_stream_shutdown_write(&s), 0);
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        check_int(writes[i](&w), HEM_EPIPE);
        check(pipe_signal_pends());
    }
    check_int(sigwaitinfo(&pipe, NULL), SIGPIPE);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    close(file);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(write_sends_all),
        LEDGER_TEST(a_write_waits_for_a_peer_that_does_not_read),
        LEDGER_TEST(a_cancelled_write_tells_how_much_was_sent),
        LEDGER_TEST(a_timeout_ends_a_write),
        LEDGER_TEST(a_cancelled_task_does_not_begin_to_write),
        LEDGER_TEST(two_that_write_are_refused),
        LEDGER_TEST(nobody_writes_between_the_parts_of_a_write),
        LEDGER_TEST(close_wakes_who_writes_and_who_reads),
        LEDGER_TEST(shutdown_during_a_write_is_refused),
        LEDGER_TEST(a_peer_that_takes_nothing_is_given_up),
        LEDGER_TEST(one_task_reads_while_another_writes),
        LEDGER_TEST(a_broken_connection_raises_no_signal),
        LEDGER_TEST(a_pending_signal_of_the_program_stays),
    };
    signal(SIGPIPE, SIG_DFL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
