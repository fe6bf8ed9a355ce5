/* SPDX-License-Identifier: MIT */
/*
 * A test leaves nothing behind. ledger_begin() notes what the process has;
 * ledger_end() fails the test unless it has the same again: allocations of
 * hem, stacks, descriptors, threads, children, the signal mask and what
 * signals do, the alternate stack, a loop, reports and log lines that the
 * test did not ask for.
 */
#ifndef SUPPORT_LEDGER_H
#define SUPPORT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

/* For an array of struct CMUnitTest. */
#define LEDGER_TEST(name)                                                      \
    cmocka_unit_test_setup_teardown(name, ledger_begin, ledger_end)

int ledger_begin(void **state);
int ledger_end(void **state);

/* Number of allocations of hem that are not freed, and of all so far. */
size_t ledger_live(void);
size_t ledger_allocations(void);

/* Of the allocations from now on, counted from 1, the n-th fails, or the n-th
 * and all behind it; 0: none. */
void ledger_fail_at(size_t n);
void ledger_fail_from(size_t n);

/* The next line of hem's log must contain `part`. */
#define check_logged(part) ledger_check_logged((part), __FILE__, __LINE__)

void ledger_check_logged(const char *part, const char *file, int line);

/* The child of a fork: log to standard error again. */
void ledger_in_child(void);

/* Number of open descriptors, and of threads. */
size_t ledger_descriptors(void);
size_t ledger_threads(void);

/* Bytes of memory that are resident; number of mappings. */
size_t ledger_resident(void);
size_t ledger_mappings(void);

/* Number of mappings that look like hem's stacks: not reserved, and without
 * huge pages. */
size_t ledger_stack_mappings(void);

#endif
