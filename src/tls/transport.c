/* SPDX-License-Identifier: MIT */
/*
 * TLS as a transport: what stream.h does, over TLS.
 *
 * A write first waits until the stream below has room, where it may be
 * cancelled and nothing was taken; then it encrypts and hands the records over,
 * in one turn; it has all of its bytes then, counted. What is left to wait for,
 * until the records are sent, is `drain`.
 *
 * What is put is encrypted at once, or held while OpenSSL waits for the rest of a
 * message. Whoever reads that, encrypts it: a task that reads, writes, or drains.
 */
#include "hem/timeout.h"
#include "tls/tls.h"

/* What is encrypted at once, and what that adds at most. */
#define PIECE           ((size_t)64 << 10)
#define OVERHEAD        512
#define RECORD          ((size_t)16 << 10)
#define REPLIES_MAX     ((size_t)64 << 10)
#define room_for(bytes) ((bytes) + ((bytes) / RECORD + 1) * OVERHEAD)

/* Encrypt all of it, in one turn. HEM_EAGAIN: OpenSSL is in the middle of a
 * message of the peer's, and must see the rest first. */
static int encrypt(tls__stream *t, const void *buf, size_t size)
{
    if (t->failed)
        return t->failed;
    if (t->finished)
        return HEM_EPIPE;
    HEM_TRY(tls__bytes_reserve(&t->out, room_for(size)));
    size_t n = 0;
    tls__errors_clear();
    int ok = SSL_write_ex(t->ssl, buf, size, &n);
    if (ok)
        return 0;
    int rc = tls__outcome(t, ok, "TLS");
    if (t->out.size == 0)
        tls__bytes_drop(&t->out);
    return rc ? rc : HEM_EPIPE;
}

/* The same with what is held, which is dropped if it cannot be sent. */
static int encrypt_held(tls__stream *t)
{
    if (t->held.size == 0)
        return 0;
    int rc = encrypt(t, t->held.data, t->held.size);
    if (rc != HEM_EAGAIN && rc != HEM_ENOMEM)
        tls__bytes_drop(&t->held);
    return rc;
}

/* What OpenSSL wrote while it read: replies, alerts. It is sent when it can be;
 * a peer that asks for more and more of it, and takes none, waits. */
static int send_replies(tls__stream *t, hem_stream *below)
{
    bool replied = t->out.size > 0;
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
        int rc = ok ? 0 : tls__outcome(t, ok, "TLS");
        (void)encrypt_held(t); /* who drains is told of an error */
        if (ok) {
            (void)tls__push(t, below);
            return (ssize_t)n;
        }
        int sent = send_replies(t, below);
        if (rc != HEM_EAGAIN)
            return rc;
        HEM_TRY(sent);
        HEM_TRY(tls__pull(t, below));
    }
}

/* Wait until not more than `most` bytes are held or kept below. */
static int tls_drain(void *layer, hem_stream *below, size_t most)
{
    tls__stream *t = layer;
    for (;;) {
        int rc = encrypt_held(t);
        if (rc < 0 && rc != HEM_EAGAIN)
            return rc;
        size_t held = t->held.size;
        HEM_TRY(tls__drain(t, below, held < most ? most - held : 0));
        if (t->held.size <= most)
            return 0;
        HEM_TRY(tls__pull_to_write(t, below));
    }
}

static ssize_t tls_write(void *layer, hem_stream *below, const void *buf,
                         size_t size)
{
    tls__stream *t = layer;
    size_t n = size < PIECE ? size : PIECE;
    for (;;) {
        HEM_TRY(tls_drain(t, below, 0));
        int rc = encrypt(t, buf, n);
        int pushed = tls__push(t, below);
        if (rc == 0)
            return pushed < 0 ? pushed : (ssize_t)n;
        if (rc != HEM_EAGAIN)
            return rc;
        HEM_TRY(tls__pull_to_write(t, below));
    }
}

/* What cannot be encrypted yet is held, as much as the stream on top allows. */
static int tls_put(void *layer, hem_stream *below, const void *buf, size_t size)
{
    tls__stream *t = layer;
    int rc = encrypt_held(t);
    if (rc == 0)
        rc = encrypt(t, buf, size);
    if (rc == HEM_EAGAIN)
        rc = tls__bytes_add(&t->held, buf, size);
    int pushed = tls__push(t, below);
    if (rc == 0 && pushed != HEM_ENOMEM) /* it is in `out` then, and counted */
        rc = pushed;
    return rc;
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

/* Read until OpenSSL is between messages of the peer's: before, it writes no
 * close_notify. */
static int read_message(tls__stream *t, hem_stream *below)
{
    while (SSL_in_init(t->ssl)) {
        tls__errors_clear();
        int ok = SSL_do_handshake(t->ssl);
        int rc = ok == 1 ? 0 : tls__outcome(t, ok, "TLS");
        if (rc != HEM_EAGAIN)
            return rc;
        HEM_TRY(tls__pull_to_write(t, below));
    }
    return 0;
}

static int say_end(tls__stream *t, hem_stream *below)
{
    HEM_TRY(tls_drain(t, below, 0));
    HEM_TRY(read_message(t, below));
    finish(t);
    return tls__drain(t, below, 0);
}

static int tls_shutdown_write(void *layer, hem_stream *below)
{
    tls__stream *t = layer;
    if (t->failed)
        return t->failed;
    hem_timeout limit;
    HEM_TRY(hem_timeout_open(&limit, t->shutdown_limit));
    return hem_timeout_close(&limit, say_end(t, below));
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
