/* SPDX-License-Identifier: MIT */
/*
 * Servers that answer in their own time. A program that uses this has a connect()
 * that knows the addresses of the test, which belong to nobody (192.0.2.0/24,
 * 2001:db8::/32): each is connected to a port of this machine, or fails, or does
 * not answer at all, at a virtual time after it was asked. All other addresses are
 * the system's.
 *
 *     attempts_begin(port);
 *     attempts_add((struct attempt){"192.0.2.1", .after = HEM_NEVER});
 *     attempts_add((struct attempt){"192.0.2.2", .error = ECONNREFUSED});
 */
#ifndef SUPPORT_ATTEMPTS_H
#define SUPPORT_ATTEMPTS_H

#include "hem.h"

struct attempt {
    const char *host; /* numeric, static */
    hem_ns after;     /* when it answers; HEM_NEVER: it does not; 0: at once */
    int error;        /* an errno: it fails so; 0: it is connected */
    /* What became of it: */
    bool begun;
    hem_ns begun_at; /* and in which order: */
    int place;       /* from 1 on */
    int fd;          /* its socket; may be closed */
};

/* Forget all; those to come are connected to `port` of this machine. */
void attempts_begin(uint16_t port);

/* Know one more. */
void attempts_add(struct attempt a);

/* What is known of an address. */
const struct attempt *attempts_get(const char *host);

/* How many were begun, and of these the number of sockets that are open. */
size_t attempts_begun(void);
size_t attempts_open(void);

/* How often connect() was called, for whatever address. */
size_t attempts_calls(void);

#endif
