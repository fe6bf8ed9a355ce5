/* SPDX-License-Identifier: MIT */
/* Sessions that are resumed, and those that are not. */
#include "support.h"

#include "net.h"
#include "pair.h"

struct round {
    hem_tls *client, *server;
    hem_tls_session *session; /* to be resumed, or NULL; then the new one */
    const char *host;         /* NULL: localhost */
    bool resumed;
};

/* One connection, a byte each way. */
static int go_round(struct round *r)
{
    struct pair p = {.client = r->client, .server = r->server};
    p.client_opts.session = r->session;
    p.client_opts.host = r->host;
    pair_open(&p);
    hem_tls_session_destroy(r->session);
    r->session = NULL;
    r->resumed = false;
    if (p.client_rc < 0 || p.server_rc < 0) {
        pair_close(&p);
        return p.client_rc < 0 ? p.client_rc : p.server_rc;
    }
    hem_tls_info a, b;
    check_int(pair_send(&p.b, 0, 1), 0);
    check_int(pair_expect(&p.a, 0, 1), 0);
    check_int(hem_tls_get_info(&p.a, &a), 0);
    check_int(hem_tls_get_info(&p.b, &b), 0);
    check_int(a.resumed, b.resumed);
    check(a.verified);
    r->resumed = a.resumed;
    int rc = hem_tls_session_get(&p.a, &r->session);
    check_int(hem_stream_shutdown_write(&p.a), 0);
    check_int(hem_stream_shutdown_write(&p.b), 0);
    pair_close(&p);
    return rc;
}

static void check_rounds(hem_tls_config client, hem_tls_config server,
                         bool resumes)
{
    struct round r = {.session = NULL};
    r.client = pair_client(client);
    r.server = pair_server(&certs()->server, server);
    check_int(go_round(&r), 0);
    check(!r.resumed);
    for (int i = 0; i < 3; i++) {
        check_int(go_round(&r), 0);
        check_int(r.resumed, resumes);
    }
    hem_tls_session_destroy(r.session);
    hem_tls_destroy(r.client);
    hem_tls_destroy(r.server);
}

VIRTUAL_TEST(tls13_tickets_are_resumed)
{
    check_rounds((hem_tls_config){.min_version = HEM_TLS_1_3},
                 (hem_tls_config){.session_max = 0}, true);
    return 0;
}

VIRTUAL_TEST(tls13_sessions_in_memory_are_resumed)
{
    check_rounds((hem_tls_config){.min_version = HEM_TLS_1_3},
                 (hem_tls_config){.no_tickets = true}, true);
    return 0;
}

VIRTUAL_TEST(tls12_tickets_are_resumed)
{
    check_rounds((hem_tls_config){.max_version = HEM_TLS_1_2},
                 (hem_tls_config){.session_max = 0}, true);
    return 0;
}

VIRTUAL_TEST(tls12_session_ids_are_resumed)
{
    check_rounds((hem_tls_config){.max_version = HEM_TLS_1_2},
                 (hem_tls_config){.no_tickets = true}, true);
    return 0;
}

VIRTUAL_TEST(sessions_of_verified_clients_are_resumed)
{
    const struct cert *c = &certs()->client;
    check_rounds((hem_tls_config){.cert_pem = c->cert, .key_pem = c->key},
                 (hem_tls_config){.verify_client = HEM_TLS_VERIFY_REQUIRED},
                 true);
    return 0;
}

VIRTUAL_TEST(a_server_may_have_no_sessions)
{
    struct round r = {.session = NULL};
    r.client = pair_client((hem_tls_config){.insecure = false});
    r.server =
        pair_server(&certs()->server, (hem_tls_config){.no_sessions = true});
    check_int(go_round(&r), HEM_ENOENT);
    check_int(go_round(&r), HEM_ENOENT);
    check(!r.resumed);
    hem_tls_destroy(r.client);
    hem_tls_destroy(r.server);
    return 0;
}

VIRTUAL_TEST(a_session_of_another_server_makes_a_full_handshake)
{
    struct round r = {.session = NULL};
    r.client = pair_client((hem_tls_config){.insecure = false});
    for (int i = 0; i < 2; i++) {
        r.server =
            pair_server(&certs()->server, (hem_tls_config){.session_max = 0});
        check_int(go_round(&r), 0);
        check(!r.resumed);
        hem_tls_destroy(r.server);
    }
    hem_tls_session_destroy(r.session);
    hem_tls_destroy(r.client);
    return 0;
}

VIRTUAL_TEST(a_session_is_saved_and_loaded)
{
    struct round r = {.session = NULL};
    r.client = pair_client((hem_tls_config){.insecure = false});
    r.server =
        pair_server(&certs()->server, (hem_tls_config){.session_max = 0});
    check_int(go_round(&r), 0);
    unsigned char bytes[8192];
    ssize_t n = hem_tls_session_save(r.session, bytes, sizeof(bytes));
    check(n > 0);
    check_int(hem_tls_session_save(r.session, bytes, (size_t)n - 1),
              HEM_ELIMIT);
    hem_tls_session_destroy(r.session);
    r.session = NULL;
    check_int(hem_tls_session_load(&r.session, bytes, (size_t)n), 0);
    check_int(go_round(&r), 0);
    check(r.resumed);
    hem_tls_session_destroy(r.session);
    hem_tls_session_destroy(NULL);
    for (size_t cut = 0; cut < (size_t)n; cut++)
        check_int(hem_tls_session_load(&r.session, bytes, cut), HEM_EINVAL);
    check_int(hem_tls_session_load(&r.session, bytes, (size_t)n + 1),
              HEM_EINVAL);
    hem_tls_destroy(r.client);
    hem_tls_destroy(r.server);
    return 0;
}

