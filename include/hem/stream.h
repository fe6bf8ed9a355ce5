/* SPDX-License-Identifier: MIT */
/*
 * Streams: bytes in both directions, over TCP, Unix sockets, pipes, terminals,
 * files, memory or TLS: one type for all. asyncio's StreamReader and
 * StreamWriter in one.
 *
 *     HEM_STREAM(s);                          // closed with the block
 *     HEM_TRY(hem_connect(&s, "localhost", 7, NULL));
 *     HEM_TRY(hem_stream_write(&s, "hello\n", 6));
 *     char *line;
 *     ssize_t n = hem_stream_read_line(&s, &line);
 *     ...
 *     return hem_stream_aclose(&s);           // all sent, and said so
 *
 * Life: closed (zero-initialised) -> open, by hem_connect(), hem_accept(),
 * hem_serve(), pipe.h or transport.h -> closed. Calls on a closed stream return
 * HEM_EBADF. A stream is used by the tasks of one loop: one may read while
 * another writes, but two that read, or two that write, are refused with
 * HEM_EBUSY. Closing it wakes all with HEM_EBADF; the struct stays until their
 * calls have returned.
 *
 * Each call tries at once and suspends only where the stream is not ready;
 * one that never has to wait still gives way to other tasks now and then.
 * A read that is cancelled or fails has consumed nothing
 * (hem_stream_read_exactly: what it counts). A write that is cancelled or fails
 * may have sent a part: hem_stream_bytes_written() tells how much in all. A
 * cancelled stream remains usable.
 *
 * Two ways to write. hem_stream_write() is done when the kernel has all, and
 * keeps nothing. hem_stream_put() never suspends: what cannot go at once is
 * kept, in order, and sent by the loop in the background; hem_stream_drain()
 * waits while too much is kept. That is asyncio's write() and drain(), and for
 * those who tell many at once. Later writes go behind what is kept.
 *
 * Limits. hem_stream_read() reads into the caller's memory. The other reads
 * use a buffer of at most `read_limit` bytes, which is given back while it is
 * empty and the task waits: idle connections hold none, slow ones little. Never more is kept
 * than `high_water` and one put. A peer of a socket that takes nothing for 30
 * seconds while there is something to send is given up: HEM_ETIMEDOUT.
 *
 * After a fork: streams of the parent are not usable in the child.
 */
#ifndef HEM_STREAM_H
#define HEM_STREAM_H

#include <sys/uio.h>

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
    uint8_t reading;   /* enum hem__stream_use */
    uint8_t writing;   /* the same */
    uint8_t how;       /* enum hem__stream_how: by which calls */
    uint64_t bytes_read;
    uint64_t bytes_written;
    struct hem__layer *layer; /* NULL: it is the descriptor */
    struct hem__kept *kept;   /* put and not yet sent, or NULL */
    uint32_t high_water;      /* of what is kept */
    uint32_t read_stall;      /* in ms; 0: none */
    uint32_t write_stall;     /* in ms; 0: none */
    bool borrowed;            /* the descriptor is somebody else's to close */
    bool beneath;       /* a layer is on it, whose stream keeps the limit */
    uint8_t shorts;     /* enum hem__stream_shorts: what a short read tells */
    uint8_t on_threads; /* calls that a close must leave the descriptor to */
    bool ending;        /* hem_stream_shutdown_write() is under way */
    struct hem_proxy *proxied; /* what a proxy said (proxy.h), or NULL */
} hem_stream;

/*
 * Declare a stream `var`, closed, that is closed with its block if it is open
 * then: an early return leaks nothing.
 */
#define HEM_STREAM(var)                                                        \
    hem_stream var __attribute__((cleanup(hem__stream_cleanup))) = {.limit = 0}

HEM_API void hem__stream_cleanup(hem_stream *s);

typedef struct hem_stream_info {
    hem_address local;      /* this end; `length` 0: it has no address */
    hem_address peer;       /* the other, the same */
    uint64_t bytes_read;    /* hem_stream_bytes_read() */
    uint64_t bytes_written; /* hem_stream_bytes_written() */
    size_t pending;         /* hem_stream_pending() */
    const char *kind;       /* "tcp", "unix", "pipe", "terminal", "device",
                               "file"; of a layer: what is below in the end, or
                               its transport's name, "memory". Static. */
    const char *transport;  /* name of the transport, "tls"; NULL: none */
    int fd;                 /* the descriptor: to look at, not to close; -1:
                               there is none */
    bool proxied; /* `local` and `peer` are what a proxy said (proxy.h) */
} hem_stream_info;

typedef struct hem_stream_limits {
    uint32_t read_limit; /* of read-ahead, in bytes; 0: 64 KiB */
    uint32_t high_water; /* of what is kept, in bytes; 0: 64 KiB */
    /* How long a read may wait for a byte; 0: HEM_NEVER. */
    hem_ns read_stall;
    /* How long a write, or what is kept, may wait until the other side takes a
     * byte; 0: 30 s for TCP and for connections to Unix sockets, HEM_NEVER for
     * all else. Both are rounded up to milliseconds. */
    hem_ns write_stall;
} hem_stream_limits;

