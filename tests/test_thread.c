/* SPDX-License-Identifier: MIT */
/* Blocking functions on threads of the pool. */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#define POOL_MAX 8

static int give(void *arg)
{
    return *(int *)arg;
}

VIRTUAL_TEST(a_call_returns_what_the_function_returns)
{
    static const int results[] = {0, 42, INT32_MAX, HEM_EIO, -1};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        int result = results[i];
        check_int(hem_thread_call(give, &result, NULL), result);
    }
    return 0;
}

struct where {
    pthread_t thread;
    int blocked;
};

static int look_round(void *arg)
{
    struct where *w = arg;
    w->thread = pthread_self();
    check(hem_loop_current() == NULL);
    check(hem_self() == NULL);
    sigset_t set;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    w->blocked = sigismember(&set, SIGTERM) + sigismember(&set, SIGINT);
    return 0;
}

VIRTUAL_TEST(the_function_runs_on_another_thread_without_signals)
{
    struct where w = {.blocked = 0};
    check_int(hem_thread_call(look_round, &w, NULL), 0);
    check(!pthread_equal(w.thread, pthread_self()));
    check_int(w.blocked, 2);
    return 0;
}

struct crowd {
    pthread_barrier_t barrier; /* of as many as may run at once */
    atomic_int running, most;
};

static int meet(void *arg)
{
    struct crowd *c = arg;
    int running = atomic_fetch_add(&c->running, 1) + 1;
    int most = atomic_load(&c->most);
    while (running > most &&
           !atomic_compare_exchange_weak(&c->most, &most, running))
        continue;
    pthread_barrier_wait(&c->barrier);
    atomic_fetch_sub(&c->running, 1);
    return 0;
}

static int call_meet(void *arg)
{
    return hem_thread_call(meet, arg, NULL);
}

