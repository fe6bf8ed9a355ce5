/* SPDX-License-Identifier: MIT */
/* Streams that are no connections: what is put into one comes out of another,
 * or both say that something failed. */
#include <fcntl.h>
#include <sys/mman.h>

#include "torture.h"

#define BYTES ((size_t)200000)

static char bytes[BYTES];

struct ends {
    hem_stream in, out;
};

static int feed(void *arg)
{
    struct ends *e = arg;
    struct iovec v[] = {{bytes, 1000}, {bytes, 2000}};
    HEM_TRY(hem_stream_writev(&e->out, v, 2));
    HEM_TRY(hem_stream_put(&e->out, bytes, BYTES - 3000));
    HEM_TRY(hem_stream_drain(&e->out));
    return hem_stream_aclose(&e->out);
}

/* Closes in any case, or the other would wait for ever. */
static int feed_and_close(void *arg)
{
    struct ends *e = arg;
    int rc = feed(e);
    check_success(rc, HEM_ECANCELED, TORTURE_PEER_FAILED);
    (void)hem_stream_abort(&e->out);
    return 0;
}

static int move_bytes(void *arg)
{
    struct ends *e = arg;
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, feed_and_close, e));
    char *part;
    ssize_t n;
    size_t all = 0;
    while ((n = hem_stream_read_some(&e->in, &part)) > 0)
        all += (size_t)n;
    (void)hem_stream_abort(&e->in);
    HEM_TRY(n);
    check(faulty() || all == BYTES);
    return hem_scope_close(&s, 0);
}

static int open_pipe(hem_stream *a, hem_stream *b)
{
    return hem_pipe(a, b, NULL);
}

static int open_pair(hem_stream *a, hem_stream *b)
{
    return hem_stream_pair(a, b, NULL);
}

static int open_shared(hem_stream *a, hem_stream *b)
{
    int fds[2];
    hem_stream_fd_options keep = {.keep_open = true};
    if (pipe2(fds, O_CLOEXEC) < 0)
        abort();
    int rc = hem_stream_open_fd(a, fds[0], &keep);
    if (rc == 0)
        rc = hem_stream_open_fd(b, fds[1], NULL);
    if (rc < 0) {
        (void)hem_stream_close(a);
        close(fds[1]);
    } /* else the stream's; the other end must stay open as long */
    if (rc < 0 || a->fd.fd != fds[0])
        close(fds[0]);
    return rc;
}

static int pipes_main(void *arg)
{
    static int (*const ways[])(hem_stream *, hem_stream *) = {
        open_pipe, hem_socket_pair, open_pair, open_shared};
    (void)arg;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        struct ends e = {.in = {.limit = 0}};
        int rc = ways[i](&e.in, &e.out);
        if (!check_success(rc, HEM_EBADF, HEM_EIO))
            continue;
        int fd = e.in.borrowed ? e.in.fd.fd : -1;
        check_success(in_time(move_bytes, &e), HEM_ECANCELED,
                      TORTURE_PEER_FAILED);
        (void)hem_stream_abort(&e.in);
        (void)hem_stream_abort(&e.out);
        if (fd >= 0)
            close(fd);
    }
    return 0;
}

void scenario_pipes(void)
{
    check_success(hem_run(pipes_main, NULL, NULL));
}
