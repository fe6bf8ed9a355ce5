/* SPDX-License-Identifier: MIT */
/*
 * TLS as a transport: what stream.h does, over TLS.
 *
 * A write first waits until the stream below has room, where it may be
 * cancelled and nothing was taken; then it encrypts and hands the records over,
 * in one turn; it has all of its bytes then, counted. What is left to wait for,
 * until the records are sent, is `drain`.
 */
#include "hem/timeout.h"
#include "tls/tls.h"

/* What is encrypted at once, and what that adds at most. */
#define PIECE           ((size_t)64 << 10)
#define OVERHEAD        512
#define RECORD          ((size_t)16 << 10)
#define REPLIES_MAX     ((size_t)64 << 10)
#define room_for(bytes) ((bytes) + ((bytes) / RECORD + 1) * OVERHEAD)

/* What OpenSSL wrote while it read: replies, alerts. It is sent when it can be;
 * a peer that asks for more and more of it, and takes none, waits. */
static int send_replies(tls__stream *t, hem_stream *below)
{
    bool replied = t->out_size > 0;
    (void)tls__push(t, below); /* who writes is told of an error */
    return replied ? tls__drain(t, below, REPLIES_MAX) : 0;
}

static ssize_t tls_read(void *layer, hem_stream *below, void *buf, size_t size)
{
    tls__stream *t = layer;
    for (;;) {
        if (t->failed)
            return t->failed;
        size_t n = 0;
        tls__errors_clear();
        int ok = SSL_read_ex(t->ssl, buf, size, &n);
        if (ok) {
            (void)tls__push(t, below);
            return (ssize_t)n;
        }
        int rc = tls__outcome(t, ok, "TLS");
        int sent = send_replies(t, below);
        if (rc != HEM_EAGAIN)
            return rc;
        HEM_TRY(sent);
        HEM_TRY(tls__pull(t, below));
    }
}

/* Encrypt all of it, at most PIECE, in one turn. HEM_EAGAIN: OpenSSL is in the
 * middle of a message of the peer's, and must see the rest first. */
static int encrypt(tls__stream *t, const void *buf, size_t size)
{
    if (t->failed)
        return t->failed;
    if (t->finished)
        return HEM_EPIPE;
    HEM_TRY(tls__out_reserve(t, room_for(size)));
    size_t n = 0;
    tls__errors_clear();
    int ok = SSL_write_ex(t->ssl, buf, size, &n);
    if (ok)
        return 0;
    int rc = tls__outcome(t, ok, "TLS");
    return rc ? rc : HEM_EPIPE;
}

static ssize_t tls_write(void *layer, hem_stream *below, const void *buf,
                         size_t size)
{
    tls__stream *t = layer;
    size_t n = size < PIECE ? size : PIECE;
    for (;;) {
        HEM_TRY(tls__drain(t, below, 0));
        int rc = encrypt(t, buf, n);
        int pushed = tls__push(t, below);
        if (rc == 0)
            return pushed < 0 ? pushed : (ssize_t)n;
        if (rc != HEM_EAGAIN)
            return rc;
        HEM_TRY(tls__pull(t, below));
    }
}

static int tls_put(void *layer, hem_stream *below, const void *buf, size_t size)
{
    tls__stream *t = layer;
    int rc = encrypt(t, buf, size);
    int pushed = tls__push(t, below);
    if (rc == 0)
        rc = pushed;
    return rc == HEM_EAGAIN ? HEM_ELIMIT : rc;
}

static int tls_drain(void *layer, hem_stream *below, size_t most)
{
    return tls__drain(layer, below, most);
}

static size_t tls_pending(void *layer, hem_stream *below)
{
    return tls__pending(layer, below);
}

/* Write close_notify, once. */
static void finish(tls__stream *t)
{
    if (t->failed || t->finished)
        return;
    t->finished = true;
    tls__errors_clear();
    (void)SSL_shutdown(t->ssl);
    tls__errors_clear();
}

static int tls_shutdown_write(void *layer, hem_stream *below)
{
    tls__stream *t = layer;
    if (t->failed)
        return t->failed;
    hem_timeout limit;
    HEM_TRY(hem_timeout_open(&limit, t->shutdown_limit));
    finish(t);
    int rc = tls__drain(t, below, 0);
    return hem_timeout_close(&limit, rc);
}

/* A connection that is closed before all that came was read is reset by the
 * kernel, and what was written last may be lost with it: the tickets of a
 * server are such bytes. So wait for the peer's close_notify. */
static int tls_linger(void *layer, hem_stream *below)
{
    tls__stream *t = layer;
    hem_timeout limit;
    HEM_TRY(hem_timeout_open(&limit, t->shutdown_limit));
    char waste[1024];
    ssize_t n;
    while ((n = tls_read(layer, below, waste, sizeof(waste))) > 0)
        continue;
    int rc = hem_timeout_close(&limit, (int)n);
    return rc == HEM_ECANCELED || rc == HEM_EBADF ? rc : 0;
}

static void tls_close(void *layer, hem_stream *below, bool abort)
{
    tls__stream *t = layer;
    if (!abort && !t->cut) {
        finish(t);
        (void)tls__push(t, below);
    }
    t->closed = true;
    t->in_size = 0;
    hem_event_set(&t->moved);
    hem_event_clear(&t->moved);
}

static void tls_release(void *layer)
{
    tls__stream_destroy(layer);
}

const hem_transport tls__transport = {
    .name = "tls",
    .read = tls_read,
    .write = tls_write,
    .put = tls_put,
    .drain = tls_drain,
    .pending = tls_pending,
    .shutdown_write = tls_shutdown_write,
    .linger = tls_linger,
    .close = tls_close,
    .release = tls_release,
};
