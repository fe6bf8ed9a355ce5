/* SPDX-License-Identifier: MIT */
/* Streams: sending files. */
#include "support.h"

#include <sys/mman.h>

#include "net.h"

#define MANY ((size_t)16 << 20) /* more than the kernel takes */

static char many[MANY];

/* A file in memory with `size` bytes of `many`, whose contents tell where they
 * are from. */
static int open_file(size_t size)
{
    for (size_t i = 0; i < MANY; i++)
        many[i] = (char)(i * 31 + (i >> 8) * 7 + (i >> 16));
    int fd = memfd_create("test", MFD_CLOEXEC);
    check_int(write(fd, many, size), size);
    return fd;
}

static uint64_t written(const hem_stream *s)
{
    hem_stream_info info = {.fd = -1};
    check_int(hem_stream_get_info(s, &info), 0);
    return info.bytes_written;
}

static int write_many(void *arg)
{
    ssize_t n = hem_stream_write(arg, many, MANY);
    return n < 0 ? (int)n : 0;
}

VIRTUAL_TEST(send_file_sends_a_part_of_a_file)
{
    hem_stream s;
    int file = open_file(100000);
    int peer = net_open(&s, 0);
    check_int(hem_stream_send_file(&s, file, 0, 100000), 100000);
    net_expect(peer, many, 100000);
    check_int(hem_stream_send_file(&s, file, 99990, 10), 10);
    net_expect(peer, many + 99990, 10);
    check_int(hem_stream_send_file(&s, file, 5, 0), 0);
    check_int(hem_stream_send_file(&s, file, 5, 1), 1);
    net_expect(peer, many + 5, 1);
    check_int(written(&s), 100011);
    check_int(lseek(file, 0, SEEK_CUR), 100000);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    close(file);
    return 0;
}

/* A file that is 10 bytes too short must not make it wait for the peer. */
static void check_short_file(hem_stream *s, int peer, int file)
{
    hem_timeout timeout;
    uint64_t before = written(s);
    check_int(hem_timeout_open(&timeout, HEM_SEC), 0);
    int rc = (int)hem_stream_send_file(s, file, 90, 20);
    check_int(hem_timeout_close(&timeout, rc), HEM_EINCOMPLETE);
    check_int(written(s), before + 10);
    net_expect(peer, many + 90, 10);
    check_int(hem_stream_send_file(s, file, 100, 1), HEM_EINCOMPLETE);
    check_int(hem_stream_send_file(s, file, 1000, 1), HEM_EINCOMPLETE);
    check_int(written(s), before + 10);
}

VIRTUAL_TEST(send_file_tells_that_the_file_has_ended)
{
    hem_stream s;
    hem_task *t;
    int file = open_file(100);
    int peer = net_open(&s, 0);
    check_short_file(&s, peer, file);
    check_int(hem_spawn(&t, write_many, &s), 0);
    net_settle();
    check_str(hem_task_waits_for(t), "write");
    net_expect(peer, many, MANY);
    check_int(hem_await(t), 0);
    check_short_file(&s, peer, file); /* having waited before */
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    close(file);
    return 0;
}

VIRTUAL_TEST(send_file_says_what_is_wrong_with_the_file)
{
    hem_stream s;
    int ends[2];
    int peer = net_open(&s, 0);
    int file = open_file(10);
    check_int(pipe(ends), 0);
    check_int(hem_stream_send_file(&s, 9999, 0, 1), HEM_EBADF);
    check_int(hem_stream_send_file(&s, file, -1, 1), HEM_EINVAL);
    check(hem_stream_send_file(&s, ends[0], 0, 1) < 0);
    check_int(written(&s), 0);
    check_int(hem_stream_write(&s, "fine", 4), 4);
    check(net_hears(peer, "fine"));
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    close(file);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(send_file_sends_a_part_of_a_file),
        LEDGER_TEST(send_file_tells_that_the_file_has_ended),
        LEDGER_TEST(send_file_says_what_is_wrong_with_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
