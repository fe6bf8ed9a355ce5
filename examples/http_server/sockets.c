/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "sockets.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_one(int *ret, const http_options *o)
{
    static const char prefix[] = "unix:";
    size_t length = sizeof(prefix) - 1;
    if (strncmp(o->bind, prefix, length) != 0)
        return hem_listen_socket(ret, o->bind, (uint16_t)o->port, NULL);
    const char *path = o->bind + length;
    hem_address a;
    HEM_TRY(hem_address_unix(&a, path, strlen(path)));
    return hem_listen_address_socket(ret, &a, NULL);
}

static bool listens(int fd)
{
    int on = 0;
    socklen_t size = sizeof(on);
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on)
        return true;
    fprintf(stderr, "http_server: LISTEN_FDS: %d does not listen\n", fd);
    return false;
}

bool http_sockets_open(http_sockets *s, const http_options *o)
{
    ssize_t n = hem_inherited_sockets(s->fds, HEM_LISTENER_SOCKETS);
    if (n < 0)
        fprintf(stderr, "http_server: LISTEN_FDS: %s\n", hem_strerror((int)n));
    for (ssize_t i = 0; i < n; i++)
        if (!listens(s->fds[i]))
            return false;
    s->count = n > 0 ? (size_t)n : 1;
    if (n != 0)
        return n > 0;
    int rc = open_one(&s->fds[0], o);
    if (rc == HEM_EINVAL)
        fprintf(stderr, "http_server: '%s' is no address\n", o->bind);
    else if (rc < 0)
        fprintf(stderr, "http_server: cannot listen on %s, port %u: %s\n",
                o->bind, (unsigned)o->port, hem_strerror(rc));
    return rc == 0;
}

static void close_all(const int *fds, size_t n)
{
    while (n > 0)
        close(fds[--n]);
}

static int duplicate_all(int *ret, const int *fds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        ret[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        if (ret[i] < 0) {
            int rc = -errno;
            close_all(ret, i);
            return rc;
        }
    }
    return 0;
}

int http_sockets_listen(const http_sockets *s, hem_listener *l, bool threads)
{
    int copies[HEM_LISTENER_SOCKETS];
    if (threads)
        HEM_TRY(duplicate_all(copies, s->fds, s->count));
    int rc = hem_listen(l, NULL, 0,
                        &(hem_listen_options){.fds = threads ? copies : s->fds,
                                              .fd_count = s->count});
    if (rc < 0 && threads)
        close_all(copies, s->count);
    return rc;
}

bool http_sockets_announce(const http_sockets *s, uint64_t workers)
{
    printf("listening on");
    for (size_t i = 0; i < s->count; i++) {
        hem_address a;
        char text[HEM_ADDRESS_TEXT];
        int rc = hem_address_of_socket(&a, s->fds[i]);
        if (rc < 0) {
            fprintf(stderr, "http_server: LISTEN_FDS, descriptor %d: %s\n",
                    s->fds[i], hem_strerror(rc));
            return false;
        }
        bool is_unix = a.storage.ss_family == AF_UNIX;
        hem_address_format(&a, text);
        printf(is_unix ? " %s" : " http://%s/", text);
    }
    printf(" (%" PRIu64 " %s)\n", workers, workers == 1 ? "worker" : "workers");
    return fflush(stdout) == 0;
}
