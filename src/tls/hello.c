/* SPDX-License-Identifier: MIT */
/*
 * What is agreed on in the hello messages: the protocol (ALPN), and the context
 * for the host that a client asks for (SNI).
 *
 * The context is chosen before OpenSSL looks for a session to resume, not in its
 * callback for SNI, which comes later: so a session of one context cannot get
 * round what another one asks of its clients (as in CVE-2025-23419).
 */
#include <openssl/err.h>
#include <string.h>

#include "tls/tls.h"

static int select_alpn(SSL *ssl, const unsigned char **ret,
                       unsigned char *ret_size, const unsigned char *offered,
                       unsigned int offered_size, void *arg)
{
    (void)ssl;
    const hem_tls *tls = arg;
    unsigned char *chosen = NULL;
    if (SSL_select_next_proto(&chosen, ret_size, tls->alpn, tls->alpn_size,
                              offered, offered_size) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret = chosen;
    return SSL_TLSEXT_ERR_OK;
}

/* The length of the list as on the wire: each behind its length. 0: it cannot
 * be sent. */
static size_t alpn_bytes(const char *const *protocols)
{
    size_t sum = 0;
    for (; *protocols; protocols++) {
        size_t n = strnlen(*protocols, TLS__ALPN_MAX + 1);
        if (n == 0 || n > TLS__ALPN_MAX)
            return 0;
        sum += 1 + n;
    }
    return sum <= UINT16_MAX ? sum : 0;
}

int tls__alpn_prepare(hem_tls *tls, const char *const *protocols)
{
    if (!protocols)
        return 0;
    size_t size = alpn_bytes(protocols);
    if (size == 0)
        return tls__fail_plainly(HEM_EINVAL, "TLS: no list of protocols");
    unsigned char *p = tls->alpn = OPENSSL_malloc(size);
    if (!p)
        return HEM_ENOMEM;
    tls->alpn_size = (unsigned int)size;
    for (; *protocols; protocols++) {
        size_t n = strlen(*protocols);
        *p++ = (unsigned char)n;
        memcpy(p, *protocols, n);
        p += n;
    }
    if (tls->server)
        SSL_CTX_set_alpn_select_cb(tls->ctx, select_alpn, tls);
    else if (SSL_CTX_set_alpn_protos(tls->ctx, tls->alpn, tls->alpn_size) != 0)
        return HEM_ENOMEM;
    return 0;
}

/* Take the name out of the extension: a list with one entry of type 0.
 * False: it is none. */
static bool parse_name(char *ret, const unsigned char *p, size_t size)
{
    if (size < 5 || (size_t)(p[0] << 8 | p[1]) != size - 2 || p[2] != 0)
        return false;
    size_t n = (size_t)(p[3] << 8 | p[4]);
    if (n != size - 5 || n == 0 || n > TLS__HOST_MAX || memchr(p + 5, 0, n))
        return false;
    memcpy(ret, p + 5, n);
    ret[n] = '\0';
    return true;
}

static void adopt(SSL *ssl, hem_tls *other)
{
    SSL_set_SSL_CTX(ssl, other->ctx);
    SSL_set_verify(ssl, SSL_CTX_get_verify_mode(other->ctx), NULL);
    SSL_set_options(ssl, SSL_CTX_get_options(other->ctx));
    SSL_set_min_proto_version(ssl,
                              (int)SSL_CTX_get_min_proto_version(other->ctx));
    SSL_set_max_proto_version(ssl,
                              (int)SSL_CTX_get_max_proto_version(other->ctx));
}

static int greet(SSL *ssl, int *alert, void *arg)
{
    (void)arg;
    tls__stream *t = tls__of_ssl(ssl);
    const unsigned char *p = NULL;
    size_t size = 0;
    bool named =
        SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &p, &size);
    if (named && !parse_name(t->host, p, size)) {
        *alert = SSL_AD_DECODE_ERROR;
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (!t->tls->sni)
        return SSL_CLIENT_HELLO_SUCCESS;
    hem_tls *chosen = t->tls->sni(t->tls->sni_arg, named ? t->host : NULL);
    if (!chosen || !chosen->server) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_CLIENT_HELLO_ERROR;
    }
    /* After a HelloRetryRequest it was asked before, and may have said another. */
    if (chosen->ctx != SSL_get_SSL_CTX(ssl))
        adopt(ssl, chosen);
    return SSL_CLIENT_HELLO_SUCCESS;
}

void tls__hello_prepare(hem_tls *tls)
{
    if (tls->server)
        SSL_CTX_set_client_hello_cb(tls->ctx, greet, NULL);
}
