/* SPDX-License-Identifier: MIT */
/* The CPUs that a process may use. */
#ifndef HEM__SERVICE_CPUS_H
#define HEM__SERVICE_CPUS_H

#include <stdint.h>

/* The least quota of this process' cgroups, in whole CPUs, rounded up; at least
 * 1; UINT32_MAX: none. /proc and what is mounted is looked for below `root`,
 * "" in earnest. */
uint32_t hem__cpu_quota(const char *root);

#endif
