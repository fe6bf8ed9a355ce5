/* SPDX-License-Identifier: MIT */
/*
 * Each function of the core either suspends and is a point of cancellation,
 * or never. The table has all that the headers declare; what it says is held
 * against the headers' marks and against what the functions do.
 */
#include "support.h"

#include <signal.h>

#include "headers.h"

struct fixture {
    bool ran;        /* another task that was ready had its turn */
    hem_task *ended; /* a task that has ended */
    hem_task *live;  /* one that sleeps */
};

static int give_one(void *arg)
{
    (void)arg;
    return 1;
}

static int yield_once(void *arg)
{
    (void)arg;
    return hem_yield();
}

static void do_nothing(void *arg)
{
    (void)arg;
}

static void do_nothing_done(void *arg, int status)
{
    (void)arg;
    (void)status;
}

static bool go_on(void *arg, hem_task *t)
{
    (void)arg;
    return t != NULL;
}

static void log_nothing(void *arg, hem_log_level level, const char *line)
{
    (void)arg;
    (void)level;
    (void)line;
}

static void raise_it(void *arg)
{
    raise(*(int *)arg);
}

static void set_future(void *arg)
{
    if (!hem_future_done(arg))
        (void)!hem_future_set_result(arg, 0);
}

/* Each does what its name says, or all that its functions do that is over in a
 * moment. Negative: HEM_ECANCELED. */
#define CASE(name) static int call_##name(struct fixture *f)

CASE(ground)
{
    (void)f;
    (void)hem_version();
    (void)hem_errname(-1);
    (void)hem_strerror(-1);
    hem_log_set(log_nothing, NULL);
    hem_log(HEM_LOG_ERROR, "x");
    hem_log_set(NULL, NULL);
    (void)hem_now();
    (void)hem_loop_current();
    check_int(hem_post(hem_loop_current(), do_nothing, NULL), 0);
    check_int(hem_run(give_one, NULL, NULL), HEM_EREFUSED);
    return 0;
}

CASE(spawn)
{
    hem_task *t;
    (void)f;
    check_int(hem_spawn(&t, give_one, NULL), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_task_uncancel(t), 0);
    check_int(hem_spawn_with(&t, give_one, NULL, .eager = true), 0);
    hem_task_forget(t);
    return 0;
}

CASE(task)
{
    static hem_done d;
    int line;
    hem_task *t = f->live;
    check(hem_self() != t);
    check_int(hem_task_cancelling(t), 0);
    check_str(hem_task_reason(t), NULL);
    check(!hem_task_done(t) && !hem_task_cancelled(t));
    check_int(hem_task_result(f->ended), 1);
    check(hem_task_error(f->ended) == NULL);
    hem_task_set_name(t, "x");
    check_str(hem_task_name(t), "x");
    (void)hem_task_site(t, &line);
    check_str(hem_task_waits_for(t), "sleep");
    hem_task_each(go_on, NULL);
    (void)hem_fail(HEM_EIO, "x");
    check_int(hem_cancelled("x"), HEM_ECANCELED);
    hem_task_on_done(t, &d, do_nothing_done, NULL);
    check(hem_done_remove(&d));
    return 0;
}

CASE(callback)
{
    (void)f;
    hem_callback cb;
    hem_callback_init(&cb, do_nothing, NULL);
    check_int(hem_call_soon(&cb), 0);
    check(hem_callback_cancel(&cb));
    check_int(hem_call_later(&cb, 5), 0);
    check(hem_callback_cancel(&cb));
    check_int(hem_call_at(&cb, hem_now() + 5), 0);
    check(hem_callback_cancel(&cb));
    return 0;
}

CASE(future)
{
    (void)f;
    static hem_done d;
    hem_future a, b;
    hem_future_init(&a);
    hem_future_init(&b);
    check_int(hem_future_set_result(&a, 1), 0);
    hem_future_on_done(&a, &d, do_nothing_done, NULL);
    check(hem_future_done(&a) && !hem_future_cancelled(&a));
    check_int(hem_future_result(&a), 1);
    check_int(hem_future_set_error(&b, -1), 0);
    check(!hem_future_cancel(&b, NULL));
    return 0;
}

