/* SPDX-License-Identifier: MIT */
/* The new program's side of an upgrade. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/sys.h"
#include "service/upgrade.h"

const char *const hem__upgrade_fd_names[HEM__UPGRADE_FD_COUNT] = {
    "report", "admin", "agent"};

/* A number of digits alone, up to `end`; -1: it is none. */
static int parse_number(const char *text, const char *end)
{
    int n = 0;
    if (text == end)
        return -1;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9' || n > INT32_MAX / 10 - 1)
            return -1;
        n = 10 * n + (*text - '0');
    }
    return n;
}

/* A socket that is ours from now on; -1: it is none. */
static int take_socket(int fd)
{
    struct stat st;
    if (fd < 0 || hem__sys_fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) ||
        hem__sys_fcntl_set_fd(fd, FD_CLOEXEC) < 0 ||
        hem__sys_fcntl_set(fd, O_NONBLOCK) < 0)
        return -1;
    return fd;
}

/* Of "name=5", which ends at `end`. */
static void take_one(int ret[], const char *entry, const char *end)
{
    for (int i = 0; i < HEM__UPGRADE_FD_COUNT; i++) {
        const char *name = hem__upgrade_fd_names[i];
        size_t length = strlen(name);
        if (strncmp(entry, name, length) != 0 || entry[length] != '=')
            continue;
        ret[i] = take_socket(parse_number(entry + length + 1, end));
        if (ret[i] < 0)
            hem_log(HEM_LOG_WARNING,
                    "upgrade: %s in $" HEM__UPGRADE_FDS " is no socket", name);
    }
}

void hem__upgrade_take(int ret[HEM__UPGRADE_FD_COUNT])
{
    for (int i = 0; i < HEM__UPGRADE_FD_COUNT; i++)
        ret[i] = -1;
    const char *at = getenv(HEM__UPGRADE_FDS), *pid = getenv(HEM__UPGRADE_PID);
    if (!at || !pid || parse_number(pid, pid + strlen(pid)) != getpid())
        return;
    for (const char *end;; at = end + 1) {
        end = strchrnul(at, ':');
        take_one(ret, at, end);
        if (!*end)
            break;
    }
    unsetenv(HEM__UPGRADE_FDS);
    unsetenv(HEM__UPGRADE_PID);
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
