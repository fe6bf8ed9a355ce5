/* SPDX-License-Identifier: MIT */
/* Streams: reads that look for a delimiter, their buffer and its limit. */
#include "support.h"

#include "net.h"

/* Both kinds return `want` and the bytes of `text`. */
#define check_line(s, text)                                                    \
    check_part_read((s), NULL, (text), __FILE__, __LINE__)
#define check_until(s, delimiter, text)                                        \
    check_part_read((s), (delimiter), (text), __FILE__, __LINE__)

static void check_part_read(hem_stream *s, const char *delimiter,
                            const char *text, const char *file, int line)
{
    char *p = NULL;
    ssize_t n = delimiter ? hem_stream_read_until(s, delimiter, &p)
                          : hem_stream_read_line(s, &p);
    bool same =
        check_equal(n, (long long)strlen(text), "the length", file, line) &&
        (n == 0 || memcmp(p, text, (size_t)n) == 0);
    check_that(same, "the part has this text", file, line);
}

VIRTUAL_TEST(lines_come_one_by_one)
{
    hem_stream s;
    int peer = net_open(&s, 0);
    net_say(peer, "one\ntwo\r\n\n\nlast without end");
    net_finish(peer);
    check_line(&s, "one\n");
    check_line(&s, "two\r\n");
    check_line(&s, "\n");
    check_line(&s, "\n");
    check_line(&s, "last without end");
    check_line(&s, "");
    check_line(&s, "");
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(parts_end_with_the_first_delimiter)
{
    hem_stream s;
    int peer = net_open(&s, 0);
    net_say(peer, "a\r\n\r\nb\r\n\r\r\n\r\naaaab");
    net_finish(peer);
    check_until(&s, "\r\n\r\n", "a\r\n\r\n");
    check_until(&s, "\r\n\r\n", "b\r\n\r\r\n\r\n");
    check_until(&s, "aab", "aaaab");
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(a_delimiter_has_1_to_64_bytes)
{
    hem_stream s;
    char delimiter[66], *part;
    int peer = net_open(&s, 0);
    memset(delimiter, 'd', sizeof(delimiter));
    delimiter[65] = '\0';
    check_int(hem_stream_read_until(&s, "", &part), HEM_EINVAL);
    check_int(hem_stream_read_until(&s, delimiter, &part), HEM_EINVAL);
    delimiter[64] = '\0';
    net_say(peer, "x");
    net_say(peer, delimiter);
    check_int(hem_stream_read_until(&s, delimiter, &part), 65);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

struct part {
    hem_stream *stream;
    const char *delimiter;
    char *at;
};

static int read_part(void *arg)
{
    struct part *p = arg;
    return (int)hem_stream_read_until(p->stream, p->delimiter, &p->at);
}

VIRTUAL_TEST(a_delimiter_may_come_in_segments)
{
    static const char text[] = "head\r\n\r\nbody";
    for (size_t cut = 1; cut < 8; cut++) {
        hem_stream s;
        struct part p = {.stream = &s, .delimiter = "\r\n\r\n"};
        hem_task *t;
        int peer = net_open(&s, 0);
        check_int(hem_spawn(&t, read_part, &p), 0);
        net_send(peer, text, cut);
        net_settle();
        check(!hem_task_done(t));
        net_send(peer, text + cut, strlen(text) - cut);
        check_int(hem_await(t), 8);
        check(memcmp(p.at, text, 8) == 0);
        net_finish(peer);
        check_line(&s, "body");
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
    return 0;
}

VIRTUAL_TEST(the_beginning_of_a_delimiter_at_the_end_is_no_delimiter)
{
    hem_stream s;
    char *part = NULL, buf[8] = "";
    int peer = net_open(&s, 0);
    net_say(peer, "ab\r\n\r");
    net_finish(peer);
    for (int i = 0; i < 2; i++)
        check_int(hem_stream_read_until(&s, "\r\n\r\n", &part),
                  HEM_EINCOMPLETE);
    check(part == NULL);
    check_line(&s, "ab\r\n");
    check_int(hem_stream_read(&s, buf, sizeof(buf)), 1);
    check_str(buf, "\r");
    check_int(hem_stream_read(&s, buf, sizeof(buf)), 0);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

/* A part of `size` bytes that ends in `delimiter`, at the limit of `limit`. */
static void check_limit(uint32_t limit, size_t size, const char *delimiter)
{
    static char text[(1 << 16) + 2], got[sizeof(text)];
    size_t length = strlen(delimiter);
    memset(text, 'x', size);
    memcpy(text + size - length, delimiter, length);
    hem_stream s;
    char *part = NULL;
    int peer = net_open(&s, limit);
    net_send(peer, text, size);
    net_finish(peer);
    ssize_t n = hem_stream_read_until(&s, delimiter, &part);
    if (size <= limit) {
        check_int(n, size);
        check(part && memcmp(part, text, size) == 0);
    } else {
        check_int(n, HEM_ELIMIT);
        check(part == NULL);
        check_int(hem_stream_read_exactly(&s, got, size, NULL), size);
        check(memcmp(got, text, size) == 0);
    }
    check_int(hem_stream_read(&s, got, 1), 0);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
}

VIRTUAL_TEST(a_part_may_be_as_long_as_the_limit)
{
    static const uint32_t limits[] = {8, 100, 4095, 4096, 4097, 10000, 65536};
    static const char *const delimiters[] = {"\n", "\r\n", "--end--"};
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        for (size_t k = 0; k < COUNT_OF(delimiters); k++) {
            check_limit(limits[i], limits[i] - 1, delimiters[k]);
            check_limit(limits[i], limits[i], delimiters[k]);
            check_limit(limits[i], limits[i] + 1, delimiters[k]);
        }
    }
    return 0;
}

VIRTUAL_TEST(the_limit_is_64_kib_by_default)
{
    static char text[(1 << 16) + 1], *line;
    hem_stream s;
    int peer = net_open(&s, 0);
    memset(text, 'x', sizeof(text));
    text[(1 << 16) - 1] = '\n';
    net_send(peer, text, 1 << 16);
    check_int(hem_stream_read_line(&s, &line), 1 << 16);
    text[(1 << 16) - 1] = 'x';
    net_send(peer, text, sizeof(text));
    check_int(hem_stream_read_line(&s, &line), HEM_ELIMIT);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(an_endless_line_is_read_up_to_the_limit)
{
    static char text[100000], got[1000];
    hem_stream s;
    hem_stream_info info;
    char *line = NULL;
    int peer = net_open(&s, 1000);
    memset(text, 'x', sizeof(text));
    net_send(peer, text, sizeof(text));
    size_t before = ledger_live();
    for (int i = 0; i < 3; i++)
        check_int(hem_stream_read_line(&s, &line), HEM_ELIMIT);
    check(line == NULL);
    check_int(hem_stream_get_info(&s, &info), 0);
    check_int(info.bytes_read, 1000);
    check_int(s.capacity, 1000);
    check_int(ledger_live(), before + 1);
    check_int(hem_stream_read(&s, got, sizeof(got)), 1000);
    check_int(hem_stream_read_line(&s, &line), HEM_ELIMIT);
    check_int(hem_stream_close(&s), 0);
    net_reset(peer);
    return 0;
}

static int read_one(void *arg)
{
    char byte;
    return (int)hem_stream_read(arg, &byte, 1);
}

static int read_some(void *arg)
{
    char *bytes;
    return (int)hem_stream_read_some(arg, &bytes);
}

static int read_two(void *arg)
{
    char bytes[2];
    return (int)hem_stream_read_exactly(arg, bytes, sizeof(bytes), NULL);
}

static int read_a_line(void *arg)
{
    char *line;
    return (int)hem_stream_read_line(arg, &line);
}

VIRTUAL_TEST(who_waits_for_the_first_byte_holds_no_buffer)
{
    static hem_fn *const reads[] = {read_one, read_some, read_two, read_a_line};
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        hem_stream s;
        hem_task *t;
        int peer = net_open(&s, 0);
        check_int(hem_spawn(&t, reads[i], &s), 0);
        net_settle();
        size_t before = ledger_live();
        net_say(peer, ".\n");
        check(hem_await(t) > 0);
        hem_task_forget(t);
        net_say(peer, "line\n");
        if (reads[i] == read_one)
            check_line(&s, "\n");
        check_line(&s, "line\n");
        check_int(hem_spawn(&t, reads[i], &s), 0);
        net_settle();
        check_str(hem_task_waits_for(t), "read");
        check(s.buffer == NULL);
        check_int(ledger_live(), before);
        net_say(peer, ".\n");
        check(hem_await(t) > 0);
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
    return 0;
}

static int expect_slow_line(void *arg)
{
    char want[4004];
    memset(want, 'x', 4002);
    memcpy(want, "ab", 2);
    memcpy(want + 4002, "\n", 2);
    check_line(arg, want);
    check_line(arg, "end\n");
    return 0;
}

/* `fails`: there is no memory for less. */
static void check_slow_line(bool fails)
{
    hem_stream s;
    hem_task *t;
    char rest[4000];
    memset(rest, 'x', sizeof(rest));
    int peer = net_open(&s, 0);
    net_say(peer, "one\nab");
    check_line(&s, "one\n");
    uint32_t much = s.capacity;
    check_int(hem_spawn(&t, expect_slow_line, &s), 0);
    ledger_fail_from(fails);
    net_settle();
    ledger_fail_at(0);
    check_int(s.capacity, fails ? much : 256);
    check_int(s.end - s.begin, 2);
    net_send(peer, rest, sizeof(rest));
    net_say(peer, "\nend\n");
    check_int(hem_await(t), 0);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
}

VIRTUAL_TEST(who_waits_for_the_rest_of_a_line_holds_little)
{
    check_slow_line(false);
    check_slow_line(true);
    return 0;
}

VIRTUAL_TEST(without_memory_for_the_buffer_nothing_is_lost)
{
    hem_stream s;
    char text[5000], *line;
    int peer = net_open(&s, 0);
    memset(text, 'x', sizeof(text));
    text[4999] = '\n';
    net_send(peer, text, sizeof(text));
    ledger_fail_at(1);
    check_int(hem_stream_read_line(&s, &line), HEM_ENOMEM);
    ledger_fail_at(1);
    check_int(hem_stream_read_some(&s, &line), HEM_ENOMEM);
    ledger_fail_at(2);
    check_int(hem_stream_read_line(&s, &line), HEM_ENOMEM);
    ledger_fail_from(1);
    check_int(hem_stream_read(&s, text, 10), 10);
    ledger_fail_at(0);
    check_int(hem_stream_read_line(&s, &line), 4990);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(read_some_gives_all_there_is_up_to_the_limit)
{
    static char text[10000];
    hem_stream s;
    char *bytes = NULL;
    int peer = net_open(&s, 1000);
    net_say(peer, "line\nmore");
    check_line(&s, "line\n");
    check_int(hem_stream_read_some(&s, &bytes), 4);
    check(memcmp(bytes, "more", 4) == 0);
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 7 + (i >> 8));
    net_send(peer, text, sizeof(text));
    net_finish(peer);
    for (size_t sum = 0; sum < sizeof(text);) {
        ssize_t n = hem_stream_read_some(&s, &bytes);
        if (!check(n > 0 && n <= 1000) ||
            !check(memcmp(bytes, text + sum, (size_t)n) == 0))
            break;
        sum += (size_t)n;
    }
    bytes = NULL;
    check_int(hem_stream_read_some(&s, &bytes), 0);
    check(bytes == NULL);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(close_gives_the_bytes_read_ahead_back)
{
    hem_stream s;
    int peer = net_open(&s, 0);
    net_say(peer, "line\nmore");
    check_line(&s, "line\n");
    check(s.buffer != NULL);
    check_int(hem_stream_close(&s), 0);
    check(s.buffer == NULL);
    net_close(peer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(lines_come_one_by_one),
        LEDGER_TEST(parts_end_with_the_first_delimiter),
        LEDGER_TEST(a_delimiter_has_1_to_64_bytes),
        LEDGER_TEST(a_delimiter_may_come_in_segments),
        LEDGER_TEST(the_beginning_of_a_delimiter_at_the_end_is_no_delimiter),
        LEDGER_TEST(a_part_may_be_as_long_as_the_limit),
        LEDGER_TEST(the_limit_is_64_kib_by_default),
        LEDGER_TEST(an_endless_line_is_read_up_to_the_limit),
        LEDGER_TEST(who_waits_for_the_first_byte_holds_no_buffer),
        LEDGER_TEST(who_waits_for_the_rest_of_a_line_holds_little),
        LEDGER_TEST(without_memory_for_the_buffer_nothing_is_lost),
        LEDGER_TEST(read_some_gives_all_there_is_up_to_the_limit),
        LEDGER_TEST(close_gives_the_bytes_read_ahead_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
