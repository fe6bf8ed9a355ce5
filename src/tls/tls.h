/* SPDX-License-Identifier: MIT */
/*
 * TLS inside: OpenSSL as a machine that is fed with bytes and gives bytes.
 *
 * OpenSSL reads from `in`, a window on what was read from the stream below, and
 * writes to `out`; neither ever waits. So nothing suspends inside of an SSL
 * call, and the one SSL serves a task that reads and one that writes: each call
 * begins and ends in one turn. Between calls bytes are moved (wire.c): from
 * below into the window by one task at a time, from `out` to below.
 *
 * Where the peer has sent a part of a message that is not data, OpenSSL writes
 * nothing before it has read the rest. What is put meanwhile is `held`.
 *
 * A stream is kept on the heap (`tls__stream`) from the handshake until the
 * last call has left it.
 */
#ifndef HEM__TLS_TLS_H
#define HEM__TLS_TLS_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "hem/error.h"
#include "hem/event.h"
#include "hem/stream.h"
#include "hem/tls.h"
#include "hem/transport.h"

#define TLS__HOST_MAX 253
#define TLS__ALPN_MAX 255

struct hem_tls {
    SSL_CTX *ctx;
    atomic_uint refs;
    bool server;
    bool insecure;          /* client: the peer is not verified */
    unsigned char *alpn;    /* as on the wire, or NULL */
    unsigned int alpn_size; /* of it */
    hem_tls_sni_fn *sni;
    void *sni_arg;
};

struct hem_tls_session {
    SSL_SESSION *session;
    bool insecure;                /* made without verification */
    char host[TLS__HOST_MAX + 1]; /* that was asked for; "" */
};

/* Bytes on the heap, while there are some. */
typedef struct tls__bytes {
    char *data; /* or NULL */
    size_t size;
    size_t room; /* of `data` */
} tls__bytes;

typedef struct tls__stream {
    SSL *ssl;
    hem_tls *tls;          /* that it began with; held */
    const char *in;        /* bytes from below that OpenSSL has not read ... */
    size_t in_size;        /* ... so many, in the buffer of the stream below */
    tls__bytes out;        /* for below */
    tls__bytes held;       /* put, and not yet encrypted (transport.c) */
    hem_event moved;       /* a pull or a drain has ended; never left set */
    bool pulling;          /* a task reads below */
    bool draining;         /* a task waits until below has sent */
    bool closed;           /* the stream is; calls on their way leave */
    bool finished;         /* close_notify was written */
    bool cut;              /* nothing more comes from below */
    int failed;            /* error that ended it, 0: none */
    SSL_SESSION *session;  /* client: latest to be resumed, or NULL */
    hem_ns shutdown_limit; /* time for close_notify to be sent */
    char *subject, *pem;   /* for hem_tls_info, made when asked for */
    char host[TLS__HOST_MAX + 1]; /* client: asked for; server: SNI; or "" */
    char alpn[TLS__ALPN_MAX + 1]; /* agreed on, for hem_tls_info */
} tls__stream;

/* bio.c: what `in` and `out` are to OpenSSL. NULL: no memory. */
BIO *tls__bio_create(tls__stream *t);

/* Make room for `size` bytes more. HEM_ENOMEM. */
int tls__bytes_reserve(tls__bytes *b, size_t size);
/* The same, and add them. */
int tls__bytes_add(tls__bytes *b, const void *p, size_t size);
void tls__bytes_drop(tls__bytes *b);

/* failure.c. Before each call of OpenSSL that may fail: */
void tls__errors_clear(void);

/* Turn the first error in OpenSSL's queue into hem's and record it: "WHAT:
 * reason"; where there is no error in it, HEM_ETLS with `fallback` as reason.
 * Leaves the queue empty. Returns the error. */
int tls__fail(const char *what, const char *fallback);

/* Record a failure that is hem's own: hem_fail() where there is a task, else
 * the log. Returns `code`. */
int tls__fail_plainly(int code, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What SSL_get_error() has to say of a call that returned `rc`: HEM_EAGAIN: it
 * needs more of `in`; HEM_ETRUNCATED cannot be; 0: the end; else the failure,
 * which is kept in `t`. `what` was tried. */
int tls__outcome(tls__stream *t, int rc, const char *what);

/* wire.c. Read from below; 0: there may be more. HEM_ETRUNCATED: the end. */
int tls__pull(tls__stream *t, hem_stream *below);
/* The same for who wants to write: a peer has no longer for what it must say
 * first than for taking a byte. HEM_ETIMEDOUT. */
int tls__pull_to_write(tls__stream *t, hem_stream *below);
/* Hand `out` to the stream below, which keeps what cannot go at once. Never
 * suspends. */
int tls__push(tls__stream *t, hem_stream *below);
/* The same, and wait until not more than `most` bytes are kept there. */
int tls__drain(tls__stream *t, hem_stream *below, size_t most);
size_t tls__pending(const tls__stream *t, const hem_stream *below);

/* transport.c */
extern const hem_transport tls__transport;

/* The TLS layer of an open stream. HEM_EBADF, HEM_EINVAL. */
int tls__stream_of(const hem_stream *s, tls__stream **ret);

/* stream.c */
int tls__stream_create(tls__stream **ret, hem_tls *tls,
                       const hem_tls_options *opts);
void tls__stream_destroy(tls__stream *t);

/* context.c */
hem_tls *tls__hold(hem_tls *tls);
tls__stream *tls__of_ssl(const SSL *ssl);

/* identity.c: load what a config names into the context. */
int tls__load_identity(SSL_CTX *ctx, const hem_tls_config *c);
int tls__load_authorities(SSL_CTX *ctx, const hem_tls_config *c, bool server);

/* hello.c: what is agreed on in the hello messages. */
int tls__alpn_prepare(hem_tls *tls, const char *const *protocols);
void tls__hello_prepare(hem_tls *tls);

/* host.c: `host`, as given by a caller, without trailing dot and zone into
 * `ret`; whether it is an address. HEM_EINVAL, HEM_ENAMETOOLONG. */
int tls__host_normalise(char *ret, const char *host, bool *ret_address);

/* session.c: called by OpenSSL with each new session of a client. */
int tls__session_taken(SSL *ssl, SSL_SESSION *session);

/* Whether it may be used for `t`. HEM_EINVAL, HEM_ENOMEM. */
int tls__session_use(tls__stream *t, const hem_tls_session *session);

#endif
