/* SPDX-License-Identifier: MIT */
/*
 * Memory that lacks, for OpenSSL and for hem: contexts, handshakes and bytes
 * with the n-th allocation failing, for each n; nothing is left, no error stays
 * in OpenSSL's queue, and what is returned is an error, or all is well.
 */
#include "support.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "pair.h"

static size_t count, fail_at, live;

static bool must_fail(void)
{
    return ++count == fail_at;
}

static void *count_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size == 0 || must_fail())
        return NULL;
    live++;
    return malloc(size);
}

static void *count_realloc(void *p, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (must_fail())
        return NULL;
    if (!p)
        live++;
    return realloc(p, size);
}

static void count_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    if (p)
        live--;
    free(p);
}

/* All of it, once. */
static int go_through(void)
{
    struct pair p = {.client_rc = 1};
    hem_tls_config c = {.ca_pem = certs()->ca.cert};
    hem_tls_config s = {.cert_pem = certs()->server.cert,
                        .key_pem = certs()->server.key};
    int rc = hem_tls_create_client(&p.client, &c);
    if (rc == 0)
        rc = hem_tls_create_server(&p.server, &s);
    if (rc == 0) {
        check_int(hem_socket_pair(&p.a, &p.b), 0);
        pair_shake(&p);
        rc = p.client_rc < 0 ? p.client_rc : p.server_rc;
    }
    if (rc == 0)
        rc = pair_send(&p.a, 0, 100);
    if (rc == 0)
        rc = pair_expect(&p.b, 0, 100);
    hem_tls_info info;
    if (rc == 0)
        rc = hem_tls_get_info(&p.a, &info);
    pair_close(&p);
    hem_tls_destroy(p.client);
    hem_tls_destroy(p.server);
    check_int((long long)ERR_peek_error(), 0);
    return rc;
}

VIRTUAL_TEST(openssl_may_lack_memory_anywhere)
{
    check_int(go_through(), 0);
    check_int(go_through(), 0);
    count = 0;
    size_t before = live;
    check_int(go_through(), 0);
    check_int((long long)live, (long long)before);
    size_t all = count, failed = 0;
    size_t step = SANITIZED || in_valgrind() ? 151 : 23;
    for (size_t at = 1; at <= all; at += step) {
        count = 0;
        fail_at = at;
        int rc = go_through();
        fail_at = 0;
        failed += rc < 0;
        /* What OpenSSL loads once may have been loaded now. */
        if (!check(live <= before + 100))
            break;
        before = live > before ? live : before;
    }
    check(failed > 10);
    check_int(go_through(), 0);
    return 0;
}

VIRTUAL_TEST(hem_may_lack_memory_anywhere)
{
    for (size_t at = 1; at < 60; at++) {
        struct pair p = {.client_rc = 1};
        check_int(hem_socket_pair(&p.a, &p.b), 0);
        p.client = pair_client((hem_tls_config){.insecure = false});
        p.server = pair_server(&certs()->server, (hem_tls_config){.sni = NULL});
        p.client_opts.host = "localhost";
        ledger_fail_at(at);
        int rc = hem_tls_start_client(
            &p.a, p.client,
            &(hem_tls_options){.host = "localhost",
                               .handshake_timeout = HEM_MSEC});
        ledger_fail_at(0);
        check(rc == HEM_ENOMEM || rc == HEM_ETIMEDOUT);
        pair_close(&p);
        hem_tls_destroy(p.client);
        hem_tls_destroy(p.server);
    }
    return 0;
}

int main(void)
{
    if (CRYPTO_set_mem_functions(count_malloc, count_realloc, count_free) != 1)
        return 77;
    certs();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(openssl_may_lack_memory_anywhere),
        LEDGER_TEST(hem_may_lack_memory_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
