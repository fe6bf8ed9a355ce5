/* SPDX-License-Identifier: MIT */
/*
 * Names of hosts: asyncio's getaddrinfo() and getnameinfo().
 *
 *     hem_address a[8];
 *     char text[HEM_ADDRESS_TEXT];
 *     ssize_t n = hem_resolve(a, 8, "example.org", 80, NULL);
 *     if (n < 0)
 *         return (int)n;                          // hem_failure() says more
 *     for (ssize_t i = 0; i < n && i < 8; i++)
 *         puts(hem_address_format(&a[i], text));
 *
 * Who is asked. The system's resolver, by getaddrinfo() on threads that do
 * nothing else: at most 8 at a time, others wait in line, so that one that is
 * stuck keeps names back and nothing more. Or, where hem was built with
 * HEM_CARES, c-ares in the loop, without threads, at most 100 at a time. Either way the caller alone
 * waits, one that is cancelled or out of time goes on at once, and an answer
 * that comes too late is thrown away, be it after the end of hem_run(), which
 * does not wait for it. hem keeps no answers; most systems do.
 *
 * What is a name. At most 253 bytes, in labels of 1 to 63 of letters, digits,
 * "-" and "_", with dots between them and perhaps one at the end. Names of other
 * alphabets come in their ASCII form ("xn--..."); hem does not translate them.
 * Nothing is ever cut to fit. A host whose last label is a number is no name but
 * an address in a disguise ("127.1", "0x7f000001"), which has let requests through
 * that were meant to be kept out: it is refused unless `.numeric_forms` is set.
 * "localhost", and names that end in ".localhost", are this machine; nobody is
 * asked for them.
 *
 * These calls suspend; on the loop's thread, in a task. After a fork they begin
 * anew in the loop of the child.
 */
#ifndef HEM_RESOLVE_H
#define HEM_RESOLVE_H

#include "address.h"
#include "base.h"

HEM_BEGIN_DECLS

/* Room for any name of a host, its NUL included. */
#define HEM_HOST_TEXT 256

typedef struct hem_resolve_options {
    int family;         /* AF_INET or AF_INET6 only; 0: both */
    bool numeric_only;  /* a name is HEM_EINVAL: nobody is asked */
    bool numeric_forms; /* take IPv4 in one to four numbers, decimal, octal
                           or hexadecimal, as inet_aton() does */
    bool passive;       /* host NULL: what listens everywhere */
    size_t
        host_length; /* bytes of `host`, which then needs no NUL at its end and
                           must have none inside; 0: up to its NUL */
    hem_ns timeout;  /* 0: 30 s; HEM_NEVER: as long as the resolver likes */
} hem_resolve_options;

/*
 * Look up the addresses of `host`, a name or numeric, with `port`, in the order
 * in which they should be tried (RFC 6724); at most `max` are written to `ret`.
 * Returns how many there are. NULL for a host: this machine, by loopback, or
 * with `.passive` all its addresses, IPv6 first. `opts` may be NULL.
 *
 * HEM_ENAME: there is no such name, or no address of it; HEM_ENAMETEMP: no answer
 * for now; HEM_ETIMEDOUT: none within `.timeout`. HEM_ENAMETOOLONG: the name or a
 * label of it; HEM_EINVAL: empty, not a name as above, or the family;
 * HEM_EAFNOSUPPORT: numeric, of the other family. HEM_ENOMEM, HEM_EAGAIN,
 * HEM_EMFILE, ...: it could not be asked. `ret` is untouched then. asyncio's
 * getaddrinfo(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_resolve(hem_address *ret, size_t max,
                                      const char *host, uint16_t port,
                                      const hem_resolve_options *opts);

/*
 * Look up the name of the host with address `a` and write it, with a NUL, into
 * `ret_host` of `size` bytes, HEM_HOST_TEXT being enough for any; returns its
 * length. With `.numeric_only` that is the address as text without the port, and
 * nobody is asked. Of the options `.timeout` counts too. The name is what the owner
 * of the address says it is: believe it only if hem_resolve() leads back.
 *
 * HEM_ENAME: it has none, or what is no name as above; HEM_ENAMETEMP,
 * HEM_ETIMEDOUT, HEM_ENOMEM, HEM_EAGAIN as above; HEM_ENAMETOOLONG: `size` is too
 * small; HEM_EAFNOSUPPORT: neither IPv4 nor IPv6. `ret_host` is untouched then.
 * asyncio's getnameinfo(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_resolve_name(const hem_address *a, char *ret_host,
                                       size_t size,
                                       const hem_resolve_options *opts);

/* Return who is asked in this build: "getaddrinfo" or "c-ares". [any thread] */
HEM_API const char *hem_resolve_backend(void);

HEM_END_DECLS

#endif
