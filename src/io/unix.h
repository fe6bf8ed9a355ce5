/* SPDX-License-Identifier: MIT */
/* Addresses of Unix sockets, and the files that go with them. */
#ifndef HEM__IO_UNIX_H
#define HEM__IO_UNIX_H

#include "hem/address.h"

/* The address that `path` means: "@name" is abstract. HEM_EINVAL,
 * HEM_ENAMETOOLONG. */
int hem__unix_address(hem_address *ret, const char *path);

/* The text of hem_address_format(). */
void hem__unix_format(const hem_address *a, char *buf);

/* Which file a path leads to; inode 0: none. */
typedef struct hem__unix_file {
    uint64_t device;
    uint64_t inode;
} hem__unix_file;

/*
 * Bind `fd` to the address `a`, replacing a socket file that nobody answers
 * at, and make its file have the permissions `mode` (0: those of the umask).
 * `*ret` tells which file it is, none for an abstract name. HEM_EADDRINUSE,
 * HEM_EEXIST; on an error there is no file.
 */
int hem__unix_bind(int fd, const hem_address *a, mode_t mode,
                   hem__unix_file *ret);

/* Which file is at the address: none for an abstract name, or one of another
 * family. HEM_ENOENT, ... */
int hem__unix_find(const hem_address *a, hem__unix_file *ret);

/* Remove the file at the address if it is this one. */
void hem__unix_remove(const hem_address *a, const hem__unix_file *file);

#endif
