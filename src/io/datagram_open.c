/* SPDX-License-Identifier: MIT */
/* Datagrams: the life of an endpoint. */
#include <netinet/in.h>
#include <string.h>

#include "base/sys.h"
#include "io/datagram.h"
#include "io/unix.h"

/* Where an endpoint is to be, and whom it is to talk to. */
struct plan {
    hem_address local; /* length 0: as it comes */
    hem_address peer;  /* length 0: nobody */
    int family;        /* of the socket */
    mode_t mode;       /* of a file */
    bool dual;         /* IPv6 and IPv4, if the machine has both */
};

int hem__datagram_set(int fd, int level, int name, int value)
{
    return hem__sys_setsockopt(fd, level, name, &value, sizeof(value));
}

static void any_address(hem_address *ret, int family, uint16_t port)
{
    const char *host = family == AF_INET6 ? "::" : "0.0.0.0";
    (void)!hem_address_parse(ret, host, port);
}

static int plan_peer(struct plan *p, const hem_datagram_options *o)
{
    int ways = !!o->peer_host + !!o->peer + !!o->peer_path;
    if (ways > 1 || (o->peer_port && !o->peer_host))
        return HEM_EINVAL;
    if (o->peer_host)
        return hem_address_parse(&p->peer, o->peer_host, o->peer_port);
    if (o->peer_path)
        return hem__unix_address(&p->peer, o->peer_path);
    if (o->peer)
        p->peer = *o->peer;
    return 0;
}

/* No place is given. */
static void plan_any(struct plan *p, const hem_datagram_options *o)
{
    int family = p->peer.length ? p->peer.storage.ss_family : o->family;
    p->dual = family == 0;
    if (p->dual)
        family = AF_INET6;
    p->family = family;
    if (family == AF_UNIX) { /* a name that the kernel makes up */
        p->local.storage.ss_family = AF_UNIX;
        p->local.length = sizeof(sa_family_t);
    } else if (!p->peer.length || o->port) {
        any_address(&p->local, family, o->port);
    }
}

static int plan_local(struct plan *p, const hem_datagram_options *o)
{
    int ways = !!o->host + !!o->local + !!o->path;
    if (ways > 1 || (o->port && (o->local || o->path)))
        return HEM_EINVAL;
    int rc = 0;
    if (o->host)
        rc = hem_address_parse(&p->local, o->host, o->port);
    else if (o->path)
        rc = hem__unix_address(&p->local, o->path);
    else if (o->local)
        p->local = *o->local;
    else
        plan_any(p, o);
    if (ways)
        p->family = p->local.storage.ss_family;
    return rc;
}

static int set_options(int fd, int family, const hem_datagram_options *o)
{
    bool is_ip = family != AF_UNIX;
    if (o->reuse_address)
        HEM_TRY(hem__datagram_set(fd, SOL_SOCKET, SO_REUSEADDR, 1));
    if (o->reuse_port)
        HEM_TRY(hem__datagram_set(fd, SOL_SOCKET, SO_REUSEPORT, 1));
    if (o->broadcast)
        HEM_TRY(hem__datagram_set(fd, SOL_SOCKET, SO_BROADCAST, 1));
    if (o->receive_buffer)
        HEM_TRY(
            hem__datagram_set(fd, SOL_SOCKET, SO_RCVBUF, o->receive_buffer));
    if (o->send_buffer)
        HEM_TRY(hem__datagram_set(fd, SOL_SOCKET, SO_SNDBUF, o->send_buffer));
    if (family == AF_INET6)
        HEM_TRY(hem__datagram_set(fd, IPPROTO_IPV6, IPV6_V6ONLY,
                                  o->family == AF_INET6));
    if (o->errors && family == AF_INET6)
        HEM_TRY(hem__datagram_set(fd, IPPROTO_IPV6, IPV6_RECVERR, 1));
    if (o->errors && is_ip) /* of IPv6 too: it may talk to IPv4 */
        HEM_TRY(hem__datagram_set(fd, IPPROTO_IP, IP_RECVERR, 1));
    return hem__datagram_group_options(fd, family, o);
}

/* Drop what others have sent between bind and connect. */
static void drop_received(int fd)
{
    char byte;
    ssize_t n;
    do {
        n = hem__sys_recv(fd, &byte, 1, MSG_DONTWAIT);
    } while (n >= 0 || n == HEM_EINTR);
}

static int bind_path(hem_datagram *d, int fd, const struct plan *p)
{
    hem__unix_file file;
    HEM_TRY(hem__unix_bind(fd, &p->local, p->mode, &file));
    d->file = p->local;
    d->device = file.device;
    d->inode = file.inode;
    return 0;
}

static void remove_path(hem_datagram *d)
{
    hem__unix_file file = {.device = d->device, .inode = d->inode};
    if (d->inode)
        hem__unix_remove(&d->file, &file);
    d->inode = 0;
}

