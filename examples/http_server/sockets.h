/* SPDX-License-Identifier: MIT */
/*
 * The sockets that all workers accept from.
 */
#ifndef HTTP_SOCKETS_H
#define HTTP_SOCKETS_H

#include <hem.h>

#include "options.h"

typedef struct http_sockets {
    int fds[HEM_LISTENER_SOCKETS + 1]; /* and 0 behind them */
    size_t count;
} http_sockets;

/* Take those that this process was handed, or open one. False: failed, and
 * said. */
bool http_sockets_open(http_sockets *s, const http_options *o);

/* Open `l` with them, in a worker; with duplicates where workers are `threads`,
 * who would close each other's. */
int http_sockets_listen(const http_sockets *s, hem_listener *l, bool threads);

/* Say on standard output where they listen. False: failed, and said. */
bool http_sockets_announce(const http_sockets *s, uint64_t workers);

#endif
