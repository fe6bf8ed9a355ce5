/* SPDX-License-Identifier: MIT */
#include "suspension.h"

#include "headers.h"
#include "support.h"

static int give_one(void *arg)
{
    (void)arg;
    return 1;
}

static int sleep_for_ever(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_NEVER);
}

static int mark(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

/* Call it while another task is ready. */
static int call_with_company(suspension_case *call, struct fixture *f)
{
    check_int(hem_spawn(NULL, mark, &f->ran), 0);
    f->ran = false;
    return call(f);
}

static void check_normal(const struct suspension *s, struct fixture *f)
{
    int rc = call_with_company(s->call, f);
    bool right = f->ran == s->suspends && rc >= 0;
    if (!check(right))
        print_error("%s: suspends %d, returns %d\n", s->name, f->ran, rc);
    check_int(hem_sleep(1), 0);
}

static void check_cancelled(const struct suspension *s, struct fixture *f)
{
    check(hem_task_cancel(hem_self(), NULL));
    int rc = call_with_company(s->call, f);
    if (!check(rc == HEM_ECANCELED))
        print_error("%s: is no point of cancellation\n", s->name);
    check_int(hem_task_uncancel(hem_self()), 0);
    check_int(hem_sleep(1), 0);
}

static void check_at_once(const struct suspension *s, struct fixture *f)
{
    check(hem_task_cancel(hem_self(), NULL));
    int rc = call_with_company(s->at_once, f);
    bool right = !f->ran && rc >= 0;
    if (!check(right))
        print_error("%s: suspends %d, returns %d where it should at once\n",
                    s->name, f->ran, rc);
    check_int(hem_sleep(1), HEM_ECANCELED); /* it is still to be delivered */
    check_int(hem_task_uncancel(hem_self()), 0);
    check_int(hem_sleep(1), 0);
}

/* What is under test. */
static const struct suspension *table;
static size_t rows;
static const char *const *headers;
static size_t header_count;

FIFO_TEST(each_function_suspends_or_never_does)
{
    struct fixture f = {false, NULL, NULL};
    check_int(hem_spawn(&f.ended, give_one, NULL), 0);
    check_int(hem_spawn(&f.live, sleep_for_ever, NULL), 0);
    check_int(hem_sleep(1), 0);
    for (const struct suspension *s = table; s < table + rows; s++) {
        check_normal(s, &f);
        if (s->suspends)
            check_cancelled(s, &f);
        if (s->at_once)
            check_at_once(s, &f);
    }
    return 0;
}

static bool says(const char *comment, const char *words)
{
    return strstr(comment, words) != NULL;
}

static void check_declared(const char *name, const char *comment)
{
    const struct suspension *s = table;
    while (s < table + rows && strcmp(s->name, name) != 0)
        s++;
    if (s == table + rows) {
        check_never(name);
        return;
    }
    bool right = says(comment, "[suspends]") == s->suspends &&
                 says(comment, "[cancel point]") == s->suspends;
    if (!check(right))
        print_error("%s is marked in another way\n", name);
    if (s->suspends && !check(says(comment, "at once") || !s->at_once))
        print_error("%s does not say when it returns at once\n", name);
}

static void the_table_says_what_the_headers_say(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t i = 0; i < header_count; i++)
        count += headers_each_function(headers[i], check_declared);
    if (!count)
        skip();
    check_int(count, rows);
    run_assert_checks();
}

int suspension_test(const struct suspension *t, size_t n,
                    const char *const *names, size_t name_count)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(each_function_suspends_or_never_does),
        LEDGER_TEST(the_table_says_what_the_headers_say),
    };
    table = t;
    rows = n;
    headers = names;
    header_count = name_count;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
