/* SPDX-License-Identifier: MIT */
/*
 * One connection: a task that reads a head, answers it, and so on until one
 * of the two has had enough.
 *
 *     wait --first byte--> head --complete--> answer --keep alive--> wait
 *       |                    |                   |
 *       | idle deadline      | header deadline   | close, or a refusal
 *       v                    v 408               v
 *     closed <----------- linger <---------------+
 *
 * Deadlines: the idle one between requests; the header one for a whole head
 * from its first byte (from the connection's beginning for the first head), so
 * that a byte now and then buys no time; the write one for each piece of a
 * response. Memory: while it waits a connection holds its stack alone; a head
 * over 1 KiB costs a buffer of 8 KiB, a response under way a block of 17 KiB,
 * or a descriptor where the file is larger than that.
 *
 * Draining: a client that waits with its next request does not know that the
 * server is about to end. If its connection were closed now, the request could
 * be on its way and be lost. So each connection is answered once more, with
 * "Connection: close", after which the client must not use it again; and one
 * that asks for nothing is closed when `linger` is over. Thereafter only a
 * request that leaves in the same instant can be lost.
 *
 * The end: a socket that is closed with unread input resets the connection, and
 * the reset can overtake the response. So the last response is followed by the
 * end of the stream, and what still comes is dropped, for a second at most.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <hem.h>

#include "path.h"
#include "request.h"

/* What the connections of one worker share. */
typedef struct http_worker {
    hem_worker *process; /* that counts its requests */
    int root;            /* descriptor of the directory served */
    hem_ns header_timeout;
    hem_ns idle_timeout;
    hem_ns write_timeout;
    hem_ns linger; /* for one more request, when draining */
    bool draining; /* each response is its connection's last */
    struct http_connection *waiting; /* for a head, or the rest of one */
    http_path path;                  /* scratch, not kept over a suspension */
    struct http_block *blocks;       /* not in use; answer.c */
    size_t block_count;              /* length of `blocks` */
} http_worker;

typedef struct http_connection {
    hem_stream *stream;
    http_worker *worker;
    struct http_connection *before, *behind; /* among those that wait */
    hem_timeout *deadline;                   /* while it waits: until when */
    bool is_first;                           /* nothing has been answered yet */
    int status;                              /* of the response under way */
    uint64_t sent;                           /* bytes of it */
    int verdict;     /* http_head_scan()'s, on the head being read */
    char *head;      /* `small`, or HTTP_HEAD_MAX bytes of malloc's */
    size_t capacity; /* of `head` */
    size_t used;     /* bytes in it: one head, then what was pipelined */
    char small[1024];
} http_connection;

/* Serve the connection `s` for the http_worker `worker`; a hem_serve_fn. */
int http_connection_serve(hem_stream *s, void *worker);

/* Begin to end: see above. The listener is the caller's to close. */
void http_worker_drain(http_worker *w);

/* Free what the connections have left behind for the next. */
void http_worker_deinit(http_worker *w);

#endif
