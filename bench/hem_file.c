/* SPDX-License-Identifier: MIT */
/*
 * Files that the kernel has in memory: of 4 KiB and of 1 MiB, read whole, that
 * is opened, read into new memory, closed; and read at an offset from an open
 * file. Then 4 KiB written at an offset.
 *
 *     hem_file [DIRECTORY]      for the files; default /tmp
 */
#include "hem_bench.h"
#include "wall.h"

struct subject {
    char path[256];
    size_t size;
    uint64_t ops; /* in a batch */
    hem_file file;
    char *buffer;
};

static int read_all(void *arg)
{
    struct subject *s = arg;
    for (uint64_t i = 0; i < s->ops; i++) {
        char *all;
        HEM_TRY(hem_file_read_all(s->path, &all, NULL));
        hem_free(all);
    }
    return 0;
}

static int pread_all(void *arg)
{
    struct subject *s = arg;
    for (uint64_t i = 0; i < s->ops; i++)
        HEM_TRY(hem_file_pread(&s->file, s->buffer, s->size, 0));
    return 0;
}

static int pwrite_all(void *arg)
{
    struct subject *s = arg;
    for (uint64_t i = 0; i < s->ops; i++)
        HEM_TRY(hem_file_pwrite(&s->file, s->buffer, s->size, 0));
    return 0;
}

static int measure_size(const char *directory, size_t size, const char *unit)
{
    struct subject s = {.size = size, .ops = (64 << 20) / (size + 60000)};
    char name[100];
    snprintf(s.path, sizeof(s.path), "%.200s/hem-bench-%d", directory,
             (int)getpid());
    s.buffer = calloc(1, size);
    if (!s.buffer)
        return HEM_ENOMEM;
    HEM_TRY(hem_file_write_all(s.path, s.buffer, size, NULL));
    HEM_TRY(hem_file_open(&s.file, s.path, O_RDWR, NULL));
    snprintf(name, sizeof(name), "read_all_%s", unit);
    HEM_TRY(wall_measure(name, read_all, &s, s.ops));
    snprintf(name, sizeof(name), "pread_%s", unit);
    HEM_TRY(wall_measure(name, pread_all, &s, s.ops));
    snprintf(name, sizeof(name), "pwrite_%s", unit);
    HEM_TRY(wall_measure(name, pwrite_all, &s, s.ops));
    HEM_TRY(hem_file_close(&s.file));
    free(s.buffer);
    return hem_unlink(s.path);
}

static int measure(void *arg)
{
    HEM_TRY(measure_size(arg, 4096, "4k"));
    return measure_size(arg, 1 << 20, "1m");
}

int main(int argc, char **argv)
{
    static char directory[] = "/tmp";
    return bench_exit(argv,
                      hem_run(measure, argc > 1 ? argv[1] : directory, NULL));
}
