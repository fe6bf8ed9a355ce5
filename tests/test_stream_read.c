/* SPDX-License-Identifier: MIT */
/* Streams: reading, in parts, exactly, by several tasks, and cancelled. */
#include "support.h"

#include <limits.h>

#include "net.h"

/* A read in a task of its own. */
struct reading {
    hem_stream *stream;
    size_t size; /* to read; 0: a line */
    size_t got;  /* of hem_stream_read_exactly() */
    char buf[64];
};

static int read_any(void *arg)
{
    struct reading *r = arg;
    return (int)hem_stream_read(r->stream, r->buf, sizeof(r->buf));
}

static int read_some(void *arg)
{
    struct reading *r = arg;
    char *bytes;
    return (int)hem_stream_read_some(r->stream, &bytes);
}

static int read_exactly(void *arg)
{
    struct reading *r = arg;
    return (int)hem_stream_read_exactly(r->stream, r->buf, r->size, &r->got);
}

static int read_line(void *arg)
{
    struct reading *r = arg;
    char *line;
    return (int)hem_stream_read_line(r->stream, &line);
}

static int read_until(void *arg)
{
    struct reading *r = arg;
    char *part;
    return (int)hem_stream_read_until(r->stream, "::", &part);
}

/* Those that return with the first byte, and those that want more. */
static hem_fn *const reads[] = {read_any, read_some, read_exactly, read_line,
                                read_until};

static bool wants_more(hem_fn *read)
{
    return read != read_any && read != read_some;
}

/* The next bytes of the stream are this text. */
static void check_reads(hem_stream *s, const char *text)
{
    char buf[64] = "";
    check_int(hem_stream_read_exactly(s, buf, strlen(text), NULL),
              strlen(text));
    check_str(buf, text);
}

/* One read; evil I/O may take several for what is there. */
static ssize_t read_now(hem_stream *s, char *buf, size_t size, size_t there)
{
    return evil_io() ? hem_stream_read_exactly(s, buf, there, NULL)
                     : hem_stream_read(s, buf, size);
}

