/* SPDX-License-Identifier: MIT */
/* The new program's side of an upgrade. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "service/upgrade.h"

/* A number of digits alone; -1: it is none. */
static long parse_number(const char *text)
{
    char *end;
    if (!text || text[0] < '0' || text[0] > '9')
        return -1;
    long n = strtol(text, &end, 10);
    return *end == '\0' && n < INT32_MAX ? n : -1;
}

int hem__upgrade_take(void)
{
    int fd = (int)parse_number(getenv(HEM__UPGRADE_FD));
    if (fd < 0 || parse_number(getenv(HEM__UPGRADE_PID)) != getpid())
        return -1;
    unsetenv(HEM__UPGRADE_FD);
    unsetenv(HEM__UPGRADE_PID);
    struct stat st;
    if (hem__sys_fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) ||
        hem__sys_fcntl_set_fd(fd, FD_CLOEXEC) < 0 ||
        hem__sys_fcntl_set(fd, O_NONBLOCK) < 0) {
        hem_log(HEM_LOG_WARNING, "upgrade: $" HEM__UPGRADE_FD " is no socket");
        return -1;
    }
    return fd;
}

void hem__upgrade_say_ready(int fd)
{
    static const char text[] = HEM__UPGRADE_READY;
    ssize_t n;
    do {
        n = hem__sys_send(fd, text, strlen(text), MSG_NOSIGNAL);
    } while (n == HEM_EINTR);
    if (n < 0)
        hem_log(HEM_LOG_INFO, "upgrade: the old program is gone: %s",
                hem_strerror((int)n));
    close(fd);
}
