/* SPDX-License-Identifier: MIT */
/*
 * Clients: streams to servers. asyncio's open_connection(),
 * open_unix_connection() and create_connection().
 *
 *     HEM_STREAM(s);                          // closed with the block
 *     HEM_TRY(hem_connect(&s, "example.org", 80, NULL));
 *     HEM_TRY(hem_stream_write(&s, "GET / HTTP/1.0\r\n\r\n", 18));
 *
 * A name may have many addresses, some of which never answer. They are tried
 * with a head start each (Happy Eyeballs, RFC 8305): in the resolver's order, but
 * with the families taking turns; the next one after 250 ms without an answer, or
 * as soon as the latest has failed. The first connection that stands is the
 * stream, and all others are closed. At most 16 addresses are tried.
 *
 * A connect that failed leaves `s` closed, and so does one that was cancelled,
 * which leaves no descriptor either. While it is under way `s` may be closed by
 * another task: HEM_EBADF, once the name has been looked up.
 *
 * Failures. hem_failure() is a record with a member for each address:
 *
 *     const hem_error *e = hem_failure();
 *     puts(e->message);                       // connect to "db", port 5432: ...
 *     for (size_t i = 0; i < e->count; i++)
 *         puts(e->errors[i]->message);        // connect to [2001:db8::1]:5432: ...
 *
 * and the code is that of the first address that this machine has a way to:
 * neither HEM_EAFNOSUPPORT nor HEM_EADDRNOTAVAIL nor HEM_ENETUNREACH; if there is
 * none, of the first.
 *
 * TCP connections send small writes at once (TCP_NODELAY).
 */
#ifndef HEM_CONNECT_H
#define HEM_CONNECT_H

#include "address.h"
#include "base.h"
#include "stream.h"

HEM_BEGIN_DECLS

typedef struct hem_connect_options {
    uint32_t limit; /* of read-ahead, 0: 64 KiB */
    int family;     /* AF_INET or AF_INET6 only; 0: both */
    /* Where to connect from, port 0: any; only addresses of its family are tried.
     * NULL: the system chooses. Borrowed until the return. */
    const hem_address *local;
    hem_ns timeout;       /* of all of it, the name included; 0: 60 s */
    hem_ns attempt_delay; /* head start of each address; 0: 250 ms, at least
                             10 ms; HEM_NEVER: until it has failed */
    bool sequential;      /* as the resolver orders them, one after the other */
} hem_connect_options;

/*
 * Connect to `host`, a name or a numeric address, by TCP. `opts` may be NULL.
 * Errors of hem_resolve(); of the addresses as said above: HEM_ECONNREFUSED,
 * HEM_EHOSTUNREACH, HEM_ENETUNREACH, HEM_ECONNRESET, HEM_EMFILE, ...;
 * HEM_ETIMEDOUT: the time is over, or the kernel has given up; HEM_EAFNOSUPPORT:
 * no address of the family of `.family` or `.local`; HEM_ENOMEM; HEM_EBADF: `s`
 * was closed meanwhile. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_connect(hem_stream *s, const char *host,
                                  uint16_t port,
                                  const hem_connect_options *opts);

/*
 * Connect to one address, IPv4, IPv6 or Unix. Of the options `.limit`, `.local`
 * and `.timeout` count. Errors as of hem_connect() for an address; of a Unix
 * socket also HEM_ENOENT, HEM_EACCES; while its server's queue is full it waits.
 * HEM_EAFNOSUPPORT: another family, or not that of `.local`. [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK int hem_connect_address(hem_stream *s, const hem_address *a,
                                          const hem_connect_options *opts);

/*
 * Connect to the Unix socket at `path`; "@name": the abstract one of that name.
 * HEM_ENAMETOOLONG: over 107 bytes; HEM_EINVAL: empty; otherwise as
 * hem_connect_address(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_connect_unix(hem_stream *s, const char *path,
                                       const hem_connect_options *opts);

HEM_END_DECLS

#endif
