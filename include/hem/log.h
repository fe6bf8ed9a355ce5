/* SPDX-License-Identifier: MIT */
/*
 * What hem has to say that no caller can be told: errors that nobody will
 * retrieve, a listener out of descriptors, a worker that died. One line each,
 * to standard error unless a handler is set.
 */
#ifndef HEM_LOG_H
#define HEM_LOG_H

#include "base.h"

HEM_BEGIN_DECLS

typedef enum hem_log_level {
    HEM_LOG_DEBUG,
    HEM_LOG_INFO,
    HEM_LOG_WARNING,
    HEM_LOG_ERROR,
} hem_log_level;

/* `line` has no newline and is valid during the call; must not suspend. Called
 * on any thread that has something to say, also on several at once. */
typedef void hem_log_fn(void *arg, hem_log_level level, const char *line);

/*
 * Send the log to `fn`; NULL: to standard error again, from HEM_LOG_WARNING
 * on. To be called while no other thread uses hem. [any thread]
 */
HEM_API void hem_log_set(hem_log_fn *fn, void *arg);

/* Write a line into hem's log, cut at 500 characters. [any thread] */
HEM_API void hem_log(hem_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

HEM_END_DECLS

#endif
