/* SPDX-License-Identifier: MIT */
/*
 * Making a stream TLS: the handshake is made on the stream as it is, and the
 * layer is put on it when that has succeeded. A handshake that fails by the
 * protocol ends with an alert for the peer; one that is interrupted with a
 * reset.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "hem/timeout.h"
#include "tls/tls.h"

#define HANDSHAKE_LIMIT (30 * HEM_SEC)

/* Whom a client wants to speak with. */
static int set_host(tls__stream *t, const char *host)
{
    if (!host)
        return t->tls->insecure ? 0 : HEM_EINVAL;
    bool address = false;
    HEM_TRY(tls__host_normalise(t->host, host, &address));
    X509_VERIFY_PARAM *param = SSL_get0_param(t->ssl);
    X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    int ok = address ? X509_VERIFY_PARAM_set1_ip_asc(param, t->host)
                     : X509_VERIFY_PARAM_set1_host(param, t->host, 0);
    if (ok && !address)
        ok = SSL_set_tlsext_host_name(t->ssl, t->host) == 1;
    tls__errors_clear();
    return ok ? 0 : HEM_ENOMEM;
}

static int send_out(tls__stream *t, hem_stream *s)
{
    if (t->out.size == 0)
        return 0;
    HEM_TRY(hem_stream_write(s, t->out.data, t->out.size));
    tls__bytes_drop(&t->out);
    return 0;
}

static int shake(tls__stream *t, hem_stream *s)
{
    for (;;) {
        tls__errors_clear();
        int ok = SSL_do_handshake(t->ssl);
        int rc = ok == 1 ? 0 : tls__outcome(t, ok, "TLS handshake");
        if (ok != 1 && rc == 0)
            rc = HEM_ETRUNCATED; /* close_notify in the middle */
        int sent = send_out(t, s);
        if (rc != HEM_EAGAIN)
            return rc < 0 ? rc : sent;
        HEM_TRY(sent);
        HEM_TRY(tls__pull(t, s));
    }
}

static void end(tls__stream *t, hem_stream *s, int rc)
{
    if (rc == HEM_ECERTIFICATE || rc == HEM_ETLS)
        (void)hem_stream_close(s);
    else
        (void)hem_stream_abort(s);
    tls__stream_destroy(t);
}

static int shake_in_time(tls__stream *t, hem_stream *s, hem_ns limit)
{
    hem_timeout timeout;
    HEM_TRY(hem_timeout_open(&timeout, limit ? limit : HANDSHAKE_LIMIT));
    int rc = hem_timeout_close(&timeout, shake(t, s));
    tls__errors_clear();
    if (rc == HEM_ETIMEDOUT)
        return tls__fail_plainly(rc, "TLS handshake: took too long");
    if (rc == HEM_ETRUNCATED)
        return tls__fail_plainly(rc, "TLS handshake: the peer closed");
    return rc;
}

static int start(hem_stream *s, tls__stream *t, const hem_tls_options *opts)
{
    int rc = shake_in_time(t, s, opts->handshake_timeout);
    if (rc == 0)
        rc = hem_stream_push(s, &tls__transport, t);
    if (rc < 0)
        end(t, s, rc);
    return rc;
}

static const hem_tls_options defaults = {.host = NULL};

static int may_start(const hem_stream *s)
{
    int rc = hem_stream_may_push(s);
    if (rc == HEM_EPROTO)
        return tls__fail_plainly(rc, "TLS handshake: bytes came before it");
    return rc;
}

int hem_tls_start_client(hem_stream *s, hem_tls *tls,
                         const hem_tls_options *opts)
{
    const hem_tls_options *o = opts ? opts : &defaults;
    HEM_TRY(may_start(s));
    if (tls->server)
        return HEM_EINVAL;
    tls__stream *t = NULL;
    HEM_TRY(tls__stream_create(&t, tls, o));
    int rc = set_host(t, o->host);
    if (rc == 0 && o->session)
        rc = tls__session_use(t, o->session);
    if (rc < 0) {
        tls__stream_destroy(t);
        return rc;
    }
    return start(s, t, o);
}

int hem_tls_start_server(hem_stream *s, hem_tls *tls,
                         const hem_tls_options *opts)
{
    const hem_tls_options *o = opts ? opts : &defaults;
    HEM_TRY(may_start(s));
    if (!tls->server || o->session)
        return HEM_EINVAL;
    tls__stream *t = NULL;
    HEM_TRY(tls__stream_create(&t, tls, o));
    return start(s, t, o);
}

int hem_tls_connect(hem_stream *s, const char *host, uint16_t port,
                    hem_tls *tls, const hem_connect_options *connect_opts,
                    const hem_tls_options *opts)
{
    hem_tls_options o = opts ? *opts : defaults;
    if (!o.host && !tls->insecure)
        o.host = host;
    HEM_TRY(hem_connect(s, host, port, connect_opts));
    int rc = hem_tls_start_client(s, tls, &o);
    if (rc < 0)
        (void)hem_stream_abort(s); /* unless that is done */
    return rc;
}
