/* SPDX-License-Identifier: MIT */
/*
 * Records of failures, inside: made, put into groups, handed from task to
 * task. A NULL record stands for one that memory lacked for.
 */
#ifndef HEM__TASK_FAILURE_H
#define HEM__TASK_FAILURE_H

#include "base/list.h"
#include "hem/failure.h"
#include "hem/task.h"

/* A record, held, of the failed task `t`: its own, or one that says no more
 * than its status. */
hem_error *hem__error_of(hem_task *t);

/* A record, held, that says no more than that `t` failed with `code`. */
hem_error *hem__error_bare(const hem_task *t, int code);

/* A group without members, held, of task `t`. */
hem_error *hem__error_group(const hem_task *t);

/* Add a member, whose hold is taken over. `group` may be NULL. */
void hem__error_add(hem_error *group, hem_error *member);

/* Make `e`, whose hold is taken over, the record of `t`. */
void hem__error_record(hem_task *t, hem_error *e);

/* Give `e`, the record of an error `status` or NULL, to the tasks among those who
 * wait for an outcome. */
void hem__error_tell(const hem_error *e, int status, const hem__list *waiters);

/* Give the record of the failed task `t` to `to` as well. */
void hem__error_share(hem_task *to, const hem_task *t);

#endif
