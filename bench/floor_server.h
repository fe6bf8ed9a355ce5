/* SPDX-License-Identifier: MIT */
/* What the floors under servers share: their end, by SIGTERM, and their port. */
#ifndef BENCH_FLOOR_SERVER_H
#define BENCH_FLOOR_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

static inline void die(const char *what)
{
    perror(what);
    exit(1);
}

/* A descriptor that is readable when SIGTERM has come. */
static inline int open_terminator(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        die("sigprocmask");
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        die("signalfd");
    return fd;
}

/* Bind the socket to a free port of 127.0.0.1; which one. */
static inline int bind_somewhere(int fd)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(a);
    if (bind(fd, (struct sockaddr *)&a, length) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &length) < 0)
        die("bind");
    return ntohs(a.sin_port);
}

/* For who started the program: it is ready. */
static inline void tell_port(int port)
{
    printf("port %d\n", port);
    fflush(stdout);
}

#endif
