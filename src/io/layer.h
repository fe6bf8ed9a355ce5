/* SPDX-License-Identifier: MIT */
/*
 * What a stream consists of that is no descriptor: a transport, its layer, and
 * the stream below. On the heap, for calls that are suspended in it outlive the
 * stream's close: the last one out frees it.
 */
#ifndef HEM__IO_LAYER_H
#define HEM__IO_LAYER_H

#include "hem/stream.h"
#include "hem/transport.h"

typedef struct hem__layer {
    const hem_transport *transport;
    void *layer;       /* the transport's */
    hem_stream *below; /* &under, or NULL */
    hem_stream under;  /* what the stream was before */
    uint32_t calls;    /* that are in the transport */
    bool closed;
} hem__layer;

ssize_t hem__layer_read(hem__layer *y, void *buf, size_t size);
ssize_t hem__layer_write(hem__layer *y, const void *buf, size_t size);
int hem__layer_shutdown_write(hem__layer *y);
int hem__layer_linger(hem__layer *y);

/* For what is put; the transport takes it, which the caller knows. */
int hem__layer_put(hem__layer *y, const void *buf, size_t size);
int hem__layer_drain(hem__layer *y, size_t most);
size_t hem__layer_pending(hem__layer *y);

/* Close the layer and what is below, whose result it returns, or
 * HEM_EINCOMPLETE. */
int hem__layer_close(hem__layer *y, bool abort);

#endif
