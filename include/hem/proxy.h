/* SPDX-License-Identifier: MIT */
/*
 * The PROXY protocol, versions 1 and 2, as HAProxy specifies it: a load
 * balancer says in front of each connection for whom it was made.
 *
 *     HEM_STREAM(s);
 *     hem_timeout t;
 *     hem_proxy from;
 *     char text[HEM_ADDRESS_TEXT];
 *     HEM_TRY(hem_accept(&l, &s));
 *     HEM_TRY(hem_timeout_open(&t, 5 * HEM_SEC));
 *     HEM_TRY(hem_timeout_close(&t, hem_stream_read_proxy(&s, &from)));
 *     if (from.announced)
 *         puts(hem_address_format(&from.source, text));  // 192.0.2.1:56324
 *
 * hem_serve() does this by itself with `.proxy`. From then on
 * hem_stream_get_info() gives the addresses that were announced.
 *
 * A header is required, never guessed, for whoever can send one says what he
 * likes: listen with it only where nobody but the proxy comes in. Not a byte
 * behind the header is read, so TLS may begin there.
 *
 * Strictness. Version 1 is a line of at most 107 bytes that ends with CR LF,
 * single spaces, addresses and ports without leading zeros. Version 2 is 16
 * bytes and up to 65,535 more: all commands, families and protocols of the
 * specification, none else. Records behind the addresses must fit, and are
 * skipped, but for a CRC32c, which must be right. Of a header without
 * addresses (LOCAL, UNKNOWN, or with UNSPEC as family or protocol) the rest is
 * skipped whatever it is.
 */
#ifndef HEM_PROXY_H
#define HEM_PROXY_H

#include "address.h"
#include "base.h"
#include "stream.h"

HEM_BEGIN_DECLS

/* What a header says; a plain value. */
typedef struct hem_proxy {
    int version;             /* 1 or 2 */
    bool local;              /* made by the proxy itself, as to see whether we
                                live (LOCAL) */
    bool announced;          /* the addresses are set; false: those of the
                                connection hold (LOCAL, UNKNOWN, UNSPEC) */
    hem_address source;      /* who has connected to the proxy */
    hem_address destination; /* and where */
} hem_proxy;

/*
 * Read the header with which the stream `s` must begin, and keep it with the
 * stream; `ret` may be NULL. A header behind a header, as of another proxy in
 * front, replaces it. HEM_EPROTO: it is none, or not right, found as early as
 * possible; HEM_EINCOMPLETE: the stream ended within; other errors as
 * hem_stream_read(), HEM_ENOMEM. Then, and where it was cancelled, a part may
 * have been read: close the stream. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_stream_read_proxy(hem_stream *s, hem_proxy *ret);

HEM_END_DECLS

#endif
