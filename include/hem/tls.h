/* SPDX-License-Identifier: MIT */
/*
 * TLS over any stream, by OpenSSL 3: what asyncio has as ssl=, start_tls() and
 * ssl.SSLContext. In a library of its own, libhem-tls; hem.h does not include
 * this header.
 *
 *     hem_tls *tls;                                   // once, for many
 *     HEM_TRY(hem_tls_create_client(&tls, NULL));
 *     HEM_STREAM(s);
 *     HEM_TRY(hem_tls_connect(&s, "example.org", 443, tls, NULL, NULL));
 *     HEM_TRY(hem_stream_write(&s, request, strlen(request)));
 *     ...                                             // as any stream
 *
 * A context (hem_tls) holds keys, certificates and settings of one side. A
 * stream becomes TLS in place: after hem_tls_start_client() or
 * hem_tls_start_server() everything of stream.h works on it as before, and it
 * is closed as before. So a server calls hem_tls_start_server() first in the
 * function that it gives to hem_serve(), and STARTTLS is the same call, later.
 *
 * Safe unless told otherwise. A client verifies the server's certificate
 * against the authorities of the system and the host that it asked for; TLS
 * 1.2 or later; no renegotiation, no compression, no early data. Bytes that
 * came before the handshake are refused (HEM_EPROTO), as they might be taken
 * for authentic.
 *
 * What streams return over TLS, besides what they return anyway:
 *   0 of a read     the peer has said that this is the end (close_notify)
 *   HEM_ETRUNCATED  the connection was cut off before that: by the peer, which
 *                   many do that do not care, or by an attacker
 *   HEM_ETLS        the peer broke the protocol or sent an alert; of a client
 *                   that uses TLS 1.3 also by its first read, for the server
 *                   may refuse the client's certificate only then
 * After HEM_ETLS, and after HEM_ENOMEM in a write, the stream is good for
 * nothing but closing. A read that is cancelled has consumed nothing; a write
 * that is cancelled has sent as much as the stream has counted. One task may
 * read while another writes. hem_failure() has OpenSSL's reason in words.
 *
 * Ending: hem_stream_shutdown_write() and hem_stream_aclose() send
 * close_notify and wait until it is sent, for at most `.shutdown_timeout`;
 * reading goes on. hem_stream_close() sends it if it can be sent at once, and
 * memory is there; HEM_EINCOMPLETE: it cannot. hem_stream_abort() sends nothing:
 * the peer sees a cut. hem_stream_aclose() also waits, as long again, for the
 * close_notify of the peer: otherwise bytes that come unread, as a server's
 * tickets do, would make the kernel reset the connection.
 *
 * Stacks: a handshake with verification takes up to 12 KiB of the task's stack
 * (measured; tests/tls/test_tls_stack.c holds it to 32 KiB), so the default of
 * 64 KiB does, for tasks of hem_serve() as well. Give more by `.stack_bytes`
 * where your own `sni` callback, or an engine or provider, needs it.
 *
 * A handshake computes for about a millisecond while no other task runs.
 * Memory: that of OpenSSL's allocator (CRYPTO_set_mem_functions()). An idle
 * stream holds about 10 KiB, and no buffers of records.
 *
 * Threads: contexts may be made, used and destroyed on any thread, and shared
 * between loops; streams belong to their loop. Fork: contexts made before a
 * fork work in the child, which then takes the sessions (tickets) that its
 * siblings gave out; streams are closed there, as all are.
 */
#ifndef HEM_TLS_H
#define HEM_TLS_H

#include "base.h"
#include "connect.h"
#include "stream.h"

HEM_BEGIN_DECLS

/* Keys, certificates, settings. */
typedef struct hem_tls hem_tls;

/* What a client needs to resume a session without another full handshake. */
typedef struct hem_tls_session hem_tls_session;

/* Versions, as on the wire. */
enum hem_tls_version { HEM_TLS_1_2 = 0x0303, HEM_TLS_1_3 = 0x0304 };

