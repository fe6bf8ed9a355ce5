/* SPDX-License-Identifier: MIT */
/* Streams, inside: how they come into being, and what both halves share. */
#ifndef HEM__IO_STREAM_H
#define HEM__IO_STREAM_H

#include "hem/stream.h"
#include "loop/fd.h"
#include "task/task.h"

#define HEM__STREAM_LIMIT ((uint32_t)64 << 10)

/* Open `s` over the connected, non-blocking socket `fd`. HEM_ENOMEM: `s` is
 * closed, `fd` is not. */
int hem__stream_init(hem_loop *l, hem_stream *s, int fd, uint32_t limit);

/* The same with what is in the loop already, as `from`, which moves. */
void hem__stream_init_moved(hem_loop *l, hem_stream *s, hem__fd *from,
                            uint32_t limit);

/* The same with what is no socket: a pipe, a terminal. */
int hem__stream_init_plain(hem_loop *l, hem_stream *s, int fd, uint32_t limit);

/* Open `s` over a layer (layer.h), which is then its own. */
void hem__stream_init_layered(hem_loop *l, hem_stream *s,
                              struct hem__layer *layer, uint32_t limit);

/* Settings of every TCP connection: small writes are sent at once. A hint. */
void hem__tcp_tune(int fd);

#endif