static int bind_and_connect(hem_datagram *d, int fd, const struct plan *p)
{
    const struct sockaddr *local = (const struct sockaddr *)&p->local.storage;
    if (p->family == AF_UNIX && p->local.length)
        HEM_TRY(bind_path(d, fd, p));
    else if (p->local.length)
        HEM_TRY(hem__sys_bind(fd, local, p->local.length));
    if (!p->peer.length)
        return 0;
    HEM_TRY(hem__sys_connect(fd, (const struct sockaddr *)&p->peer.storage,
                             p->peer.length));
    d->connected = true;
    if (p->local.length && p->family != AF_UNIX)
        drop_received(fd);
    return 0;
}

/* Open a socket as planned; returns its descriptor. */
static int open_socket(hem_datagram *d, const struct plan *p,
                       const hem_datagram_options *o)
{
    int fd = hem__sys_socket(p->family,
                             SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int rc = set_options(fd, p->family, o);
    if (rc == 0)
        rc = bind_and_connect(d, fd, p);
    if (rc == 0)
        return fd;
    remove_path(d);
    close(fd);
    return rc;
}

static int open_planned(hem_datagram *d, const hem_datagram_options *o)
{
    struct plan p = {.mode = o->mode};
    HEM_TRY(plan_peer(&p, o));
    HEM_TRY(plan_local(&p, o));
    d->local = p.family == AF_UNIX;
    d->errors = o->errors && !d->local;
    int fd = open_socket(d, &p, o);
    if (p.dual && (fd == HEM_EAFNOSUPPORT || fd == HEM_EADDRNOTAVAIL)) {
        p.family = AF_INET;
        any_address(&p.local, AF_INET, o->port);
        fd = open_socket(d, &p, o);
    }
    return fd;
}

static int get_option(int fd, int name, int *ret)
{
    socklen_t n = sizeof(*ret);
    return hem__sys_getsockopt(fd, SOL_SOCKET, name, ret, &n);
}

/* Look at a socket that was opened elsewhere, and make it fit for a loop;
 * returns it. */
static int adopt(hem_datagram *d, int fd)
{
    int type = 0, family = 0;
    HEM_TRY(get_option(fd, SO_TYPE, &type));
    HEM_TRY(get_option(fd, SO_DOMAIN, &family));
    if (type != SOCK_DGRAM)
        return HEM_EINVAL;
    hem_address peer = {.length = sizeof(peer.storage)};
    int rc = hem__sys_getpeername(fd, (struct sockaddr *)&peer.storage,
                                  &peer.length);
    if (rc < 0 && rc != HEM_ENOTCONN)
        return rc;
    d->connected = rc == 0;
    d->local = family == AF_UNIX;
    int flags = hem__sys_fcntl_get(fd);
    if (flags < 0)
        return flags;
    if (!(flags & O_NONBLOCK))
        HEM_TRY(hem__sys_fcntl_set(fd, flags | O_NONBLOCK));
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

int hem_datagram_open(hem_datagram *d, const hem_datagram_options *opts)
{
    static const hem_datagram_options defaults;
    const hem_datagram_options *o = opts ? opts : &defaults;
    hem_loop *l = hem__loop_need("hem_datagram_open");
    memset(d, 0, sizeof(*d));
    if (o->fd < 0)
        return HEM_EBADF;
    if (o->fd && hem__fd_is_taken(l, o->fd))
        return HEM_EEXIST;
    int fd = o->fd ? adopt(d, o->fd) : open_planned(d, o);
    if (fd < 0)
        return fd;
    int rc = hem__fd_init(l, &d->fd, fd);
    if (rc < 0 && !o->fd) {
        remove_path(d);
        close(fd);
    }
    return rc;
}

int hem_datagram_close(hem_datagram *d)
{
    if (!d)
        return 0;
    if (!hem__fd_is_open(&d->fd))
        return HEM_EBADF;
    hem_loop *l = hem__loop_need("hem_datagram_close");
    remove_path(d);
    hem__fd_unregister(l, &d->fd); /* others may hold the socket */
    return hem__fd_close(l, &d->fd);
}

void hem__datagram_cleanup(hem_datagram *d)
{
    (void)hem_datagram_close(d);
}

int hem_datagram_address(const hem_datagram *d, hem_address *ret)
{
    return hem__fd_is_open(&d->fd) ? hem_address_of_socket(ret, d->fd.fd)
                                   : HEM_EBADF;
}

int hem_datagram_peer(const hem_datagram *d, hem_address *ret)
{
    if (!hem__fd_is_open(&d->fd))
        return HEM_EBADF;
    if (!d->connected)
        return HEM_ENOTCONN;
    hem_address a = {.length = sizeof(a.storage)};
    HEM_TRY(hem__sys_getpeername(d->fd.fd, (struct sockaddr *)&a.storage,
                                 &a.length));
    *ret = a;
    return 0;
}

int hem_datagram_fd(const hem_datagram *d)
{
    return hem__fd_is_open(&d->fd) ? d->fd.fd : HEM_EBADF;
}
