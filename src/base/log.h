/* SPDX-License-Identifier: MIT */
/* Fatal errors: mistakes in the caller's text end the process. */
#ifndef HEM__BASE_LOG_H
#define HEM__BASE_LOG_H

#include "hem/log.h"

/* Print one line and abort. */
_Noreturn void hem__abort(const char *format, ...)
    __attribute__((format(printf, 1, 2), cold));

/* Who it is of: `task "NAME", spawned at FILE:LINE,`, or, with line 0, `the main
 * task "NAME"`. Valid until the thread's next call. */
const char *hem__title(const char *name, const char *file, int line);

/* Assertions on hem's own invariants; also in release builds. */
#define HEM__ASSERT(cond)                                                      \
    ((cond) ? (void)0                                                          \
            : hem__abort("%s:%d: invariant broken: %s", __FILE__, __LINE__,    \
                         #cond))

#endif
