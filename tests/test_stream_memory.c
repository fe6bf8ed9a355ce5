/* SPDX-License-Identifier: MIT */
/* Streams where memory lacks: each allocation fails once. Calls say so, open
 * nothing, take nothing; closing always works. */
#include "support.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "net.h"
#include "rot13.h"

static int pair(hem_stream *a, hem_stream *b)
{
    return hem_stream_pair(a, b, NULL);
}

static int piped(hem_stream *a, hem_stream *b)
{
    return hem_pipe(a, b, NULL);
}

static int layered(hem_stream *a, hem_stream *b)
{
    HEM_TRY(hem_stream_pair(a, b, NULL));
    int rc = hem_stream_push(a, &rot13, NULL);
    if (rc == 0)
        rc = hem_stream_push(b, &rot13, NULL);
    if (rc < 0) {
        check_int(hem_stream_close(a), 0);
        check_int(hem_stream_close(b), 0);
    }
    return rc;
}

static int opened(hem_stream *a, hem_stream *b)
{
    int fd = memfd_create("x", MFD_CLOEXEC);
    int rc = hem_stream_open_fd(a, fd, NULL);
    if (rc < 0)
        close(fd);
    return rc < 0 ? rc : hem_stream_open_fd(b, 0, NULL);
}

VIRTUAL_TEST(opening_without_memory_opens_nothing)
{
    static int (*const ways[])(hem_stream *, hem_stream *) = {
        pair, piped, hem_socket_pair, layered, opened};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        for (size_t at = 1; at < 20; at++) {
            hem_stream a = {.limit = 0}, b = {.limit = 0};
            size_t live = ledger_live();
            ledger_fail_at(at);
            int rc = ways[i](&a, &b);
            ledger_fail_at(0);
            check(rc == 0 || rc == HEM_ENOMEM);
            if (rc < 0 && i + 1 < COUNT_OF(ways))
                check_int(ledger_live(), live);
            check_int(hem_stream_close(&a), rc == 0 ? 0 : HEM_EBADF);
            if (i + 1 < COUNT_OF(ways))
                check_int(hem_stream_close(&b), rc == 0 ? 0 : HEM_EBADF);
            else
                (void)hem_stream_close(&b);
        }
    }
    return 0;
}

VIRTUAL_TEST(put_without_memory_takes_nothing)
{
    static char many[200000];
    static int (*const ways[])(hem_stream *,
                               hem_stream *) = {pair, hem_socket_pair, layered};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        for (size_t at = 1; at < 6; at++) {
            hem_stream a, b;
            check_int(ways[i](&a, &b), 0);
            ledger_fail_at(at);
            int rc = hem_stream_put(&b, many, 10);
            ledger_fail_at(0);
            check(rc == 0 || rc == HEM_ENOMEM);
            size_t kept = i == 1 ? hem_stream_pending(&b) : 0;
            check_int(hem_stream_bytes_written(&b) + kept, rc == 0 ? 10 : 0);
            check(kept == 0 || evil_io());
            check_int(hem_stream_put(&b, many, sizeof(many)), 0);
            size_t all = (size_t)hem_stream_bytes_written(&b) +
                         (i == 1 ? hem_stream_pending(&b) : 0);
            check_int(all, sizeof(many) + (rc == 0 ? 10 : 0));
            check_int(hem_stream_abort(&a), 0);
            check_int(hem_stream_abort(&b), 0);
        }
    }
    return 0;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t n = sizeof(value);
    check_int(getsockopt(fd, level, name, &value, &n), 0);
    return value;
}

VIRTUAL_TEST(connections_find_out_that_the_peer_has_vanished)
{
    hem_stream ends[2];
    net_open_pair(&ends[0], &ends[1]);
    for (size_t i = 0; i < 2; i++) {
        hem_stream_info info;
        check_int(hem_stream_get_info(&ends[i], &info), 0);
        check_int(option(info.fd, SOL_SOCKET, SO_KEEPALIVE), 1);
        check_int(option(info.fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
        check_int(option(info.fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
        hem_stream_limits limits = {.write_stall = HEM_NEVER};
        check_int(hem_stream_set_limits(&ends[i], &limits), 0);
        check_int(option(info.fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
        limits.write_stall = 1500 * HEM_USEC;
        check_int(hem_stream_set_limits(&ends[i], &limits), 0);
        check_int(option(info.fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 2);
        check_int(hem_stream_set_limits(&ends[i], NULL), 0);
        check_int(option(info.fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
    }
    check_int(hem_stream_close(&ends[0]), 0);
    check_int(hem_stream_close(&ends[1]), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(opening_without_memory_opens_nothing),
        LEDGER_TEST(put_without_memory_takes_nothing),
        LEDGER_TEST(connections_find_out_that_the_peer_has_vanished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
