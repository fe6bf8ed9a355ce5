/* SPDX-License-Identifier: MIT */
/*
 * Streams that are no connections: pipes, standard input and output, any
 * descriptor that bytes go through, pairs in memory.
 *
 *     HEM_STREAM(in);
 *     HEM_STREAM(out);
 *     HEM_TRY(hem_stream_open_stdin(&in));
 *     HEM_TRY(hem_stream_open_stdout(&out));
 *     char *line;
 *     ssize_t n;
 *     while ((n = hem_stream_read_line(&in, &line)) > 0)
 *         HEM_TRY(hem_stream_write(&out, line, (size_t)n));
 *
 * What a descriptor refers to may be shared with other processes, as standard
 * input and output are with the shell; O_NONBLOCK on it would be theirs as
 * well. It is never set on descriptors 0, 1 and 2, nor with `keep_open`. Instead
 *
 *   sockets            are asked not to wait in each call;
 *   pipes, terminals,  are opened anew by /proc/self/fd. Where that is not
 *   devices            possible, each call is made when poll says that it will
 *                      not wait, and writes at most 4 KiB: if another process
 *                      reads the same bytes in that moment, the loop waits;
 *   regular files      are read and written on a thread (thread.h): they are
 *                      always ready, and slow. It works on a duplicate, which
 *                      stays what it was if the descriptor is closed meanwhile,
 *                      and whose own closing ends locks of fcntl(), as any does.
 *
 * Descriptors that were closed as the program began, 0 to 2, are /dev/null from
 * the first hem_run() on, so that no socket gets their numbers.
 */
#ifndef HEM_PIPE_H
#define HEM_PIPE_H

#include "base.h"
#include "stream.h"

HEM_BEGIN_DECLS

typedef struct hem_stream_fd_options {
    bool read_only;  /* writing is refused: HEM_EBADF */
    bool write_only; /* reading is refused: HEM_EBADF */
    bool keep_open;  /* not closed with the stream; always so for 0, 1, 2 */
    hem_stream_limits limits;
} hem_stream_fd_options;

/*
 * Open `s` over a descriptor: of a pipe, a terminal, another device, a socket
 * of type SOCK_STREAM, a regular file (from its position on). It is then the
 * stream's, and closed with it, unless `keep_open`. HEM_EBADF; HEM_EISDIR;
 * HEM_EINVAL: a socket of another type, limits or options that are none;
 * HEM_EEXIST: it belongs to a stream already; HEM_EMFILE: there can be no
 * duplicate; HEM_ENOMEM: `s` is closed and `fd` as it was. [loop thread]
 */
HEM_API HEM_CHECK int hem_stream_open_fd(hem_stream *s, int fd,
                                         const hem_stream_fd_options *opts);

/* Open `s` over standard input, or standard output, which stay open when it is
 * closed. Otherwise as hem_stream_open_fd(). [loop thread] */
HEM_API HEM_CHECK int hem_stream_open_stdin(hem_stream *s);
HEM_API HEM_CHECK int hem_stream_open_stdout(hem_stream *s);

typedef struct hem_pipe_options {
    size_t size; /* of the kernel's buffer, at least; 0: as it likes, 64 KiB */
    hem_stream_limits limits; /* of both ends */
} hem_pipe_options;

/*
 * Make a pipe: what is written to `*ret_write` can be read from `*ret_read`;
 * os.pipe(). HEM_EMFILE, HEM_ENFILE, HEM_ENOMEM; HEM_EPERM: `size` is more than
 * this user may have; HEM_EINVAL. Both are closed then. [loop thread]
 */
HEM_API HEM_CHECK int hem_pipe(hem_stream *ret_read, hem_stream *ret_write,
                               const hem_pipe_options *opts);

/* Open two streams over Unix sockets that are connected with each other;
 * socket.socketpair(). HEM_EMFILE, HEM_ENFILE, HEM_ENOMEM: both are closed.
 * [loop thread] */
HEM_API HEM_CHECK int hem_socket_pair(hem_stream *a, hem_stream *b);

typedef struct hem_stream_pair_options {
    uint32_t size;            /* each way, in bytes; 0: 64 KiB */
    hem_stream_limits limits; /* of both ends, but for the time limits */
} hem_stream_pair_options;

/*
 * Open two streams that are connected in memory, without a descriptor: what is
 * written to one can be read from the other; it suspends while `size` bytes
 * have not been read. For tests of protocols, and between tasks; trio's
 * memory_stream_pair(). HEM_ENOMEM, HEM_EINVAL: both are closed.
 * [loop thread]
 */
HEM_API HEM_CHECK int hem_stream_pair(hem_stream *a, hem_stream *b,
                                      const hem_stream_pair_options *opts);

HEM_END_DECLS

#endif
