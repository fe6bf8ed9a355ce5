/* SPDX-License-Identifier: MIT */
/* Names of hosts as text: which are right, and what they stand for. */
#ifndef HEM__IO_HOST_H
#define HEM__IO_HOST_H

#include "hem/resolve.h"

typedef enum hem__host_kind {
    HEM__HOST_NUMERIC, /* `address` */
    HEM__HOST_LOCAL,   /* this machine */
    HEM__HOST_NAME,    /* to be asked for */
} hem__host_kind;

typedef struct hem__host {
    hem__host_kind kind;
    hem_address address; /* port 0 */
    char text[HEM_HOST_TEXT];
} hem__host;

/* Read a host of `length` bytes, 0: up to its NUL; `forms` as .numeric_forms.
 * HEM_EINVAL, HEM_ENAMETOOLONG: `ret` is of no use. */
int hem__host_read(hem__host *ret, const char *host, size_t length, bool forms);

/* Make an address of a family's loopback, or of all there are. */
void hem__host_loopback(hem_address *ret, int family);
void hem__host_any(hem_address *ret, int family);

/* Set the port of an IPv4 or IPv6 address. */
void hem__host_set_port(hem_address *a, uint16_t port);

#endif
