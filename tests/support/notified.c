/* SPDX-License-Identifier: MIT */
#include "notified.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "support.h"

int notified_begin(const char *name)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    memcpy(sa.sun_path, name, length);
    if (*name == '@')
        sa.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    length += offsetof(struct sockaddr_un, sun_path) + (*name != '@');
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, (socklen_t)length) < 0)
        abort();
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

void notified_end(int fd)
{
    unsetenv("NOTIFY_SOCKET");
    close(fd);
}

int notified_take(int fd, char *text, int *fds, size_t *count)
{
    union {
        struct cmsghdr align;
        char bytes[2048];
    } control;
    struct iovec v = {text, NOTIFIED_BYTES - 1};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    text[n > 0 ? n : 0] = '\0';
    struct cmsghdr *c = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;
    size_t got = c ? (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;
    if (!fds)
        check_int(got, 0);
    else if (check(got <= *count)) {
        if (got > 0)
            memcpy(fds, CMSG_DATA(c), got * sizeof(int));
        *count = got;
    }
    return (int)n;
}

bool notified_check(int fd, const char *text, const char *file, int line)
{
    char got[NOTIFIED_BYTES];
    if (notified_take(fd, got, NULL, NULL) < 0)
        return check_that(false, "a datagram is there", file, line);
    return check_string(got, text, "the datagram", file, line);
}
