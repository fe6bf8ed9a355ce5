/* SPDX-License-Identifier: MIT */
/* Descriptors handed over when the program was started, as sd_listen_fds(3) has
 * it; some of them by their names. */
#ifndef HEM__IO_INHERITED_H
#define HEM__IO_INHERITED_H

#include <stddef.h>

/* Those whose names begin so are hem's own: hem_inherited_sockets() leaves
 * them. */
#define HEM__INHERITED_OWN "hem-"

/* The name of one that was taken and is open under its number still; NULL: it
 * came without, or this is another. */
const char *hem__inherited_name(int fd);

/* See hem_inherited_fd() in notify.h. */
int hem__inherited_take(const char *name, size_t i);

#endif
