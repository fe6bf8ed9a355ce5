/* SPDX-License-Identifier: MIT */
/*
 * From the target of a request to an open file that lies beneath the root.
 *
 * Two walls, either of which is enough against "..": the path is decoded once
 * and refused if it has a ".." segment; and the kernel is asked to resolve it
 * beneath the root (openat2, Linux 5.6), so that a symbolic link may point to
 * a place inside, relative to itself, but never out. Where the kernel has no
 * openat2, or a sandbox hides it, the path is walked one segment at a time
 * and no symbolic link is followed.
 *
 * Names that begin with a dot are not served: ".git", ".env", ".ssh".
 */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include <stdbool.h>

#include "request.h"

typedef struct http_path {
    char text[HTTP_TARGET_MAX + 1]; /* "a/b", "." for the root itself */
    bool slash; /* the target ended in '/': a directory is meant */
} http_path;

/*
 * Decode a target that begins with '/': the query is cut off, "%41" decoded,
 * empty and "." segments dropped. Returns 0, or the status to refuse with:
 * 400 for a bad escape or a NUL, 404 for a segment that begins with a dot.
 */
int http_path_decode(http_path *ret, http_slice target);

/*
 * Open `path`, as decoded, beneath the directory `root` to be read. It may be
 * of any type; opening a FIFO does not block. Returns a descriptor or a
 * negated errno, EXDEV or ELOOP for a link that leads out.
 */
int http_path_open(int root, const char *path);

/* The second way of http_path_open(): no link is followed. */
int http_path_open_by_steps(int root, const char *path);

#endif
