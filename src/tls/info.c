/* SPDX-License-Identifier: MIT */
/* What is known of a connection. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "tls/tls.h"

int tls__stream_of(const hem_stream *s, tls__stream **ret)
{
    void *layer = NULL;
    HEM_TRY(hem_stream_find_layer(s, &tls__transport, &layer));
    *ret = layer;
    return 0;
}

/* All that was written to `b`, as a string. */
static char *text_of(BIO *b)
{
    char *p = NULL;
    long n = BIO_get_mem_data(b, &p);
    return n > 0 ? OPENSSL_strndup(p, (size_t)n) : NULL;
}

static char *subject_of(X509 *x)
{
    BIO *b = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (b && X509_NAME_print_ex(b, X509_get_subject_name(x), 0,
                                XN_FLAG_RFC2253) >= 0)
        text = BIO_pending(b) ? text_of(b) : OPENSSL_strdup("");
    BIO_free(b);
    return text;
}

static char *pem_of(X509 *x)
{
    BIO *b = BIO_new(BIO_s_mem());
    char *text = b && PEM_write_bio_X509(b, x) == 1 ? text_of(b) : NULL;
    BIO_free(b);
    return text;
}

static int describe_peer(tls__stream *t, hem_tls_info *info)
{
    X509 *x = SSL_get0_peer_certificate(t->ssl);
    if (!x)
        return 0;
    if (!t->subject)
        t->subject = subject_of(x);
    if (!t->pem)
        t->pem = pem_of(x);
    unsigned int n = 0;
    int ok = X509_digest(x, EVP_sha256(), info->peer_sha256, &n);
    tls__errors_clear();
    if (!ok || !t->subject || !t->pem)
        return HEM_ENOMEM;
    info->peer_subject = t->subject;
    info->peer_pem = t->pem;
    info->verified = SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE &&
                     SSL_get_verify_result(t->ssl) == X509_V_OK;
    return 0;
}

/* The protocol agreed on has no 0 behind it, where it lies. */
static const char *alpn_of(tls__stream *t)
{
    const unsigned char *p = NULL;
    unsigned int n = 0;
    SSL_get0_alpn_selected(t->ssl, &p, &n);
    if (n == 0 || n >= sizeof(t->alpn))
        return NULL;
    memcpy(t->alpn, p, n);
    t->alpn[n] = '\0';
    return t->alpn;
}

int hem_tls_get_info(const hem_stream *s, hem_tls_info *ret)
{
    tls__stream *t = NULL;
    HEM_TRY(tls__stream_of(s, &t));
    hem_tls_info info = {.version = SSL_get_version(t->ssl),
                         .cipher = SSL_get_cipher_name(t->ssl),
                         .alpn = alpn_of(t),
                         .host = t->host[0] ? t->host : NULL,
                         .resumed = SSL_session_reused(t->ssl) == 1};
    HEM_TRY(describe_peer(t, &info));
    *ret = info;
    return 0;
}
