/* SPDX-License-Identifier: MIT */
/* Datagrams over Unix sockets, which lose none; and sockets of our own. */
#include <fcntl.h>
#include <sys/socket.h>

#include "torture.h"

#define COUNT 5

/* What a datagram may meet besides: its peer was never opened, or refused. */
#define PEER_FAILED HEM_ECONNREFUSED, HEM_ENOENT

struct talk {
    hem_datagram from, to;
    hem_address there;
};

static int send_some(void *arg)
{
    struct talk *t = arg;
    hem_datagram_message m[COUNT];
    memset(m, 0, sizeof(m));
    for (int i = 0; i < COUNT; i++) {
        m[i].data = "hello";
        m[i].size = 5;
        m[i].address = t->there;
    }
    ssize_t n = hem_datagram_send_many(&t->from, m, COUNT);
    check_success(n, HEM_ECANCELED);
    for (int i = 0; i < COUNT; i++)
        check_success(m[i].status, HEM_ECANCELED);
    n = hem_datagram_send_to(&t->from, "last", 4, &t->there);
    check_success(n, HEM_ECANCELED);
    return 0;
}

static int receive_some(struct talk *t)
{
    char text[3][8];
    hem_datagram_message m[3];
    memset(m, 0, sizeof(m));
    for (int i = 0; i < 3; i++) {
        m[i].data = text[i];
        m[i].size = sizeof(text[i]);
    }
    for (int all = 0; all < COUNT + 1;) {
        ssize_t n = all % 2 ? hem_datagram_receive_many(&t->to, m, 3)
                            : hem_datagram_receive(&t->to, text[0], 8);
        if (!check_success(n, HEM_ECANCELED) || faulty())
            return (int)n; /* some may not have been sent */
        all += all % 2 ? (int)n : 1;
    }
    return 0;
}

static int talk(void *arg)
{
    struct talk *t = arg;
    HEM_SCOPE(s, .timeout = HEM_SEC / 10, .move_on = true);
    HEM_TRY(hem_scope_spawn(&s, NULL, send_some, t));
    HEM_TRY(receive_some(t));
    return hem_scope_close(&s, 0);
}

static int open_both(struct talk *t)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/hem-torture-%d", (int)getpid());
    HEM_TRY(hem_datagram_open(&t->to, &(hem_datagram_options){.path = path}));
    HEM_TRY(hem_datagram_address(&t->to, &t->there));
    return hem_datagram_open(&t->from,
                             &(hem_datagram_options){.family = AF_UNIX});
}

/* A refusal over UDP, told of by the queue of errors. */
static int be_refused(void)
{
    HEM_DATAGRAM(d);
    hem_address a;
    char byte;
    HEM_TRY(hem_datagram_open(
        &d, &(hem_datagram_options){.host = "127.0.0.1", .errors = true}));
    HEM_TRY(hem_address_parse(&a, "127.0.0.1", 1)); /* nobody is there */
    HEM_TRY(hem_datagram_send_to(&d, "x", 1, &a));
    HEM_TRY(hem_datagram_send_to(&d, "y", 1, &a));
    hem_timeout limit;
    HEM_TRY(hem_timeout_open(&limit, HEM_SEC / 10));
    int rc = (int)hem_datagram_receive(&d, &byte, 1);
    rc = hem_timeout_close(&limit, rc);
    return rc == HEM_ECONNREFUSED ? 0 : rc; /* as it should be */
}

/* A wait, a watch, and calls. */

static void do_nothing(void *arg, int events)
{
    (void)arg;
    check(events > 0);
}

static int use_sockets(const int *fds)
{
    hem_fd_watch w;
    char byte;
    hem_fd_watch_init(&w, do_nothing, NULL);
    int rc = hem_fd_watch_start(&w, fds[0], HEM_WRITABLE);
    if (check_success(rc)) {
        check_success(hem_fd_wait(fds[0], HEM_URGENT | HEM_READABLE));
        check_success(hem_fd_watch_change(&w, HEM_URGENT));
        check(hem_fd_watch_stop(&w));
    }
    HEM_TRY(hem_sock_send_all(fds[1], "x", 1, NULL));
    return (int)hem_sock_recv(fds[0], &byte, 1);
}

static int sockets(void)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   fds) < 0)
        abort();
    (void)!write(fds[1], "y", 1);
    int rc = use_sockets(fds);
    check_int(hem_fd_close(fds[0]) | hem_fd_close(fds[1]), 0);
    return rc;
}

static int datagrams_main(void *arg)
{
    struct talk t = {.there = {.length = 0}};
    (void)arg;
    int rc = open_both(&t);
    if (check_success(rc, PEER_FAILED))
        check_success(in_time(talk, &t), HEM_ECANCELED, PEER_FAILED);
    (void)hem_datagram_close(&t.from);
    (void)hem_datagram_close(&t.to);
    check_success(be_refused(), HEM_ETIMEDOUT);
    check_success(sockets(), PEER_FAILED);
    return 0;
}

void scenario_datagrams(void)
{
    check_success(hem_run(datagrams_main, NULL, NULL));
}
