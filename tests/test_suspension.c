/* SPDX-License-Identifier: MIT */
/*
 * Each function of the core either suspends and is a point of cancellation,
 * or never. The table has all that the headers declare; what it says is held
 * against the headers' marks and against what the functions do.
 */
#include "support.h"

#include <ctype.h>
#include <signal.h>

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

/* Functions of a moment. Each returns what the call did, negative only for
 * HEM_ECANCELED. */
#define CASE(name) static int call_##name(struct fixture *f)
#define PLAIN(name, call)                                                      \
    CASE(name)                                                                 \
    {                                                                          \
        (void)f;                                                               \
        (void)!(call);                                                         \
        return 0;                                                              \
    }

PLAIN(hem_version, hem_version())
PLAIN(hem_errname, hem_errname(-1))
PLAIN(hem_strerror, hem_strerror(-1))
PLAIN(hem_log, (hem_log(HEM_LOG_DEBUG, "x"), 0))
PLAIN(hem_now, hem_now())
PLAIN(hem_loop_current, hem_loop_current())
PLAIN(hem_self, hem_self())
PLAIN(hem_run, hem_run(give_one, NULL, NULL))
PLAIN(hem_spawn_at, hem_spawn(NULL, give_one, NULL))
PLAIN(hem_spawn_with_at, hem_spawn_with(NULL, give_one, NULL, .eager = true))
PLAIN(hem_task_cancelling, hem_task_cancelling(f->live))
PLAIN(hem_task_uncancel, hem_task_uncancel(f->live))
PLAIN(hem_task_reason, hem_task_reason(f->live))
PLAIN(hem_task_done, hem_task_done(f->live))
PLAIN(hem_task_cancelled, hem_task_cancelled(f->live))
PLAIN(hem_task_result, hem_task_result(f->ended))
PLAIN(hem_task_error, hem_task_error(f->ended))
PLAIN(hem_task_name, hem_task_name(f->live))
PLAIN(hem_task_set_name, (hem_task_set_name(f->live, "x"), 0))
PLAIN(hem_task_waits_for, hem_task_waits_for(f->live))
PLAIN(hem_task_forget, (hem_task_forget(NULL), 0))
PLAIN(hem_task_each, (hem_task_each(go_on, NULL), 0))
PLAIN(hem_fail_at, hem_fail(HEM_EIO, "x"))

CASE(hem_allocator_set)
{
    (void)f; /* it must not be changed now; its absence of a wait is plain */
    return 0;
}

CASE(hem_log_set)
{
    (void)f;
    hem_log_set(log_nothing, NULL);
    return 0;
}

CASE(hem_task_site)
{
    int line;
    (void)hem_task_site(f->live, &line);
    return 0;
}

CASE(hem_task_cancel)
{
    hem_task *t;
    (void)f;
    check_int(hem_spawn(&t, give_one, NULL), 0);
    check(hem_task_cancel(t, NULL));
    return 0;
}

CASE(hem_task_on_done)
{
    static hem_done d;
    hem_task_on_done(f->ended, &d, do_nothing_done, NULL);
    return 0;
}

CASE(hem_done_remove)
{
    hem_done d;
    hem_task_on_done(f->live, &d, do_nothing_done, NULL);
    check(hem_done_remove(&d));
    return 0;
}

CASE(hem_post)
{
    (void)f;
    check_int(hem_post(hem_loop_current(), do_nothing, NULL), 0);
    return 0;
}

/* All of a callback, of a future, of a scope, of a shield, of a timeout. */

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

static hem_scope scope_of(struct fixture *f)
{
    hem_scope s = {0};
    (void)f;
    return s;
}

CASE(scope)
{
    hem_scope s = scope_of(f);
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
    hem_scope s = scope_of(f);
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
    hem_scope s = scope_of(f);
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(hem_scope_spawn(&s, NULL, yield_once, NULL), 0);
    return hem_scope_close(&s, 0);
}

/* It leaves a request to its owner, which comes out of the close. */
CASE(hem_scope_aclose)
{
    hem_scope s = scope_of(f);
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
    bool suspends;
    int (*call)(struct fixture *f);
};

#define NEVER(name)                                                            \
    {                                                                          \
#name, false, call_##name                                              \
    }
#define NEVER_IN(name, moment)                                                 \
    {                                                                          \
#name, false, call_##moment                                            \
    }
#define SUSPENDS(name)                                                         \
    {                                                                          \
#name, true, call_##name                                               \
    }

