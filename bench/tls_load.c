/* SPDX-License-Identifier: MIT */
/*
 * The load for an echo server by TLS on this machine.
 *
 *     tls_load PORT CONNECTIONS BYTES SECONDS SERVER_PID
 *
 * In each round every connection sends a request of BYTES and then receives its
 * answer, which must be the same. Prints
 *
 *     requests 31021 count
 *     cpu_per_request 17.123 us       of the server
 */
#define _GNU_SOURCE 1

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>

#include "bench.h"

#define REQUEST_MAX (1 << 20)

static char request[REQUEST_MAX], answer[REQUEST_MAX];

static void fail(const char *what)
{
    fprintf(stderr, "tls_load: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static SSL *open_connection(SSL_CTX *context, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        fail("connect");
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    SSL *ssl = SSL_new(context);
    if (!ssl || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
        fail("handshake");
    return ssl;
}

static void receive(SSL *ssl, int bytes)
{
    for (int got = 0; got < bytes;) {
        int n = SSL_read(ssl, answer + got, bytes - got);
        if (n <= 0)
            fail("no answer");
        got += n;
    }
    if (memcmp(answer, request, (size_t)bytes) != 0)
        fail("another answer");
}

/* Rounds for `duration`; returns the number of requests. */
static uint64_t work(SSL **connections, size_t count, int bytes,
                     int64_t duration)
{
    uint64_t requests = 0;
    int64_t end = bench_clock_ns(CLOCK_MONOTONIC) + duration;
    while (bench_clock_ns(CLOCK_MONOTONIC) < end) {
        memcpy(request, &requests, sizeof(requests));
        for (size_t i = 0; i < count; i++) {
            if (SSL_write(connections[i], request, bytes) != bytes)
                fail("write");
        }
        for (size_t i = 0; i < count; i++)
            receive(connections[i], bytes);
        requests += count;
    }
    return requests;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr,
                "usage: tls_load PORT CONNECTIONS BYTES SECONDS SERVER_PID\n");
        return 2;
    }
    size_t count = strtoul(argv[2], NULL, 10);
    int bytes = atoi(argv[3]);
    int64_t duration = (int64_t)(strtod(argv[4], NULL) * 1e9);
    clockid_t server;
    if (bytes < (int)sizeof(uint64_t) || bytes > REQUEST_MAX || !count)
        fail("no such size or number of connections");
    if (clock_getcpuclockid(atoi(argv[5]), &server) != 0)
        fail("no such server");
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL **connections = calloc(count, sizeof(SSL *));
    if (!context || !connections)
        fail("memory");
    for (size_t i = 0; i < count; i++)
        connections[i] = open_connection(context, atoi(argv[1]));
    (void)work(connections, count, bytes, duration / 5);
    int64_t cpu = bench_clock_ns(server);
    uint64_t requests = work(connections, count, bytes, duration);
    cpu = bench_clock_ns(server) - cpu;
    printf("requests %llu count\n", (unsigned long long)requests);
    printf("cpu_per_request %.3f us\n", (double)cpu / 1000 / (double)requests);
    for (size_t i = 0; i < count; i++)
        SSL_free(connections[i]);
    free(connections);
    SSL_CTX_free(context);
    return 0;
}
