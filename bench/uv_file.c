/* SPDX-License-Identifier: MIT */
/*
 * What reading a file costs on libuv: open, stat, read all, close.
 *
 *     uv_file FILE COUNT             prints `file_read US us`
 */
#define _GNU_SOURCE 1

#include <fcntl.h>

#include "uv_bench.h"

static const char *path;
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

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    path = argv[1];
    unsigned long count = left = strtoul(argv[2], NULL, 10);
    uint64_t began = uv_hrtime();
    next(uv_default_loop());
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    printf("file_read %.3f us\n", uv_microseconds(began, count));
    return 0;
}
