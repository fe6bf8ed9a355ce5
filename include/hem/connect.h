/* SPDX-License-Identifier: MIT */
/* Clients: streams to servers. */
#ifndef HEM_CONNECT_H
#define HEM_CONNECT_H

#include "base.h"
#include "stream.h"

HEM_BEGIN_DECLS

typedef struct hem_connect_options {
    uint32_t limit; /* of read-ahead, 0: 64 KiB */
} hem_connect_options;

/*
 * Connect to `host`, a name or a numeric address, by TCP; the addresses of a
 * name are tried one after the other. Small writes are sent at once
 * (TCP_NODELAY). Errors of hem_resolve(), socket() and the last connect():
 * HEM_ECONNREFUSED, HEM_ETIMEDOUT, HEM_ENETUNREACH, HEM_EMFILE, ... `s` is then
 * closed. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_connect(hem_stream *s, const char *host,
                                  uint16_t port,
                                  const hem_connect_options *opts);

HEM_END_DECLS

#endif
