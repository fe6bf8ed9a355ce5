/* SPDX-License-Identifier: MIT */
/* Contexts: what they are made of, and what is wrong with it. */
#include "support.h"

#include <openssl/err.h>

#include "pair.h"

static void check_server(hem_tls_config config, int error, const char *says)
{
    hem_tls *tls = NULL;
    check_int(hem_tls_create_server(&tls, &config), error);
    check(tls == NULL);
    check_int((long long)ERR_peek_error(), 0);
    const hem_error *e = hem_failure();
    if (check(e != NULL)) {
        check_int(e->code, error);
        check_contains(e->message, says);
    }
}

static void check_client(hem_tls_config config, int error, const char *says)
{
    hem_tls *tls = NULL;
    check_int(hem_tls_create_client(&tls, &config), error);
    check(tls == NULL);
    check_int((long long)ERR_peek_error(), 0);
    const hem_error *e = hem_failure();
    if (check(e != NULL))
        check_contains(e->message, says);
}

/* Members that make a good server. */
#define GOOD .cert_pem = certs()->server.cert, .key_pem = certs()->server.key

VIRTUAL_TEST(a_config_that_is_never_right_is_refused)
{
    static const char *const none[] = {NULL}, *const empty[] = {"", NULL};
    const char *file = certs_path("server.pem");
    check_server((hem_tls_config){.alpn = NULL}, HEM_EINVAL, "without cert");
    check_server((hem_tls_config){GOOD, .cert_file = file}, HEM_EINVAL,
                 "a certificate as file and as text");
    check_server((hem_tls_config){GOOD, .key_file = file}, HEM_EINVAL,
                 "a key as file and as text");
    check_server(
        (hem_tls_config){GOOD, .verify_client = HEM_TLS_VERIFY_OPTIONAL},
        HEM_EINVAL, "without authorities");
    check_server((hem_tls_config){GOOD, .alpn = none}, HEM_EINVAL, "protocols");
    check_server((hem_tls_config){GOOD, .alpn = empty}, HEM_EINVAL,
                 "protocols");
    check_server((hem_tls_config){GOOD, .min_version = HEM_TLS_1_3,
                                  .max_version = HEM_TLS_1_2},
                 HEM_EINVAL, "min_version");
    check_server((hem_tls_config){GOOD, .min_version = 0x0302}, HEM_EINVAL,
                 "version");
    check_client((hem_tls_config){.key_pem = certs()->client.key}, HEM_EINVAL,
                 "a key without a certificate");
    return 0;
}

VIRTUAL_TEST(a_file_that_cannot_be_read_is_named)
{
    const char *file = certs_path("server.pem");
    check_server((hem_tls_config){.cert_file = "/no/such.pem"}, HEM_ENOENT,
                 "certificate /no/such.pem");
    check_server(
        (hem_tls_config){.cert_file = file, .key_file = "/no/such.key"},
        HEM_ENOENT, "private key /no/such.key");
    check_client((hem_tls_config){.ca_file = "/no/ca.pem"}, HEM_ENOENT,
                 "authorities /no/ca.pem");
    return 0;
}

VIRTUAL_TEST(a_file_that_holds_something_else_is_named)
{
    const char *key = certs_path("server.key");
    const char *file = certs_path("server.pem");
    check_server((hem_tls_config){.cert_file = "/tmp"}, HEM_ETLS,
                 "certificate /tmp");
    check_server((hem_tls_config){.cert_file = key}, HEM_ETLS,
                 "server.key: no start line");
    check_server((hem_tls_config){.cert_file = file}, HEM_ETLS, "private key");
    check_server((hem_tls_config){.cert_pem = "", .key_pem = ""}, HEM_ETLS,
                 "certificate given as text");
    check_client((hem_tls_config){.ca_pem = certs()->ca.key}, HEM_ETLS,
                 "authorities given as text");
    char *cut = strdup(certs()->server.cert);
    cut[strlen(cut) / 2] = '\0';
    check_server(
        (hem_tls_config){.cert_pem = cut, .key_pem = certs()->server.key},
        HEM_ETLS, "certificate given as text");
    free(cut);
    return 0;
}

VIRTUAL_TEST(a_key_must_fit_its_certificate)
{
    check_server((hem_tls_config){.cert_pem = certs()->server.cert,
                                  .key_pem = certs()->other.key},
                 HEM_ETLS, "key values mismatch");
    return 0;
}

