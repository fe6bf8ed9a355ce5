/* SPDX-License-Identifier: MIT */
/*
 * Sockets of c-ares are descriptors of the loop, by its table of socket functions.
 * c-ares thinks of poll(): as long as a socket is ready it wants to be called. The
 * loop tells each change once; so what is ready is remembered, as with all
 * descriptors (loop/fd.h), and c-ares is called until nothing is.
 *
 * Callbacks of c-ares come from within its functions, and wake tasks only; the
 * tasks act when it has returned.
 */
#include "io/cares_channel.h"

#include <netinet/in.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/sys.h"
#include "hem/error.h"
#include "hem/semaphore.h"
#include "io/resolver.h"
#include "loop/fd.h"

#define SLOTS      16
#define ROUNDS_MAX 64
#define TURNS      100 /* questions that a server's socket has room for */
#define NAP_MIN    HEM_MSEC

struct slot {
    hem__fd fd; /* open while it is in use */
    hem__cares *of;
    struct sockaddr_storage peer;
    socklen_t peer_length;
    bool wants_write; /* c-ares has something to send */
};

struct hem__cares {
    hem_loop *loop;
    uint64_t serial; /* of the loop */
    ares_channel channel;
    struct hem__timer timer; /* of what c-ares will do next */
    hem_semaphore turns;     /* of queries that have not been called back */
    size_t wanted;           /* so many wait for an answer, or their turn */
    struct slot slots[SLOTS];
};

const char *hem__resolver_servers;

/* Of the loop of this thread, or left behind by a fork; NULL: none. */
static _Thread_local hem__cares *current;

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init_library(void)
{
    (void)ares_library_init(ARES_LIB_INIT_ALL); /* nothing that could fail */
}

int hem__cares_error(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_ENONAME:
        return HEM_ENAME;
    case ARES_ENOMEM:
        return HEM_ENOMEM;
    case ARES_EBADNAME:
        return HEM_EINVAL;
    default:
        return HEM_ENAMETEMP;
    }
}

static struct slot *find_slot(hem__cares *c, int fd)
{
    for (struct slot *s = c->slots; s < c->slots + SLOTS; s++) {
        if (hem__fd_is_open(&s->fd) ? s->fd.fd == fd : fd < 0)
            return s;
    }
    return NULL;
}

/* What c-ares' functions return: errors are in errno. */
static ares_ssize_t answer(ssize_t rc)
{
    if (rc >= 0)
        return rc;
    errno = (int)-rc;
    return -1;
}

static void socket_ready(hem__fd *d)
{
    if (d->ready & HEM__FD_HANGUP) /* reading will tell */
        d->ready = HEM__FD_READ | HEM__FD_WRITE;
    hem__cares_pump(HEM__CONTAINER(d, struct slot, fd)->of);
}

static ares_socket_t open_socket(int family, int type, int protocol, void *arg)
{
    hem__cares *c = arg;
    struct slot *s = find_slot(c, -1);
    if (!s)
        return (ares_socket_t)answer(HEM_EMFILE);
    int fd =
        hem__sys_socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        return (ares_socket_t)answer(fd);
    int rc = hem__fd_init(c->loop, &s->fd, fd);
    if (rc < 0) {
        close(fd);
        return (ares_socket_t)answer(rc);
    }
    s->fd.ready = HEM__FD_WRITE;
    s->fd.on_ready = socket_ready;
    s->of = c;
    s->wants_write = false;
    return fd;
}

static int connect_socket(ares_socket_t fd, const struct sockaddr *a,
                          ares_socklen_t n, void *arg)
{
    hem__cares *c = arg;
    struct slot *s = find_slot(c, fd);
    HEM__ASSERT(s && n <= sizeof(s->peer));
    memcpy(&s->peer, a, n);
    s->peer_length = n;
    int rc = hem__sys_connect(fd, a, n);
    if (rc == HEM_EINPROGRESS)
        s->fd.ready = 0;
    int watched = hem__fd_watch(c->loop, &s->fd, HEM__FD_READ | HEM__FD_WRITE);
    return (int)answer(watched < 0 ? watched : rc);
}

static ares_ssize_t receive(ares_socket_t fd, void *p, size_t size, int flags,
                            struct sockaddr *from, ares_socklen_t *from_length,
                            void *arg)
{
    struct slot *s = find_slot(arg, fd);
    ssize_t n;
    do {
        n = hem__sys_recv(fd, p, size, flags);
    } while (n == HEM_EINTR);
    if (n <= 0)
        hem__fd_exhausted(&s->fd, HEM__FD_READ);
    if (n >= 0 && from && *from_length >= s->peer_length) {
        memcpy(from, &s->peer,
               s->peer_length); /* the kernel lets no other in */
        *from_length = s->peer_length;
    }
    return answer(n);
}

