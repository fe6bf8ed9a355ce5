/* SPDX-License-Identifier: MIT */
/* Whom a client accepts, and whom a server does. */
#include <openssl/err.h>

#include "net.h"
#include "pair.h"
#include "support.h"

/* The handshake must fail at the client, with this in the text; both streams
 * are closed, and the server knows why. */
static void check_refused(const struct cert *cert, const char *host,
                          const char *why)
{
    struct pair p = {.client_opts = {.host = host}};
    p.server = pair_server(cert, (hem_tls_config){.no_tickets = false});
    pair_open(&p);
    check_int(p.client_rc, HEM_ECERTIFICATE);
    check_contains(p.client_text, why);
    check_contains(p.client_text, host);
    check_int(p.server_rc, HEM_ETLS);
    check_contains(p.server_text, "alert");
    check_int(hem_stream_close(&p.a), HEM_EBADF);
    check_int(hem_stream_close(&p.b), HEM_EBADF);
    check_int((long long)ERR_peek_error(), 0);
    hem_tls_destroy(p.server);
}

static void check_accepted(const struct cert *cert, const char *host)
{
    struct pair p = {.client_opts = {.host = host}};
    p.server = pair_server(cert, (hem_tls_config){.no_tickets = false});
    pair_open_well(&p);
    hem_tls_info info;
    check_int(hem_tls_get_info(&p.a, &info), 0);
    check(info.verified);
    check_int((long long)ERR_peek_error(), 0);
    pair_close(&p);
    hem_tls_destroy(p.server);
}

VIRTUAL_TEST(the_name_of_the_certificate_must_be_the_host)
{
    check_accepted(&certs()->server, "localhost");
    check_accepted(&certs()->server, "LOCALHOST");
    check_accepted(&certs()->server, "localhost.");
    check_accepted(&certs()->server, "a.wild.test");
    check_refused(&certs()->server, "a.b.wild.test", "ostname mismatch");
    check_refused(&certs()->server, "wild.test", "ostname mismatch");
    check_refused(&certs()->server, "other.test", "ostname mismatch");
    check_refused(&certs()->other, "localhost", "ostname mismatch");
    return 0;
}

VIRTUAL_TEST(an_address_must_be_in_the_certificate_as_such)
{
    check_accepted(&certs()->server, "127.0.0.1");
    check_accepted(&certs()->server, "::1");
    check_refused(&certs()->server, "127.0.0.2", "IP address mismatch");
    check_refused(&certs()->other, "::1", "IP address mismatch");
    return 0;
}

VIRTUAL_TEST(an_intermediate_authority_is_sent_by_the_server)
{
    check_accepted(&certs()->chained, "localhost");
    return 0;
}

VIRTUAL_TEST(an_expired_certificate_is_refused)
{
    check_refused(&certs()->expired, "localhost", "expired");
    check_refused(&certs()->future, "localhost", "not yet valid");
    return 0;
}

VIRTUAL_TEST(a_self_signed_certificate_is_refused)
{
    check_refused(&certs()->alone, "localhost", "self-signed");
    return 0;
}

VIRTUAL_TEST(an_unknown_authority_is_refused)
{
    check_refused(&certs()->stranger, "localhost", "signature failure");
    return 0;
}

VIRTUAL_TEST(an_insecure_client_takes_any_certificate)
{
    struct pair p = {.client_rc = 1};
    p.client = pair_client((hem_tls_config){.insecure = true});
    p.server =
        pair_server(&certs()->expired, (hem_tls_config){.no_tickets = false});
    pair_open_well(&p);
    hem_tls_info info;
    check_int(hem_tls_get_info(&p.a, &info), 0);
    check(!info.verified);
    check_str(info.peer_subject, "CN=localhost");
    pair_close(&p);
    hem_tls_destroy(p.client);
    hem_tls_destroy(p.server);
    return 0;
}

VIRTUAL_TEST(without_a_host_nothing_is_sent)
{
    hem_stream s, t;
    hem_tls *tls = pair_client((hem_tls_config){.insecure = false});
    net_open_pair(&s, &t);
    static char longer[300];
    memset(longer, 'a', 254);
    const struct {
        const char *host;
        int error;
    } cases[] = {{NULL, HEM_EINVAL},        {"", HEM_EINVAL},
                 {".", HEM_EINVAL},         {"a..b", HEM_EINVAL},
                 {"exa mple", HEM_EINVAL},  {"b\303\274cher.test", HEM_EINVAL},
                 {"host/path", HEM_EINVAL}, {longer, HEM_ENAMETOOLONG}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        hem_tls_options o = {.host = cases[i].host};
        check_int(hem_tls_start_client(&s, tls, &o), cases[i].error);
    }
    check_int(hem_tls_start_client(&s, tls, NULL), HEM_EINVAL);
    check_int(hem_stream_write(&s, "x", 1), 1);
    check_int(hem_stream_close(&s), 0);
    char buf[4];
    check_int(hem_stream_read(&t, buf, 4), 1);
    check_int(hem_stream_close(&t), 0);
    hem_tls_destroy(tls);
    return 0;
}

