/* SPDX-License-Identifier: MIT */
/* Functions of children of scopes. Not in support.h: their names are plain. */
#ifndef SUPPORT_CHILDREN_H
#define SUPPORT_CHILDREN_H

#include "hem.h"

/* Sleep for a hem_ns; for a second. */
int sleep_for(void *arg);
int sleep_long(void *arg);

/* Sleep for a second, to be cancelled; then need 10 to clean up. */
int end_slowly(void *arg);

/* Fail with HEM_EIO at 5; with HEM_EPIPE as it is cancelled. */
int fail_soon(void *arg);
int fail_as_cancelled(void *arg);

/* No request to cancel is left of what the test has done. */
void check_calm(void);

/* `s` has failed with a group of `n` errors. */
void check_errors(const hem_scope *s, size_t n);

#endif
