/* SPDX-License-Identifier: MIT */
/*
 * The least that an echo server by TLS can be: epoll, and OpenSSL on the
 * sockets themselves.
 *
 *     floor_tls_echo CERTIFICATE KEY
 *
 * Prints `port N`, and after SIGTERM `cpu_us USER SYSTEM`.
 */
#define _GNU_SOURCE 1

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define EVENTS_MAX 256

struct connection {
    SSL *ssl;
    char data[16384];
    int length; /* of what is to be written yet */
};

static volatile sig_atomic_t terminated;

static void on_term(int signo)
{
    (void)signo;
    terminated = 1;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void watch(int poller, int fd, void *arg)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLET,
                            .data.ptr = arg};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) < 0)
        die("epoll_ctl");
}

static void drop(struct connection *c)
{
    close(SSL_get_fd(c->ssl));
    SSL_free(c->ssl);
    free(c);
}

/* Read, and write what was read, until the socket has or takes no more. */
static void serve(struct connection *c)
{
    for (;;) {
        int n = c->length ? SSL_write(c->ssl, c->data, c->length)
                          : SSL_read(c->ssl, c->data, sizeof(c->data));
        if (n <= 0) {
            int why = SSL_get_error(c->ssl, n);
            if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
                drop(c);
            return;
        }
        c->length = c->length ? 0 : n;
    }
}

static void accept_one(int poller, int listener, SSL_CTX *context)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct connection *c = calloc(1, sizeof(*c));
    if (!c || !(c->ssl = SSL_new(context)) || SSL_set_fd(c->ssl, fd) != 1)
        die("connection");
    SSL_set_accept_state(c->ssl);
    watch(poller, fd, c);
}

static int listen_on_loopback(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, length) < 0 ||
        listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &length) < 0)
        die("listen");
    printf("port %d\n", ntohs(a.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    signal(SIGTERM, on_term);
    signal(SIGPIPE, SIG_IGN);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context ||
        SSL_CTX_use_certificate_file(context, argv[1], SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, argv[2], SSL_FILETYPE_PEM) != 1)
        die("certificate");
    int poller = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on_loopback();
    struct epoll_event e = {.events = EPOLLIN};
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e) < 0)
        die("epoll");
    while (!terminated) {
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(poller, events, EVENTS_MAX, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                serve(events[i].data.ptr);
            else
                accept_one(poller, listener, context);
        }
    }
    bench_print_usage();
    return 0;
}
