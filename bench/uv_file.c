/* SPDX-License-Identifier: MIT */
/*
 * Files of 4 KiB and of 1 MiB, read whole, on libuv: open, stat, read, close.
 * Prints what hem_file.c does, as far as it goes.
 *
 *     uv_file [DIRECTORY]      for the files; default /tmp
 */
#define _GNU_SOURCE 1

#include <fcntl.h>
#include <unistd.h>

#include "uv_bench.h"

static char path[256];
static unsigned long left;
static uv_fs_t req;
static uv_file file;
static char *data;
static uv_buf_t buf;

static void on_open(uv_fs_t *r);

static void next(uv_loop_t *loop)
{
    if (left-- > 0)
        uv_need(uv_fs_open(loop, &req, path, O_RDONLY, 0, on_open), "open");
}

static void on_close(uv_fs_t *r)
{
    uv_need((int)r->result, "close");
    uv_fs_req_cleanup(r);
    free(data);
    next(r->loop);
}

static void on_read(uv_fs_t *r)
{
    if (r->result != (ssize_t)buf.len)
        exit(1);
    uv_fs_req_cleanup(r);
    uv_need(uv_fs_close(r->loop, &req, file, on_close), "close");
}

static void on_stat(uv_fs_t *r)
{
    uv_need((int)r->result, "stat");
    unsigned size = (unsigned)r->statbuf.st_size;
    uv_fs_req_cleanup(r);
    data = malloc(size);
    if (!data)
        exit(1);
    buf = uv_buf_init(data, size);
    uv_need(uv_fs_read(r->loop, &req, file, &buf, 1, 0, on_read), "read");
}

static void on_open(uv_fs_t *r)
{
    file = uv_need((int)r->result, "open");
    uv_fs_req_cleanup(r);
    uv_need(uv_fs_fstat(r->loop, &req, file, on_stat), "stat");
}

static void make_file(size_t size)
{
    int fd = mkstemp(path);
    if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
        exit(1);
    close(fd);
}

static void measure(const char *name, const char *directory, size_t size,
                    unsigned long count)
{
    snprintf(path, sizeof(path), "%s/uv_file.XXXXXX", directory);
    make_file(size);
    left = count;
    uint64_t began = uv_hrtime();
    next(uv_default_loop());
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    printf("%s %.0f ns\n", name, uv_microseconds(began, count) * 1000);
    unlink(path);
}

int main(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : "/tmp";
    measure("read_all_4k", directory, 4096, 20000);
    measure("read_all_1m", directory, 1 << 20, 1000);
    return 0;
}