VIRTUAL_TEST(an_encrypted_key_needs_its_password)
{
    hem_tls_config config = {.cert_pem = certs()->server.cert,
                             .key_pem = certs()->encrypted};
    check_server(config, HEM_ETLS, "private key");
    config.password = "wrong";
    check_server(config, HEM_ETLS, "private key");
    config.password = "secret";
    hem_tls *tls = NULL;
    check_int(hem_tls_create_server(&tls, &config), 0);
    hem_tls_destroy(tls);
    return 0;
}

VIRTUAL_TEST(ciphers_must_exist)
{
    check_client((hem_tls_config){.ciphers = "NO-SUCH"}, HEM_ETLS,
                 "no cipher match");
    check_client((hem_tls_config){.cipher_suites = "NO-SUCH"}, HEM_ETLS,
                 "cipher suites");
    return 0;
}

VIRTUAL_TEST(all_may_come_from_files)
{
    hem_tls *server = NULL, *client = NULL;
    check_int(hem_tls_create_server(
                  &server,
                  &(hem_tls_config){.cert_file = certs_path("server.pem"),
                                    .key_file = certs_path("server.key"),
                                    .ca_file = certs_path("ca.pem"),
                                    .verify_client = HEM_TLS_VERIFY_OPTIONAL}),
              0);
    check_int(
        hem_tls_create_client(
            &client, &(hem_tls_config){.ca_file = certs_path("ca.pem"),
                                       .cert_file = certs_path("client.pem"),
                                       .key_file = certs_path("client.key")}),
        0);
    struct pair p = {.client = client, .server = server};
    pair_open_well(&p);
    pair_close(&p);
    hem_tls_destroy(client);
    hem_tls_destroy(server);
    return 0;
}

VIRTUAL_TEST(certificate_and_key_may_be_in_one_text)
{
    char both[8192];
    snprintf(both, sizeof(both), "%s%s", certs()->server.key,
             certs()->server.cert);
    hem_tls *tls = NULL;
    check_int(hem_tls_create_server(&tls, &(hem_tls_config){.cert_pem = both}),
              0);
    hem_tls_destroy(tls);
    return 0;
}

VIRTUAL_TEST(versions_are_kept)
{
    struct pair p = {.client_rc = 1};
    p.client = pair_client((hem_tls_config){.max_version = HEM_TLS_1_2});
    p.server =
        pair_server(&certs()->server, (hem_tls_config){.no_tickets = false});
    pair_open_well(&p);
    hem_tls_info info;
    check_int(hem_tls_get_info(&p.a, &info), 0);
    check_str(info.version, "TLSv1.2");
    pair_close(&p);
    hem_tls_destroy(p.server);
    p.server = pair_server(&certs()->server,
                           (hem_tls_config){.min_version = HEM_TLS_1_3});
    pair_open(&p);
    check_int(p.server_rc, HEM_ETLS);
    check_contains(p.server_text, "unsupported protocol");
    check_int(p.client_rc, HEM_ETLS);
    check_contains(p.client_text, "protocol version");
    hem_tls_destroy(p.client);
    hem_tls_destroy(p.server);
    return 0;
}

/* Where no task runs, what is wrong is logged. */
static void outside_of_a_loop_the_log_says_what_is_wrong(void **state)
{
    (void)state;
    hem_tls *tls = NULL;
    check_int(hem_tls_create_server(
                  &tls, &(hem_tls_config){.cert_file = "/no/such.pem"}),
              HEM_ENOENT);
    check_logged("certificate /no/such.pem");
    check_int(hem_tls_create_client(&tls, NULL), 0);
    hem_tls_destroy(tls);
    hem_tls_destroy(NULL);
}

int main(void)
{
    certs_directory();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_config_that_is_never_right_is_refused),
        LEDGER_TEST(a_file_that_cannot_be_read_is_named),
        LEDGER_TEST(a_file_that_holds_something_else_is_named),
        LEDGER_TEST(a_key_must_fit_its_certificate),
        LEDGER_TEST(an_encrypted_key_needs_its_password),
        LEDGER_TEST(ciphers_must_exist),
        LEDGER_TEST(all_may_come_from_files),
        LEDGER_TEST(certificate_and_key_may_be_in_one_text),
        LEDGER_TEST(versions_are_kept),
        LEDGER_TEST(outside_of_a_loop_the_log_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