CASE(scope)
{
    (void)f;
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check(!hem_scope_expired(&s));
    hem_scope_each(&s, go_on, NULL);
    hem_scope_abort(&s, NULL);
    check_int(hem_scope_spawn(&s, NULL, give_one, NULL), HEM_EREFUSED);
    check_int(hem_scope_spawn_with(&s, NULL, give_one, NULL, .eager = true),
              HEM_EREFUSED);
    check_int(hem_scope_children(&s), 0);
    return hem_scope_close(&s, 0); /* it has no children to wait for */
}

CASE(shield)
{
    (void)f;
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_shield_close(&s, 0), 0);
    return 0;
}

CASE(timeout)
{
    (void)f;
    hem_timeout t;
    check_int(hem_timeout_open(&t, 5), 0);
    check_int(hem_timeout_reschedule(&t, 9), 0);
    check_int(hem_timeout_when(&t), 9);
    check(!hem_timeout_expired(&t));
    hem_timeout_set_reason(&t, "late");
    check_int(hem_timeout_close(&t, 0), 0);
    check_int(hem_timeout_open_at(&t, 5), 0);
    check_int(hem_timeout_close(&t, 0), 0);
    return 0;
}

CASE(signal)
{
    (void)f;
    hem_signal s;
    check_int(hem_signal_open(&s, (int[]){SIGUSR1, 0}), 0);
    hem_signal_close(&s);
    return 0;
}

/* Those that suspend, each where it must wait. */

CASE(hem_yield)
{
    (void)f;
    return hem_yield();
}

CASE(hem_sleep)
{
    (void)f;
    return hem_sleep(1);
}

CASE(hem_await)
{
    (void)f;
    hem_task *t;
    check_int(hem_spawn(&t, yield_once, NULL), 0);
    return hem_await(t);
}

CASE(hem_future_wait)
{
    (void)f;
    static hem_callback cb;
    static hem_future future;
    hem_future_init(&future);
    hem_callback_init(&cb, set_future, &future);
    check_int(hem_call_soon(&cb), 0);
    return hem_future_wait(&future);
}

CASE(hem_scope_close)
{
    (void)f;
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, yield_once, NULL), 0);
    return hem_scope_close(&s, 0);
}

/* It leaves a request to its owner, which comes out of the close. */
CASE(hem_scope_aclose)
{
    hem_scope s;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, yield_once, NULL), 0);
    check_int(hem_scope_aclose(&s), 0);
    bool ran = f->ran;
    int rc = hem_scope_close(&s, 0);
    check_int(rc, HEM_ECANCELED);
    f->ran = ran;
    int left = hem_task_uncancel(hem_self());
    return left > 0 ? rc : 0;
}

CASE(hem_signal_wait)
{
    (void)f;
    static hem_callback cb;
    static int signo = SIGUSR1;
    hem_signal s;
    check_int(hem_signal_open(&s, (int[]){SIGUSR1, 0}), 0);
    hem_callback_init(&cb, raise_it, &signo);
    check_int(hem_call_soon(&cb), 0);
    int rc = hem_signal_wait(&s);
    if (rc < 0)
        check(hem_callback_cancel(&cb));
    hem_signal_close(&s);
    return rc;
}

CASE(hem_thread_call)
{
    (void)f;
    return hem_thread_call(give_one, NULL, NULL);
}

struct entry {
    const char *name;
    int (*call)(struct fixture *f);
    bool suspends;
};

/* clang-format off */
#define NEVER(name, moment) {#name, call_##moment, false}
#define SUSPENDS(name) {#name, call_##name, true}

