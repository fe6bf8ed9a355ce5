/* SPDX-License-Identifier: MIT */
/* The suite of stream_suite.h, over every kind of stream. */
#include "support.h"

#include <fcntl.h>

#include "io/stream.h"
#include "net.h"
#include "rot13.h"
#include "stream_suite.h"

static int open_tcp(hem_stream *a, hem_stream *b)
{
    net_open_pair(a, b);
    return 0;
}

static int open_socket_pair(hem_stream *a, hem_stream *b)
{
    return hem_socket_pair(a, b);
}

static int open_pipe(hem_stream *a, hem_stream *b)
{
    return hem_pipe(a, b, NULL);
}

/* Pipes whose descriptors belong to others; they are closed with them here. */
static int open_shared(hem_stream *a, hem_stream *b)
{
    int fds[2];
    hem_stream_fd_options keep = {.keep_open = true};
    check_int(pipe2(fds, O_CLOEXEC), 0);
    int rc = hem_stream_open_fd(a, fds[0], &keep);
    if (rc == 0)
        rc = hem_stream_open_fd(b, fds[1], &keep);
    check(!(fcntl(fds[0], F_GETFL) & O_NONBLOCK));
    check(!(fcntl(fds[1], F_GETFL) & O_NONBLOCK));
    close(fds[0]);
    close(fds[1]);
    return rc;
}

/* As where they cannot be opened anew: blocking ones. */
static int open_polled(hem_stream *a, hem_stream *b)
{
    HEM_TRY(hem_pipe(a, b, NULL));
    check_int(fcntl(a->fd.fd, F_SETFL, 0), 0);
    check_int(fcntl(b->fd.fd, F_SETFL, 0), 0);
    a->how = b->how = HEM__HOW_POLLED;
    return 0;
}

static int open_memory(hem_stream *a, hem_stream *b)
{
    return hem_stream_pair(a, b, NULL);
}

static int open_small_memory(hem_stream *a, hem_stream *b)
{
    return hem_stream_pair(a, b, &(hem_stream_pair_options){.size = 700});
}

static int push_both(hem_stream *a, hem_stream *b)
{
    HEM_TRY(hem_stream_push(a, &rot13, NULL));
    return hem_stream_push(b, &rot13, NULL);
}

static int open_layered(hem_stream *a, hem_stream *b)
{
    net_open_pair(a, b);
    return push_both(a, b);
}

static int open_layers(hem_stream *a, hem_stream *b)
{
    HEM_TRY(hem_stream_pair(a, b, NULL));
    HEM_TRY(push_both(a, b));
    return push_both(a, b);
}

int main(void)
{
    static const struct stream_kind kinds[] = {
        {.name = "tcp", .open = open_tcp},
        {.name = "socket pair", .open = open_socket_pair, .no_reset = true},
        {.name = "pipe", .open = open_pipe, .one_way = true},
        {.name = "shared pipe", .open = open_shared, .one_way = true},
        {.name = "polled pipe", .open = open_polled, .one_way = true},
        {.name = "memory", .open = open_memory},
        {.name = "small memory", .open = open_small_memory},
        {.name = "layer on tcp", .open = open_layered},
        {.name = "layers on memory", .open = open_layers},
    };
    return stream_suite(kinds, COUNT_OF(kinds));
}
