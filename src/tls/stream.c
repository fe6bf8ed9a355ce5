/* SPDX-License-Identifier: MIT */
/* The life of a TLS stream's own memory. */
#include "tls/tls.h"

#define SHUTDOWN_LIMIT (5 * HEM_SEC)

tls__stream *tls__of_ssl(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

int tls__stream_create(tls__stream **ret, hem_tls *tls,
                       const hem_tls_options *opts)
{
    tls__errors_clear();
    tls__stream *t = OPENSSL_zalloc(sizeof(*t));
    if (!t)
        goto fail;
    t->tls = tls__hold(tls);
    t->shutdown_limit =
        opts->shutdown_timeout ? opts->shutdown_timeout : SHUTDOWN_LIMIT;
    hem_event_init(&t->moved);
    t->ssl = SSL_new(tls->ctx);
    if (!t->ssl)
        goto fail_ssl;
    BIO *b = tls__bio_create(t);
    if (!b)
        goto fail_ssl;
    SSL_set_bio(t->ssl, b, b);
    SSL_set_app_data(t->ssl, t);
    if (tls->server)
        SSL_set_accept_state(t->ssl);
    else
        SSL_set_connect_state(t->ssl);
    *ret = t;
    return 0;

fail_ssl:
    tls__stream_destroy(t);
fail:
    tls__errors_clear();
    return HEM_ENOMEM;
}

void tls__stream_destroy(tls__stream *t)
{
    SSL_free(t->ssl);
    SSL_SESSION_free(t->session);
    tls__bytes_drop(&t->out);
    tls__bytes_drop(&t->held);
    OPENSSL_free(t->subject);
    OPENSSL_free(t->pem);
    hem_tls_destroy(t->tls);
    OPENSSL_free(t);
}