static const struct entry table[] = {
    NEVER(hem_version, ground), NEVER(hem_errname, ground),
    NEVER(hem_strerror, ground), NEVER(hem_allocator_set, ground),
    NEVER(hem_log_set, ground), NEVER(hem_log, ground), NEVER(hem_now, ground),
    NEVER(hem_loop_current, ground), NEVER(hem_callback_init, callback),
    NEVER(hem_call_soon, callback), NEVER(hem_call_later, callback),
    NEVER(hem_call_at, callback), NEVER(hem_callback_cancel, callback),
    NEVER(hem_post, ground), NEVER(hem_run, ground), NEVER(hem_spawn_at, spawn),
    NEVER(hem_spawn_with_at, spawn), SUSPENDS(hem_await), SUSPENDS(hem_yield),
    SUSPENDS(hem_sleep), NEVER(hem_self, task), NEVER(hem_task_cancel, spawn),
    NEVER(hem_task_cancelling, task), NEVER(hem_task_uncancel, spawn),
    NEVER(hem_task_reason, task), NEVER(hem_task_done, task),
    NEVER(hem_task_cancelled, task), NEVER(hem_task_result, task),
    NEVER(hem_task_error, task), NEVER(hem_task_name, task),
    NEVER(hem_task_set_name, task), NEVER(hem_task_site, task),
    NEVER(hem_task_waits_for, task), NEVER(hem_task_forget, spawn),
    NEVER(hem_task_each, task), NEVER(hem_fail_at, task),
    NEVER(hem_cancelled, task),
    NEVER(hem_task_on_done, task), NEVER(hem_done_remove, task),
    NEVER(hem_future_init, future), NEVER(hem_future_set_result, future),
    NEVER(hem_future_set_error, future), NEVER(hem_future_cancel, future),
    SUSPENDS(hem_future_wait), NEVER(hem_future_done, future),
    NEVER(hem_future_cancelled, future), NEVER(hem_future_result, future),
    NEVER(hem_future_on_done, future), NEVER(hem_scope_open, scope),
    NEVER(hem_scope_spawn_at, scope), NEVER(hem_scope_spawn_with_at, scope),
    NEVER(hem_scope_abort, scope), SUSPENDS(hem_scope_aclose),
    SUSPENDS(hem_scope_close), NEVER(hem_scope_children, scope),
    NEVER(hem_scope_expired, scope), NEVER(hem_scope_each, scope),
    NEVER(hem_shield_open, shield), NEVER(hem_shield_close, shield),
    NEVER(hem_timeout_open, timeout), NEVER(hem_timeout_open_at, timeout),
    NEVER(hem_timeout_reschedule, timeout), NEVER(hem_timeout_when, timeout),
    NEVER(hem_timeout_expired, timeout), NEVER(hem_timeout_close, timeout),
    NEVER(hem_timeout_set_reason, timeout),
    NEVER(hem_signal_open, signal), SUSPENDS(hem_signal_wait),
    NEVER(hem_signal_close, signal), SUSPENDS(hem_thread_call),
};
/* clang-format on */

static int mark(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

static int sleep_for_ever(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_NEVER);
}

static void check_entry(const struct entry *e, struct fixture *f)
{
    check_int(hem_spawn(NULL, mark, &f->ran), 0);
    f->ran = false;
    int rc = e->call(f);
    bool right = f->ran == e->suspends && rc >= 0;
    if (!check(right))
        print_error("%s: suspends %d, returns %d\n", e->name, f->ran, rc);
    check_int(hem_sleep(1), 0);
    if (!e->suspends)
        return;
    check(hem_task_cancel(hem_self(), NULL));
    rc = e->call(f);
    if (!check(rc == HEM_ECANCELED))
        print_error("%s: is no point of cancellation\n", e->name);
    check_int(hem_task_uncancel(hem_self()), 0);
    check_int(hem_sleep(1), 0);
}

FIFO_TEST(each_function_suspends_or_never_does)
{
    struct fixture f = {false, NULL, NULL};
    check_int(hem_spawn(&f.ended, give_one, NULL), 0);
    check_int(hem_spawn(&f.live, sleep_for_ever, NULL), 0);
    check_int(hem_sleep(1), 0);
    for (size_t i = 0; i < COUNT_OF(table); i++)
        check_entry(&table[i], &f);
    return 0;
}

static void check_declared(const char *name, bool suspends)
{
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (strcmp(table[i].name, name) != 0)
            continue;
        if (!check(table[i].suspends == suspends))
            print_error("%s is marked in another way\n", name);
        return;
    }
    check_never(name);
}

static void the_table_says_what_the_headers_say(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "base", "error",  "alloc", "log",     "clock",  "loop",  "run",
        "task", "future", "scope", "timeout", "signal", "thread"};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        count += headers_each_function(headers[i], check_declared);
    if (!count)
        skip();
    check_int(count, COUNT_OF(table));
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(each_function_suspends_or_never_does),
        LEDGER_TEST(the_table_says_what_the_headers_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
