/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "path.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of what is opened to be served: a FIFO must not block the loop, a terminal
 * not become ours. */
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Undo the escapes of `s` into `out`. Returns the length, -1: a bad one. */
static int unescape(char *out, http_slice s)
{
    int n = 0;
    for (size_t i = 0; i < s.length; i++) {
        char c = s.at[i];
        if (c == '%') {
            if (s.length - i < 3)
                return -1;
            int high = hex_digit(s.at[i + 1]), low = hex_digit(s.at[i + 2]);
            if (high < 0 || low < 0)
                return -1;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0')
            return -1;
        out[n++] = c;
    }
    return n;
}

int http_path_decode(http_path *ret, http_slice target)
{
    assert(target.length > 0 && target.length <= HTTP_TARGET_MAX);
    const char *query = memchr(target.at, '?', target.length);
    if (query != NULL)
        target.length = (size_t)(query - target.at);
    int n = unescape(ret->text, target);
    if (n <= 0)
        return 400;
    ret->slash = ret->text[n - 1] == '/';
    /* Segments move to the front: what is written never overtakes what is
     * read, as each brings a slash of its own along. */
    const char *in = ret->text, *end = in + n;
    char *out = ret->text;
    while (in < end) {
        const char *stop = memchr(in, '/', (size_t)(end - in));
        size_t length = (size_t)((stop != NULL ? stop : end) - in);
        bool is_here = length == 1 && *in == '.';
        if (length > 0 && *in == '.' && !is_here)
            return 404;
        if (length > 0 && !is_here) {
            if (out != ret->text)
                *out++ = '/';
            memmove(out, in, length);
            out += length;
        }
        ret->slash |= is_here && stop == NULL;
        in += length + 1;
    }
    if (out == ret->text)
        *out++ = '.';
    *out = '\0';
    return 0;
}

int http_path_open_by_steps(int root, const char *path)
{
    int dir = root;
    int fd = -1;
    for (;;) {
        char name[256];
        size_t length = strcspn(path, "/");
        if (length >= sizeof(name)) {
            fd = -ENAMETOOLONG;
            break;
        }
        memcpy(name, path, length);
        name[length] = '\0';
        bool last = path[length] == '\0';
        int flags = last ? OPEN_FLAGS : O_PATH | O_DIRECTORY | O_CLOEXEC;
        fd = openat(dir, name, flags | O_NOFOLLOW);
        if (fd < 0)
            fd = -errno;
        if (fd < 0 || last)
            break;
        if (dir != root)
            close(dir);
        dir = fd;
        path += length + 1;
    }
    if (dir != root)
        close(dir);
    return fd;
}

int http_path_open(int root, const char *path)
{
    struct open_how how = {
        .flags = OPEN_FLAGS,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    /* EAGAIN: something was renamed meanwhile, the kernel is not sure. */
    for (int tries = 0; tries < 8; tries++) {
        long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
        if (fd >= 0)
            return (int)fd;
        if (errno == ENOSYS || errno == EPERM)
            return http_path_open_by_steps(root, path);
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
    }
    return -EAGAIN;
}
