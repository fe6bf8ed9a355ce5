/* SPDX-License-Identifier: MIT */
/* Functions of children of scopes. Not in support.h: their names are plain. */
#ifndef SUPPORT_CHILDREN_H
#define SUPPORT_CHILDREN_H

/* Sleep for a hem_ns; for a second. */
int sleep_for(void *arg);
int sleep_long(void *arg);

/* Sleep for a second, to be cancelled; then need 10 to clean up. */
int end_slowly(void *arg);

#endif
