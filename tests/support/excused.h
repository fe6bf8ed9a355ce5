/* SPDX-License-Identifier: MIT */
/* Which tests are left out under evil I/O: those that tests/evil/excused names. */
#ifndef SUPPORT_EXCUSED_H
#define SUPPORT_EXCUSED_H

#include <stdbool.h>
#include <stddef.h>

struct CMUnitTest;

/* cmocka's, but for the tests that are excused. */
int excused_run(const char *group, const struct CMUnitTest *tests, size_t n,
                int (*setup)(void **state), int (*teardown)(void **state));

/* Whether it is evil I/O: events come in any order, and a call may do less than
 * the kernel would. */
bool evil_io(void);

#endif
