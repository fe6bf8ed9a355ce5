/* SPDX-License-Identifier: MIT */
#include "service/resident.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/sys.h"

/* The second number of /proc/PID/statm, in pages. */
static size_t parse(const char *text)
{
    char *end;
    (void)strtoul(text, &end, 10);
    return (size_t)strtoul(end, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

size_t hem__resident_bytes(pid_t pid)
{
    char path[32], text[128];
    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    int fd = hem__sys_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    ssize_t n = hem__sys_read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    return parse(text);
}
