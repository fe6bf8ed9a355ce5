/* SPDX-License-Identifier: MIT */
/*
 * The floor under files: what the system calls take that a thread of its own
 * would make, with no loop to hold up.
 *
 *     floor_file [DIRECTORY]    for the files; default /tmp
 */
#define _GNU_SOURCE 1

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wall.h"

struct subject {
    char path[256];
    size_t size;
    uint64_t ops; /* in a batch */
    int fd;
    char *buffer;
};

static int read_one(const struct subject *s)
{
    struct stat st;
    int fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return -errno;
    char *all = malloc((size_t)st.st_size + 1);
    if (!all || read(fd, all, (size_t)st.st_size + 1) != st.st_size)
        return -1;
    free(all);
    return close(fd);
}

static int read_all(void *arg)
{
    const struct subject *s = arg;
    int rc = 0;
    for (uint64_t i = 0; i < s->ops && rc == 0; i++)
        rc = read_one(s);
    return rc;
}

static int pread_all(void *arg)
{
    const struct subject *s = arg;
    for (uint64_t i = 0; i < s->ops; i++) {
        if (pread(s->fd, s->buffer, s->size, 0) != (ssize_t)s->size)
            return -1;
    }
    return 0;
}

static int pwrite_all(void *arg)
{
    const struct subject *s = arg;
    for (uint64_t i = 0; i < s->ops; i++) {
        if (pwrite(s->fd, s->buffer, s->size, 0) != (ssize_t)s->size)
            return -1;
    }
    return 0;
}

static int measure(const char *directory, size_t size, const char *unit)
{
    struct subject s = {.size = size, .ops = (64 << 20) / (size + 60000)};
    char name[100];
    snprintf(s.path, sizeof(s.path), "%.200s/floor-bench-%d", directory,
             (int)getpid());
    s.buffer = calloc(1, size);
    s.fd = open(s.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (!s.buffer || s.fd < 0 || pwrite_all(&s) < 0)
        return -1;
    snprintf(name, sizeof(name), "read_all_%s", unit);
    int rc = wall_measure(name, read_all, &s, s.ops);
    snprintf(name, sizeof(name), "pread_%s", unit);
    if (rc == 0)
        rc = wall_measure(name, pread_all, &s, s.ops);
    snprintf(name, sizeof(name), "pwrite_%s", unit);
    if (rc == 0)
        rc = wall_measure(name, pwrite_all, &s, s.ops);
    close(s.fd);
    free(s.buffer);
    return unlink(s.path) < 0 ? -1 : rc;
}

int main(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : "/tmp";
    return measure(directory, 4096, "4k") < 0 ||
           measure(directory, 1 << 20, "1m") < 0;
}
