/* SPDX-License-Identifier: MIT */
/* Hostile peers: cases 7 and 26 of the list. */
#include "support.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include "net.h"
#include "pair.h"
#include "rogue.h"

static hem_tls *server(void)
{
    return pair_server(&certs()->server, (hem_tls_config){.sni = NULL});
}

/* What hem_tls_start_server() makes of a peer that has sent `bytes` and then
 * does `then`. */
static int serve_bytes(const void *bytes, size_t size, void (*then)(int peer))
{
    hem_stream s;
    hem_tls *tls = server();
    int peer = net_open(&s, 0);
    net_send(peer, bytes, size);
    if (then)
        then(peer);
    int rc = hem_tls_start_server(&s, tls, NULL);
    check_int(hem_stream_close(&s), HEM_EBADF);
    check_int((long long)ERR_peek_error(), 0);
    if (then != net_reset)
        net_close(peer);
    hem_tls_destroy(tls);
    return rc;
}

VIRTUAL_TEST(hostile_07_a_reset_during_the_handshake_is_told)
{
    unsigned char hello[1024];
    size_t n = rogue_hello(hello, sizeof(hello));
    check_int(serve_bytes("", 0, net_reset), HEM_ECONNRESET);
    check_int(serve_bytes(hello, n / 2, net_reset), HEM_ECONNRESET);
    check(serve_bytes(hello, n, net_reset) < 0);

    hem_stream s;
    hem_tls *tls = pair_client((hem_tls_config){.insecure = true});
    net_reset(net_open(&s, 0));
    int rc = hem_tls_start_client(&s, tls, NULL);
    check(rc == HEM_ECONNRESET || rc == HEM_EPIPE);
    check_int(hem_stream_close(&s), HEM_EBADF);
    hem_tls_destroy(tls);
    return 0;
}

VIRTUAL_TEST(hostile_26_an_end_during_the_handshake_is_told)
{
    unsigned char hello[1024];
    size_t n = rogue_hello(hello, sizeof(hello));
    check_int(serve_bytes("", 0, net_finish), HEM_ETRUNCATED);
    check_int(serve_bytes(hello, n / 2, net_finish), HEM_ETRUNCATED);
    check_int(serve_bytes(hello, n, net_finish), HEM_ETRUNCATED);
    check_contains(hem_failure()->message, "peer closed");
    return 0;
}

VIRTUAL_TEST(hostile_26_plaintext_before_the_hello_is_no_handshake)
{
    check_int(serve_bytes("GET / HTTP/1.0\r\n\r\n", 18, NULL), HEM_ETLS);
    check_contains(hem_failure()->message, "http request");
    check_int(serve_bytes("EHLO example.test\r\n", 19, NULL), HEM_ETLS);
    check_int(serve_bytes("\x16\x03\x01\xff\xff", 5, NULL), HEM_ETLS);
    return 0;
}

/* A dialogue in plaintext, in which the peer sends more than its turn. */
VIRTUAL_TEST(hostile_26_plaintext_read_ahead_before_starttls_is_refused)
{
    hem_stream s;
    hem_tls *tls = server();
    hem_tls *client = pair_client((hem_tls_config){.insecure = true});
    int peer = net_open(&s, 0);
    net_say(peer, "STARTTLS\r\nMAIL FROM:<evil>\r\n");
    char *line = NULL;
    check_int(hem_stream_read_line(&s, &line), 10);
    check_int(hem_tls_start_server(&s, tls, NULL), HEM_EPROTO);
    check_str(hem_failure_text(HEM_EPROTO),
              "TLS handshake: bytes came before it");
    check_int(hem_tls_start_client(&s, client, NULL), HEM_EPROTO);
    check_int(recv(peer, &(char){0}, 1, MSG_DONTWAIT), -1); /* none was sent */
    check_int(hem_stream_read_line(&s, &line), 18);         /* none was lost */
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    hem_tls_destroy(tls);
    hem_tls_destroy(client);
    return 0;
}

VIRTUAL_TEST(hostile_26_plaintext_after_starttls_is_no_handshake)
{
    hem_stream s;
    hem_tls *tls = server();
    int peer = net_open(&s, 0);
    net_say(peer, "STARTTLS\r\n");
    char *line = NULL;
    check_int(hem_stream_read_line(&s, &line), 10);
    net_say(peer, "MAIL FROM:<evil>\r\n");
    check_int(hem_tls_start_server(&s, tls, NULL), HEM_ETLS);
    net_close(peer);
    hem_tls_destroy(tls);
    return 0;
}

VIRTUAL_TEST(hostile_26_bad_certificates_are_refused_by_default)
{
    const struct cert *bad[] = {&certs()->other, &certs()->expired,
                                &certs()->alone, &certs()->stranger};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct pair p = {.client_rc = 1};
        p.server = pair_server(bad[i], (hem_tls_config){.sni = NULL});
        pair_open(&p);
        check_int(p.client_rc, HEM_ECERTIFICATE);
        hem_tls_destroy(p.server);
    }
    return 0;
}

