/* SPDX-License-Identifier: MIT */
/*
 * Streams, inside: how they come into being, and what their parts share.
 *
 *   stream.c        life, reading
 *   stream_call.c   the calls by which bytes go, of each kind of stream
 *   stream_write.c  writing
 *   stream_put.c    what is kept, and sent in the background
 *   stream_file.c   sending files
 *   stream_end.c    the end of writing, closing
 *   stream_info.c   what is known, limits
 *   layer.c         streams over transports
 *   pipe.c, open_fd.c, memory.c   the kinds of hem/pipe.h
 */
#ifndef HEM__IO_STREAM_H
#define HEM__IO_STREAM_H

#include "hem/stream.h"
#include "loop/fd.h"
#include "task/task.h"

#define HEM__STREAM_LIMIT ((uint32_t)64 << 10)
#define HEM__STREAM_CHUNK ((uint32_t)4096) /* to begin with */
#define HEM__STREAM_LEAST ((uint32_t)256)  /* while little has come */
#define HEM__STREAM_STALL (30 * HEM_SEC)   /* of writes to sockets */

enum hem__stream_how {
    HEM__HOW_SOCKET, /* send, recv */
    HEM__HOW_PLAIN,  /* write, read */
    HEM__HOW_POLLED, /* the same, when poll says that it will not wait */
    HEM__HOW_FILE,   /* the same, on a thread */
    HEM__HOW_LAYER,
    HEM__HOW_ENDED, /* a pipe whose write end was shut down */
};

/* A direction of a stream. */
enum hem__stream_use {
    HEM__USE_NONE,
    HEM__USE_BUSY,    /* a task reads, or writes */
    HEM__USE_REFUSED, /* it is for the other direction only */
    HEM__USE_ENDED,   /* it was shut down: HEM_EPIPE */
};

/* What a read of less than was asked for tells, if the descriptor has it. */
enum hem__stream_shorts {
    HEM__SHORTS_UNKNOWN, /* nobody has looked */
    HEM__SHORTS_ALL,     /* there is no more */
    HEM__SHORTS_NOTHING, /* there may be more, and no event will say so */
};

static inline int hem__stream_unusable(uint8_t use)
{
    if (use == HEM__USE_BUSY)
        return HEM_EBUSY;
    return use == HEM__USE_ENDED ? HEM_EPIPE : HEM_EBADF;
}

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

/* The limits of an `s` that was just opened. `limits` has been checked. */
int hem__stream_check_limits(const hem_stream_limits *limits);
void hem__stream_apply_limits(hem_stream *s, const hem_stream_limits *limits);

/* Settings of every TCP connection: small writes are sent at once, a peer that
 * has vanished is found out. Hints; of a listening socket they are inherited by
 * those it accepts. */
void hem__tcp_tune(int fd);

/* Give the memory of what is read ahead back. */
void hem__stream_drop_buffer(hem_stream *s);

/* A task reads no more. If the stream was closed meanwhile, that left the
 * buffer to it. */
static inline void hem__stream_end_read(hem_stream *s)
{
    s->reading = HEM__USE_NONE;
    if (!s->fd.loop_id)
        hem__stream_drop_buffer(s);
}

/* A read or write call, from its beginning to its end. */
typedef struct hem__stream_call {
    hem_loop *loop;
    hem__fiber *fiber;
    hem_stream *stream;
} hem__stream_call;

/* For all calls that suspend: HEM_EBADF, HEM_ECANCELED. */
static inline int hem__stream_enter(hem__stream_call *c, hem_stream *s,
                                    const char *function)
{
    c->loop = hem__loop_need(function);
    c->fiber = hem__fiber_need(c->loop, function);
    c->stream = s;
    int rc = hem__io_checkpoint(c->loop, c->fiber);
    return rc == 0 && !hem__fd_is_open(&s->fd) ? HEM_EBADF : rc;
}

/* Wait until it may be read, or written. */
int hem__stream_wait_read(hem__stream_call *c);
int hem__stream_wait_write(hem__stream_call *c);

/* Begin to write: HEM_EBUSY. What is kept goes first. */
int hem__stream_begin_write(hem__stream_call *c, hem_stream *s,
                            const char *function);
ssize_t hem__stream_end_write(hem__stream_call *c, ssize_t result);

/* stream_call.c: one call. HEM_EAGAIN: there is nothing, or no room. These two
 * are for what is no socket, and may suspend: files, layers. */
ssize_t hem__stream_read_other(hem_stream *s, void *p, size_t size);
ssize_t hem__stream_write_other(hem_stream *s, const void *p, size_t size);

/* Take note of what a read of a descriptor did that was to give `size`. */
void hem__stream_was_read(hem_stream *s, ssize_t n, size_t size);

/* To what is no layer, and never suspends: a file is written here and now. */
ssize_t hem__stream_write_now(hem_stream *s, const void *p, size_t size);

/* Write all of it, as hem_stream_write() does when it has begun. */
ssize_t hem__stream_write_all(hem__stream_call *c, const void *p, size_t size);

/* Take note of what a call that writes did; HEM_EAGAIN: it is full. */
static inline ssize_t hem__stream_wrote(hem_stream *s, ssize_t n)
{
    if (n == HEM_EAGAIN)
        hem__fd_exhausted(&s->fd, HEM__FD_WRITE);
    else if (n > 0)
        s->bytes_written += (uint64_t)n;
    return n;
}

/* What raises SIGPIPE and has no flag against it: block it, and take it back if
 * it came. */
struct hem__quiet {
    sigset_t before; /* the signal mask */
    bool was_pending;
};

void hem__quiet_begin(struct hem__quiet *q);
void hem__quiet_end(const struct hem__quiet *q, ssize_t result);

/* stream_put.c */

/* Have what is kept sent before the caller, who has begun to write. */
int hem__kept_first(hem__stream_call *c);
/* A write has ended: what was kept meanwhile may go. */
void hem__kept_resume(hem_stream *s);
/* Wait until not more than `most` is kept. */
int hem__kept_wait(hem_stream *s, size_t most);
/* Send what goes at once and free the rest; returns whether there was one. */
bool hem__kept_close(hem_stream *s, bool abort);
/* `s`, with all that is kept, was moved from elsewhere. */
void hem__kept_moved(hem_stream *s);

#endif
