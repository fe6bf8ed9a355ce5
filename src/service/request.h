/* SPDX-License-Identifier: MIT */
/*
 * The head of an HTTP request, as far as pages for operators need it: its
 * method and its path. All of it is checked nevertheless: what is not as RFC
 * 9112 has it is refused, and so is a body.
 */
#ifndef HEM__SERVICE_REQUEST_H
#define HEM__SERVICE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#define HEM__HEAD_MAX 8192

typedef struct hem__request {
    bool head;        /* the method is HEAD, not GET */
    const char *path; /* without the query; in the head */
    size_t path_size;
} hem__request;

/*
 * Look for the end of the head in the first `n` bytes. Returns its size, with
 * the empty line; 0: not there yet; -400: it will be none; -431: longer than
 * HEM__HEAD_MAX. `*seen`, 0 at first, is where to go on.
 */
int hem__head_scan(const char *bytes, size_t n, size_t *seen);

/* Read a head of `n` bytes, for which the scan found the end. Returns 200, or
 * the status to refuse it with: 400, 405, 505. */
int hem__head_parse(hem__request *ret, const char *bytes, size_t n);

#endif
