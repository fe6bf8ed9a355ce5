/* SPDX-License-Identifier: MIT */
/*
 * The files of Unix datagram sockets. A socket that nobody has any more is
 * replaced; what is no socket, or answers, is left alone. At the close the file
 * is removed only if it is still the one that was made.
 */
#include <string.h>
#include <sys/un.h>

#include "base/sys.h"
#include "io/datagram.h"

#define NAME_AT offsetof(struct sockaddr_un, sun_path)

int hem__datagram_path_address(hem_address *ret, const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t size = strnlen(path, sizeof(sa.sun_path));
    bool is_abstract = path[0] == '@';
    if (size <= is_abstract)
        return HEM_EINVAL;
    if (size == sizeof(sa.sun_path))
        return HEM_ENAMETOOLONG;
    memcpy(sa.sun_path, path, size);
    if (is_abstract)
        sa.sun_path[0] = '\0';
    memset(ret, 0, sizeof(*ret));
    memcpy(&ret->storage, &sa, sizeof(sa));
    ret->length = (socklen_t)(NAME_AT + size + !is_abstract);
    return 0;
}

/* Whether it is a socket that nobody has. */
static bool is_stale(const char *path, const hem_address *a)
{
    struct stat s;
    if (hem__sys_lstat(path, &s) < 0 || !S_ISSOCK(s.st_mode))
        return false;
    int fd =
        hem__sys_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    int rc =
        hem__sys_connect(fd, (const struct sockaddr *)&a->storage, a->length);
    close(fd);
    return rc == HEM_ECONNREFUSED;
}

static int bind_to(int fd, const hem_address *a)
{
    return hem__sys_bind(fd, (const struct sockaddr *)&a->storage, a->length);
}

int hem__datagram_path_bind(hem_datagram *d, int fd, const hem_address *a)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    memcpy(&sa, &a->storage, a->length < sizeof(sa) ? a->length : sizeof(sa));
    int rc = bind_to(fd, a);
    if (a->length <= NAME_AT || sa.sun_path[0] == '\0')
        return rc;
    if (rc == HEM_EADDRINUSE && is_stale(sa.sun_path, a)) {
        rc = hem__sys_unlink(sa.sun_path);
        if (rc == 0 || rc == HEM_ENOENT)
            rc = bind_to(fd, a);
    }
    struct stat s;
    if (rc < 0 || hem__sys_lstat(sa.sun_path, &s) < 0)
        return rc;
    d->bound = true;
    d->device = s.st_dev;
    d->inode = s.st_ino;
    memcpy(d->path, sa.sun_path, sizeof(d->path));
    return 0;
}

void hem__datagram_path_remove(hem_datagram *d)
{
    struct stat s;
    if (!d->bound)
        return;
    d->bound = false;
    if (lstat(d->path, &s) == 0 && s.st_dev == d->device &&
        s.st_ino == d->inode)
        (void)unlink(d->path);
}
