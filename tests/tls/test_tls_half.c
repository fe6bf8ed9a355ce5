/* SPDX-License-Identifier: MIT */
/*
 * A peer that has sent a part of a message that is not data, and leaves it at
 * that for a while: nothing can be encrypted meanwhile. The message is a ticket
 * of a server, made so large that it takes several records, the last of which is
 * held back.
 */
#include "support.h"

#include "io/layer.h"
#include "pair.h"
#include "settle.h"
#include "tls/tls.h"

#define TICKET  2000
#define RECORD  512
#define HEADER  5
#define A_LOT   ((size_t)300 << 10)
#define PUTTING 10000

struct half {
    struct pair p;
    char *rest; /* of the message */
    size_t rest_size;
};

static int enlarge(SSL *ssl, void *arg)
{
    static const char data[TICKET];
    (void)arg;
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), data,
                                           sizeof(data));
}

static tls__stream *tls_of(hem_stream *s)
{
    void *t = NULL;
    check_int(hem_stream_find_layer(s, &tls__transport, &t), 0);
    return t;
}

/* Where the last of the records begins. */
static size_t last_record(const tls__bytes *b)
{
    size_t at = 0, next = 0;
    while (next < b->size) {
        const unsigned char *p = (const unsigned char *)b->data + next;
        at = next;
        next += HEADER + (size_t)(p[3] << 8 | p[4]);
    }
    return at;
}

/* Connect; the client has got all of a message but its end. */
static void half_open(struct half *h)
{
    *h = (struct half){.p = {.client_rc = 1}};
    h->p.server = pair_server(&certs()->server, (hem_tls_config){.sni = NULL});
    SSL_CTX_set_num_tickets(h->p.server->ctx, 0);
    SSL_CTX_set_max_send_fragment(h->p.server->ctx, RECORD);
    SSL_CTX_set_session_ticket_cb(h->p.server->ctx, enlarge, NULL, NULL);
    pair_open_well(&h->p);
    tls__stream *t = tls_of(&h->p.b);
    check_int(SSL_new_session_ticket(t->ssl), 1);
    check_int(SSL_do_handshake(t->ssl), 1);
    size_t at = last_record(&t->out);
    check(at > RECORD);
    check_int(hem_stream_write(h->p.b.layer->below, t->out.data, at),
              (long long)at);
    h->rest_size = t->out.size - at;
    h->rest = malloc(h->rest_size);
    memcpy(h->rest, t->out.data + at, h->rest_size);
    tls__bytes_drop(&t->out);
}

/* The client sees what it has got; nobody reads any more. */
static void let_it_see(struct half *h)
{
    hem_timeout t;
    char byte;
    check_int(hem_timeout_open(&t, HEM_SEC), 0);
    check_int(hem_timeout_close(&t, (int)hem_stream_read(&h->p.a, &byte, 1)),
              HEM_ETIMEDOUT);
    check(SSL_in_init(tls_of(&h->p.a)->ssl));
}

static void send_rest(struct half *h)
{
    check_int(hem_stream_write(h->p.b.layer->below, h->rest, h->rest_size),
              (long long)h->rest_size);
}

static void half_close(struct half *h)
{
    free(h->rest);
    hem_tls_destroy(h->p.server);
    pair_close(&h->p);
}

static int put_pattern(hem_stream *s, size_t at, size_t size)
{
    char bytes[PUTTING];
    for (size_t i = 0; i < size; i++)
        bytes[i] = pair_byte(at + i);
    return hem_stream_put(s, bytes, size);
}

/* The loop that the header describes. */
static int put_a_lot(void *arg)
{
    int turns = 0;
    for (size_t at = 0; at < A_LOT;) {
        size_t n = A_LOT - at < PUTTING ? A_LOT - at : PUTTING;
        int rc = put_pattern(arg, at, n);
        if (rc == 0)
            at += n;
        else if (rc == HEM_ELIMIT)
            rc = hem_stream_drain(arg);
        HEM_TRY(rc);
        if (!check(++turns < 1000)) /* it spins */
            return HEM_EPROTO;
    }
    return hem_stream_flush(arg);
}

VIRTUAL_TEST(a_drain_waits_for_the_rest_of_a_message_that_keeps_puts_back)
{
    struct half h;
    half_open(&h);
    let_it_see(&h);
    hem_task *t = spawn_settled(put_a_lot, &h.p.a);
    check(!hem_task_done(t));
    check(hem_stream_pending(&h.p.a) > 64 << 10);
    check(hem_stream_pending(&h.p.a) <= (64 << 10) + PUTTING);
    send_rest(&h);
    check_int(pair_expect(&h.p.b, 0, A_LOT), 0);
    check_int(hem_await(t), 0);
    half_close(&h);
    return 0;
}

static int read_byte(void *arg)
{
    char byte;
    ssize_t n = hem_stream_read(arg, &byte, 1);
    check_int(byte, '!');
    return (int)n;
}