/* Whether a server wants a certificate of its clients. */
typedef enum hem_tls_verify {
    HEM_TLS_VERIFY_NONE,     /* it does not ask */
    HEM_TLS_VERIFY_OPTIONAL, /* a client may have none, but no bad one */
    HEM_TLS_VERIFY_REQUIRED, /* no certificate, no connection */
} hem_tls_verify;

/*
 * Choose the context for the client that asks for `host` (NULL: for none; it is
 * what the client sent, and of no proven form): its certificate, whether and
 * how the client is verified, its protocols. Return a context of a server,
 * perhaps the one that was asked; NULL refuses. Must not suspend.
 */
typedef hem_tls *hem_tls_sni_fn(void *arg, const char *host);

/* Strings are borrowed until the call returns. Names of files are read in the
 * call, which blocks for it. */
typedef struct hem_tls_config {
    const char *cert_file; /* PEM: own certificate, then those up to the root */
    const char *key_file;  /* PEM: its key; NULL: it is in cert_file */
    const char *cert_pem;  /* the same as text, instead */
    const char *key_pem;   /* NULL: it is in cert_pem */
    const char *password;  /* of the key; nobody is ever asked for one */
    const char *ca_file; /* PEM: authorities that are trusted, and no others */
    const char *ca_dir;  /* the same: a directory, as of c_rehash */
    const char *ca_pem;  /* the same as text. None of the three: the
                              system's, for a client; a server that verifies
                              needs one */
    const char *const *alpn;   /* protocols, best first, NULL at the end; a peer
                                that has some, but none of them, is refused by
                                servers. NULL: ALPN is not used */
    int min_version;           /* 0: HEM_TLS_1_2 */
    int max_version;           /* 0: the latest */
    const char *ciphers;       /* of TLS 1.2, as openssl-ciphers(1); NULL: the
                                system's */
    const char *cipher_suites; /* of TLS 1.3, likewise */
    bool insecure;             /* client: take any certificate for any host */
    hem_tls_verify verify_client; /* server */
    hem_tls_sni_fn *sni;          /* server: NULL: this context for all */
    void *sni_arg;
    uint32_t session_max; /* server: sessions kept in memory, for clients
                             without tickets; 0: 1024 */
    bool no_tickets;      /* server: keep all sessions in memory */
    bool no_sessions;     /* server: none is resumed */
} hem_tls_config;

/*
 * Create a context for clients, for servers; NULL for a client: all defaults.
 * HEM_EINVAL: a server without certificate, one that verifies without
 * authorities, a certificate or key given twice, or neither with the other;
 * versions that exclude each other, empty or over-long names in alpn;
 * HEM_ENOENT, HEM_EACCES, ...: of a file; HEM_ETLS: what it holds is no such
 * thing, the key does not fit the certificate, the password is wrong, no such
 * cipher; HEM_ENOMEM. hem_failure() says which; where no task runs, the
 * log does. [any thread]
 */
HEM_API HEM_CHECK int hem_tls_create_client(hem_tls **ret,
                                            const hem_tls_config *config);
HEM_API HEM_CHECK int hem_tls_create_server(hem_tls **ret,
                                            const hem_tls_config *config);

/* Give up a context; streams and contexts that use it keep what they need. NULL
 * does nothing. [any thread] */
HEM_API void hem_tls_destroy(hem_tls *tls);

typedef struct hem_tls_options {
    const char *host; /* client: who it must be, a name or a numeric address;
                         also sent as SNI if it is a name */
    hem_ns handshake_timeout;       /* 0: 30 s; HEM_NEVER: none */
    hem_ns shutdown_timeout;        /* 0: 5 s; HEM_NEVER: none */
    const hem_tls_session *session; /* client: to be resumed if the server does;
                                       borrowed until the call returns */
} hem_tls_options;

