/* SPDX-License-Identifier: MIT */
/* TLS with a peer that does not read: what is kept, who waits, and how long. */
#include "support.h"

#include <sys/socket.h>

#include "net.h"
#include "pair.h"
#include "rogue.h"

#define PIECES 500
#define PIECE  1000

static int put_pattern(void *arg)
{
    char bytes[PIECE];
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t j = 0; j < PIECE; j++)
            bytes[j] = pair_byte(i * PIECE + j);
        HEM_TRY(hem_stream_put(arg, bytes, PIECE));
        HEM_TRY(hem_stream_drain(arg)); /* waits if the kernel takes less */
    }
    return hem_stream_flush(arg);
}

VIRTUAL_TEST(what_is_put_arrives_in_order)
{
    struct pair p = {.client_rc = 1};
    hem_task *t = NULL;
    pair_open_well(&p);
    check_int(hem_spawn(&t, put_pattern, &p.a), 0);
    check_int(pair_expect(&p.b, 0, PIECES * PIECE), 0);
    check_int(hem_await(t), 0);
    check_int((long long)hem_stream_pending(&p.a), 0);
    pair_close(&p);
    return 0;
}

/* Put until no more is taken, also when there was time to send; how much. */
static size_t fill(hem_stream *s)
{
    static const char zeros[10000];
    size_t sum = 0;
    for (int full = 0; full < 5; full++) {
        int rc;
        while ((rc = hem_stream_put(s, zeros, sizeof(zeros))) == 0) {
            sum += sizeof(zeros);
            full = 0;
        }
        check_int(rc, HEM_ELIMIT);
        check_int(hem_sleep(HEM_MSEC), 0);
    }
    return sum;
}

static int discard(hem_stream *s, size_t size)
{
    static char waste[10000];
    while (size > 0) {
        size_t n = size < sizeof(waste) ? size : sizeof(waste);
        ssize_t rc = hem_stream_read(s, waste, n);
        if (rc <= 0)
            return rc < 0 ? (int)rc : HEM_EINCOMPLETE;
        size -= (size_t)rc;
    }
    return 0;
}

VIRTUAL_TEST(not_much_more_is_kept_than_the_high_water)
{
    struct pair p = {.client_rc = 1};
    pair_open_well(&p);
    size_t size = fill(&p.a);
    check(hem_stream_pending(&p.a) > 64 << 10);
    check(hem_stream_pending(&p.a) < (64 << 10) + 11000);
    hem_timeout t;
    check_int(hem_timeout_open(&t, HEM_SEC), 0);
    check_int(hem_timeout_close(&t, hem_stream_drain(&p.a)), HEM_ETIMEDOUT);
    check_int(discard(&p.b, size), 0);
    check_int(hem_stream_drain(&p.a), 0);
    check_int(hem_stream_write(&p.a, "x", 1), 1);
    check_int(discard(&p.b, 1), 0);
    pair_close(&p);
    return 0;
}

static int flush_it(void *arg)
{
    return hem_stream_flush(arg);
}