VIRTUAL_TEST(a_context_is_of_one_side)
{
    hem_stream s, t;
    hem_tls *client = pair_client((hem_tls_config){.insecure = false});
    hem_tls *server =
        pair_server(&certs()->server, (hem_tls_config){.no_tickets = false});
    net_open_pair(&s, &t);
    hem_tls_options o = {.host = "localhost"};
    check_int(hem_tls_start_client(&s, server, &o), HEM_EINVAL);
    check_int(hem_tls_start_server(&s, client, NULL), HEM_EINVAL);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_tls_start_client(&s, client, &o), HEM_EBADF);
    check_int(hem_tls_start_server(&s, server, NULL), HEM_EBADF);
    check_int(hem_stream_close(&t), 0);
    hem_tls_destroy(client);
    hem_tls_destroy(server);
    return 0;
}

/* A server that wants `verify` of a client that shows `cert`, or NULL. */
static void shake_with(struct pair *p, hem_tls_verify verify,
                       const struct cert *cert)
{
    hem_tls_config config = {.max_version = HEM_TLS_1_2};
    if (cert) {
        config.cert_pem = cert->cert;
        config.key_pem = cert->key;
    }
    memset(p, 0, sizeof(*p));
    p->client = pair_client(config);
    p->server = pair_server(&certs()->server,
                            (hem_tls_config){.verify_client = verify});
    pair_open(p);
    hem_tls_destroy(p->client);
    hem_tls_destroy(p->server);
}

VIRTUAL_TEST(a_server_sees_the_certificate_that_it_asks_for)
{
    struct pair p;
    hem_tls_info info;
    shake_with(&p, HEM_TLS_VERIFY_REQUIRED, &certs()->client);
    check_int(p.server_rc, 0);
    check_int(hem_tls_get_info(&p.b, &info), 0);
    check_str(info.peer_subject, "CN=tester");
    check(info.verified);
    check_str(info.peer_pem, certs()->client.cert);
    pair_close(&p);

    shake_with(&p, HEM_TLS_VERIFY_NONE, &certs()->client);
    check_int(p.server_rc, 0);
    check_int(hem_tls_get_info(&p.b, &info), 0);
    check_str(info.peer_subject, NULL);
    check(!info.verified);
    pair_close(&p);

    shake_with(&p, HEM_TLS_VERIFY_OPTIONAL, NULL);
    check_int(p.server_rc, 0);
    check_int(hem_tls_get_info(&p.b, &info), 0);
    check_str(info.peer_pem, NULL);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(a_server_refuses_clients_with_bad_certificates)
{
    struct pair p;
    shake_with(&p, HEM_TLS_VERIFY_REQUIRED, NULL);
    check_int(p.server_rc, HEM_ECERTIFICATE);
    check_contains(p.server_text, "the client: it has none");
    check_int(p.client_rc, HEM_ETLS);
    check_contains(p.client_text, "alert");
    shake_with(&p, HEM_TLS_VERIFY_OPTIONAL, &certs()->alone);
    check_int(p.server_rc, HEM_ECERTIFICATE);
    check_contains(p.server_text, "self-signed");
    check_int(p.client_rc, HEM_ETLS);
    return 0;
}

VIRTUAL_TEST(a_tls13_client_is_told_of_its_certificate_by_its_first_read)
{
    struct pair p = {.client_rc = 1};
    p.server =
        pair_server(&certs()->server,
                    (hem_tls_config){.verify_client = HEM_TLS_VERIFY_REQUIRED});
    pair_open(&p);
    check_int(p.client_rc, 0);
    check_int(p.server_rc, HEM_ECERTIFICATE);
    char byte;
    check_int(hem_stream_read(&p.a, &byte, 1), HEM_ETLS);
    check_contains(hem_failure()->message, "certificate required");
    check_int(hem_stream_read(&p.a, &byte, 1), HEM_ETLS);
    check_int(hem_stream_write(&p.a, "x", 1), HEM_ETLS);
    check_int((long long)ERR_peek_error(), 0);
    pair_close(&p);
    hem_tls_destroy(p.server);
    return 0;
}

int main(void)
{
    certs();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_name_of_the_certificate_must_be_the_host),
        LEDGER_TEST(an_address_must_be_in_the_certificate_as_such),
        LEDGER_TEST(an_intermediate_authority_is_sent_by_the_server),
        LEDGER_TEST(an_expired_certificate_is_refused),
        LEDGER_TEST(a_self_signed_certificate_is_refused),
        LEDGER_TEST(an_unknown_authority_is_refused),
        LEDGER_TEST(an_insecure_client_takes_any_certificate),
        LEDGER_TEST(without_a_host_nothing_is_sent),
        LEDGER_TEST(a_context_is_of_one_side),
        LEDGER_TEST(a_server_sees_the_certificate_that_it_asks_for),
        LEDGER_TEST(a_server_refuses_clients_with_bad_certificates),
        LEDGER_TEST(
            a_tls13_client_is_told_of_its_certificate_by_its_first_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
