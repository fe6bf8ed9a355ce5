/* SPDX-License-Identifier: MIT */
/* OpenSSL's view of the wire: a BIO that reads from the window and appends to
 * `out`. It holds nothing itself, so idle streams hold no buffers. */
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <string.h>

#include "tls/tls.h"

static BIO_METHOD *method;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

static int bio_read(BIO *b, char *p, int size)
{
    tls__stream *t = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (t->in_size == 0) {
        BIO_set_retry_read(b);
        return -1;
    }
    size_t n = (size_t)size < t->in_size ? (size_t)size : t->in_size;
    memcpy(p, t->in, n);
    t->in += n;
    t->in_size -= n;
    return (int)n;
}

static int bio_write(BIO *b, const char *p, int size)
{
    tls__stream *t = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (size <= 0 || tls__bytes_add(&t->out, p, (size_t)size) < 0)
        return -1;
    return size;
}

static long bio_control(BIO *b, int command, long number, void *p)
{
    (void)b;
    (void)number;
    (void)p;
    return command == BIO_CTRL_FLUSH;
}

static void prepare(void)
{
    BIO_METHOD *m =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "hem");
    if (!m)
        return;
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_ctrl(m, bio_control);
    method = m;
}

BIO *tls__bio_create(tls__stream *t)
{
    BIO *b = NULL;
    if (CRYPTO_THREAD_run_once(&once, prepare) && method)
        b = BIO_new(method);
    if (b) {
        BIO_set_data(b, t);
        BIO_set_init(b, 1);
    }
    return b;
}
