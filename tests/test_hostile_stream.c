/* SPDX-License-Identifier: MIT */
/* Streams whose peers do what they should not: cases of a list of such acts. */
#include "support.h"

#include <limits.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "net.h"

#define GIGA  ((size_t)1 << 30)
#define HIGH  ((size_t)64 << 10)
#define CHUNK ((size_t)1 << 20)

static char chunk[CHUNK];

/* Ways to send 1 GB to a peer that reads nothing. */
static int by_write(void *s)
{
    for (size_t i = 0; i < GIGA / CHUNK; i++)
        HEM_TRY(hem_stream_write(s, chunk, CHUNK));
    return 0;
}

static int by_writev(void *s)
{
    struct iovec v[] = {{chunk, CHUNK / 2}, {chunk, CHUNK / 2}};
    for (size_t i = 0; i < GIGA / CHUNK; i++)
        HEM_TRY(hem_stream_writev(s, v, 2));
    return 0;
}

static int by_put(void *s)
{
    for (size_t i = 0; i < GIGA / 4096; i++) {
        HEM_TRY(hem_stream_put(s, chunk, 4096));
        check(hem_stream_pending(s) <= HIGH + 4096);
        HEM_TRY(hem_stream_drain(s));
    }
    return 0;
}

static int by_file(void *s)
{
    int fd = memfd_create("giga", MFD_CLOEXEC);
    check_int(ftruncate(fd, GIGA), 0);
    int rc = (int)hem_stream_send_file(s, fd, 0, GIGA);
    close(fd);
    return rc;
}

static int tick(void *arg)
{
    for (;;) {
        HEM_TRY(hem_sleep(HEM_SEC));
        ++*(int *)arg;
    }
}

VIRTUAL_TEST(hostile_02_who_reads_nothing_is_given_up_and_costs_little)
{
    static hem_fn *const ways[] = {by_write, by_writev, by_put, by_file};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        hem_stream s;
        hem_task *t, *other;
        int ticks = 0;
        int peer = net_open(&s, 0);
        size_t live = ledger_live();
        hem_ns start = hem_now();
        check_int(hem_spawn(&other, tick, &ticks), 0);
        check_int(hem_spawn(&t, ways[i], &s), 0);
        check_int(hem_sleep(20 * HEM_SEC), 0);
        check(!hem_task_done(t));
        check(ledger_live() < live + 20);
        check(hem_stream_pending(&s) <= HIGH + 4096);
        check_int(hem_await(t), HEM_ETIMEDOUT);
        check(hem_now() - start <= 31 * HEM_SEC);
        check(ticks >= 29);
        check_int(hem_cancel_and_wait(other, NULL), 0);
        check_int(hem_stream_abort(&s), 0);
        net_close(peer);
    }
    return 0;
}