VIRTUAL_TEST(a_session_of_another_host_is_refused)
{
    struct round r = {.session = NULL};
    r.client = pair_client((hem_tls_config){.insecure = false});
    r.server =
        pair_server(&certs()->server, (hem_tls_config){.session_max = 0});
    check_int(go_round(&r), 0);
    struct pair p = {.client_rc = 1};
    net_open_pair(&p.a, &p.b);
    hem_tls_options o = {.host = "a.wild.test", .session = r.session};
    check_int(hem_tls_start_client(&p.a, r.client, &o), HEM_EINVAL);
    check_int(hem_stream_write(&p.a, "x", 1), 1); /* it is as it was */
    pair_close(&p);
    hem_tls_session_destroy(r.session);
    hem_tls_destroy(r.client);
    hem_tls_destroy(r.server);
    return 0;
}

VIRTUAL_TEST(a_session_that_was_not_verified_does_not_count_as_verified)
{
    hem_tls *insecure = pair_client((hem_tls_config){.insecure = true});
    hem_tls *client = pair_client((hem_tls_config){.insecure = false});
    struct pair p = {.client = insecure};
    pair_open_well(&p);
    check_int(pair_send(&p.b, 0, 1), 0);
    check_int(pair_expect(&p.a, 0, 1), 0);
    hem_tls_session *session = NULL;
    check_int(hem_tls_session_get(&p.a, &session), 0);
    pair_close(&p);
    net_open_pair(&p.a, &p.b);
    hem_tls_options o = {.host = "localhost", .session = session};
    check_int(hem_tls_start_client(&p.a, client, &o), HEM_EINVAL);
    pair_close(&p);
    hem_tls_session_destroy(session);
    hem_tls_destroy(insecure);
    hem_tls_destroy(client);
    return 0;
}

static hem_tls *strict; /* the context of other.test */

static hem_tls *choose(void *arg, const char *host)
{
    hem_tls *usual = *(hem_tls **)arg;
    return host && strcmp(host, "a.wild.test") == 0 ? strict : usual;
}

/* What the client does to a session of one host to have it resumed by
 * another: hem refuses that, others do not. */
static void forge(hem_tls_session **session, const char *host)
{
    unsigned char bytes[8192], forged[8192];
    ssize_t n = hem_tls_session_save(*session, bytes, sizeof(bytes));
    if (!check(n > 0))
        return;
    size_t old = bytes[4], own = strlen(host);
    memcpy(forged, bytes, 5);
    forged[4] = (unsigned char)own;
    memcpy(forged + 5, host, own);
    memcpy(forged + 5 + own, bytes + 5 + old, (size_t)n - 5 - old);
    hem_tls_session_destroy(*session);
    *session = NULL;
    check_int(hem_tls_session_load(session, forged, (size_t)n - old + own), 0);
}

static void check_no_way_round(int version)
{
    struct round r = {.session = NULL};
    hem_tls *usual = NULL;
    r.client = pair_client(
        (hem_tls_config){.min_version = version, .max_version = version});
    usual = pair_server(&certs()->server,
                        (hem_tls_config){.sni = choose, .sni_arg = &usual});
    strict =
        pair_server(&certs()->server,
                    (hem_tls_config){.verify_client = HEM_TLS_VERIFY_REQUIRED});
    r.server = usual;
    check_int(go_round(&r), 0);
    forge(&r.session, "a.wild.test");
    r.host = "a.wild.test";
    check(go_round(&r) < 0);
    check(!r.resumed);
    hem_tls_session_destroy(r.session);
    hem_tls_destroy(r.client);
    hem_tls_destroy(usual);
    hem_tls_destroy(strict);
}

VIRTUAL_TEST(a_session_of_one_host_does_not_get_round_the_demands_of_another)
{
    check_no_way_round(HEM_TLS_1_2);
    check_no_way_round(HEM_TLS_1_3);
    return 0;
}

int main(void)
{
    certs();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(tls13_tickets_are_resumed),
        LEDGER_TEST(tls13_sessions_in_memory_are_resumed),
        LEDGER_TEST(tls12_tickets_are_resumed),
        LEDGER_TEST(tls12_session_ids_are_resumed),
        LEDGER_TEST(sessions_of_verified_clients_are_resumed),
        LEDGER_TEST(a_server_may_have_no_sessions),
        LEDGER_TEST(a_session_of_another_server_makes_a_full_handshake),
        LEDGER_TEST(a_session_is_saved_and_loaded),
        LEDGER_TEST(a_session_of_another_host_is_refused),
        LEDGER_TEST(a_session_that_was_not_verified_does_not_count_as_verified),
        LEDGER_TEST(
            a_session_of_one_host_does_not_get_round_the_demands_of_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