VIRTUAL_TEST(eight_calls_run_at_once_and_others_wait_in_line)
{
    struct crowd c = {.running = 0};
    pthread_barrier_init(&c.barrier, NULL, POOL_MAX);
    HEM_SCOPE(s);
    for (int i = 0; i < 13 * POOL_MAX; i++)
        check_int(hem_scope_spawn(&s, NULL, call_meet, &c), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check(c.most >= 2 && c.most <= POOL_MAX);
    pthread_barrier_destroy(&c.barrier);
    return 0;
}

struct pair {
    sem_t a, b;
};

static int wait_for_second(void *arg)
{
    struct pair *p = arg;
    sem_wait(&p->a);
    return 1;
}

static int release_first(void *arg)
{
    struct pair *p = arg;
    sem_post(&p->a);
    return 2;
}

static int call_waiting(void *arg)
{
    return hem_thread_call(wait_for_second, arg, NULL);
}

static int call_releasing(void *arg)
{
    return hem_thread_call(release_first, arg, NULL);
}

VIRTUAL_TEST(one_idle_thread_is_not_taken_for_two)
{
    struct pair p;
    sem_init(&p.a, 0, 0);
    int result = 0;
    for (int i = 0; i < 100; i++) {
        hem_task *first, *second;
        check_int(hem_thread_call(give, &result, NULL), 0);
        sched_yield();
        check_int(hem_spawn(&first, call_waiting, &p), 0);
        check_int(hem_spawn(&second, call_releasing, &p), 0);
        check_int(hem_await(first), 1);
        check_int(hem_await(second), 2);
        hem_task_forget(first);
        hem_task_forget(second);
    }
    sem_destroy(&p.a);
    return 0;
}

/* Cancellation. */

struct call {
    hem_thread_options options;
    sem_t begun, go;
    bool waits; /* the function does, for `go` */
    int runs;   /* of the function */
    int abandoned;
    int rc;
};

static int begin(void *arg)
{
    struct call *c = arg;
    c->runs++;
    sem_post(&c->begun);
    if (c->waits)
        sem_wait(&c->go);
    return 5;
}

static void abandon(void *arg)
{
    struct call *c = arg;
    check(hem_loop_current() != NULL);
    c->abandoned++;
}

static int call_begin(void *arg)
{
    struct call *c = arg;
    c->rc = hem_thread_call(begin, c, &c->options);
    return c->rc;
}

static void call_init(struct call *c, bool waits, bool with_abandon)
{
    *c = (struct call){.waits = waits};
    c->options.abandon = with_abandon ? abandon : NULL;
    sem_init(&c->begun, 0, 0);
    sem_init(&c->go, 0, 0);
}

/* Fill all threads; the calls end with release_all(). */
static void occupy_all(struct call *calls, hem_task **tasks)
{
    for (int i = 0; i < POOL_MAX; i++) {
        call_init(&calls[i], true, false);
        check_int(hem_spawn(&tasks[i], call_begin, &calls[i]), 0);
    }
    for (int i = 0; i < POOL_MAX; i++) {
        while (sem_trywait(&calls[i].begun) < 0)
            check_int(hem_yield(), 0);
    }
}

static void release_all(struct call *calls, hem_task **tasks)
{
    for (int i = 0; i < POOL_MAX; i++)
        sem_post(&calls[i].go);
    for (int i = 0; i < POOL_MAX; i++)
        check_int(hem_await(tasks[i]), 5);
}

VIRTUAL_TEST(a_call_that_is_cancelled_before_it_begins_is_dropped)
{
    struct call busy[POOL_MAX];
    hem_task *tasks[POOL_MAX];
    occupy_all(busy, tasks);
    for (int with_abandon = 0; with_abandon <= 1; with_abandon++) {
        struct call c;
        call_init(&c, false, with_abandon);
        hem_task *t;
        check_int(hem_spawn(&t, call_begin, &c), 0);
        while (strcmp(hem_task_waits_for(t), "thread call") != 0)
            check_int(hem_yield(), 0);
        check(hem_task_cancel(t, "dropped"));
        check_int(hem_await(t), HEM_ECANCELED);
        check_str(hem_task_reason(t), "dropped");
        check_int(c.runs, 0);
        check_int(c.abandoned, with_abandon);
    }
    release_all(busy, tasks);
    return 0;
}

VIRTUAL_TEST(a_call_that_has_begun_is_waited_for)
{
    struct call c;
    call_init(&c, true, false);
    hem_task *t;
    check_int(hem_spawn(&t, call_begin, &c), 0);
    while (sem_trywait(&c.begun) < 0)
        check_int(hem_yield(), 0);
    check(hem_task_cancel(t, NULL));
    for (int i = 0; i < 100; i++)
        check_int(hem_yield(), 0);
    check(!hem_task_done(t));
    sem_post(&c.go);
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(c.rc, HEM_ECANCELED);
    check_int(c.runs, 1);
    return 0;
}

VIRTUAL_TEST(with_abandon_the_caller_goes_on_at_once)
{
    struct call c;
    call_init(&c, true, true);
    hem_task *t;
    check_int(hem_spawn(&t, call_begin, &c), 0);
    while (sem_trywait(&c.begun) < 0)
        check_int(hem_yield(), 0);
    check(hem_task_cancel(t, "left"));
    check_int(hem_await(t), HEM_ECANCELED);
    check_str(hem_task_reason(t), "left");
    check_int(c.abandoned, 0);
    sem_post(&c.go);
    while (!c.abandoned)
        check_int(hem_yield(), 0);
    check_int(c.abandoned, 1);
    check_int(c.runs, 1);
    return 0;
}

VIRTUAL_TEST(a_pending_request_is_seen_by_the_call)
{
    for (int with_abandon = 0; with_abandon <= 1; with_abandon++) {
        struct call c;
        call_init(&c, false, with_abandon);
        check(hem_task_cancel(hem_self(), NULL));
        check_int(hem_thread_call(begin, &c, &c.options), HEM_ECANCELED);
        while (c.abandoned < with_abandon)
            check_int(hem_yield(), 0);
        check_int(hem_yield(), 0);
        check_int(hem_task_uncancel(hem_self()), 0);
    }
    return 0;
}

VIRTUAL_TEST(whenever_it_is_cancelled_somebody_frees_the_argument_once)
{
    for (int i = 0; i < (int)scaled(10000) / 10; i++) {
        struct call c;
        call_init(&c, false, true);
        hem_task *t;
        check_int(hem_spawn(&t, call_begin, &c), 0);
        for (int turns = i % 20; turns > 0; turns--) {
            check_int(hem_yield(), 0);
            sched_yield();
        }
        hem_task_cancel(t, NULL);
        int rc = hem_await(t);
        bool began = strcmp(hem_task_name(t), "call_begin") == 0 && c.runs;
        check(rc == 5 || rc == HEM_ECANCELED);
        while (rc != 5 && c.rc && !c.abandoned)
            check_int(hem_yield(), 0);
        check_int(c.abandoned, c.rc == HEM_ECANCELED);
        check(began || rc != 5);
        hem_task_forget(t);
    }
    return 0;
}

static int leave_abandoned(void *arg)
{
    struct call *c = arg;
    hem_task *t;
    check_int(hem_spawn(&t, call_begin, c), 0);
    while (sem_trywait(&c->begun) < 0)
        check_int(hem_yield(), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(c->abandoned, 0);
    sem_post(&c->go);
    return 0;
}

static void the_end_of_the_run_waits_for_abandoned_calls(void **state)
{
    (void)state;
    struct call c;
    call_init(&c, true, true);
    assert_int_equal(run_virtual(leave_abandoned, &c), 0);
    assert_int_equal(c.abandoned, 1);
    run_assert_checks();
}

VIRTUAL_TEST(a_call_without_memory_is_refused)
{
    struct call c;
    call_init(&c, false, true);
    size_t n = 0;
    int rc = HEM_ENOMEM;
    while (rc == HEM_ENOMEM && check(n < 10)) {
        ledger_fail_from(++n);
        rc = hem_thread_call(begin, &c, &c.options);
        ledger_fail_from(0);
        check_int(c.abandoned, 0);
    }
    check_int(rc, 5);
    check_int(c.runs, 1);
    check(n > 1);
    return 0;
}

static size_t address_space(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    size_t pages = 0;
    if (!f || fscanf(f, "%zu", &pages) != 1)
        abort();
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int call_without_room(void *arg)
{
    struct rlimit before;
    getrlimit(RLIMIT_AS, &before);
    struct rlimit tight = {address_space() + (256 << 10), before.rlim_max};
    setrlimit(RLIMIT_AS, &tight);
    int rc = hem_thread_call(give, arg, NULL);
    setrlimit(RLIMIT_AS, &before);
    check_int(rc, HEM_EAGAIN);
    check_int(hem_thread_call(give, arg, NULL), 6);
    return 0;
}

static int run_without_room(void *arg)
{
    int rc = run_virtual(call_without_room, arg);
    return rc < 0 || check_failures_take() ? 1 : 0;
}

static void a_call_without_a_thread_is_refused(void **state)
{
    (void)state;
    if (SANITIZED || in_valgrind() || in_emulator())
        skip();
    int result = 6;
    struct ending e;
    process_run(run_without_room, &result, &e);
    assert_string_equal(e.text, "");
    assert_int_equal(e.signo, 0);
    assert_int_equal(e.status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_call_without_a_thread_is_refused), /* before any thread */
        LEDGER_TEST(a_call_returns_what_the_function_returns),
        LEDGER_TEST(the_function_runs_on_another_thread_without_signals),
        LEDGER_TEST(eight_calls_run_at_once_and_others_wait_in_line),
        LEDGER_TEST(one_idle_thread_is_not_taken_for_two),
        LEDGER_TEST(a_call_that_is_cancelled_before_it_begins_is_dropped),
        LEDGER_TEST(a_call_that_has_begun_is_waited_for),
        LEDGER_TEST(with_abandon_the_caller_goes_on_at_once),
        LEDGER_TEST(a_pending_request_is_seen_by_the_call),
        LEDGER_TEST(whenever_it_is_cancelled_somebody_frees_the_argument_once),
        LEDGER_TEST(the_end_of_the_run_waits_for_abandoned_calls),
        LEDGER_TEST(a_call_without_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
