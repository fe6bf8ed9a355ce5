/* SPDX-License-Identifier: MIT */
/*
 * What the tests share; this header brings in all of it.
 *
 *   check.h      assertions that may be made in a task
 *   ledger.h     setup and teardown: a test leaves nothing behind
 *   run.h        run a test's body as a task, in virtual time
 *   trace.h      what happened, in order
 *   process.h    what ends the process, watched from outside
 *
 *     VIRTUAL_TEST(a_sleep_takes_its_time)
 *     {
 *         check_int(hem_sleep(HEM_SEC), 0);
 *         check_int(hem_now(), HEM_SEC);
 *         return 0;
 *     }
 *
 *     int main(void)
 *     {
 *         const struct CMUnitTest tests[] = {
 *             LEDGER_TEST(a_sleep_takes_its_time),
 *         };
 *         return cmocka_run_group_tests(tests, NULL, NULL);
 *     }
 */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "check.h"
#include "excused.h"
#include "hem.h"
#include "ledger.h"
#include "process.h"
#include "run.h"
#include "trace.h"

/* Under evil I/O some are left out. */
#undef cmocka_run_group_tests
#define cmocka_run_group_tests(tests, setup, teardown)                         \
    excused_run(#tests, tests, sizeof(tests) / sizeof((tests)[0]), setup,      \
                teardown)

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Built with a sanitizer, which has its own ideas of memory and signals. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||     \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* ThreadSanitizer holds signals back, and one of a number only. */
#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZED 1
#endif
#endif
#ifndef THREAD_SANITIZED
#define THREAD_SANITIZED 0
#endif

/* Whether the program runs under valgrind. */
bool in_valgrind(void);

/* Whether it runs under qemu's emulation of a CPU, which does not know all that
 * the kernel does, such as limits of memory, and has a thread of its own. */
bool in_emulator(void);

/* `n`, or a hundredth of it where a sanitizer or valgrind makes it slow. */
size_t scaled(size_t n);

#endif
