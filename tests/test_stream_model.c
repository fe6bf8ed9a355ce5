/* SPDX-License-Identifier: MIT */
/*
 * Streams: random reads of bytes that come in random segments give what the
 * same reads give from a buffer that holds all.
 */
#include "support.h"

#include "net.h"

#define BYTES_MAX 400

static uint64_t random_state;

/* 0 to n - 1. */
static uint32_t below(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1;
    return (uint32_t)(random_state >> 33) % n;
}

static const char *const delimiters[] = {"\n", "\r\n",   "ab",   "aab",
                                         "a",  "abaaba", "\n\n", "bbbbbbbb"};

/* One case. */
static struct model {
    hem_stream stream;
    int peer;
    uint32_t limit;
    size_t size; /* of all */
    size_t at;   /* of what was read */
    char bytes[BYTES_MAX];
} m;

static size_t left(void)
{
    return m.size - m.at;
}

/* The next `n` bytes were read. */
static void check_bytes(const char *p, size_t n)
{
    check(n <= left() && memcmp(p, m.bytes + m.at, n) == 0);
    m.at += n;
}

/* What a read up to `delimiter` returns. */
static ssize_t expect_part(const char *delimiter)
{
    size_t within = left() < m.limit ? left() : m.limit;
    size_t length = strlen(delimiter);
    const char *from = m.bytes + m.at;
    const char *found = memmem(from, within, delimiter, length);
    if (found)
        return found - from + (ssize_t)length;
    if (left() >= m.limit)
        return HEM_ELIMIT;
    return left() ? HEM_EINCOMPLETE : 0;
}

static void try_until(void)
{
    const char *delimiter = delimiters[below(COUNT_OF(delimiters))];
    ssize_t want = expect_part(delimiter);
    char *p = NULL;
    ssize_t n = hem_stream_read_until(&m.stream, delimiter, &p);
    check_int(n, want);
    if (n > 0)
        check_bytes(p, (size_t)n);
    else
        check(p == NULL);
}

static void try_line(void)
{
    ssize_t want = expect_part("\n");
    if (want == HEM_EINCOMPLETE)
        want = (ssize_t)left();
    char *p = NULL;
    ssize_t n = hem_stream_read_line(&m.stream, &p);
    check_int(n, want);
    if (n > 0)
        check_bytes(p, (size_t)n);
    else
        check(p == NULL);
}

static void try_exactly(void)
{
    char buf[100];
    size_t size = below(sizeof(buf));
    size_t got = 777;
    size_t want = size < left() ? size : left();
    ssize_t n = hem_stream_read_exactly(&m.stream, buf, size, &got);
    check_int(n, want < size ? HEM_EINCOMPLETE : (ssize_t)size);
    if (check_int(got, want))
        check_bytes(buf, got);
}

static void try_read(void)
{
    char buf[100];
    size_t size = 1 + below(sizeof(buf));
    ssize_t n = hem_stream_read(&m.stream, buf, size);
    check(left() ? n > 0 && (size_t)n <= size : n == 0);
    if (n > 0)
        check_bytes(buf, (size_t)n);
}

static void try_some(void)
{
    char *p = NULL;
    ssize_t n = hem_stream_read_some(&m.stream, &p);
    check(left() ? n > 0 && n <= (ssize_t)m.limit : n == 0);
    if (n > 0)
        check_bytes(p, (size_t)n);
    else
        check(p == NULL);
}

/* Read until the end was seen a few times; the reads that do not refuse
 * anything see to it that it comes. */
static int read_all(void *arg)
{
    (void)arg;
    for (int ends = 0; ends < 5; ends += left() == 0) {
        switch (below(8)) {
        case 0:
            try_exactly();
            break;
        case 1:
            try_read();
            break;
        case 2:
            try_some();
            break;
        case 3:
            try_line();
            break;
        default:
            try_until();
            break;
        }
    }
    return 0;
}

/* One case. Between two segments the reader runs until it has to wait. */
static int body(void *arg)
{
    static const char letters[] = "aaaabbbb\n\n\rx";
    random_state = *(uint64_t *)arg;
    m.limit = below(3) ? 8 + below(60) : 8 + below(400);
    m.size = below(BYTES_MAX);
    m.at = 0;
    for (size_t i = 0; i < m.size; i++)
        m.bytes[i] = letters[below(sizeof(letters) - 1)];
    m.peer = net_open(&m.stream, m.limit);
    hem_task *reader;
    check_int(hem_spawn(&reader, read_all, NULL), 0);
    uint32_t longest = 1 + below(below(2) ? 10 : BYTES_MAX);
    for (size_t sent = 0; sent < m.size;) {
        size_t n = 1 + below(longest);
        if (n > m.size - sent)
            n = m.size - sent;
        net_send(m.peer, m.bytes + sent, n);
        sent += n;
        if (below(4))
            net_settle();
    }
    net_finish(m.peer);
    check_int(hem_await(reader), 0);
    check_int(m.at, m.size);
    check_int(hem_stream_close(&m.stream), 0);
    net_reset(m.peer);
    return 0;
}

static void random_reads_see_what_was_sent(void **state)
{
    (void)state;
    uint64_t cases = in_valgrind() || in_emulator() ? 50 : 2000;
    for (uint64_t seed = 1; seed <= cases; seed++) {
        hem_virtual_clock clock = {.grace = 1};
        hem_run_options options = {.clock = &clock};
        uint64_t first = seed;
        check_int(run_with(body, &first, &options), 0);
        if (check_failures_take()) {
            print_error("seed %u\n", (unsigned)seed);
            fail();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(random_reads_see_what_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
