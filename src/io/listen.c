/* SPDX-License-Identifier: MIT */
/*
 * Listeners: their life. Sockets come opened (listen_socket.c) and are attached
 * all or none. The first is open as long as the listener is; whoever accepts
 * waits at the first, and the others wake him there (listen_accept.c).
 */
#include "io/listen.h"

#include <string.h>

#include "base/sys.h"

/* An event at another socket than the first. */
static void socket_ready(struct hem__fd *self)
{
    struct hem__listening *s = (struct hem__listening *)self;
    hem__fd_wake(hem__loop, &s->listener->sockets[0].fd, HEM__FD_READ, 0);
}

static int attach_one(hem_loop *loop, hem_listener *l, int fd,
                      const hem__unix_file *file)
{
    struct hem__listening *s = &l->sockets[l->count];
    HEM_TRY(hem__fd_init(loop, &s->fd, fd));
    s->listener = l;
    s->device = file->device;
    s->inode = file->inode;
    if (l->count > 0) {
        s->fd.on_ready = socket_ready;
        int rc = hem__fd_watch(loop, &s->fd, HEM__FD_READ);
        if (rc < 0) {
            hem__fd_give_up(loop, &s->fd);
            return rc;
        }
    }
    l->count++;
    return 0;
}

/* Attach all of them, or discard them. */
static int attach(hem_loop *loop, hem_listener *l, const hem__opened *o)
{
    uint32_t before = l->count;
    int rc = 0;
    for (size_t i = 0; i < o->count && rc == 0; i++) {
        bool taken = !o->ours && hem__fd_is_taken(loop, o->fds[i]);
        rc = taken ? HEM_EEXIST : attach_one(loop, l, o->fds[i], &o->files[i]);
    }
    if (rc == 0)
        return 0;
    while (l->count > before)
        hem__fd_give_up(loop, &l->sockets[--l->count].fd);
    hem__opened_discard(o);
    return rc;
}

/* Open `l` with these, or leave it as it is. */
static int open_with(hem_listener *l, const hem__opened *opened, uint32_t limit)
{
    hem_listener fresh;
    memset(&fresh, 0, sizeof(fresh));
    fresh.limit = limit;
    hem_loop *loop = hem__loop_need("hem_listen");
    HEM_TRY(attach(loop, &fresh, opened));
    *l = fresh;
    for (uint32_t i = 0; i < l->count; i++) {
        hem__fd_move(loop, &l->sockets[i].fd, &fresh.sockets[i].fd);
        l->sockets[i].listener = l;
    }
    return 0;
}

/* Pass `rc` on; with a failure goes a record, where a task holds it. */
static int tell_host(int rc, const char *host, uint16_t port)
{
    if (rc >= 0 || !hem_self())
        return rc;
    return hem_fail(rc, "listen at %s%s%s, port %u: %s", host ? "\"" : "",
                    host ? host : "all interfaces", host ? "\"" : "",
                    (unsigned)port, hem_strerror(rc));
}

static int tell_address(int rc, const hem_address *address)
{
    char text[HEM_ADDRESS_TEXT];
    if (rc >= 0 || !hem_self())
        return rc;
    return hem_fail(rc, "listen at %s: %s", hem_address_format(address, text),
                    hem_strerror(rc));
}

int hem_listen(hem_listener *l, const char *host, uint16_t port,
               const hem_listen_options *opts)
{
    const hem_listen_options *o = opts ? opts : &hem__listen_defaults;
    (void)hem__loop_need("hem_listen");
    hem__opened opened;
    int rc = hem__open_host(&opened, HEM_LISTENER_SOCKETS, host, port, o);
    return rc < 0 ? tell_host(rc, host, port) : open_with(l, &opened, o->limit);
}

int hem_listen_address(hem_listener *l, const hem_address *address,
                       const hem_listen_options *opts)
{
    const hem_listen_options *o = opts ? opts : &hem__listen_defaults;
    (void)hem__loop_need("hem_listen_address");
    hem__opened opened;
    int rc = hem__open_address(&opened, address, o);
    return rc < 0 ? tell_address(rc, address) : open_with(l, &opened, o->limit);
}

int hem_listen_unix(hem_listener *l, const char *path,
                    const hem_listen_options *opts)
{
    hem_address a;
    HEM_TRY(hem__unix_address(&a, path));
    return hem_listen_address(l, &a, opts);
}

int hem_listener_add(hem_listener *l, const char *host, uint16_t port,
                     const hem_listen_options *opts)
{
    const hem_listen_options *o = opts ? opts : &hem__listen_defaults;
    hem_address first;
    HEM_TRY(hem_listener_address(l, &first));
    hem__opened opened;
    if (!port)
        port = hem_address_port(&first);
    int rc =
        hem__open_host(&opened, HEM_LISTENER_SOCKETS - l->count, host, port, o);
    return rc < 0 ? tell_host(rc, host, port) : attach(hem__loop, l, &opened);
}

int hem_listener_add_address(hem_listener *l, const hem_address *address,
                             const hem_listen_options *opts)
{
    if (!hem__listener_is_open(l))
        return HEM_EBADF;
    if (l->count == HEM_LISTENER_SOCKETS)
        return HEM_ELIMIT;
    hem__opened opened;
    int rc = hem__open_address(&opened, address,
                               opts ? opts : &hem__listen_defaults);
    return rc < 0 ? tell_address(rc, address) : attach(hem__loop, l, &opened);
}

int hem_listener_address(const hem_listener *l, hem_address *ret)
{
    return hem__listener_is_open(l)
               ? hem_address_of_socket(ret, l->sockets[0].fd.fd)
               : HEM_EBADF;
}

ssize_t hem_listener_addresses(const hem_listener *l, hem_address *ret,
                               size_t max)
{
    if (!hem__listener_is_open(l))
        return HEM_EBADF;
    hem_address all[HEM_LISTENER_SOCKETS];
    for (uint32_t i = 0; i < l->count; i++)
        HEM_TRY(hem_address_of_socket(&all[i], l->sockets[i].fd.fd));
    size_t count = l->count < max ? l->count : max;
    if (count > 0)
        memcpy(ret, all, count * sizeof(all[0]));
    return (ssize_t)l->count;
}

int hem__listener_watch(hem_loop *loop, hem_listener *l)
{
    return hem__fd_watch(loop, &l->sockets[0].fd, HEM__FD_READ);
}

/* Before the socket goes, so that nobody finds its file without it. */
static void remove_file(const struct hem__listening *s)
{
    hem_address a;
    if (s->inode && hem_address_of_socket(&a, s->fd.fd) == 0)
        hem__unix_remove(&a, &(hem__unix_file){s->device, s->inode});
}

int hem_listener_close(hem_listener *l)
{
    if (!l)
        return 0;
    if (!hem__listener_is_open(l))
        return HEM_EBADF;
    hem_loop *loop = hem__loop_need("hem_listener_close");
    for (uint32_t i = l->count; i-- > 0;) {
        struct hem__listening *s = &l->sockets[i];
        remove_file(s);
        hem__fd_unregister(loop, &s->fd); /* others may hold the socket */
        (void)hem__fd_close(loop, &s->fd);
    }
    hem__listener_resume(l);
    return 0;
}

void hem__listener_cleanup(hem_listener *l)
{
    (void)hem_listener_close(l);
}
