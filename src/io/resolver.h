/* SPDX-License-Identifier: MIT */
/*
 * Who knows the names: the system on threads (resolve_system.c), c-ares in the
 * loop (resolve_cares.c), of which one is built in; or what a test puts in their
 * place (tests/support/names.c). Both functions suspend, are points of
 * cancellation, and have no limit of time: that is their caller's.
 */
#ifndef HEM__IO_RESOLVER_H
#define HEM__IO_RESOLVER_H

#include "hem/resolve.h"

/* For people: "getaddrinfo", "c-ares". */
extern const char hem__resolver_kind[];

/* For tests: whom c-ares asks, as "127.0.0.1:5300,..."; NULL: whom the system
 * does. */
extern const char *hem__resolver_servers;

/*
 * Find the addresses of a name, which is a right one, of a family or of both
 * (AF_UNSPEC), without a port. At most `max` are written; how many there are, at
 * least 1. HEM_ENAME, HEM_ENAMETEMP, HEM_ENOMEM, ...: `ret` is untouched.
 */
ssize_t hem__resolver_find(hem_address *ret, size_t max, const char *name,
                           int family);

/* Find the name of an IPv4 or IPv6 address, whatever it may look like, and write
 * it into HEM_HOST_TEXT bytes. HEM_ENAME: also if it has no room there. */
int hem__resolver_name(char *ret_name, const hem_address *a);

#endif