/*
 * Read up to `size` bytes, as soon as there are some; returns how many, 0 at
 * the end of the stream. HEM_ECONNRESET, HEM_ETIMEDOUT, ... of recv();
 * HEM_ETIMEDOUT: `read_stall`; HEM_EINVAL: size 0; HEM_EMSGSIZE: size above
 * SSIZE_MAX. [suspends] [cancel point]
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
 * Wait until `at_least` bytes have come, or the end, and return how many there
 * are and in `*ret` where: they are not consumed, and valid until the next read
 * or close. Less than `at_least`: those are the last, 0: none. HEM_EINVAL:
 * `at_least` is 0; HEM_ELIMIT: it is above the limit; HEM_ENOMEM; otherwise as
 * hem_stream_read(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_stream_peek(hem_stream *s, size_t at_least,
                                          char **ret);

/* Return whether a read has met the end of the stream, and nothing is left to
 * be read; true of a closed stream. asyncio's at_eof(). [loop thread] */
HEM_API bool hem_stream_at_eof(const hem_stream *s);

/*
 * Write all `size` bytes, behind what is kept, and return `size`; suspends
 * while the peer does not read. HEM_EPIPE, HEM_ECONNRESET: it is gone; no
 * SIGPIPE is raised. HEM_ETIMEDOUT: `write_stall`; HEM_EMSGSIZE: size above
 * SSIZE_MAX, nothing was written. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_stream_write(hem_stream *s, const void *buf,
                                           size_t size);

/*
 * Write all bytes of `count` pieces, in as few calls of the kernel as can be,
 * and return how many. HEM_EINVAL: `count` is negative; otherwise as
 * hem_stream_write(). asyncio's writelines(), but suspending.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_stream_writev(hem_stream *s,
                                            const struct iovec *pieces,
                                            int count);

/*
 * Write all `size` bytes without suspending: what the stream does not take at
 * once is copied and kept, behind what is kept or being written already, and
 * sent by the loop as the peer reads; also in callbacks. All the bytes or none:
 * HEM_ELIMIT, more than `high_water` is kept already (hem_stream_drain() first);
 * HEM_ENOMEM, HEM_ENOSPC; HEM_EMSGSIZE, size above SSIZE_MAX; HEM_ENOTSUP, the
 * transport has no such thing; HEM_EPIPE, it was shut down for writing, or is
 * being. The error of what was kept before, and of the connection: HEM_EPIPE, HEM_ECONNRESET, HEM_ETIMEDOUT, ...: nothing more will
 * be sent. To a regular file it writes at once. asyncio's write().
 * [loop thread]
 */
HEM_API HEM_CHECK int hem_stream_put(hem_stream *s, const void *buf,
                                     size_t size);

/* Return how many bytes are kept and not yet sent. [loop thread] */
HEM_API size_t hem_stream_pending(const hem_stream *s);

/*
 * Wait, if more than `high_water` is kept, until it is a quarter of that. Any
 * number of tasks may. The error of what was kept, see hem_stream_put().
 * asyncio's drain(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_stream_drain(hem_stream *s);

/* Wait until nothing is kept any more. As hem_stream_drain(). [suspends]
 * [cancel point] */
HEM_API HEM_CHECK int hem_stream_flush(hem_stream *s);

/*
 * Write `size` bytes of the file `fd` from `offset` on and return `size`: by
 * the kernel's sendfile on sockets, else read in pieces on a thread.
 * HEM_EINCOMPLETE: the file ended before; the errors of sendfile() and pread();
 * otherwise as hem_stream_write(). With sendfile, reading the file may block on
 * the disk. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_stream_send_file(hem_stream *s, int fd,
                                               off_t offset, size_t size);

/*
 * Send what is kept, and then no more: the peer reads the end of the stream.
 * Reading goes on. Meanwhile nothing can be put. asyncio's write_eof(). HEM_ENOTCONN: the peer has gone;
 * HEM_ENOTSUP: this kind of stream has no such thing; otherwise as
 * hem_stream_write(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_stream_shutdown_write(hem_stream *s);

/* Return how many bytes were taken from the kernel, and given to it, in all;
 * with a transport, from and to that. Also of a closed stream. [loop thread] */
HEM_API uint64_t hem_stream_bytes_read(const hem_stream *s);
HEM_API uint64_t hem_stream_bytes_written(const hem_stream *s);

/* Fill in what is known of an open stream. HEM_EBADF, HEM_ENOTCONN: the peer
 * has gone. [loop thread] */
HEM_API HEM_CHECK int hem_stream_get_info(const hem_stream *s,
                                          hem_stream_info *ret);

/*
 * Replace the limits, from the next wait on. What waits already, waits as it
 * began; what is kept or read ahead, stays. NULL: the defaults. The time limits
 * are those of the stream at the bottom, and memory has none. HEM_EBADF; HEM_EINVAL: a
 * negative time. [loop thread]
 */
HEM_API HEM_CHECK int hem_stream_set_limits(hem_stream *s,
                                            const hem_stream_limits *limits);

/*
 * Send what is kept, say that no more will come, and close it: asyncio's
 * close() and wait_closed(). When it returns, it is closed: with an error,
 * aborted. HEM_ECANCELED, HEM_EBUSY: a task writes; otherwise those of
 * hem_stream_shutdown_write(). HEM_EBADF: it was not open, or another task has
 * closed it meanwhile. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_stream_aclose(hem_stream *s);

/* Close it without suspending: what was written is still sent by the kernel.
 * HEM_EINCOMPLETE: it would not take all that was kept; it is closed all the
 * same, and the rest is dropped. NULL does nothing; HEM_EBADF: not open, or
 * closed already. [loop thread] */
HEM_API int hem_stream_close(hem_stream *s);

/* Close it at once: the peer gets a reset, unsent bytes are dropped.
 * HEM_EBADF as above. [loop thread] */
HEM_API int hem_stream_abort(hem_stream *s);

HEM_END_DECLS

#endif
