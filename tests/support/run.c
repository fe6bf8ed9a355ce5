/* SPDX-License-Identifier: MIT */
#include "loop/pool.h"
#include "support.h"

#define REPORTS_MAX 64

struct record {
    hem_report_kind kind;
    int status;
    char name[64];
    bool has_message;
    char message[600];
};

static struct record records[REPORTS_MAX];
static size_t first, end; /* those not checked yet */
static struct record checked;

void report_record(void *arg, const hem_report *report)
{
    (void)arg;
    check(hem_self() == NULL);
    if (end == REPORTS_MAX)
        return;
    struct record *r = &records[end++];
    *r = (struct record){.kind = report->kind, .status = report->status};
    snprintf(r->name, sizeof(r->name), "%s", hem_task_name(report->task));
    if (report->error) {
        r->has_message = true;
        snprintf(r->message, sizeof(r->message), "%s", report->error->message);
    }
}

void report_check(hem_report_kind kind, const char *name, int status,
                  const char *file, int line)
{
    if (!check_that(first < end, "there is a report", file, line))
        return;
    checked = records[first++];
    check_equal(checked.kind, kind, "the kind of the report", file, line);
    check_equal(checked.status, status, "the reported error", file, line);
    check_string(checked.name, name, "the reported task", file, line);
}

const char *report_message(void)
{
    return checked.has_message ? checked.message : NULL;
}

size_t reports_take(void)
{
    size_t left = end - first;
    first = end = 0;
    return left;
}

bool in_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded && strstr(preloaded, "vgpreload");
}

bool in_emulator(void)
{
    return getenv("HEM_TEST_EMULATOR") != NULL;
}

size_t scaled(size_t n)
{
    return SANITIZED || in_valgrind() ? n / 100 : n;
}

void run_assert_checks(void)
{
    if (check_failures_take())
        fail();
}

int run_with(hem_fn *fn, void *arg, const hem_run_options *opts)
{
    hem_virtual_clock clock = {0};
    hem_run_options o = opts ? *opts : (hem_run_options){0};
    if (!o.clock)
        o.clock = &clock;
    if (!o.on_report)
        o.on_report = report_record;
    int rc = hem_run(fn, arg, &o);
    hem__pool_await_left();
    check(hem_loop_current() == NULL);
    return rc;
}

int run_virtual(hem_fn *fn, void *arg)
{
    return run_with(fn, arg, NULL);
}

int run_fifo(hem_fn *fn, void *arg)
{
    const char *seed = getenv("HEM_SEED");
    char *saved = seed ? strdup(seed) : NULL;
    unsetenv("HEM_SEED");
    int rc = run_virtual(fn, arg);
    if (saved)
        setenv("HEM_SEED", saved, 1);
    free(saved);
    return rc;
}