VIRTUAL_TEST(a_read_that_meets_the_rest_sends_what_was_put_meanwhile)
{
    struct half h;
    half_open(&h);
    hem_task *t = spawn_settled(read_byte, &h.p.a);
    check_int(put_pattern(&h.p.a, 0, 100), 0);
    check_int(put_pattern(&h.p.a, 100, 100), 0);
    check_int((long long)hem_stream_pending(&h.p.a), 200);
    send_rest(&h);
    check_int(pair_expect(&h.p.b, 0, 200), 0);
    check_int((long long)hem_stream_pending(&h.p.a), 0);
    check_int(hem_stream_write(&h.p.b, "!", 1), 1);
    check_int(hem_await(t), 1);
    half_close(&h);
    return 0;
}

VIRTUAL_TEST(a_read_and_a_drain_may_both_wait_for_the_rest)
{
    struct half h;
    half_open(&h);
    hem_task *reader = spawn_settled(read_byte, &h.p.a);
    hem_task *writer = spawn_settled(put_a_lot, &h.p.a);
    check(!hem_task_done(writer));
    send_rest(&h);
    check_int(pair_expect(&h.p.b, 0, A_LOT), 0);
    check_int(hem_await(writer), 0);
    check_int(hem_stream_write(&h.p.b, "!", 1), 1);
    check_int(hem_await(reader), 1);
    half_close(&h);
    return 0;
}

static int write_some(void *arg)
{
    return (int)hem_stream_write(arg, "?", 1);
}

VIRTUAL_TEST(what_is_put_during_a_write_that_waits_for_the_rest_is_not_lost)
{
    struct half h;
    half_open(&h);
    let_it_see(&h);
    hem_task *t = spawn_settled(write_some, &h.p.a);
    check(!hem_task_done(t));
    check_int(put_pattern(&h.p.a, 0, 100), 0);
    check(hem_task_cancel(t, "enough"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(put_pattern(&h.p.a, 100, 100), 0);
    check_int((long long)hem_stream_pending(&h.p.a), 200);
    send_rest(&h);
    check_int(hem_stream_flush(&h.p.a), 0);
    check_int(hem_stream_write(&h.p.a, "end", 3), 3);
    check_int(pair_expect(&h.p.b, 0, 200), 0);
    char end[3];
    check_int(hem_stream_read_exactly(&h.p.b, end, 3, NULL), 3);
    check(memcmp(end, "end", 3) == 0);
    half_close(&h);
    return 0;
}

static int finish(void *arg)
{
    return hem_stream_shutdown_write(arg);
}

VIRTUAL_TEST(the_goodbye_comes_behind_what_was_put_and_after_the_rest)
{
    for (size_t size = 0; size <= 100; size += 100) {
        struct half h;
        half_open(&h);
        let_it_see(&h);
        if (size)
            check_int(put_pattern(&h.p.a, 0, size), 0);
        hem_task *t = spawn_settled(finish, &h.p.a);
        check(!hem_task_done(t));
        send_rest(&h);
        check_int(hem_await(t), 0);
        check_int(pair_expect(&h.p.b, 0, size), 0);
        char byte;
        check_int(hem_stream_read(&h.p.b, &byte, 1), 0);
        half_close(&h);
    }
    return 0;
}

VIRTUAL_TEST(a_peer_that_leaves_it_at_half_a_message_is_given_up_in_time)
{
    struct half h;
    half_open(&h);
    let_it_see(&h);
    hem_stream_limits limits = {.write_stall = 7 * HEM_SEC};
    check_int(hem_stream_set_limits(&h.p.a, &limits), 0);
    check_int(put_pattern(&h.p.a, 0, 100), 0);
    hem_ns begun = hem_now();
    check_int(hem_stream_flush(&h.p.a), HEM_ETIMEDOUT);
    check_int(hem_now() - begun, 7 * HEM_SEC);
    begun = hem_now();
    check_int(hem_stream_write(&h.p.a, "x", 1), HEM_ETIMEDOUT);
    check_int(hem_now() - begun, 7 * HEM_SEC);
    check_int(hem_stream_close(&h.p.a), HEM_EINCOMPLETE);
    half_close(&h);
    return 0;
}

VIRTUAL_TEST(the_end_instead_of_the_rest_ends_a_drain)
{
    struct half h;
    half_open(&h);
    let_it_see(&h);
    check_int(put_pattern(&h.p.a, 0, 100), 0);
    check_int(hem_stream_shutdown_write(h.p.b.layer->below), 0);
    check_int(hem_stream_flush(&h.p.a), HEM_ETRUNCATED);
    check_int(hem_stream_aclose(&h.p.a), HEM_ETRUNCATED);
    half_close(&h);
    return 0;
}

int main(void)
{
    certs();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(
            a_drain_waits_for_the_rest_of_a_message_that_keeps_puts_back),
        LEDGER_TEST(a_read_that_meets_the_rest_sends_what_was_put_meanwhile),
        LEDGER_TEST(a_read_and_a_drain_may_both_wait_for_the_rest),
        LEDGER_TEST(
            what_is_put_during_a_write_that_waits_for_the_rest_is_not_lost),
        LEDGER_TEST(the_goodbye_comes_behind_what_was_put_and_after_the_rest),
        LEDGER_TEST(
            a_peer_that_leaves_it_at_half_a_message_is_given_up_in_time),
        LEDGER_TEST(the_end_instead_of_the_rest_ends_a_drain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