VIRTUAL_TEST(hostile_26_a_silent_peer_is_given_up)
{
    hem_stream s;
    hem_tls *tls = server();
    int peer = net_open(&s, 0);
    check_int(hem_tls_start_server(&s, tls, NULL), HEM_ETIMEDOUT);
    check_int(hem_now(), 30 * HEM_SEC);
    check_contains(hem_failure()->message, "too long");
    check_int(hem_stream_close(&s), HEM_EBADF);
    net_close(peer);
    peer = net_open(&s, 0);
    hem_tls_options o = {.handshake_timeout = HEM_SEC};
    check_int(hem_tls_start_server(&s, tls, &o), HEM_ETIMEDOUT);
    check_int(hem_now(), 31 * HEM_SEC);
    net_close(peer);
    hem_tls_destroy(tls);
    return 0;
}

struct trickle {
    int peer;
    unsigned char hello[1024];
    size_t size;
};

static int send_slowly(void *arg)
{
    struct trickle *t = arg;
    for (size_t i = 0; i < t->size; i++) {
        net_send(t->peer, t->hello + i, 1);
        HEM_TRY(hem_sleep(HEM_SEC));
    }
    return 0;
}

VIRTUAL_TEST(hostile_26_a_byte_each_second_does_not_hold_the_handshake)
{
    struct trickle t = {.size = 0};
    t.size = rogue_hello(t.hello, sizeof(t.hello));
    hem_stream s;
    hem_tls *tls = server();
    t.peer = net_open(&s, 0);
    hem_task *task = NULL;
    check_int(hem_spawn(&task, send_slowly, &t), 0);
    check_int(hem_tls_start_server(&s, tls, NULL), HEM_ETIMEDOUT);
    check_int(hem_now(), 30 * HEM_SEC);
    check_int(hem_cancel_and_wait(task, NULL), 0);
    net_close(t.peer);
    hem_tls_destroy(tls);
    return 0;
}

VIRTUAL_TEST(hostile_26_an_alert_flood_ends_the_handshake)
{
    enum { COUNT = 1000, BYTES = 7 };
    static unsigned char flood[COUNT * BYTES];
    for (size_t i = 0; i < COUNT; i++) /* warning: user_canceled */
        memcpy(flood + i * BYTES, "\x15\x03\x03\x00\x02\x01\x5a", BYTES);
    check_int(serve_bytes(flood, sizeof(flood), NULL), HEM_ETLS);
    return 0;
}

/* Serve a rogue: shake hands with it; `s` is open then. */
static void accept_rogue(struct rogue *r, hem_stream *s)
{
    hem_tls *tls = server();
    r->fd = net_open(s, 0);
    rogue_start(r);
    check_int(hem_tls_start_server(s, tls, NULL), 0);
    hem_tls_destroy(tls);
}

static int say(SSL *ssl)
{
    return SSL_write(ssl, "hello", 5) == 5 ? 0 : -2;
}

VIRTUAL_TEST(hostile_26_an_end_without_close_notify_is_no_end)
{
    hem_stream s;
    struct rogue r = {.act = say};
    accept_rogue(&r, &s);
    char buf[8];
    check_int(hem_stream_read_exactly(&s, buf, 5, NULL), 5);
    check_int(rogue_end(&r), 0);
    ssize_t n = hem_stream_read(&s, buf, 1);
    /* The tickets that it has not read make the kernel send a reset. */
    check(n == HEM_ETRUNCATED || n == HEM_ECONNRESET);
    check_int(hem_stream_close(&s), 0);
    r = (struct rogue){.act = say, .version = TLS1_2_VERSION};
    accept_rogue(&r, &s);
    check_int(hem_stream_read_exactly(&s, buf, 5, NULL), 5);
    check_int(rogue_end(&r), 0);
    check_int(hem_stream_read(&s, buf, 1), HEM_ETRUNCATED);
    check_int(hem_stream_read(&s, buf, 1), HEM_ETRUNCATED);
    check_int(hem_stream_close(&s), 0);
    return 0;
}

/* Ask for a second handshake, and say something all the same. */
static int renegotiate(SSL *ssl)
{
    char buf[4];
    SSL_renegotiate(ssl);
    SSL_do_handshake(ssl);
    SSL_read(ssl, buf, sizeof(buf)); /* meets the refusal */
    return SSL_renegotiate_pending(ssl) ? -2 : 0;
}

VIRTUAL_TEST(hostile_26_renegotiation_is_refused)
{
    hem_stream s;
    struct rogue r = {.act = renegotiate, .version = TLS1_2_VERSION};
    accept_rogue(&r, &s);
    char buf[8];
    ssize_t n = hem_stream_read(&s, buf, sizeof(buf));
    check(n < 0); /* the client gives up, when it is refused */
    (void)rogue_end(&r);
    check_int(hem_stream_close(&s), 0);
    return 0;
}

int main(void)
{
    certs();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(hostile_07_a_reset_during_the_handshake_is_told),
        LEDGER_TEST(hostile_26_an_end_during_the_handshake_is_told),
        LEDGER_TEST(hostile_26_plaintext_before_the_hello_is_no_handshake),
        LEDGER_TEST(hostile_26_plaintext_read_ahead_before_starttls_is_refused),
        LEDGER_TEST(hostile_26_plaintext_after_starttls_is_no_handshake),
        LEDGER_TEST(hostile_26_bad_certificates_are_refused_by_default),
        LEDGER_TEST(hostile_26_a_silent_peer_is_given_up),
        LEDGER_TEST(hostile_26_a_byte_each_second_does_not_hold_the_handshake),
        LEDGER_TEST(hostile_26_an_alert_flood_ends_the_handshake),
        LEDGER_TEST(hostile_26_an_end_without_close_notify_is_no_end),
        LEDGER_TEST(hostile_26_renegotiation_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
