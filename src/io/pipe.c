/* SPDX-License-Identifier: MIT */
/* Pipes, and pairs of sockets: two streams at once. */
#include <limits.h>

#include "base/sys.h"
#include "hem/pipe.h"
#include "io/stream.h"

/* Open both, or neither; closes the descriptors then. */
static int open_both(hem_stream *const streams[2], const int fds[2],
                     bool sockets, const hem_stream_limits *limits)
{
    hem_loop *l = hem__loop;
    for (int i = 0; i < 2; i++) {
        int rc = sockets ? hem__stream_init(l, streams[i], fds[i], 0)
                         : hem__stream_init_plain(l, streams[i], fds[i], 0);
        if (rc < 0) {
            if (i > 0)
                (void)hem_stream_close(streams[0]);
            else
                close(fds[0]);
            close(fds[1]);
            return rc;
        }
        hem__stream_apply_limits(streams[i], limits);
    }
    return 0;
}

static int open_pipe(int fds[2], size_t size)
{
    if (size > INT_MAX)
        return HEM_EINVAL;
    HEM_TRY(hem__sys_pipe2(fds, O_CLOEXEC | O_NONBLOCK));
    int rc = size ? hem__sys_fcntl_pipe_size(fds[0], (int)size) : 0;
    if (rc < 0) {
        close(fds[0]);
        close(fds[1]);
        return rc;
    }
    return 0;
}

int hem_pipe(hem_stream *ret_read, hem_stream *ret_write,
             const hem_pipe_options *opts)
{
    static const hem_pipe_options defaults;
    const hem_pipe_options *o = opts ? opts : &defaults;
    (void)hem__loop_need("hem_pipe");
    *ret_read = *ret_write = (hem_stream){.limit = 0};
    int fds[2];
    HEM_TRY(hem__stream_check_limits(&o->limits));
    HEM_TRY(open_pipe(fds, o->size));
    hem_stream *const ends[2] = {ret_read, ret_write};
    HEM_TRY(open_both(ends, fds, false, &o->limits));
    ret_read->writing = ret_write->reading = HEM__USE_REFUSED;
    return 0;
}

int hem_socket_pair(hem_stream *a, hem_stream *b)
{
    static const hem_stream_limits defaults;
    (void)hem__loop_need("hem_socket_pair");
    *a = *b = (hem_stream){.limit = 0};
    int fds[2];
    HEM_TRY(hem__sys_socketpair(
        AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
    hem_stream *const ends[2] = {a, b};
    return open_both(ends, fds, true, &defaults);
}