VIRTUAL_TEST(read_returns_what_there_is)
{
    hem_stream s;
    char buf[64] = "";
    int peer = net_open(&s, 0);
    net_say(peer, "hello");
    check_int(read_now(&s, buf, sizeof(buf), 5), 5);
    check_str(buf, "hello");
    net_say(peer, "world");
    check_int(read_now(&s, buf, 3, 3), 3);
    check_int(read_now(&s, buf + 3, sizeof(buf) - 3, 2), 2);
    check_str(buf, "world");
    check_int(hem_stream_read(&s, buf, 0), HEM_EINVAL);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(read_waits_for_the_first_byte)
{
    hem_stream s;
    struct reading r = {.stream = &s};
    hem_task *t;
    int peer = net_open(&s, 0);
    check_int(hem_spawn(&t, read_any, &r), 0);
    net_settle();
    check_str(hem_task_waits_for(t), "read");
    net_say(peer, "x");
    check_int(hem_await(t), 1);
    check_str(r.buf, "x");
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(the_end_is_read_again_and_again)
{
    hem_stream s;
    char buf[8], *line;
    int peer = net_open(&s, 0);
    net_say(peer, "bye");
    net_finish(peer);
    check_reads(&s, "bye");
    for (int i = 0; i < 3; i++) {
        size_t got = 77;
        check_int(hem_stream_read(&s, buf, sizeof(buf)), 0);
        check_int(hem_stream_read_some(&s, &line), 0);
        check_int(hem_stream_read_line(&s, &line), 0);
        check_int(hem_stream_read_until(&s, "::", &line), 0);
        check_int(hem_stream_read_exactly(&s, buf, 1, &got), HEM_EINCOMPLETE);
        check_int(got, 0);
    }
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(read_exactly_puts_parts_together)
{
    static const char text[] = "one two three";
    hem_stream s;
    struct reading r = {.stream = &s, .size = strlen(text), .got = 77};
    hem_task *t;
    int peer = net_open(&s, 0);
    check_int(hem_spawn(&t, read_exactly, &r), 0);
    for (size_t i = 0; i < strlen(text); i++) {
        net_settle();
        check(!hem_task_done(t));
        net_send(peer, &text[i], 1);
    }
    check_int(hem_await(t), strlen(text));
    check_int(r.got, strlen(text));
    check_str(r.buf, text);
    check_int(hem_stream_read_exactly(&s, r.buf, 0, &r.got), 0);
    check_int(r.got, 0);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(read_exactly_counts_what_came_before_the_end)
{
    hem_stream s;
    char buf[8] = "";
    size_t got = 77;
    int peer = net_open(&s, 0);
    net_say(peer, "abc");
    net_finish(peer);
    check_int(hem_stream_read_exactly(&s, buf, 8, &got), HEM_EINCOMPLETE);
    check_int(got, 3);
    check_str(buf, "abc");
    check_int(hem_stream_read_exactly(&s, buf, 8, NULL), HEM_EINCOMPLETE);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(read_exactly_refuses_sizes_that_no_memory_has)
{
    static const size_t sizes[] = {SIZE_MAX, (size_t)SSIZE_MAX + 1,
                                   (size_t)-4096};
    hem_stream s;
    char byte;
    int peer = net_open(&s, 0);
    net_say(peer, "x");
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_t got = 77;
        check_int(hem_stream_read_exactly(&s, &byte, sizes[i], &got),
                  HEM_EMSGSIZE);
        check_int(got, 0);
    }
    check_reads(&s, "x");
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(two_that_read_are_refused)
{
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        hem_stream s;
        struct reading r = {.stream = &s, .size = 3};
        hem_task *t;
        int peer = net_open(&s, 0);
        check_int(hem_spawn(&t, reads[i], &r), 0);
        net_settle();
        for (size_t k = 0; k < COUNT_OF(reads); k++) {
            struct reading other = {.stream = &s, .size = 3};
            check_int(reads[k](&other), HEM_EBUSY);
        }
        check_int(hem_stream_write(&s, "hi", 2), 2);
        check(net_hears(peer, "hi"));
        net_say(peer, "::\n");
        check(hem_await(t) > 0);
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
    return 0;
}

/* Reads a byte from one stream, then more from another. */
struct intruder {
    hem_stream told;
    hem_stream *victim;
    hem_task *reader;
};

static int intrude(void *arg)
{
    struct intruder *in = arg;
    char byte;
    check_int(hem_stream_read(&in->told, &byte, 1), 1);
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        struct reading r = {.stream = in->victim, .size = 1};
        if (evil_io() && hem_task_done(in->reader))
            break; /* it was told before */
        check_int(reads[i](&r), HEM_EBUSY);
    }
    return 0;
}

FIFO_TEST(who_is_about_to_read_is_not_robbed)
{
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        hem_stream s;
        struct reading r = {.stream = &s, .size = 3};
        struct intruder in = {.victim = &s};
        hem_task *t, *intruder;
        int teller = net_open(&in.told, 0);
        int peer = net_open(&s, 0);
        check_int(hem_spawn(&t, reads[i], &r), 0);
        in.reader = t;
        check_int(hem_spawn(&intruder, intrude, &in), 0);
        net_settle();
        net_say(teller, "x"); /* both are woken, the intruder first */
        net_say(peer, "::\n");
        check(hem_await(t) > 0);
        check_int(hem_await(intruder), 0);
        check_int(hem_stream_close(&s), 0);
        check_int(hem_stream_close(&in.told), 0);
        net_reset(teller);
        net_reset(peer);
    }
    return 0;
}

VIRTUAL_TEST(close_wakes_who_reads)
{
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        hem_stream s;
        struct reading r = {.stream = &s, .size = 3, .got = 77};
        hem_task *t;
        int peer = net_open(&s, 0);
        net_say(peer, "1");
        if (!wants_more(reads[i]))
            check_reads(&s, "1");
        check_int(hem_spawn(&t, reads[i], &r), 0);
        net_settle();
        check_str(hem_task_waits_for(t), "read");
        check_int(i % 2 ? hem_stream_close(&s) : hem_stream_abort(&s), 0);
        check_int(hem_await(t), HEM_EBADF);
        if (reads[i] == read_exactly)
            check_int(r.got, 1);
        net_close(peer);
    }
    return 0;
}

/* Cancel a read that waits behind its first bytes; then all can be read. */
static void check_cancelled_read(hem_fn *read)
{
    hem_stream s;
    struct reading r = {.stream = &s, .size = 3, .got = 77};
    hem_task *t;
    int peer = net_open(&s, 0);
    if (wants_more(read))
        net_say(peer, "ab");
    check_int(hem_spawn(&t, read, &r), 0);
    net_settle();
    check_str(hem_task_waits_for(t), "read");
    hem_task_cancel(t, "test");
    check_int(hem_await(t), HEM_ECANCELED);
    if (read == read_exactly) {
        check_int(r.got, 2);
        check(memcmp(r.buf, "ab", 2) == 0);
    } else if (wants_more(read)) {
        check_reads(&s, "ab");
    }
    net_say(peer, "rest");
    check_reads(&s, "rest");
    check_int(hem_stream_write(&s, "yes", 3), 3);
    check(net_hears(peer, "yes"));
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
}

VIRTUAL_TEST(a_cancelled_read_loses_nothing)
{
    for (size_t i = 0; i < COUNT_OF(reads); i++)
        check_cancelled_read(reads[i]);
    return 0;
}

VIRTUAL_TEST(a_read_cancelled_as_its_data_comes_loses_nothing)
{
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        hem_stream s;
        struct reading r = {.stream = &s, .size = 3, .got = 77};
        hem_task *t;
        int peer = net_open(&s, 0);
        check_int(hem_spawn(&t, reads[i], &r), 0);
        net_settle();
        net_say(peer, "::\n");
        hem_task_cancel(t, "test");
        check_int(hem_await(t), HEM_ECANCELED);
        check_reads(&s, "::\n");
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
    return 0;
}

VIRTUAL_TEST(a_cancelled_task_does_not_begin_to_read)
{
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        hem_stream s;
        struct reading r = {.stream = &s, .size = 3};
        int peer = net_open(&s, 0);
        net_say(peer, "::\n");
        hem_task_cancel(hem_self(), "test");
        check_int(reads[i](&r), HEM_ECANCELED);
        hem_task_uncancel(hem_self());
        check_reads(&s, "::\n");
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
    return 0;
}

VIRTUAL_TEST(a_timeout_ends_a_read)
{
    hem_stream s;
    hem_timeout timeout;
    char byte;
    int peer = net_open(&s, 0);
    check_int(hem_timeout_open(&timeout, 10 * HEM_SEC), 0);
    int rc = (int)hem_stream_read(&s, &byte, 1);
    check_int(hem_timeout_close(&timeout, rc), HEM_ETIMEDOUT);
    check_int(hem_now(), 10 * HEM_SEC);
    net_say(peer, "x");
    check_reads(&s, "x");
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(read_returns_what_there_is),
        LEDGER_TEST(read_waits_for_the_first_byte),
        LEDGER_TEST(the_end_is_read_again_and_again),
        LEDGER_TEST(read_exactly_puts_parts_together),
        LEDGER_TEST(read_exactly_counts_what_came_before_the_end),
        LEDGER_TEST(read_exactly_refuses_sizes_that_no_memory_has),
        LEDGER_TEST(two_that_read_are_refused),
        LEDGER_TEST(who_is_about_to_read_is_not_robbed),
        LEDGER_TEST(close_wakes_who_reads),
        LEDGER_TEST(a_cancelled_read_loses_nothing),
        LEDGER_TEST(a_read_cancelled_as_its_data_comes_loses_nothing),
        LEDGER_TEST(a_cancelled_task_does_not_begin_to_read),
        LEDGER_TEST(a_timeout_ends_a_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
