/* SPDX-License-Identifier: MIT */
/* What client and server agree on: the protocol, the host. */
#include "support.h"

#include <openssl/evp.h>

#include "net.h"
#include "pair.h"
#include "tls/tls.h"

static const char *const http[] = {"h2", "http/1.1", NULL};
static const char *const old[] = {"http/1.1", NULL};
static const char *const mail[] = {"imap", NULL};

/* The protocol that is agreed on; "" none; NULL: refused. */
static const char *agree(const char *const *client, const char *const *server)
{
    static char alpn[32];
    struct pair p = {.client_rc = 1};
    p.client = pair_client((hem_tls_config){.alpn = client});
    p.server = pair_server(&certs()->server, (hem_tls_config){.alpn = server});
    pair_open(&p);
    hem_tls_destroy(p.client);
    hem_tls_destroy(p.server);
    if (p.client_rc < 0) {
        check_int(p.client_rc, HEM_ETLS);
        check_contains(p.client_text, "no application protocol");
        check_int(p.server_rc, HEM_ETLS);
        check_contains(p.server_text, "no application protocol");
        return NULL;
    }
    hem_tls_info a, b;
    check_int(hem_tls_get_info(&p.a, &a), 0);
    check_int(hem_tls_get_info(&p.b, &b), 0);
    check_str(a.alpn, b.alpn);
    snprintf(alpn, sizeof(alpn), "%s", a.alpn ? a.alpn : "");
    pair_close(&p);
    return alpn;
}

VIRTUAL_TEST(the_servers_favourite_protocol_is_agreed_on)
{
    check_str(agree(http, http), "h2");
    check_str(agree(http, old), "http/1.1");
    check_str(agree(NULL, http), "");
    check_str(agree(http, NULL), "");
    check_str(agree(mail, http), NULL);
    return 0;
}

struct hosts {
    hem_tls *other;
    char asked[300];
};

static hem_tls *by_name(void *arg, const char *host)
{
    struct hosts *h = arg;
    snprintf(h->asked, sizeof(h->asked), "%s", host ? host : "nobody");
    if (strcmp(h->asked, "other.test") == 0)
        return h->other;
    return strcmp(h->asked, "localhost") == 0 || !host ? h[1].other : NULL;
}

static void ask_for(struct hosts *h, struct pair *p, const char *host)
{
    memset(p, 0, sizeof(*p));
    p->client_opts.host = host;
    p->server = h[1].other;
    pair_open(p);
}

VIRTUAL_TEST(a_server_has_a_certificate_for_each_host)
{
    struct hosts h[2] = {{NULL, ""}, {NULL, ""}};
    h[0].other = pair_server(&certs()->other, (hem_tls_config){.alpn = mail});
    h[1].other = pair_server(&certs()->server,
                             (hem_tls_config){.sni = by_name, .sni_arg = h});
    struct pair p;
    hem_tls_info info;
    ask_for(h, &p, "other.test");
    check_int(p.client_rc, 0);
    check_int(hem_tls_get_info(&p.b, &info), 0);
    check_str(info.host, "other.test");
    check_int(hem_tls_get_info(&p.a, &info), 0);
    check_str(info.peer_subject, "CN=other.test");
    pair_close(&p);

    ask_for(h, &p, "127.0.0.1");
    check_int(p.client_rc, 0);
    check_str(h->asked, "nobody");
    check_int(hem_tls_get_info(&p.b, &info), 0);
    check_str(info.host, NULL);
    pair_close(&p);

    ask_for(h, &p, "a.wild.test");
    check_int(p.client_rc, HEM_ETLS);
    check_contains(p.client_text, "unrecognized name");
    check_int(p.server_rc, HEM_ETLS);
    hem_tls_destroy(h[0].other);
    hem_tls_destroy(h[1].other);
    return 0;
}

VIRTUAL_TEST(a_host_may_ask_more_of_its_clients)
{
    struct hosts h[2] = {{NULL, ""}, {NULL, ""}};
    h[0].other =
        pair_server(&certs()->other,
                    (hem_tls_config){.verify_client = HEM_TLS_VERIFY_REQUIRED});
    h[1].other = pair_server(&certs()->server,
                             (hem_tls_config){.sni = by_name, .sni_arg = h});
    struct pair p;
    ask_for(h, &p, "other.test");
    check_int(p.server_rc, HEM_ECERTIFICATE);
    pair_close(&p);
    ask_for(h, &p, "localhost");
    check_int(p.server_rc, 0);
    pair_close(&p);
    hem_tls_destroy(h[0].other);
    hem_tls_destroy(h[1].other);
    return 0;
}

struct turns {
    hem_tls *answers[2];
    unsigned asked;
};

static hem_tls *by_turns(void *arg, const char *host)
{
    struct turns *t = arg;
    (void)host;
    return t->answers[t->asked++ % COUNT_OF(t->answers)];
}

/* A handshake with a HelloRetryRequest, for which the callback is asked twice:
 * for the `first` time, and for the `last`, 0: the stream's own context, 1: another
 * one, which asks for a certificate. How it went for the server. */
