/* SPDX-License-Identifier: MIT */
/* TLS streams: what goes through them, and how they end. */
#include "support.h"

#include "net.h"
#include "pair.h"

VIRTUAL_TEST(bytes_go_both_ways)
{
    struct pair p = {.client_rc = 1};
    pair_open_well(&p);
    check_int(hem_stream_write(&p.a, "hello\n", 6), 6);
    char *line = NULL;
    check_int(hem_stream_read_line(&p.b, &line), 6);
    check(line && memcmp(line, "hello\n", 6) == 0);
    check_int(hem_stream_write(&p.b, "well, hello", 11), 11);
    char buf[20] = "";
    check_int(hem_stream_read_exactly(&p.a, buf, 11, NULL), 11);
    check_str(buf, "well, hello");
    pair_close(&p);
    return 0;
}

struct bulk {
    hem_stream *s;
    size_t size;
    bool sends;
};

static int move_bulk(void *arg)
{
    struct bulk *b = arg;
    if (b->sends)
        check_int(pair_send(b->s, 0, b->size), 0);
    else
        check_int(pair_expect(b->s, 0, b->size), 0);
    return 0;
}

VIRTUAL_TEST(two_tasks_read_and_write_at_once_in_both_directions)
{
    struct pair p = {.client_rc = 1};
    pair_open_well(&p);
    size_t size = scaled(20 << 20);
    struct bulk bulk[] = {{&p.a, size, true},
                          {&p.a, size, false},
                          {&p.b, size, true},
                          {&p.b, size, false}};
    HEM_SCOPE(s);
    for (size_t i = 0; i < COUNT_OF(bulk); i++)
        check_int(hem_scope_spawn(&s, NULL, move_bulk, &bulk[i]), 0);
    check_int(hem_scope_close(&s, 0), 0);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(a_large_write_arrives)
{
    struct pair p = {.client_rc = 1};
    pair_open_well(&p);
    size_t size = 1 << 20;
    char *bytes = malloc(size);
    for (size_t i = 0; i < size; i++)
        bytes[i] = pair_byte(i);
    struct bulk reader = {&p.b, size, false};
    hem_task *t = NULL;
    check_int(hem_spawn(&t, move_bulk, &reader), 0);
    check_int(hem_stream_write(&p.a, bytes, size), (long long)size);
    check_int(hem_await(t), 0);
    free(bytes);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(close_is_a_clean_end_for_the_peer)
{
    struct pair p = {.client_rc = 1};
    pair_open_well(&p);
    check_int(hem_stream_close(&p.a), 0);
    char byte;
    check_int(hem_stream_read(&p.b, &byte, 1), 0);
    check_int(hem_stream_read(&p.b, &byte, 1), 0);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(abort_is_no_end_for_the_peer)
{
    struct pair p = {.client_rc = 1};
    pair_open_well(&p);
    char byte;
    check_int(hem_stream_abort(&p.b), 0);
    check_int(hem_stream_read(&p.a, &byte, 1), HEM_ECONNRESET);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(reading_goes_on_after_the_end_of_writing)
{
    struct pair p = {.client_rc = 1};
    pair_open_well(&p);
    check_int(hem_stream_write(&p.a, "request", 7), 7);
    check_int(hem_stream_shutdown_write(&p.a), 0);
    char buf[20] = "";
    check_int(hem_stream_read_exactly(&p.b, buf, 7, NULL), 7);
    check_int(hem_stream_read(&p.b, buf, 1), 0);
    check_int(hem_stream_write(&p.b, "answer", 6), 6);
    check_int(hem_stream_shutdown_write(&p.b), 0);
    check_int(hem_stream_read_exactly(&p.a, buf, 6, NULL), 6);
    check(memcmp(buf, "answer", 6) == 0);
    check_int(hem_stream_read(&p.a, buf, 1), 0);
    check_int(hem_stream_write(&p.a, "x", 1), HEM_EPIPE);
    check_int(hem_stream_shutdown_write(&p.a), 0);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(tls_goes_over_tls)
{
    struct pair p = {.client_rc = 1};
    pair_open_well(&p);
    pair_shake(&p);
    check_int(p.client_rc, 0);
    check_int(p.server_rc, 0);
    check_int(hem_stream_write(&p.a, "twice", 5), 5);
    char buf[8] = "";
    check_int(hem_stream_read_exactly(&p.b, buf, 5, NULL), 5);
    check_str(buf, "twice");
    pair_close(&p);
    return 0;
}

int main(void)
{
    certs();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(bytes_go_both_ways),
        LEDGER_TEST(two_tasks_read_and_write_at_once_in_both_directions),
        LEDGER_TEST(a_large_write_arrives),
        LEDGER_TEST(close_is_a_clean_end_for_the_peer),
        LEDGER_TEST(abort_is_no_end_for_the_peer),
        LEDGER_TEST(reading_goes_on_after_the_end_of_writing),
        LEDGER_TEST(tls_goes_over_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