/*
 * Make the open stream `s` the client, or the server, of TLS, in place. No
 * other task may use it until the call has returned. `opts` NULL, of a server:
 * all defaults. asyncio's StreamWriter.start_tls().
 *
 * Nothing has changed: HEM_EBADF, HEM_EBUSY: not open, a task reads or writes;
 * HEM_EPROTO: bytes came before the handshake and were read ahead, nothing was
 * sent; HEM_EINVAL: no host, though the context is not insecure; a host that is
 * no name; the context is of the other side; the session is of another host, or
 * of an insecure context; HEM_ENAMETOOLONG: over 253 bytes; HEM_ENOMEM.
 *
 * The stream is closed: HEM_ECERTIFICATE: the peer's certificate is not
 * accepted: unknown authority, expired, wrong host, missing; HEM_ETLS: any
 * other failure of the handshake, alerts of the peer included; HEM_ETRUNCATED:
 * the peer closed; HEM_ETIMEDOUT; HEM_ECANCELED; errors of the stream below,
 * HEM_ECONNRESET, ... [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_tls_start_client(hem_stream *s, hem_tls *tls,
                                           const hem_tls_options *opts);
HEM_API HEM_CHECK int hem_tls_start_server(hem_stream *s, hem_tls *tls,
                                           const hem_tls_options *opts);

/* hem_connect() and hem_tls_start_client(); `.host` NULL: the host. `s` is
 * closed on every error. asyncio's open_connection(ssl=).
 * [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_tls_connect(hem_stream *s, const char *host,
                                      uint16_t port, hem_tls *tls,
                                      const hem_connect_options *connect_opts,
                                      const hem_tls_options *opts);

/* What is known of a connection. The strings are valid until it is closed. */
typedef struct hem_tls_info {
    const char *version; /* "TLSv1.3" */
    const char *cipher;  /* "TLS_AES_256_GCM_SHA384" */
    const char *alpn;    /* the protocol agreed on; NULL: none */
    const char *host;    /* the name that the client sent (SNI); NULL: none */
    /* The peer's certificate: its subject as in RFC 2253, itself as PEM, and
     * its fingerprint; NULL and zeros: the peer has shown none. */
    const char *peer_subject;
    const char *peer_pem;
    uint8_t peer_sha256[32];
    bool verified; /* the peer's certificate was, now or when the session that
                      was resumed began */
    bool resumed;  /* no full handshake was made */
} hem_tls_info;

/* Fill in what is known of `s`, which may have other layers over TLS.
 * HEM_EBADF: not open; HEM_EINVAL: no TLS; HEM_ENOMEM. [loop thread] */
HEM_API HEM_CHECK int hem_tls_get_info(const hem_stream *s, hem_tls_info *ret);

/*
 * Sessions of a client. Of TLS 1.3 the server sends them after the handshake,
 * as a rule with its first bytes: take it when something was read. Each should
 * be used for one connection, for the host that it is of, and with a context
 * that trusts the same authorities: resuming does not verify anew.
 */

/* Take the latest session of `s`, to be destroyed. HEM_EBADF, HEM_EINVAL: as
 * above; HEM_ENOENT: the server has sent none so far; HEM_ENOMEM.
 * [loop thread] */
HEM_API HEM_CHECK int hem_tls_session_get(const hem_stream *s,
                                          hem_tls_session **ret);

/* Write the session as bytes, secret ones, into `buf` and return how many they
 * are. HEM_ELIMIT: more than `size`; `buf` is as it was. 8 KiB do for all but
 * long chains of certificates. HEM_ENOMEM. [any thread] */
HEM_API HEM_CHECK ssize_t hem_tls_session_save(const hem_tls_session *session,
                                               void *buf, size_t size);

/* Make the session that was saved, in another process perhaps. HEM_EINVAL: the
 * bytes are none; HEM_ENOMEM. [any thread] */
HEM_API HEM_CHECK int hem_tls_session_load(hem_tls_session **ret,
                                           const void *buf, size_t size);

/* NULL does nothing. [any thread] */
HEM_API void hem_tls_session_destroy(hem_tls_session *session);

HEM_END_DECLS

#endif
