/* SPDX-License-Identifier: MIT */
/*
 * Socket addresses. Names of hosts are in resolve.h.
 *
 *     hem_address a;
 *     HEM_TRY(hem_address_parse(&a, "127.0.0.1", 8080));
 *     char text[HEM_ADDRESS_TEXT];
 *     puts(hem_address_format(&a, text));      // 127.0.0.1:8080
 */
#ifndef HEM_ADDRESS_H
#define HEM_ADDRESS_H

#include <sys/socket.h>

#include "base.h"

HEM_BEGIN_DECLS

/* Room for any address as text, the path of a Unix socket included. */
#define HEM_ADDRESS_TEXT 448

/* An address of any family; a plain value. */
typedef struct hem_address {
    struct sockaddr_storage storage;
    socklen_t length; /* of the part in use */
} hem_address;

/*
 * Make an address of a numeric IPv4 ("192.0.2.1": four decimal numbers) or
 * IPv6 ("::1", "fe80::1%eth0") host. HEM_EINVAL: it is no such.
 * HEM_ENAMETOOLONG. [any thread]
 */
HEM_API HEM_CHECK int hem_address_parse(hem_address *ret, const char *host,
                                        uint16_t port);

/*
 * Make the address of a Unix socket: `length` bytes (1 to 107) of a path, or,
 * where the first is NUL, of an abstract name, in which all bytes count.
 * HEM_EINVAL: empty, or a path with a NUL in it; HEM_ENAMETOOLONG: it is never
 * cut. [any thread]
 */
HEM_API HEM_CHECK int hem_address_unix(hem_address *ret, const char *path,
                                       size_t length);

/*
 * Write the address as text into `buf` of HEM_ADDRESS_TEXT bytes and return
 * `buf`: "192.0.2.1:80", "[::1]:80", "unix:/run/x.sock", "unix:@name" if it is
 * abstract, "unix:" if it has no name, "?" for others. In names, what is no
 * printable ASCII, backslashes, and an "@" that a path begins with are written
 * as "\x0a", so no two addresses look alike. [any thread]
 */
HEM_API const char *hem_address_format(const hem_address *a, char *buf);

/* Find the address that the socket `fd` is bound to. HEM_EBADF, HEM_ENOTSOCK.
 * [any thread] */
HEM_API HEM_CHECK int hem_address_of_socket(hem_address *ret, int fd);

/* Return the port, 0 where the family has none. [any thread] */
HEM_API uint16_t hem_address_port(const hem_address *a);

HEM_END_DECLS

#endif