static int retry(int first, int last, char *ret_subject)
{
    struct turns turns = {.asked = 0};
    hem_tls *contexts[2];
    contexts[0] = pair_server(
        &certs()->server, (hem_tls_config){.sni = by_turns, .sni_arg = &turns});
    contexts[1] =
        pair_server(&certs()->other,
                    (hem_tls_config){.verify_client = HEM_TLS_VERIFY_REQUIRED});
    turns.answers[0] = contexts[first];
    turns.answers[1] = contexts[last];
    /* None of those for which clients send a share unasked. */
    check_int(SSL_CTX_set1_groups_list(contexts[0]->ctx, "P-256"), 1);
    struct pair p = {.server = contexts[0],
                     .client_opts.host = last ? "other.test" : "localhost"};
    pair_open(&p);
    check_int(turns.asked, 2);
    hem_tls_info info = {.peer_subject = NULL};
    check_int(hem_tls_get_info(&p.a, &info), 0);
    snprintf(ret_subject, 100, "%s", info.peer_subject);
    pair_close(&p);
    hem_tls_destroy(contexts[0]);
    hem_tls_destroy(contexts[1]);
    return p.server_rc;
}

VIRTUAL_TEST(after_a_retry_the_last_answer_counts)
{
    char subject[100];
    check_int(retry(0, 0, subject), 0);
    check_str(subject, "CN=localhost");
    check_int(retry(1, 0, subject), 0);
    check_str(subject, "CN=localhost");
    check_int(retry(0, 1, subject), HEM_ECERTIFICATE);
    check_str(subject, "CN=other.test");
    check_int(retry(1, 1, subject), HEM_ECERTIFICATE);
    check_str(subject, "CN=other.test");
    return 0;
}

VIRTUAL_TEST(the_info_says_what_is_known)
{
    struct pair p = {.client_rc = 1};
    pair_open_well(&p);
    hem_tls_info a, b;
    check_int(hem_tls_get_info(&p.a, &a), 0);
    check_int(hem_tls_get_info(&p.b, &b), 0);
    check_str(a.version, "TLSv1.3");
    check_str(a.cipher, b.cipher);
    check_contains(a.cipher, "TLS_");
    check_str(a.host, "localhost");
    check_str(b.host, "localhost");
    check_str(a.peer_pem, certs()->server.cert);
    check_str(b.peer_pem, NULL);
    check(!a.resumed && !b.resumed);
    uint8_t zero[32] = {0};
    check(memcmp(a.peer_sha256, zero, 32) != 0);
    check(memcmp(b.peer_sha256, zero, 32) == 0);
    check_int(hem_tls_get_info(&p.a, &b), 0);
    check(b.peer_pem == a.peer_pem);
    pair_close(&p);
    check_int(hem_tls_get_info(&p.a, &a), HEM_EBADF);
    net_open_pair(&p.a, &p.b);
    check_int(hem_tls_get_info(&p.a, &a), HEM_EINVAL);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(a_stream_keeps_its_context)
{
    struct pair p = {.client_rc = 1};
    pair_open_well(&p); /* both contexts are destroyed */
    check_int(pair_send(&p.a, 0, 100), 0);
    check_int(pair_expect(&p.b, 0, 100), 0);
    pair_close(&p);
    return 0;
}

static int serve_one(void *arg)
{
    hem_listener *l = arg;
    hem_tls *tls =
        pair_server(&certs()->server, (hem_tls_config){.no_tickets = false});
    HEM_STREAM(s);
    check_int(hem_accept(l, &s), 0);
    int rc = hem_tls_start_server(&s, tls, NULL);
    hem_tls_destroy(tls);
    return rc;
}

VIRTUAL_TEST(connect_takes_the_host_for_the_certificate)
{
    HEM_LISTENER(l);
    uint16_t port = net_listen(&l);
    hem_tls *tls = pair_client((hem_tls_config){.insecure = false});
    hem_task *t = NULL;
    check_int(hem_spawn(&t, serve_one, &l), 0);
    hem_stream s = {.limit = 0};
    check_int(hem_tls_connect(&s, "127.0.0.1", port, tls, NULL, NULL), 0);
    check_int(hem_await(t), 0);
    check_int(hem_stream_close(&s), 0);

    check_int(hem_spawn(&t, serve_one, &l), 0);
    hem_tls_options o = {.host = "other.test"};
    check_int(hem_tls_connect(&s, "127.0.0.1", port, tls, NULL, &o),
              HEM_ECERTIFICATE);
    check_int(hem_stream_close(&s), HEM_EBADF);
    check_int(hem_await(t), HEM_ETLS);

    o.host = "no host";
    check_int(hem_tls_connect(&s, "127.0.0.1", port, tls, NULL, &o),
              HEM_EINVAL);
    check_int(hem_stream_close(&s), HEM_EBADF);
    int fd = -1;
    port = net_refusing(&fd);
    check_int(hem_tls_connect(&s, "127.0.0.1", port, tls, NULL, NULL),
              HEM_ECONNREFUSED);
    net_close(fd);
    hem_tls_destroy(tls);
    return 0;
}

int main(void)
{
    certs();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_servers_favourite_protocol_is_agreed_on),
        LEDGER_TEST(a_server_has_a_certificate_for_each_host),
        LEDGER_TEST(a_host_may_ask_more_of_its_clients),
        LEDGER_TEST(after_a_retry_the_last_answer_counts),
        LEDGER_TEST(the_info_says_what_is_known),
        LEDGER_TEST(a_stream_keeps_its_context),
        LEDGER_TEST(connect_takes_the_host_for_the_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
