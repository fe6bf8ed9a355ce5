/* SPDX-License-Identifier: MIT */
/* Unix sockets: a directory for their files, and plain, blocking peers. */
#ifndef SUPPORT_UNIX_NET_H
#define SUPPORT_UNIX_NET_H

#include <stddef.h>

/* Make a directory of the test's own; the first: and `path` a name in it. */
void unix_begin(char path[64]);
void unix_end(void);

/* A plain socket bound to the path ("@name": abstract), not listening; and a
 * file at the path that such a socket has left. */
int unix_bind(const char *path);
void unix_leave(const char *path);

/* A plain socket connected to the path; negative: the negated errno. */
int unix_connect(const char *path);

#endif
