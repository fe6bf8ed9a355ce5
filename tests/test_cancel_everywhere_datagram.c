/* SPDX-License-Identifier: MIT */
/* Datagrams, sockets and watched descriptors, cancelled everywhere: what was
 * sent is received, or still there. */
#include "cancel_everywhere.h"
#include "support.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "net.h"
#include "udp.h"

#define COUNT 5

/* Room for a few datagrams in the kernel, or some bytes. */
static void make_small_pair(int *fds, int type)
{
    int size = 1;
    check_int(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
              0);
    for (int i = 0; i < 2; i++)
        check_int(
            setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
}

/* Run two at once, until both have ended or the time is over. */
static int run_both(hem_fn *one, hem_fn *other, void *arg)
{
    HEM_SCOPE(s, .timeout = 8 * HEM_MSEC, .move_on = true);
    HEM_TRY(hem_scope_spawn(&s, NULL, one, arg));
    HEM_TRY(hem_scope_spawn(&s, NULL, other, arg));
    return hem_scope_close(&s, 0);
}

static void check_rc(const struct disturbance *d)
{
    check_int(d->rc, d->body ? HEM_ECANCELED : 0);
}

/* Datagrams, one by one; a Unix socket loses none. */

struct single {
    hem_datagram from, to;
    int sent, received;
};

static void single_begin(void *state)
{
    struct single *s = state;
    int fds[2];
    make_small_pair(fds, SOCK_DGRAM);
    (void)udp_open_with(&s->from, (hem_datagram_options){.fd = fds[0]});
    (void)udp_open_with(&s->to, (hem_datagram_options){.fd = fds[1]});
}

static int single_send(void *arg)
{
    struct single *s = arg;
    static char bytes[1000];
    for (int i = 0; i < COUNT; i++) {
        HEM_TRY(hem_datagram_send(&s->from, bytes, sizeof(bytes)));
        s->sent++;
    }
    return 0;
}

static int single_receive(void *arg)
{
    struct single *s = arg;
    char bytes[1000];
    for (int i = 0; i < COUNT; i++) {
        HEM_TRY(hem_sleep(HEM_MSEC));
        HEM_TRY(hem_datagram_receive(&s->to, bytes, sizeof(bytes)));
        s->received++;
    }
    return 0;
}

static int single_body(void *arg)
{
    return run_both(single_send, single_receive, arg);
}

/* Take what is left; how many. */
static int drain(hem_datagram *d)
{
    char byte;
    int count = 0;
    while (recv(hem_datagram_fd(d), &byte, 1, MSG_DONTWAIT) >= 0)
        count++;
    return count;
}

static void single_end(void *state, const struct disturbance *d)
{
    struct single *s = state;
    check_rc(d);
    if (!d->requests)
        check_int(s->received, COUNT);
    check_int(s->received + drain(&s->to), s->sent);
    udp_say(&s->from, NULL, "usable");
    udp_expect(&s->to, "usable");
    check_int(hem_datagram_close(&s->from) | hem_datagram_close(&s->to), 0);
}

/* The same in batches. */

struct batch {
    hem_datagram from, to;
    int sent, received;
};

static void batch_begin(void *state)
{
    single_begin(state);
}

static int batch_send(void *arg)
{
    struct batch *s = arg;
    static char bytes[1000];
    hem_datagram_message m[COUNT];
    memset(m, 0, sizeof(m));
    for (int i = 0; i < COUNT; i++) {
        m[i].data = bytes;
        m[i].size = sizeof(bytes);
        m[i].status = HEM_EIO;
    }
    ssize_t rc = hem_datagram_send_many(&s->from, m, COUNT);
    for (int i = 0; i < COUNT; i++) {
        check(m[i].status == 1000 || m[i].status == rc);
        s->sent += m[i].status == 1000;
    }
    return (int)rc;
}

static int batch_receive(void *arg)
{
    struct batch *s = arg;
    static char bytes[3][1000];
    hem_datagram_message m[3];
    memset(m, 0, sizeof(m));
    for (int i = 0; i < 3; i++) {
        m[i].data = bytes[i];
        m[i].size = sizeof(bytes[i]);
    }
    while (s->received < COUNT) {
        HEM_TRY(hem_sleep(HEM_MSEC));
        ssize_t n = hem_datagram_receive_many(&s->to, m, 3);
        HEM_TRY(n);
        s->received += (int)n;
    }
    return 0;
}

static int batch_body(void *arg)
{
    return run_both(batch_send, batch_receive, arg);
}

static void batch_end(void *state, const struct disturbance *d)
{
    single_end(state, d);
}

/* Bytes over sockets of our own, from connecting to closing. */

struct bytes {
    int listener, near, far;
    hem_address where;
    size_t sent, received;
};

static char content[20000];

static void bytes_begin(void *state)
{
    struct bytes *s = state;
    int kind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    s->far = -1;
    s->listener = socket(AF_INET, kind, 0);
    s->near = socket(AF_INET, kind, 0);
    check_int(hem_address_parse(&s->where, "127.0.0.1", 0), 0);
    check_int(bind(s->listener, (struct sockaddr *)&s->where.storage,
                   s->where.length),
              0);
    check_int(listen(s->listener, 1), 0);
    check_int(hem_address_of_socket(&s->where, s->listener), 0);
}

static int bytes_send(void *arg)
{
    struct bytes *s = arg;
    HEM_TRY(hem_sock_connect(s->near, &s->where));
    HEM_TRY(hem_fd_wait(s->near, HEM_WRITABLE));
    return hem_sock_send_all(s->near, content, sizeof(content), &s->sent);
}

static int bytes_receive(void *arg)
{
    struct bytes *s = arg;
    char buf[4096];
    do {
        s->far = hem_sock_accept(s->listener, NULL);
    } while (s->far == HEM_ECONNABORTED); /* it is told as it comes */
    HEM_TRY(s->far);
    while (s->received < sizeof(content)) {
        ssize_t n = hem_sock_recv(s->far, buf, sizeof(buf));
        HEM_TRY(n);
        s->received += (size_t)n;
        HEM_TRY(hem_fd_wait(s->far, HEM_WRITABLE));
    }
    return 0;
}

static int bytes_body(void *arg)
{
    return run_both(bytes_send, bytes_receive, arg);
}

static void bytes_end(void *state, const struct disturbance *d)
{
    struct bytes *s = state;
    check_rc(d);
    if (!d->requests)
        check_int(s->received, sizeof(content));
    if (s->far >= 0) {
        check_int(s->received + net_drain(s->far, SIZE_MAX), s->sent);
        check_int(hem_fd_close(s->far), 0);
    }
    check_int(hem_fd_close(s->near) | hem_fd_close(s->listener), 0);
}

/* A watch that fills a queue of a task, and a task in the other direction. */

struct watched {
    int fds[2];
    hem_fd_watch watch;
    hem_event came;
    int seen;
};

static void on_readable(void *arg, int events)
{
    struct watched *s = arg;
    char byte;
    check(events & HEM_READABLE);
    if (read(s->fds[0], &byte, 1) == 1)
        s->seen++;
    hem_event_set(&s->came);
}

static void watched_begin(void *state)
{
    struct watched *s = state;
    make_small_pair(s->fds, SOCK_STREAM);
    hem_event_init(&s->came);
    hem_fd_watch_init(&s->watch, on_readable, s);
    check_int(hem_fd_watch_start(&s->watch, s->fds[0], HEM_READABLE), 0);
}

static int watched_write(void *arg)
{
    struct watched *s = arg;
    for (int i = 0; i < 3; i++) {
        HEM_TRY(hem_fd_wait(s->fds[0], HEM_WRITABLE));
        check_int(write(s->fds[1], "x", 1), 1);
    }
    return 0;
}

static int watched_wait(void *arg)
{
    struct watched *s = arg;
    while (s->seen < 3) {
        HEM_TRY(hem_event_wait(&s->came));
        hem_event_clear(&s->came);
    }
    return 0;
}

static int watched_body(void *arg)
{
    return run_both(watched_write, watched_wait, arg);
}

static void watched_end(void *state, const struct disturbance *d)
{
    struct watched *s = state;
    check_rc(d);
    if (!d->requests)
        check_int(s->seen, 3);
    check(hem_fd_watch_stop(&s->watch));
    check_int(hem_fd_close(s->fds[0]) | hem_fd_close(s->fds[1]), 0);
}

int main(void)
{
    static const struct flow flows[] = {FLOW(single), FLOW(batch), FLOW(bytes),
                                        FLOW(watched)};
    return cancel_everywhere(flows, COUNT_OF(flows));
}
