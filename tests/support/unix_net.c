/* SPDX-License-Identifier: MIT */
#include "unix_net.h"

#include "support.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static char directory[] = "/tmp/hem-test-XXXXXX";

void unix_begin(char path[64])
{
    memcpy(strchr(directory, '-') + 6, "XXXXXX", 6);
    check(mkdtemp(directory) != NULL);
    snprintf(path, 64, "%s/socket", directory);
}

void unix_end(void)
{
    check_int(rmdir(directory), 0); /* empty: no file is left */
}

static socklen_t address(struct sockaddr_un *sa, const char *path)
{
    *sa = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t length = strlen(path);
    check(length < sizeof(sa->sun_path));
    memcpy(sa->sun_path, path, length);
    if (path[0] == '@')
        sa->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length +
                       (path[0] != '@'));
}

int unix_bind(const char *path)
{
    struct sockaddr_un sa;
    socklen_t length = address(&sa, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check_int(bind(fd, (struct sockaddr *)&sa, length), 0);
    return fd;
}

void unix_leave(const char *path)
{
    close(unix_bind(path));
}

int unix_connect(const char *path)
{
    struct sockaddr_un sa;
    socklen_t length = address(&sa, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0);
    if (connect(fd, (struct sockaddr *)&sa, length) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}
