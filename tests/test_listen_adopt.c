/* SPDX-License-Identifier: MIT */
/* Listeners over sockets that come from elsewhere, or are held elsewhere. */
#include "support.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "net.h"

static int accept_one(void *arg)
{
    HEM_STREAM(s);
    return hem_accept(arg, &s);
}

VIRTUAL_TEST(a_socket_is_adopted_and_closed_with_the_listener)
{
    hem_listener l;
    hem_address a;
    int fd = socket(AF_INET, SOCK_STREAM, 0); /* blocking, kept by exec */
    check_int(listen(fd, 10), 0);
    check_int(hem_listen(&l, NULL, 0, &(hem_listen_options){.fd = fd}), 0);
    check(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    check(fcntl(fd, F_GETFL) & O_NONBLOCK);
    check_int(hem_listener_address(&l, &a), 0);
    int peer = net_connect(hem_address_port(&a));
    check_int(accept_one(&l), 0);
    net_close(peer);
    check_int(hem_listener_close(&l), 0);
    check(fcntl(fd, F_GETFD) < 0);
    return 0;
}

VIRTUAL_TEST(what_does_not_listen_is_not_adopted_and_left_open)
{
    hem_listener l = {.limit = 77};
    int ends[2], idle = socket(AF_INET, SOCK_STREAM, 0);
    check_int(pipe(ends), 0);
    hem_listen_options o = {.fd = ends[0]};
    check_int(hem_listen(&l, NULL, 0, &o), HEM_ENOTSOCK);
    o.fd = idle;
    check_int(hem_listen(&l, NULL, 0, &o), HEM_EINVAL);
    check(!(fcntl(idle, F_GETFL) & O_NONBLOCK));
    check_int(l.limit, 77);
    check_int(close(idle), 0);
    check_int(close(ends[0]), 0);
    check_int(close(ends[1]), 0);
    check_int(hem_listen(&l, NULL, 0, &o), HEM_EBADF);
    o.fd = -1;
    check_int(hem_listen(&l, NULL, 0, &o), HEM_EBADF);
    check_int(l.limit, 77);
    return 0;
}

VIRTUAL_TEST(a_socket_is_adopted_once)
{
    hem_listener l, other;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int twice[] = {fd, fd};
    check_int(listen(fd, 10), 0);
    hem_listen_options o = {.fds = twice, .fd_count = 2};
    check_int(hem_listen(&l, NULL, 0, &o), HEM_EEXIST);
    o.fd_count = 1;
    check_int(hem_listen(&l, NULL, 0, &o), 0);
    check_int(hem_listen(&other, NULL, 0, &o), HEM_EEXIST);
    check_int(hem_listener_add(&l, NULL, 0, &o), HEM_EEXIST);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

/* Whether some poller of the process knows descriptor `fd`. */
static bool is_polled(int fd)
{
    char path[64], line[256], want[32];
    bool found = false;
    snprintf(want, sizeof(want), "tfd: %8d ", fd);
    for (int poller = 0; poller < 64; poller++) {
        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", poller);
        FILE *f = fopen(path, "re");
        while (f && fgets(line, sizeof(line), f))
            found = found || strncmp(line, want, strlen(want)) == 0;
        if (f)
            fclose(f);
    }
    return found;
}

VIRTUAL_TEST(closing_leaves_the_socket_to_others_who_hold_it)
{
    hem_listener l;
    hem_task *t;
    uint16_t port = net_listen(&l);
    int fd = l.sockets[0].fd.fd;
    int copy = dup(fd);
    check_int(hem_spawn(&t, accept_one, &l), 0);
    net_settle();
    check(is_polled(fd));
    check_int(hem_listener_close(&l), 0);
    check(!is_polled(fd));
    check_int(hem_await(t), HEM_EBADF);
    int peer = net_connect(port);
    check_int(hem_listen(&l, NULL, 0, &(hem_listen_options){.fd = copy}), 0);
    check_int(accept_one(&l), 0);
    check_int(hem_listener_close(&l), 0);
    net_close(peer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_socket_is_adopted_and_closed_with_the_listener),
        LEDGER_TEST(what_does_not_listen_is_not_adopted_and_left_open),
        LEDGER_TEST(a_socket_is_adopted_once),
        LEDGER_TEST(closing_leaves_the_socket_to_others_who_hold_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
