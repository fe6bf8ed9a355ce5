/* SPDX-License-Identifier: MIT */
/* Pid files in an upgrade: the new program is to write its own at the path,
 * while this one's remains for as long as it lives. */
#ifndef HEM__SERVICE_PID_FILE_H
#define HEM__SERVICE_PID_FILE_H

#include "hem/daemon.h"

/* Rename it to PATH.old, held as before; whoever comes may create one at PATH.
 * hem_pid_file_remove() removes that at PATH.old then. HEM_ENOENT: it is there
 * no more; HEM_EACCES, ... of rename(): it is where it was. One that is not
 * there, or was set aside, 0. */
int hem__pid_file_set_aside(hem_pid_file *p);

/* Undo that. HEM_EEXIST: another process holds a file at PATH by now, or what
 * is there is no regular file; as with hem_pid_file_create(). It stays aside
 * then. */
int hem__pid_file_put_back(hem_pid_file *p);

#endif
