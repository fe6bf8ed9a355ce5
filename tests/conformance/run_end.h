/* SPDX-License-Identifier: MIT */
/*
 * The end of a run, as the trace knows it: corpus/SPEC.md, section 7. When main
 * has ended, the tasks that are left are cancelled and awaited; a few turns
 * later the run is over, and tasks spawned meanwhile are dropped. hem drops
 * nothing: it cancels and awaits those as well, which no trace shows.
 */
#ifndef CONFORMANCE_RUN_END_H
#define CONFORMANCE_RUN_END_H

#include "tasks.h"

void run_end_task_created(struct task *t);
void run_end_task_refused(const struct task *t);

/* Called as the task's `end` is written, by its function or, `in_callback`, a
 * turn later. */
void run_end_task_ended(const struct task *t, bool in_callback);

/* Main has ended and all others were cancelled. */
void run_end_begin(void);

#endif
