/* SPDX-License-Identifier: MIT */
#ifndef HEM__SERVICE_RESIDENT_H
#define HEM__SERVICE_RESIDENT_H

#include <stddef.h>
#include <sys/types.h>

/* How many bytes of memory the process has resident; 0: it is not known. */
size_t hem__resident_bytes(pid_t pid);

#endif
