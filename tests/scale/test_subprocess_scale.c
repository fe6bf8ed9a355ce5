/* SPDX-License-Identifier: MIT */
/* Subprocesses, much of it: a gigabyte both ways in bounded memory, and ten
 * thousand starts that fail. */
#include <signal.h>

#include "forked.h"
#include "support.h"

#define GIGABYTE ((size_t)1 << 30)

static size_t left, came, came_err;

static ssize_t give(void *arg, void *buf, size_t size)
{
    (void)arg;
    size_t n = size < left ? size : left;
    memset(buf, 1, n);
    left -= n;
    return (ssize_t)n;
}

static int count(void *arg, const void *data, size_t size)
{
    (void)data;
    *(size_t *)arg += size;
    return 0;
}

VIRTUAL_TEST(a_gigabyte_goes_both_ways_in_bounded_memory)
{
    char *argv[] = {"tee", "/dev/stderr", NULL};
    size_t all = scaled(GIGABYTE);
    left = all;
    size_t resident = ledger_resident();
    hem_subprocess_run_options r = {
        .start = {.in = HEM_PIPE, .out = HEM_PIPE, .err = HEM_PIPE},
        .communicate = {.source = give,
                        .out = count,
                        .out_arg = &came,
                        .err = count,
                        .err_arg = &came_err},
        .check = true};
    HEM_TRY(hem_subprocess_run(argv, &r, NULL));
    check_int(came, all);
    check_int(came_err, all);
    check(SANITIZED || ledger_resident() < resident + ((size_t)2 << 20));
    return 0;
}

VIRTUAL_TEST(ten_thousand_failures_leave_nothing)
{
    char *argv[] = {"/no/such/program", NULL};
    hem_subprocess_options pipes = {
        .in = HEM_PIPE, .out = HEM_PIPE, .err = HEM_PIPE};
    size_t descriptors = ledger_descriptors(), resident = 0;
    for (size_t i = 0; i < scaled(10000); i++) {
        HEM_SUBPROCESS(p);
        if (i == scaled(10000) / 10)
            resident = ledger_resident();
        check_int(hem_subprocess_start(&p, argv, &pipes), HEM_ENOENT);
    }
    check_int(ledger_descriptors(), descriptors);
    check(SANITIZED || ledger_resident() < resident + ((size_t)256 << 10));
    check(!forked_any());
    return 0;
}

VIRTUAL_TEST(five_thousand_children_leave_nothing)
{
    char *argv[] = {"true", NULL};
    size_t descriptors = ledger_descriptors();
    for (size_t i = 0; i < scaled(5000); i++)
        HEM_TRY(hem_subprocess_run(argv, NULL, NULL));
    check_int(ledger_descriptors(), descriptors);
    check(!forked_any());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_gigabyte_goes_both_ways_in_bounded_memory),
        LEDGER_TEST(ten_thousand_failures_leave_nothing),
        LEDGER_TEST(five_thousand_children_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
