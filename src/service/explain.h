/* SPDX-License-Identifier: MIT */
/* Why a call failed, for those that may be made without a loop. */
#ifndef HEM__SERVICE_EXPLAIN_H
#define HEM__SERVICE_EXPLAIN_H

#include "hem/failure.h"
#include "hem/log.h"
#include "loop/loop.h"

/* hem_fail() in a task, a line in the log elsewhere; the value is `code`. */
#define hem__explain(code, ...)                                                \
    (hem__loop && hem__loop->current                                           \
         ? hem_fail((code), __VA_ARGS__)                                       \
         : (hem_log(HEM_LOG_ERROR, __VA_ARGS__), (code)))

#endif