static ares_ssize_t send_some(ares_socket_t fd, const struct iovec *iov,
                              int count, void *arg)
{
    struct slot *s = find_slot(arg, fd);
    ssize_t n;
    HEM__ASSERT(count > 0);
    do {
        n = hem__sys_send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL);
    } while (n == HEM_EINTR);
    if (n == HEM_EAGAIN)
        hem__fd_exhausted(&s->fd, HEM__FD_WRITE);
    return answer(n);
}

static int close_socket(ares_socket_t fd, void *arg)
{
    hem__cares *c = arg;
    struct slot *s = find_slot(c, fd);
    return s ? hem__fd_close(c->loop, &s->fd) : 0;
}

static void state_changed(void *arg, ares_socket_t fd, int readable,
                          int writable)
{
    struct slot *s = find_slot(arg, fd);
    (void)readable; /* always */
    if (s)
        s->wants_write = writable;
}

static const struct ares_socket_functions functions = {
    open_socket, close_socket, connect_socket, receive, send_some};

/* Something that is ready and that c-ares waits for; NULL: nothing is. */
static struct slot *find_ready(hem__cares *c, uint8_t *ret_for)
{
    for (struct slot *s = c->slots; s < c->slots + SLOTS; s++) {
        if (!hem__fd_is_open(&s->fd) || !s->fd.watched)
            continue;
        *ret_for = s->fd.ready & HEM__FD_READ;
        if (s->wants_write)
            *ret_for |= s->fd.ready & HEM__FD_WRITE;
        if (*ret_for)
            return s;
    }
    return NULL;
}

/* When c-ares wants to look at its clock. */
static hem_ns nap(hem__cares *c)
{
    struct timeval tv;
    if (!ares_timeout(c->channel, NULL, &tv))
        return HEM_NEVER;
    hem_ns d = tv.tv_sec * HEM_SEC + tv.tv_usec * HEM_USEC;
    return d > NAP_MIN ? d : NAP_MIN;
}

void hem__cares_pump(hem__cares *c)
{
    uint8_t ready = 0;
    struct slot *s = NULL;
    for (int i = 0; i < ROUNDS_MAX && (s = find_ready(c, &ready)); i++) {
        int fd = s->fd.fd;
        ares_process_fd(c->channel, ready & HEM__FD_READ ? fd : ARES_SOCKET_BAD,
                        ready & HEM__FD_WRITE ? fd : ARES_SOCKET_BAD);
    }
    hem__timer_disarm(&c->loop->timers, &c->timer);
    hem__loop_arm(c->loop, &c->timer,
                  hem__deadline(hem__loop_now(c->loop), s ? 0 : nap(c)));
}

static void timer_fired(struct hem__timer *t)
{
    hem__cares *c = HEM__CONTAINER(t, hem__cares, timer);
    ares_process_fd(c->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    hem__cares_pump(c);
}

static int init_channel(hem__cares *c)
{
    struct ares_options options = {.sock_state_cb = state_changed,
                                   .sock_state_cb_data = c};
    int rc = ares_init_options(&c->channel, &options, ARES_OPT_SOCK_STATE_CB);
    if (rc != ARES_SUCCESS)
        return hem__cares_error(rc);
    ares_set_socket_functions(c->channel, &functions, c);
    if (hem__resolver_servers) {
        rc = ares_set_servers_ports_csv(c->channel, hem__resolver_servers);
        if (rc != ARES_SUCCESS)
            ares_destroy(c->channel);
    }
    return hem__cares_error(rc);
}

static int create(hem_loop *l, hem__cares **ret)
{
    pthread_once(&once, init_library);
    hem__cares *c = hem__calloc(sizeof(*c));
    if (!c)
        return HEM_ENOMEM;
    c->loop = l;
    c->serial = l->serial;
    c->timer.fire = timer_fired;
    hem_semaphore_init(&c->turns, &(hem_semaphore_options){.value = TURNS});
    int rc = hem__timers_reserve(&l->timers);
    if (rc < 0)
        goto fail_reserve;
    rc = init_channel(c);
    if (rc < 0)
        goto fail_init;
    *ret = c;
    return 0;

fail_init:
    hem__timers_release(&l->timers);
fail_reserve:
    hem__free(c);
    return rc;
}

int hem__cares_enter(hem_loop *l, hem__cares **ret)
{
    if (!current || current->serial != l->serial) {
        hem__cares *c;
        HEM_TRY(create(l, &c));
        current = c;
    }
    hem__cares *c = current;
    c->wanted++;
    int rc = hem_semaphore_acquire(&c->turns);
    if (rc < 0)
        hem__cares_leave(c);
    else
        *ret = c;
    return rc;
}

void hem__cares_done(hem__cares *c)
{
    (void)hem_semaphore_release(&c->turns);
}

ares_channel hem__cares_channel(hem__cares *c)
{
    return c->channel;
}

void hem__cares_leave(hem__cares *c)
{
    if (--c->wanted > 0)
        return;
    HEM__ASSERT(c == current);
    current = NULL;
    ares_destroy(c->channel);
    hem__timer_disarm(&c->loop->timers, &c->timer);
    hem__timers_release(&c->loop->timers);
    hem__free(c);
}
