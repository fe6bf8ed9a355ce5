/* SPDX-License-Identifier: MIT */
/*
 * Streams of your own: a layer over another stream, as TLS is, or something
 * that is no descriptor at all. Whoever holds the hem_stream does not see the
 * difference.
 *
 *     static ssize_t rot13_read(void *layer, hem_stream *below, void *buf,
 *                               size_t size)
 *     {
 *         ssize_t n = hem_stream_read(below, buf, size);
 *         for (ssize_t i = 0; i < n; i++)
 *             ((char *)buf)[i] = rot13(((char *)buf)[i]);
 *         return n;
 *     }
 *     static const hem_transport rot13 = {.name = "rot13",
 *                                         .read = rot13_read, ...};
 *
 *     HEM_TRY(hem_stream_push(&s, &rot13, NULL));     // from here on
 *
 * The functions run in the task that called hem_stream_read() and so on, and
 * may suspend where the table says so. What they return is what the caller
 * gets. hem_stream keeps two tasks from being in one direction at once: a layer
 * sees at most one call of `read` and one of the writing functions at a time,
 * but each may run while the other is suspended, and `close` while both are:
 * their calls on the stream below then return HEM_EBADF, and `layer` must stay
 * until they have returned.
 */
#ifndef HEM_TRANSPORT_H
#define HEM_TRANSPORT_H

#include "base.h"
#include "stream.h"

HEM_BEGIN_DECLS

/* What a kind of stream does. `layer` is what was pushed, `below` the stream
 * that it was pushed on, NULL where it is a stream by itself. */
typedef struct hem_transport {
    /* For people: "tls". Static. */
    const char *name;
    /* Up to `size` (at least 1) bytes as soon as there are some; 0 at the end.
     * Cancelled, it has consumed nothing. [suspends] */
    ssize_t (*read)(void *layer, hem_stream *below, void *buf, size_t size);
    /* Write some of the bytes, and return how many, at least 1. Cancelled, none
     * of them: so wait with hem_stream_drain(below), then hem_stream_put(), which
     * takes all or none. The caller waits until what was put has gone.
     * [suspends] */
    ssize_t (*write)(void *layer, hem_stream *below, const void *buf,
                     size_t size);
    /* Take all the bytes for hem_stream_put(), behind those written, or none;
     * not called while a task is in `write`. HEM_ELIMIT is none of its errors,
     * nor is it known to hem_stream_put() on `below`: the stream on top sees to
     * it, by `pending`. NULL: there is no buffered writing. Never suspends. */
    int (*put)(void *layer, hem_stream *below, const void *buf, size_t size);
    /* Wait until not more than `most` bytes are taken and not yet sent; NULL:
     * ask the stream below. [suspends] */
    int (*drain)(void *layer, hem_stream *below, size_t most);
    /* How many bytes are taken and not yet sent; NULL: ask the stream below.
     * Never suspends. */
    size_t (*pending)(void *layer, hem_stream *below);
    /* Say that no more will be written, when all that was put has gone; NULL:
     * not had. [suspends] */
    int (*shutdown_write)(void *layer, hem_stream *below);
    /* hem_stream_aclose(), when all is sent and said: wait until the peer has
     * no more to say, if it must, for a time of its own; what comes is lost.
     * An error: it is closed all the same, aborted. NULL: nothing. Not called
     * while a task is in `read`. [suspends] */
    int (*linger)(void *layer, hem_stream *below);
    /* Give back what the layer holds; a call that is suspended in it returns
     * before its memory may go: `release` is told when that is so.
     * The stream below is closed next. NULL: nothing. Never suspends. */
    void (*close)(void *layer, hem_stream *below, bool abort);
    /* No call is in the layer any more, and it is closed: free it. */
    void (*release)(void *layer);
} hem_transport;

/*
 * Put a layer on the open stream `s`: from here on `s` is the layer, and what it
 * was is below it, to be closed with it. `transport` is static; `layer` is the
 * stream's until `release`. What is kept (hem_stream_put()) goes first, as it
 * is. HEM_EBADF: not open; HEM_EBUSY: a task reads or
 * writes; HEM_EPROTO: bytes were read ahead already, which the layer would
 * miss; HEM_ENOMEM; in all cases nothing has changed. [loop thread]
 */
HEM_API HEM_CHECK int
hem_stream_push(hem_stream *s, const hem_transport *transport, void *layer);

/* Return what hem_stream_push() would, memory aside: for those who want to say
 * something on `s` first. [loop thread] */
HEM_API HEM_CHECK int hem_stream_may_push(const hem_stream *s);

/* Wait until not more than `most` bytes are kept by `s`: for layers, of whose
 * stream below hem_stream_drain() knows no limit. As hem_stream_drain().
 * [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_stream_drain_to(hem_stream *s, size_t most);

/* Return how long a write to `s` may wait for the other side
 * (hem_stream_limits): for layers that must read before they can write.
 * [loop thread] */
HEM_API hem_ns hem_stream_write_stall(const hem_stream *s);

/* Find the uppermost layer of `s` that was pushed or opened with `transport`:
 * what was given then, in `*ret`. HEM_EBADF: not open; HEM_EINVAL: there is
 * none. [loop thread] */
HEM_API HEM_CHECK int hem_stream_find_layer(const hem_stream *s,
                                            const hem_transport *transport,
                                            void **ret);

/* Make `s`, closed, a stream of its own kind, over nothing. `limit` is of
 * read-ahead, 0: 64 KiB. [loop thread] */
HEM_API HEM_CHECK int hem_stream_open(hem_stream *s,
                                      const hem_transport *transport,
                                      void *layer, uint32_t limit);

HEM_END_DECLS

#endif
