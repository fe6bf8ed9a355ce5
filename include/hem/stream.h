/* SPDX-License-Identifier: MIT */
/*
 * Streams: bytes in both directions, over TCP. asyncio's StreamReader and
 * StreamWriter in one, without a hidden write buffer.
 *
 *     HEM_STREAM(s);                          // closed with the block
 *     HEM_TRY(hem_connect(&s, "localhost", 7, NULL));
 *     HEM_TRY(hem_stream_write(&s, "hello\n", 6));
 *     char *line;
 *     ssize_t n = hem_stream_read_line(&s, &line);
 *
 * Life: closed (zero-initialised) -> open, by hem_connect(), hem_accept() or
 * hem_serve() -> closed. Calls on a closed stream return HEM_EBADF. A stream
 * is used by the tasks of one loop: one may read while another writes, but two
 * that read, or two that write, are refused with HEM_EBUSY. Closing it wakes
 * both with HEM_EBADF; the struct stays until their calls have returned.
 *
 * Each call tries at once and suspends only where the socket is not ready;
 * one that never has to wait still gives way to other tasks now and then.
 * A read that is cancelled has consumed nothing (hem_stream_read_exactly: what
 * it counts). A write that is cancelled or fails may have sent a part:
 * hem_stream_info tells how much in all. A cancelled stream remains usable.
 *
 * Memory: hem_stream_read() reads into the caller's memory. The other reads
 * use a buffer of at most `limit` bytes, which is given back while it is empty
 * and the task waits: idle connections hold none. Writing suspends until the
 * kernel has taken all.
 *
 * After a fork: streams of the parent are not usable in the child.
 */
#ifndef HEM_STREAM_H
#define HEM_STREAM_H

#include "address.h"
#include "base.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_stream {
    struct hem__fd fd;
    char *buffer;      /* bytes read ahead, or NULL */
    uint32_t begin;    /* of the bytes not yet consumed */
    uint32_t end;      /* behind them */
    uint32_t capacity; /* of `buffer` */
    uint32_t limit;    /* of `capacity` */
    uint32_t chunk;    /* `capacity` to begin with: grows with what comes */
    bool at_eof;       /* the peer will send no more */
    bool reading;      /* a task reads */
    bool writing;      /* a task writes */
    bool plain;        /* no socket: read() and write(), not recv(), send() */
    uint64_t bytes_read;
    uint64_t bytes_written;
    struct hem__layer *layer;  /* NULL: it is the descriptor */
    struct hem_proxy *proxied; /* what a proxy said (proxy.h), or NULL */
    void *reserved[3];
} hem_stream;

/*
 * Declare a stream `var`, closed, that is closed with its block if it is open
 * then: an early return leaks nothing.
 */
#define HEM_STREAM(var)                                                        \
    hem_stream var __attribute__((cleanup(hem__stream_cleanup))) = {.limit = 0}

HEM_API void hem__stream_cleanup(hem_stream *s);

typedef struct hem_stream_info {
    hem_address local;      /* this end */
    hem_address peer;       /* the other */
    uint64_t bytes_read;    /* taken from the kernel so far */
    uint64_t bytes_written; /* given to the kernel so far */
    int fd;                 /* the descriptor: to look at, not to close */
    bool proxied; /* `local` and `peer` are what a proxy said (proxy.h) */
} hem_stream_info;

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

/*
 * Read up to `size` bytes, as soon as there are some; returns how many, 0 at
 * the end of the stream. HEM_ECONNRESET, HEM_ETIMEDOUT, ... of recv();
 * HEM_EINVAL: size 0. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_stream_read(hem_stream *s, void *buf,
                                          size_t size);

/*
 * Read what has come, at most the limit, without a copy: returns how many bytes
 * and in `*ret` where: in the stream, valid until its next read or close. 0 at
 * the end of the stream. Best where many connections each wait for a message:
 * only those that have one hold memory. Errors as hem_stream_read();
 * HEM_ENOMEM. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_stream_read_some(hem_stream *s, char **ret);

/*
 * Read exactly `size` bytes and return `size`. HEM_EINCOMPLETE: the stream
 * ended before; what came is in `buf` and is counted by `*ret_got` (may be
 * NULL; also set on other errors); 0 if it ended before the first byte.
 * HEM_EMSGSIZE: size above SSIZE_MAX. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_stream_read_exactly(hem_stream *s, void *buf,
                                                  size_t size, size_t *ret_got);

/*
 * Read up to and with the first occurrence of `delimiter` (1 to 64 bytes, as a
 * string); returns the length and in `*ret` where the bytes are: in the
 * stream, valid until its next read or close. 0: the stream ended with nothing
 * left. HEM_EINCOMPLETE: it ended before a delimiter; HEM_ELIMIT: none within
 * the limit; in both cases the bytes remain and can be read otherwise.
 * HEM_ENOMEM, HEM_EINVAL. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_stream_read_until(hem_stream *s,
                                                const char *delimiter,
                                                char **ret);

/*
 * Read a line with its "\n"; the last line may lack it. Otherwise as
 * hem_stream_read_until(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_stream_read_line(hem_stream *s, char **ret);

/*
 * Write all `size` bytes and return `size`; suspends while the peer does not
 * read. HEM_EPIPE, HEM_ECONNRESET: it is gone; no SIGPIPE is raised.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_stream_write(hem_stream *s, const void *buf,
                                           size_t size);

/*
 * Write `size` bytes of the file `fd` from `offset` on and return `size`, by
 * the kernel's sendfile. HEM_EINCOMPLETE: the file ended before; otherwise as
 * hem_stream_write(). Reading the file may block on the disk. [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_stream_send_file(hem_stream *s, int fd,
                                               off_t offset, size_t size);

/* Send no more: the peer reads the end of the stream. Reading goes on.
 * HEM_EBADF, HEM_ENOTCONN. [loop thread] */
HEM_API HEM_CHECK int hem_stream_shutdown_write(hem_stream *s);

/* Fill in what is known of an open stream. HEM_EBADF, HEM_ENOTCONN: the peer
 * has gone. [loop thread] */
HEM_API HEM_CHECK int hem_stream_get_info(const hem_stream *s,
                                          hem_stream_info *ret);

/* Close it: what was written is still sent by the kernel. NULL does nothing;
 * HEM_EBADF: not open, or closed already. [loop thread] */
HEM_API int hem_stream_close(hem_stream *s);

/* Close it at once: the peer gets a reset, unsent bytes are dropped.
 * HEM_EBADF as above. [loop thread] */
HEM_API int hem_stream_abort(hem_stream *s);

HEM_END_DECLS

#endif
