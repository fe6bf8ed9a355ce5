/* SPDX-License-Identifier: MIT */
/*
 * Failures: what an error code alone does not say.
 *
 * A function fails by returning a negative number. With hem_fail() it also
 * records why and where:
 *
 *     return hem_fail(HEM_EINVAL, "port %d out of range", port);
 *
 * The record goes where the error goes: to whoever awaits the task, into the
 * group of errors of the scope that the task belongs to, to the report of an
 * error that nobody handles. A task holds one record, the latest: that of its
 * own hem_fail(), or of the failure that a call handed to it (hem_await(),
 * hem_scope_close(), ...). It counts when the task fails with the same code,
 * and is dropped when it does not fail.
 *
 * Several failures at once are a group: a record with the code HEM_EGROUP and
 * the records of its members, which may be groups:
 *
 *     static void show(const hem_error *e, int depth)
 *     {
 *         printf("%*s%s in %s: %s\n", depth, "", hem_errname(e->code), e->task,
 *                e->message);
 *         for (size_t i = 0; i < e->count; i++)
 *             show(e->errors[i], depth + 2);
 *     }
 *
 * Who holds a record. One that a call hands out belongs to the task that made
 * the call, until it gets another; hem_error_hold() keeps it for longer.
 * Records belong to the thread of their loop. Callbacks have none: the functions
 * here that are about the current task abort the process where there is none.
 */
#ifndef HEM_FAILURE_H
#define HEM_FAILURE_H

#include "base.h"

HEM_BEGIN_DECLS

/* A record of a failure; all members are to be read only. */
typedef struct hem_error {
    int code;                 /* the error */
    int line;                 /* where hem_fail() was called; 0: it was not */
    const char *file;         /* static; "" */
    const char *message;      /* of hem_fail(), or what the code means */
    const char *task;         /* name of the task that failed */
    const char *spawned_file; /* where that was spawned; static */
    int spawned_line;
    size_t count; /* of a group: its members, in the order of their failing */
    const struct hem_error *const *errors;
    size_t lost;   /* members that memory lacked for */
    uint32_t refs; /* private */
} hem_error;

/*
 * Record why the current task fails and return `code`, a negative error. The
 * message is cut at 500 characters, and lost where memory lacks. A macro.
 * [loop thread]
 */
#define hem_fail(code, ...) hem_fail_at((code), __FILE__, __LINE__, __VA_ARGS__)

HEM_API int hem_fail_at(int code, const char *file, int line,
                        const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Return the record that the current task holds, NULL: none. It may be of an
 * earlier error, which was handled since: compare `code`. [loop thread] */
HEM_API const hem_error *hem_failure(void);

/*
 * Return why `error` came about, for people: the message of the record that the
 * current task holds, if it is of this error, else what the error means. Never
 * NULL; valid until the task gets another record. [loop thread]
 */
HEM_API const char *hem_failure_text(int error);

/* Keep a record, NULL included, until it is released; returns it.
 * [loop thread] */
HEM_API hem_error *hem_error_hold(const hem_error *e);

/* Give up a record that was held. NULL does nothing. [loop thread] */
HEM_API void hem_error_release(hem_error *e);

/*
 * Fail once more as recorded: `e`, which the caller goes on holding, becomes
 * the record of the current task. Returns its code: `return
 * hem_fail_again(e);`. [loop thread]
 */
HEM_API int hem_fail_again(hem_error *e);

HEM_END_DECLS

#endif
