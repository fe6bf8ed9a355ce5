/* SPDX-License-Identifier: MIT */
/* Pid files in an upgrade. */
#ifndef HEM__SERVICE_PID_FILE_H
#define HEM__SERVICE_PID_FILE_H

#include "hem/daemon.h"

/* hem_pid_file_create(), but a file that process `from` holds is replaced like
 * one that nobody holds; its hem_pid_file_remove() leaves ours alone then. */
int hem__pid_file_take_over(hem_pid_file *p, const char *path, pid_t from);

#endif
