/* SPDX-License-Identifier: MIT */
/*
 * Sessions of clients. A session does not say for which host it was verified,
 * nor whether it was: what resumes it must not get by without. So both are kept
 * with it, saved as well:
 *
 *     "HT", 1, flags, length of host, host, the session as ASN.1
 */
#include <openssl/err.h>
#include <string.h>

#include "tls/tls.h"

#define HEAD_BYTES    5
#define FLAG_INSECURE 1

int tls__session_taken(SSL *ssl, SSL_SESSION *session)
{
    tls__stream *t = tls__of_ssl(ssl);
    SSL_SESSION_free(t->session);
    t->session = session;
    return 1; /* the reference is ours */
}

int tls__session_use(tls__stream *t, const hem_tls_session *session)
{
    if (strcmp(session->host, t->host) != 0 ||
        (session->insecure && !t->tls->insecure))
        return HEM_EINVAL;
    int ok = SSL_set_session(t->ssl, session->session);
    tls__errors_clear();
    return ok ? 0 : HEM_ENOMEM;
}

/* The latest session that can be resumed, or NULL. One of TLS 1.2 may be used
 * again, and a server may not make another of it. */
static SSL_SESSION *latest(const tls__stream *t)
{
    SSL_SESSION *s = t->session;
    if (!s && SSL_session_reused(t->ssl) &&
        SSL_version(t->ssl) == TLS1_2_VERSION)
        s = SSL_get0_session(t->ssl);
    return s && SSL_SESSION_is_resumable(s) ? s : NULL;
}

int hem_tls_session_get(const hem_stream *s, hem_tls_session **ret)
{
    tls__stream *t = NULL;
    HEM_TRY(tls__stream_of(s, &t));
    SSL_SESSION *found = latest(t);
    if (!found)
        return HEM_ENOENT;
    hem_tls_session *session = OPENSSL_zalloc(sizeof(*session));
    tls__errors_clear();
    if (!session)
        return HEM_ENOMEM;
    SSL_SESSION_up_ref(found);
    session->session = found;
    session->insecure = t->tls->insecure;
    memcpy(session->host, t->host, sizeof(t->host));
    *ret = session;
    return 0;
}

ssize_t hem_tls_session_save(const hem_tls_session *session, void *buf,
                             size_t size)
{
    size_t host = strlen(session->host);
    int body = i2d_SSL_SESSION(session->session, NULL);
    tls__errors_clear();
    if (body <= 0)
        return HEM_ENOMEM;
    size_t all = HEAD_BYTES + host + (size_t)body;
    if (all > size)
        return HEM_ELIMIT;
    unsigned char *p = buf;
    const unsigned char head[HEAD_BYTES] = {
        'H', 'T', 1, session->insecure ? FLAG_INSECURE : 0,
        (unsigned char)host};
    memcpy(p, head, HEAD_BYTES);
    memcpy(p + HEAD_BYTES, session->host, host);
    p += HEAD_BYTES + host;
    body = i2d_SSL_SESSION(session->session, &p);
    tls__errors_clear();
    return body > 0 ? (ssize_t)all : HEM_ENOMEM;
}

int hem_tls_session_load(hem_tls_session **ret, const void *buf, size_t size)
{
    const unsigned char *p = buf;
    if (size <= HEAD_BYTES || p[0] != 'H' || p[1] != 'T' || p[2] != 1 ||
        p[3] > FLAG_INSECURE || p[4] > TLS__HOST_MAX)
        return HEM_EINVAL;
    size_t host = p[4];
    if (size - HEAD_BYTES <= host || size > LONG_MAX)
        return HEM_EINVAL;
    hem_tls_session *session = OPENSSL_zalloc(sizeof(*session));
    if (!session) {
        tls__errors_clear();
        return HEM_ENOMEM;
    }
    session->insecure = p[3] & FLAG_INSECURE;
    memcpy(session->host, p + HEAD_BYTES, host);
    p += HEAD_BYTES + host;
    const unsigned char *end = (const unsigned char *)buf + size;
    session->session = d2i_SSL_SESSION(NULL, &p, (long)(end - p));
    tls__errors_clear();
    if (!session->session || p != end) {
        hem_tls_session_destroy(session);
        return HEM_EINVAL;
    }
    *ret = session;
    return 0;
}

void hem_tls_session_destroy(hem_tls_session *session)
{
    if (!session)
        return;
    SSL_SESSION_free(session->session);
    OPENSSL_free(session);
}