VIRTUAL_TEST(hostile_02_only_so_much_can_be_put_without_draining)
{
    hem_stream s;
    int rc = 0;
    size_t puts = 0;
    int peer = net_open(&s, 0);
    while ((rc = hem_stream_put(&s, chunk, 1000)) == 0 && puts < CHUNK)
        puts++;
    check_int(rc, HEM_ELIMIT);
    check(hem_stream_pending(&s) <= HIGH + 1000);
    check_int(hem_stream_abort(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(hostile_03_an_endless_line_ends_at_the_limit)
{
    hem_stream s;
    char *at;
    size_t resident = ledger_resident();
    int peer = net_open(&s, 0);
    memset(chunk, 'x', CHUNK);
    net_send(peer, chunk, 2 * HIGH);
    check_int(hem_stream_read_line(&s, &at), HEM_ELIMIT);
    check_int(hem_stream_bytes_read(&s), HIGH);
    check(SANITIZED || ledger_resident() < resident + 2 * HIGH + (1 << 20));
    check_int(hem_stream_read_some(&s, &at), HIGH); /* it can be passed over */
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

/* Sends a text in pieces of `piece` bytes. */
struct sender {
    hem_stream *stream;
    const char *text;
    size_t size;
    size_t piece;
};

static int send_in_pieces(void *arg)
{
    struct sender *s = arg;
    for (size_t at = 0; at < s->size; at += s->piece) {
        size_t n = s->size - at < s->piece ? s->size - at : s->piece;
        HEM_TRY(hem_stream_write(s->stream, s->text + at, n));
        HEM_TRY(hem_yield());
    }
    return hem_stream_shutdown_write(s->stream);
}

/* What a model says of the next read_until(). */
static ssize_t model(const char *text, size_t size, size_t at, size_t limit,
                     const char *delimiter)
{
    size_t length = strlen(delimiter);
    size_t n = size - at < limit ? size - at : limit;
    const char *end = memmem(text + at, n, delimiter, length);
    if (end)
        return end + length - (text + at);
    if (size - at >= limit)
        return HEM_ELIMIT;
    return size == at ? 0 : HEM_EINCOMPLETE;
}

static void check_pieces(struct sender sender, uint32_t limit)
{
    hem_stream a, b;
    hem_task *t;
    char *at;
    ssize_t n, want;
    size_t sum = 0;
    check_int(hem_stream_pair(&a, &b, NULL), 0);
    hem_stream_limits limits = {.read_limit = limit};
    check_int(hem_stream_set_limits(&b, &limits), 0);
    sender.stream = &a;
    check_int(hem_spawn(&t, send_in_pieces, &sender), 0);
    do {
        n = hem_stream_read_until(&b, "\r\n", &at);
        want = model(sender.text, sender.size, sum, limit, "\r\n");
        check_int(n, want);
        if (n == HEM_ELIMIT || n == HEM_EINCOMPLETE) /* pass it over */
            n = hem_stream_read_some(&b, &at);
        check(n <= 0 || memcmp(at, sender.text + sum, (size_t)n) == 0);
        sum += n > 0 ? (size_t)n : 0;
        check(n <= 0 || (n == want) || want < 0);
    } while (n > 0);
    check_int(sum, sender.size);
    check_int(hem_await(t), 0);
    check_int(hem_stream_close(&a), 0);
    check_int(hem_stream_close(&b), 0);
}

/* One line with its delimiter at `at`, more behind, a prefix of one at the
 * end. */
VIRTUAL_TEST(hostile_04_delimiters_are_found_wherever_they_are)
{
    const uint32_t limit = 32;
    for (size_t piece = 1; piece <= 3; piece++) {
        for (size_t at = limit - 4; at <= limit + 1; at++) {
            char text[80];
            memset(text, 'x', sizeof(text));
            memcpy(text + at, "\r\n", 2);
            memcpy(text + at + 2, "\r\r\n\n\r\r\r\n", 8);
            text[sizeof(text) - 1] = '\r';
            struct sender s = {NULL, text, sizeof(text), piece};
            check_pieces(s, limit);
        }
    }
    return 0;
}

VIRTUAL_TEST(hostile_05_impossible_lengths_cost_nothing)
{
    static const size_t sizes[] = {SIZE_MAX, (size_t)SSIZE_MAX + 1,
                                   (size_t)-1000};
    hem_stream s;
    size_t got = 77;
    char byte;
    int peer = net_open(&s, 0);
    net_say(peer, "x");
    size_t live = ledger_live();
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        check_int(hem_stream_read_exactly(&s, &byte, sizes[i], &got),
                  HEM_EMSGSIZE);
        check_int(got, 0);
        check_int(hem_stream_read(&s, &byte, sizes[i]), HEM_EMSGSIZE);
        check_int(hem_stream_write(&s, &byte, sizes[i]), HEM_EMSGSIZE);
        check_int(hem_stream_put(&s, &byte, sizes[i]), HEM_EMSGSIZE);
        check_int(hem_stream_send_file(&s, 0, 0, sizes[i]), HEM_EMSGSIZE);
    }
    check_int(ledger_live(), live);
    check_int(hem_stream_read(&s, &byte, 1), 1);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(hostile_06_a_half_close_in_a_message_is_no_clean_end)
{
    hem_stream s;
    size_t got = 0;
    char buf[10], *line;
    int peer = net_open(&s, 0);
    net_say(peer, "half\npart");
    net_finish(peer);
    check_int(hem_stream_read_line(&s, &line), 5);
    check_int(hem_stream_read_exactly(&s, buf, 10, &got), HEM_EINCOMPLETE);
    check_int(got, 4);
    check_int(hem_stream_read(&s, buf, 10), 0);
    check_int(hem_stream_write(&s, "late answer", 11), 11);
    check_int(hem_stream_put(&s, "!", 1), 0);
    net_expect(peer, "late answer!", 12);
    check_int(hem_stream_aclose(&s), 0);
    check(net_hears_the_end(peer));
    net_close(peer);
    return 0;
}

/* Until neither the buffer nor the kernel takes more. */
static void fill(hem_stream *s)
{
    for (int refused = 0; refused < 3;) {
        if (hem_stream_put(s, chunk, 10000) == 0) {
            refused = 0;
            continue;
        }
        refused++;
        net_settle();
    }
}

static int read_one(void *s)
{
    char byte;
    return (int)hem_stream_read(s, &byte, 1);
}

static int flush(void *s)
{
    return hem_stream_flush(s);
}

static int aclose_it(void *s)
{
    return hem_stream_aclose(s);
}

static int shut(void *s)
{
    return hem_stream_shutdown_write(s);
}

VIRTUAL_TEST(hostile_07_a_reset_is_told_once_in_each_call_that_waits)
{
    static hem_fn *const calls[] = {read_one, by_write,  by_put, by_file,
                                    flush,    aclose_it, shut};
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        hem_stream s;
        hem_task *t;
        int peer = net_open(&s, 0);
        if (i >= 4) /* so that they must wait */
            fill(&s);
        check_int(hem_spawn(&t, calls[i], &s), 0);
        net_settle();
        check(!hem_task_done(t));
        net_reset(peer);
        check_int(hem_await(t), HEM_ECONNRESET);
        if (calls[i] == aclose_it) {
            check_int(hem_stream_close(&s), HEM_EBADF);
            continue;
        }
        int rc = (int)hem_stream_write(&s, "x", 1);
        check(rc == HEM_EPIPE || rc == HEM_ECONNRESET);
        (void)hem_stream_close(&s);
        check_int(hem_stream_close(&s), HEM_EBADF);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(hostile_02_who_reads_nothing_is_given_up_and_costs_little),
        LEDGER_TEST(hostile_02_only_so_much_can_be_put_without_draining),
        LEDGER_TEST(hostile_03_an_endless_line_ends_at_the_limit),
        LEDGER_TEST(hostile_04_delimiters_are_found_wherever_they_are),
        LEDGER_TEST(hostile_05_impossible_lengths_cost_nothing),
        LEDGER_TEST(hostile_06_a_half_close_in_a_message_is_no_clean_end),
        LEDGER_TEST(hostile_07_a_reset_is_told_once_in_each_call_that_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