static const struct entry table[] = {
    NEVER(hem_version),
    NEVER(hem_errname),
    NEVER(hem_strerror),
    NEVER(hem_allocator_set),
    NEVER(hem_log_set),
    NEVER(hem_log),
    NEVER(hem_now),
    NEVER(hem_loop_current),
    NEVER_IN(hem_callback_init, callback),
    NEVER_IN(hem_call_soon, callback),
    NEVER_IN(hem_call_later, callback),
    NEVER_IN(hem_call_at, callback),
    NEVER_IN(hem_callback_cancel, callback),
    NEVER(hem_post),
    NEVER(hem_run),
    NEVER(hem_spawn_at),
    NEVER(hem_spawn_with_at),
    SUSPENDS(hem_await),
    SUSPENDS(hem_yield),
    SUSPENDS(hem_sleep),
    NEVER(hem_self),
    NEVER(hem_task_cancel),
    NEVER(hem_task_cancelling),
    NEVER(hem_task_uncancel),
    NEVER(hem_task_reason),
    NEVER(hem_task_done),
    NEVER(hem_task_cancelled),
    NEVER(hem_task_result),
    NEVER(hem_task_error),
    NEVER(hem_task_name),
    NEVER(hem_task_set_name),
    NEVER(hem_task_site),
    NEVER(hem_task_waits_for),
    NEVER(hem_task_forget),
    NEVER(hem_task_each),
    NEVER(hem_fail_at),
    NEVER(hem_task_on_done),
    NEVER(hem_done_remove),
    NEVER_IN(hem_future_init, future),
    NEVER_IN(hem_future_set_result, future),
    NEVER_IN(hem_future_set_error, future),
    NEVER_IN(hem_future_cancel, future),
    SUSPENDS(hem_future_wait),
    NEVER_IN(hem_future_done, future),
    NEVER_IN(hem_future_cancelled, future),
    NEVER_IN(hem_future_result, future),
    NEVER_IN(hem_future_on_done, future),
    NEVER_IN(hem_scope_open, scope),
    NEVER_IN(hem_scope_spawn_at, scope),
    NEVER_IN(hem_scope_spawn_with_at, scope),
    NEVER_IN(hem_scope_abort, scope),
    SUSPENDS(hem_scope_aclose),
    SUSPENDS(hem_scope_close),
    NEVER_IN(hem_scope_children, scope),
    NEVER_IN(hem_scope_expired, scope),
    NEVER_IN(hem_scope_each, scope),
    NEVER_IN(hem_shield_open, shield),
    NEVER_IN(hem_shield_close, shield),
    NEVER_IN(hem_timeout_open, timeout),
    NEVER_IN(hem_timeout_open_at, timeout),
    NEVER_IN(hem_timeout_reschedule, timeout),
    NEVER_IN(hem_timeout_when, timeout),
    NEVER_IN(hem_timeout_expired, timeout),
    NEVER_IN(hem_timeout_close, timeout),
    NEVER_IN(hem_signal_open, signal),
    SUSPENDS(hem_signal_wait),
    NEVER_IN(hem_signal_close, signal),
    SUSPENDS(hem_thread_call),
};

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
    hem_log_set(NULL, NULL);
    return 0;
}

/* The headers: each function is behind a comment that carries its marks. */

static const struct entry *find(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (strlen(table[i].name) == length &&
            memcmp(table[i].name, name, length) == 0)
            return &table[i];
    }
    return NULL;
}

static bool is_marked(const char *text, const char *declaration)
{
    const char *comment = text;
    for (const char *p = text; p && p < declaration; p = strstr(p + 1, "/*"))
        comment = p;
    const char *mark = strstr(comment, "[suspends]");
    return mark && mark < declaration;
}

static size_t check_header(const char *text)
{
    size_t count = 0;
    for (const char *p = text; (p = strstr(p, "\nHEM_API "));) {
        const char *declaration = p;
        const char *end = p = strchr(p, '(');
        while (isalnum((unsigned char)p[-1]) || p[-1] == '_')
            p--;
        size_t length = (size_t)(end - p);
        if (strncmp(p, "hem__", 5) == 0)
            continue;
        count++;
        const struct entry *e = find(p, length);
        if (!check(e && e->suspends == is_marked(text, declaration)))
            print_error("%.*s\n", (int)length, p);
    }
    return count;
}

static void the_table_says_what_the_headers_say(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "base", "error",  "alloc", "log",     "clock",  "loop",  "run",
        "task", "future", "scope", "timeout", "signal", "thread"};
    const char *root = getenv("HEM_SOURCE_DIR");
    if (!root)
        skip();
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        char path[4096];
        static char text[100000];
        snprintf(path, sizeof(path), "%s/include/hem/%s.h", root, headers[i]);
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        fclose(file);
        count += check_header(text);
    }
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