VIRTUAL_TEST(all_who_wait_are_told_that_what_was_put_is_lost)
{
    struct pair p = {.client_rc = 1};
    hem_task *flushes[3];
    pair_open_well(&p);
    (void)fill(&p.a);
    for (size_t i = 0; i < COUNT_OF(flushes); i++)
        check_int(hem_spawn(&flushes[i], flush_it, &p.a), 0);
    net_settle();
    check_int(hem_stream_abort(&p.b), 0);
    for (size_t i = 0; i < COUNT_OF(flushes); i++)
        check_int(hem_await(flushes[i]), HEM_ECONNRESET);
    check_int(hem_stream_close(&p.a), HEM_EINCOMPLETE);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(a_read_that_waited_too_long_does_not_keep_the_goodbye_back)
{
    struct pair p = {.client_rc = 1};
    char c;
    pair_open_well(&p);
    hem_stream_limits limits = {.read_stall = HEM_SEC};
    check_int(hem_stream_set_limits(&p.a, &limits), 0);
    check_int(hem_stream_read(&p.a, &c, 1), HEM_ETIMEDOUT);
    check_int(hem_stream_close(&p.a), 0);
    check_int(hem_stream_read(&p.b, &c, 1), 0);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(the_goodbye_to_a_peer_that_does_not_read_has_its_time)
{
    struct pair p = {.client_opts = {.shutdown_timeout = 3 * HEM_SEC}};
    pair_open_well(&p);
    (void)fill(&p.a);
    hem_ns begun = hem_now();
    check_int(hem_stream_shutdown_write(&p.a), HEM_ETIMEDOUT);
    check_int(hem_now() - begun, 3 * HEM_SEC);
    check_int(hem_stream_abort(&p.a), 0);
    pair_close(&p);
    return 0;
}

static int end_it(void *arg)
{
    return hem_stream_shutdown_write(arg);
}

VIRTUAL_TEST(nothing_is_taken_behind_the_goodbye)
{
    struct pair p = {.client_rc = 1};
    hem_task *t = NULL;
    pair_open_well(&p);
    size_t size = fill(&p.a);
    check_int(hem_spawn(&t, end_it, &p.a), 0);
    net_settle();
    check(!hem_task_done(t));
    check_int(hem_stream_put(&p.a, "x", 1), HEM_EPIPE);
    check_int(discard(&p.b, size), 0);
    check_int(hem_await(t), 0);
    check_int(hem_stream_flush(&p.a), 0);
    char byte;
    check_int(hem_stream_read(&p.b, &byte, 1), 0);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(aclose_waits_for_the_goodbye_of_the_peer_for_its_time)
{
    struct pair p = {.client_opts = {.shutdown_timeout = 3 * HEM_SEC}};
    pair_open_well(&p);
    hem_ns begun = hem_now();
    check_int(hem_stream_aclose(&p.a), 0);
    check_int(hem_now() - begun, 3 * HEM_SEC);
    char byte;
    check_int(hem_stream_read(&p.b, &byte, 1), 0);
    pair_close(&p);
    return 0;
}

static int read_to_the_end(void *arg)
{
    char buf[100];
    ssize_t n;
    while ((n = hem_stream_read(arg, buf, sizeof(buf))) > 0)
        continue;
    check_int(n, 0);
    return hem_stream_aclose(arg);
}

VIRTUAL_TEST(aclose_of_both_sides_takes_no_time)
{
    struct pair p = {.client_rc = 1};
    pair_open_well(&p);
    hem_task *t = NULL;
    check_int(hem_spawn(&t, read_to_the_end, &p.b), 0);
    check_int(hem_stream_write(&p.a, "last words", 10), 10);
    check_int(hem_stream_aclose(&p.a), 0);
    check_int(hem_await(t), 0);
    check_int(hem_now(), 0);
    return 0;
}

static int read_until_closed(void *arg)
{
    char byte;
    check_int(hem_stream_read(arg, &byte, 1), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(close_during_a_read_and_a_write_ends_both)
{
    struct pair p = {.client_rc = 1};
    pair_open_well(&p);
    hem_task *t = NULL;
    (void)fill(&p.b);
    check_int(hem_spawn(&t, read_until_closed, &p.b), 0);
    check_int(hem_sleep(1), 0);
    char byte;
    check_int(hem_stream_read(&p.b, &byte, 1), HEM_EBUSY);
    check_int(hem_stream_abort(&p.b), 0);
    check_int(hem_await(t), 0);
    pair_close(&p);
    return 0;
}

#define FLOOD 20000

/* Ask for new keys again and again, and never read the answers. */
static int flood(SSL *ssl)
{
    struct timeval soon = {.tv_usec = 200000};
    int fd = SSL_get_fd(ssl);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof(soon));
    for (int i = 0; i < FLOOD; i++) {
        if (SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) != 1 ||
            SSL_do_handshake(ssl) != 1)
            return i;
    }
    return FLOOD;
}

static int read_flood(void *arg)
{
    char byte;
    ssize_t n = hem_stream_read(arg, &byte, 1);
    check(n < 0);
    return 0;
}

VIRTUAL_TEST(hostile_26_a_flood_of_key_updates_fills_no_memory)
{
    hem_stream s;
    hem_tls *tls = pair_server(&certs()->server, (hem_tls_config){.sni = NULL});
    struct rogue r = {.act = flood};
    int small = 4096;
    r.fd = net_open(&s, 0);
    setsockopt(r.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    rogue_start(&r);
    check_int(hem_tls_start_server(&s, tls, NULL), 0);
    hem_task *t = NULL;
    check_int(hem_spawn(&t, read_flood, &s), 0);
    size_t most = 0;
    while (!hem_task_done(r.task)) {
        size_t pending = hem_stream_pending(&s);
        most = pending > most ? pending : most;
        check_int(hem_sleep(HEM_MSEC), 0);
    }
    check(rogue_end(&r) > 0);
    check(most < 200 << 10);
    (void)!hem_await(t);
    (void)hem_stream_abort(&s);
    hem_tls_destroy(tls);
    return 0;
}

int main(void)
{
    certs();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(what_is_put_arrives_in_order),
        LEDGER_TEST(not_much_more_is_kept_than_the_high_water),
        LEDGER_TEST(all_who_wait_are_told_that_what_was_put_is_lost),
        LEDGER_TEST(a_read_that_waited_too_long_does_not_keep_the_goodbye_back),
        LEDGER_TEST(the_goodbye_to_a_peer_that_does_not_read_has_its_time),
        LEDGER_TEST(nothing_is_taken_behind_the_goodbye),
        LEDGER_TEST(aclose_waits_for_the_goodbye_of_the_peer_for_its_time),
        LEDGER_TEST(aclose_of_both_sides_takes_no_time),
        LEDGER_TEST(close_during_a_read_and_a_write_ends_both),
        LEDGER_TEST(hostile_26_a_flood_of_key_updates_fills_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
