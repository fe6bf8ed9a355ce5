/* SPDX-License-Identifier: MIT */
/* Listening sockets: opened, or handed over, and made fit for a loop. */
#include <netinet/in.h>
#include <string.h>

#include "base/standard.h"
#include "base/sys.h"
#include "io/listen.h"

#define DEFAULT_BACKLOG 4096
/* Tries to find a port that is free at both loopback addresses. */
#define PORT_TRIES 16

const hem_listen_options hem__listen_defaults;

static int set_option(int fd, int level, int name, int value)
{
    return hem__sys_setsockopt(fd, level, name, &value, sizeof(value));
}

static int bind_inet(int fd, const hem_address *a, const hem_listen_options *o)
{
    HEM_TRY(set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1));
    if (o->reuse_port)
        HEM_TRY(set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1));
    if (a->storage.ss_family == AF_INET6)
        HEM_TRY(set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, o->ipv6_only));
    return hem__sys_bind(fd, (const struct sockaddr *)&a->storage, a->length);
}

static int listen_at(int fd, const hem_address *a, const hem_listen_options *o,
                     hem__unix_file *ret)
{
    if (a->storage.ss_family == AF_UNIX) {
        HEM_TRY(hem__unix_bind(fd, a, o->mode, ret));
    } else {
        HEM_TRY(bind_inet(fd, a, o));
        hem__tcp_tune(fd);
    }
    int rc = hem__sys_listen(fd, o->backlog > 0 ? o->backlog : DEFAULT_BACKLOG);
    if (rc < 0)
        hem__unix_remove(a, ret);
    return rc;
}

/* Open a listening socket; `*ret_file` is the file that came with it. There may
 * have been no loop yet that had made 0, 1 and 2 safe. */
static int open_at(int *ret, hem__unix_file *ret_file, const hem_address *a,
                   const hem_listen_options *o)
{
    *ret_file = (hem__unix_file){.inode = 0};
    HEM_TRY(hem__standard_ensure());
    int fd = hem__sys_socket(a->storage.ss_family,
                             SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int rc = listen_at(fd, a, o, ret_file);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    *ret = fd;
    return 0;
}

static int open_numeric(int *ret, const char *host, uint16_t port,
                        const hem_listen_options *o)
{
    hem_address a;
    hem__unix_file none;
    HEM_TRY(hem_address_parse(&a, host, port));
    return open_at(ret, &none, &a, o);
}

/* Whether the machine lacks that family, or has no address of it. */
static bool is_absent(int error)
{
    return error == HEM_EAFNOSUPPORT || error == HEM_EADDRNOTAVAIL;
}

int hem_listen_socket(int *ret_fd, const char *host, uint16_t port,
                      const hem_listen_options *opts)
{
    const hem_listen_options *o = opts ? opts : &hem__listen_defaults;
    if (host)
        return open_numeric(ret_fd, host, port, o);
    int rc = open_numeric(ret_fd, "::", port, o);
    return is_absent(rc) ? open_numeric(ret_fd, "0.0.0.0", port, o) : rc;
}

int hem_listen_address_socket(int *ret_fd, const hem_address *address,
                              const hem_listen_options *opts)
{
    hem__unix_file file;
    return open_at(ret_fd, &file, address, opts ? opts : &hem__listen_defaults);
}

void hem__opened_discard(const hem__opened *o)
{
    for (size_t i = 0; i < o->count && o->ours; i++) {
        hem_address a;
        if (o->files[i].inode && hem_address_of_socket(&a, o->fds[i]) == 0)
            hem__unix_remove(&a, &o->files[i]);
        close(o->fds[i]);
    }
}

static uint16_t port_of(int fd)
{
    hem_address a;
    return hem_address_of_socket(&a, fd) == 0 ? hem_address_port(&a) : 0;
}

/* Listen at 127.0.0.1 and at ::1, if it is there. */
static int open_both(hem__opened *ret, uint16_t port,
                     const hem_listen_options *o)
{
    int rc = open_numeric(&ret->fds[0], "127.0.0.1", port, o);
    if (is_absent(rc)) {
        HEM_TRY(open_numeric(&ret->fds[0], "::1", port, o));
        ret->count = 1;
        return 0;
    }
    HEM_TRY(rc);
    ret->count = 1;
    rc = open_numeric(&ret->fds[1], "::1", port ? port : port_of(ret->fds[0]),
                      o);
    if (is_absent(rc))
        return 0;
    if (rc < 0)
        hem__opened_discard(ret);
    else
        ret->count = 2;
    return rc;
}

static int open_localhost(hem__opened *ret, size_t room, uint16_t port,
                          const hem_listen_options *o)
{
    if (room < 2)
        return HEM_ELIMIT;
    int rc = open_both(ret, port, o);
    /* A port that was free for the one may be taken for the other. */
    for (int i = 1; rc == HEM_EADDRINUSE && !port && i < PORT_TRIES; i++)
        rc = open_both(ret, port, o);
    return rc;
}

/* Check that `fd` is a listening stream socket, and make it fit for a loop. */
static int adopt(int fd)
{
    int listening = 0, type = 0;
    socklen_t n = sizeof(listening);
    if (fd < 0)
        return HEM_EBADF;
    HEM_TRY(hem__sys_getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n));
    HEM_TRY(hem__sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n));
    if (!listening || type != SOCK_STREAM)
        return HEM_EINVAL;
    int flags = hem__sys_fcntl_get(fd);
    if (flags < 0)
        return flags;
    if (!(flags & O_NONBLOCK))
        HEM_TRY(hem__sys_fcntl_set(fd, flags | O_NONBLOCK));
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    hem__tcp_tune(fd);
    return 0;
}

static int adopt_all(hem__opened *ret, size_t room, const int *fds,
                     const hem_listen_options *o)
{
    size_t count = o->fds ? o->fd_count : 1;
    if (count == 0)
        return HEM_EINVAL;
    if (count > room)
        return HEM_ELIMIT;
    for (size_t i = 0; i < count; i++) {
        HEM_TRY(adopt(fds[i]));
        ret->fds[i] = fds[i];
    }
    ret->count = count;
    return 0;
}

int hem__open_host(hem__opened *ret, size_t room, const char *host,
                   uint16_t port, const hem_listen_options *o)
{
    *ret = (hem__opened){.ours = true};
    if (o->fds || o->fd != 0) {
        ret->ours = false;
        return adopt_all(ret, room, o->fds ? o->fds : &o->fd, o);
    }
    if (room == 0)
        return HEM_ELIMIT;
    if (host && strcmp(host, "localhost") == 0)
        return open_localhost(ret, room, port, o);
    HEM_TRY(hem_listen_socket(&ret->fds[0], host, port, o));
    ret->count = 1;
    return 0;
}

int hem__open_address(hem__opened *ret, const hem_address *a,
                      const hem_listen_options *o)
{
    *ret = (hem__opened){.ours = true};
    HEM_TRY(open_at(&ret->fds[0], &ret->files[0], a, o));
    ret->count = 1;
    if (o->keep)
        ret->files[0].inode = 0;
    return 0;
}
