/* SPDX-License-Identifier: MIT */
/* A socket in systemd's stead, which is told how a service is. */
#ifndef SUPPORT_NOTIFIED_H
#define SUPPORT_NOTIFIED_H

#include <stdbool.h>
#include <stddef.h>

#define NOTIFIED_BYTES 4096

/*
 * Bind one to the path, or, behind `@`, to the abstract name, and have
 * $NOTIFY_SOCKET name it. Closed by notified_end(), which removes that.
 */
int notified_begin(const char *name);
void notified_end(int fd);

/* Take the next datagram, if there is one: its length, -1 without. The
 * descriptors that came with it go to `fds`, at most `*count`, which becomes
 * their number; NULL: there must be none. */
int notified_take(int fd, char *text, int *fds, size_t *count);

/* The next datagram, which must be there, is `text`. */
#define check_notified(fd, text)                                               \
    notified_check((fd), (text), __FILE__, __LINE__)
bool notified_check(int fd, const char *text, const char *file, int line);

#endif
