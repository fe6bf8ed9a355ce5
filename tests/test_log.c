/* SPDX-License-Identifier: MIT */
/* The log: to a handler, or to standard error from warnings on. */
#include "support.h"

struct seen {
    int lines;
    hem_log_level level;
    char line[1024];
};

static void see(void *arg, hem_log_level level, const char *line)
{
    struct seen *s = arg;
    s->lines++;
    s->level = level;
    snprintf(s->line, sizeof(s->line), "%s", line);
}

static void a_handler_gets_all_lines(void **state)
{
    (void)state;
    static const hem_log_level levels[] = {HEM_LOG_DEBUG, HEM_LOG_INFO,
                                           HEM_LOG_WARNING, HEM_LOG_ERROR};
    struct seen s = {0};
    hem_log_set(see, &s);
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        hem_log(levels[i], "%s %d", "line", (int)i);
        char want[16];
        snprintf(want, sizeof(want), "line %d", (int)i);
        assert_int_equal(s.lines, i + 1);
        assert_int_equal(s.level, levels[i]);
        assert_string_equal(s.line, want);
    }
}

static void a_line_is_cut_at_500_characters(void **state)
{
    (void)state;
    struct seen s = {0};
    hem_log_set(see, &s);
    static char text[2000];
    memset(text, 'y', sizeof(text) - 1);
    hem_log(HEM_LOG_INFO, "%s", text);
    assert_int_equal(strlen(s.line), 500);
    hem_log(HEM_LOG_INFO, "%.500s", text);
    assert_int_equal(strlen(s.line), 500);
    hem_log(HEM_LOG_INFO, "%.499s", text);
    assert_int_equal(strlen(s.line), 499);
    hem_log(HEM_LOG_INFO, "%s", "");
    assert_string_equal(s.line, "");
}

static int log_all(void *arg)
{
    struct seen s = {0};
    hem_log_set(see, &s);
    if (arg)
        hem_log_set(NULL, NULL);
    hem_log(HEM_LOG_DEBUG, "one");
    hem_log(HEM_LOG_INFO, "two");
    hem_log(HEM_LOG_WARNING, "three %d", 3);
    hem_log(HEM_LOG_ERROR, "four");
    return s.lines;
}

static void
without_a_handler_warnings_and_errors_go_to_standard_error(void **state)
{
    (void)state;
    struct ending e;
    process_run(log_all, "reset", &e);
    assert_int_equal(e.status, 0);
    assert_string_equal(e.text, "hem: warning: three 3\nhem: error: four\n");
    process_run(log_all, NULL, &e);
    assert_int_equal(e.status, 4);
    assert_string_equal(e.text, "");
}

/* Its reader has gone. */
static int log_to_nobody(void *arg)
{
    int ends[2];
    (void)arg;
    if (pipe(ends) < 0 || dup2(ends[1], STDERR_FILENO) < 0)
        return 1;
    close(ends[0]);
    close(ends[1]);
    hem_log_set(NULL, NULL);
    hem_log(HEM_LOG_ERROR, "one");
    hem_log(HEM_LOG_ERROR, "two");
    return 0;
}

static void a_log_that_nobody_reads_kills_nobody(void **state)
{
    (void)state;
    struct ending e;
    process_run(log_to_nobody, NULL, &e);
    assert_int_equal(e.signo, 0);
    assert_int_equal(e.status, 0);
}

static int log_in_task(void *arg)
{
    hem_log(HEM_LOG_INFO, "%s", (const char *)arg);
    return 0;
}

static void tasks_may_log(void **state)
{
    (void)state;
    struct seen s = {0};
    hem_log_set(see, &s);
    assert_int_equal(run_virtual(log_in_task, "here"), 0);
    assert_string_equal(s.line, "here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_handler_gets_all_lines),
        LEDGER_TEST(a_line_is_cut_at_500_characters),
        LEDGER_TEST(without_a_handler_warnings_and_errors_go_to_standard_error),
        LEDGER_TEST(a_log_that_nobody_reads_kills_nobody),
        LEDGER_TEST(tasks_may_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
