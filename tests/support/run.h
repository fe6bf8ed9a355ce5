/* SPDX-License-Identifier: MIT */
/*
 * Run a test's body as the main task of a run in virtual time, which begins
 * at 0. A report of a failure that the body does not take, a failed check and
 * a result other than the expected one fail the test.
 */
#ifndef SUPPORT_RUN_H
#define SUPPORT_RUN_H

#include "hem.h"

/* Run in the order that HEM_SEED says, first in first out without it. */
int run_virtual(hem_fn *fn, void *arg);

/* Run first in first out whatever HEM_SEED says. */
int run_fifo(hem_fn *fn, void *arg);

/* Run with these options; those of clock and report are filled in if unset. */
int run_with(hem_fn *fn, void *arg, const hem_run_options *opts);

/* Fail the test if a check has failed. */
void run_assert_checks(void);

#define VIRTUAL_TEST(name) RUN__TEST(name, run_virtual)
/* For tests of the order itself. */
#define FIFO_TEST(name) RUN__TEST(name, run_fifo)

#define RUN__TEST(name, run)                                                   \
    static int name##_body(void *arg);                                         \
    static void name(void **state)                                             \
    {                                                                          \
        (void)state;                                                           \
        check_int(run(name##_body, NULL), 0);                                  \
        run_assert_checks();                                                   \
    }                                                                          \
    static int name##_body(void *arg __attribute__((unused)))

/* The next report must be this one: of the task `name` with `status`. */
#define check_report(kind, name, status)                                       \
    report_check((kind), (name), (status), __FILE__, __LINE__)

void report_check(hem_report_kind kind, const char *name, int status,
                  const char *file, int line);

/* The message that hem_fail() recorded for the report that was checked last;
 * NULL: none. */
const char *report_message(void);

/* Return how many reports were not checked, and forget them. */
size_t reports_take(void);

/* Handler for hem_run_options.on_report, which run_with() sets. */
void report_record(void *arg, const hem_report *report);

#endif
