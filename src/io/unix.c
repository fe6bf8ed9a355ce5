/* SPDX-License-Identifier: MIT */
/*
 * Unix sockets. The file of one remains when its process has gone without
 * removing it; so bind() fails on it for ever. It is replaced if it is a socket
 * and connecting to it is refused; and it must still be the same file right
 * before it is removed, which leaves those who race for the same path a moment
 * of microseconds: the kernel has nothing that would close it.
 *
 * A file is told by device and inode, so that what is removed at the end is
 * what was made.
 */
#include "io/unix.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/sys.h"
#include "hem/error.h"

#define HEADER         offsetof(struct sockaddr_un, sun_path)
#define PATH_MAX_BYTES 107 /* and a NUL */

int hem_address_unix(hem_address *ret, const char *path, size_t length)
{
    if (length == 0)
        return HEM_EINVAL;
    if (length > PATH_MAX_BYTES)
        return HEM_ENAMETOOLONG;
    bool abstract = path[0] == '\0';
    if (!abstract && memchr(path, '\0', length))
        return HEM_EINVAL;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(sa.sun_path, path, length);
    memset(ret, 0, sizeof(*ret));
    memcpy(&ret->storage, &sa, sizeof(sa));
    ret->length = (socklen_t)(HEADER + length + !abstract);
    return 0;
}

int hem__unix_address(hem_address *ret, const char *path)
{
    size_t length = strnlen(path, PATH_MAX_BYTES + 1);
    HEM_TRY(hem_address_unix(ret, path, length));
    if (path[0] != '@')
        return 0;
    char name[PATH_MAX_BYTES];
    memcpy(name, path, length);
    name[0] = '\0';
    return hem_address_unix(ret, name, length);
}

/* The name in an address of the kernel's: how long, without the NUL at the end
 * of a path. */
static size_t get_name(const hem_address *a, struct sockaddr_un *ret)
{
    size_t length = a->length < sizeof(*ret) ? a->length : sizeof(*ret);
    memset(ret, 0, sizeof(*ret));
    memcpy(ret, &a->storage, length);
    if (length <= HEADER)
        return 0;
    length -= HEADER;
    return ret->sun_path[0] ? strnlen(ret->sun_path, length) : length;
}

void hem__unix_format(const hem_address *a, char *buf)
{
    struct sockaddr_un sa;
    size_t length = get_name(a, &sa);
    char *at = stpcpy(buf, "unix:");
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)sa.sun_path[i];
        if (i == 0 && c == '\0')
            *at++ = '@';
        else if (c < ' ' || c > '~' || c == '\\' || (i == 0 && c == '@'))
            at += sprintf(at, "\\x%02x", c);
        else
            *at++ = (char)c;
    }
    *at = '\0';
}

/* The path of an address as a string; NULL: it is abstract. */
static const char *get_path(const hem_address *a, struct sockaddr_un *ret)
{
    size_t length = get_name(a, ret);
    if (length == 0 || length > PATH_MAX_BYTES || ret->sun_path[0] == '\0')
        return NULL;
    ret->sun_path[length] = '\0';
    return ret->sun_path;
}

static int look_at(const char *path, struct stat *ret)
{
    return hem__sys_lstat(path, ret);
}

static bool is_same(const struct stat *st, const hem__unix_file *file)
{
    return st->st_dev == file->device && st->st_ino == file->inode;
}

int hem__unix_find(const hem_address *a, hem__unix_file *ret)
{
    struct sockaddr_un sa;
    struct stat st = {.st_ino = 0};
    bool is_unix = a->storage.ss_family == AF_UNIX;
    const char *path = is_unix ? get_path(a, &sa) : NULL;
    if (path)
        HEM_TRY(look_at(path, &st));
    *ret = (hem__unix_file){st.st_dev, st.st_ino};
    return 0;
}

/* Remove the socket file at the path if it is this one; 0 also if it has gone. */
static int remove_file(const char *path, const hem__unix_file *file)
{
    struct stat st;
    int rc = look_at(path, &st);
    if (rc == HEM_ENOENT)
        return 0;
    HEM_TRY(rc);
    if (!S_ISSOCK(st.st_mode) || !is_same(&st, file))
        return HEM_EADDRINUSE;
    rc = hem__sys_unlink(path);
    return rc == HEM_ENOENT ? 0 : rc;
}

void hem__unix_remove(const hem_address *a, const hem__unix_file *file)
{
    struct sockaddr_un sa;
    const char *path = get_path(a, &sa);
    if (path && file->inode)
        (void)remove_file(path, file);
}

/* Whether to connect to `a` is refused: HEM_ECONNREFUSED. Another error, or 0:
 * somebody is there, or it cannot be known. */
static int probe(const hem_address *a)
{
    int fd =
        hem__sys_socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int rc =
        hem__sys_connect(fd, (const struct sockaddr *)&a->storage, a->length);
    close(fd);
    return rc;
}

/* Something is at the path: remove it if it is a leftover. */
static int clear_path(const hem_address *a, const char *path)
{
    struct stat st;
    int rc = look_at(path, &st);
    if (rc == HEM_ENOENT)
        return 0; /* just gone */
    HEM_TRY(rc);
    if (!S_ISSOCK(st.st_mode))
        return HEM_EEXIST;
    rc = probe(a);
    if (rc == HEM_ENOENT)
        return 0;
    if (rc != HEM_ECONNREFUSED)
        return rc == HEM_EMFILE || rc == HEM_ENFILE || rc == HEM_ENOMEM
                   ? rc
                   : HEM_EADDRINUSE;
    hem__unix_file file = {st.st_dev, st.st_ino};
    return remove_file(path, &file);
}

static int bind_to(int fd, const hem_address *a)
{
    return hem__sys_bind(fd, (const struct sockaddr *)&a->storage, a->length);
}

/* Give the file what the umask has taken from `mode`. */
static int set_mode(const char *path, const struct stat *st, mode_t mode)
{
    if (mode == 0 || (st->st_mode & 07777) == mode)
        return 0;
    return hem__sys_chmod(path, mode);
}

int hem__unix_bind(int fd, const hem_address *a, mode_t mode,
                   hem__unix_file *ret)
{
    *ret = (hem__unix_file){.inode = 0};
    struct sockaddr_un sa;
    const char *path = get_path(a, &sa);
    if (!path)
        return bind_to(fd, a);
    if (mode) /* bind() makes the file with these, less the umask */
        HEM_TRY(hem__sys_fchmod(fd, mode & 07777));
    int rc = bind_to(fd, a);
    if (rc == HEM_EADDRINUSE) {
        HEM_TRY(clear_path(a, path));
        rc = bind_to(fd, a);
    }
    HEM_TRY(rc);
    struct stat st;
    rc = look_at(path, &st);
    if (rc < 0) {
        (void)unlink(path); /* the moment it was made */
        return rc;
    }
    *ret = (hem__unix_file){st.st_dev, st.st_ino};
    rc = set_mode(path, &st, mode & 07777);
    if (rc < 0)
        hem__unix_remove(a, ret);
    return rc;
}
