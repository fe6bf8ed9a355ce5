/* SPDX-License-Identifier: MIT */
/*
 * Hostile acts upon signals: storms of them while tasks switch, call and wait;
 * descriptors that are reused. Handlers of the program run on the alternate
 * stack, hem's own write to an eventfd at most.
 */
#include "support.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "loop/fiber.h"
#include "loop/loop.h"

#define SWITCHERS 8

static atomic_bool stop;
static atomic_ulong handled, sent;
static atomic_bool on_task_stack;
static pthread_t target;

/* A program's own handler, which touches errno. */
static void count(int signo)
{
    char here;
    const hem_loop *l = hem_loop_current();
    (void)signo;
    if (l && l->current && l->current->stack) {
        const char *bottom = l->current->stack->bottom;
        if (&here >= bottom && &here < bottom + (64 << 10))
            atomic_store(&on_task_stack, true);
    }
    atomic_fetch_add(&handled, 1);
    if (!THREAD_SANITIZED) /* which takes it for a mistake */
        errno = EDOM;
}

static void count_and_keep_errno(int signo)
{
    int saved = errno;
    count(signo);
    errno = saved;
}

static void *bombard(void *arg)
{
    int signo = *(int *)arg;
    while (!atomic_load(&stop)) {
        pthread_kill(target, signo);
        atomic_fetch_add(&sent, 1);
    }
    return NULL;
}

/* A sum that is wrong if a stack or a register is not as it was. */
static int switch_much(void *arg)
{
    size_t rounds = *(size_t *)arg;
    volatile uint64_t sum = 0;
    for (size_t i = 1; i <= rounds; i++) {
        sum += i;
        errno = (int)(i % 30);
        char text[32];
        snprintf(text, sizeof(text), "%zu", i);
        char *copy = malloc(strlen(text) + 1);
        check(copy != NULL);
        free(copy);
        check_int(errno, i % 30);
        HEM_TRY(i % 8 ? hem_yield() : hem_sleep(1));
    }
    check(sum == (uint64_t)rounds * (rounds + 1) / 2);
    return 0;
}

static int storm_body(void *arg)
{
    HEM_SCOPE(s);
    while (atomic_load(&handled) == 0)
        HEM_TRY(hem_yield()); /* until the thread has begun */
    for (int i = 0; i < SWITCHERS; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, switch_much, arg));
    return hem_scope_close(&s, 0);
}

static void
hostile_28_handlers_leave_stacks_and_errno_of_tasks_alone(void **state)
{
    (void)state;
    size_t rounds = scaled(20000);
    struct sigaction before;
    struct sigaction sa = {.sa_handler = count_and_keep_errno,
                           .sa_flags = SA_ONSTACK | SA_RESTART};
    sigaction(SIGUSR2, &sa, &before);
    atomic_store(&stop, false);
    atomic_store(&handled, 0);
    atomic_store(&on_task_stack, false);
    target = pthread_self();
    pthread_t thread;
    int signo = SIGUSR2;
    assert_int_equal(pthread_create(&thread, NULL, bombard, &signo), 0);
    assert_int_equal(hem_run(storm_body, &rounds, NULL), 0);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    sigaction(SIGUSR2, &before, NULL);
    assert_true(atomic_load(&handled) > 0);
    if (!SANITIZED) /* then hem provides no alternate stack */
        assert_false(atomic_load(&on_task_stack));
    run_assert_checks();
}

static int interrupt_body(void *arg)
{
    (void)arg;
    for (int i = 1; i < 30; i++) {
        errno = i;
        raise(SIGURG); /* not ours, ignored */
        check_int(errno, i);
    }
    errno = ERANGE;
    raise(SIGINT); /* the first: to the loop */
    check_int(errno, ERANGE);
    return hem_sleep(HEM_NEVER);
}

static int run_interrupted(void *arg)
{
    check_int(hem_run(interrupt_body, arg, NULL), HEM_EINTR);
    return check_failures_take() ? 1 : 0;
}

static void hostile_28_the_handler_of_sigint_preserves_errno(void **state)
{
    (void)state;
    struct ending e;
    process_run(run_interrupted, NULL, &e);
    assert_string_equal(e.text, "");
    assert_int_equal(e.status, 0);
    assert_int_equal(e.signo, 0);
}

static int noop(void *arg)
{
    (void)arg;
    return 0;
}

struct children {
    size_t count, ended;
};

static int fork_children(void *arg)
{
    struct children *c = arg;
    for (size_t i = 0; i < c->count; i++) {
        hem_child child;
        hem_child_status status;
        HEM_TRY(hem_fork(&child, noop, NULL, NULL));
        HEM_TRY(hem_child_wait(&child, &status));
        hem_child_close(&child);
        check_int(status.exit_code, 0);
        c->ended++;
    }
    return 0;
}

static int receive(void *arg)
{
    unsigned long *received = arg;
    hem_signal s;
    HEM_TRY(hem_signal_open(&s, (int[]){SIGUSR1, SIGCHLD, 0}));
    int rc;
    while ((rc = hem_signal_wait(&s)) > 0)
        ++*received;
    hem_signal_close(&s);
    return rc;
}

static int children_in_a_storm(void *arg)
{
    struct children c = {.count = scaled(500)};
    unsigned long *received = arg;
    hem_task *t;
    pthread_t thread;
    int signo = SIGUSR1;
    HEM_TRY(hem_spawn(&t, receive, received));
    HEM_TRY(hem_yield());
    while (strcmp(hem_task_waits_for(t), "signal") != 0)
        HEM_TRY(hem_yield());
    atomic_store(&stop, false);
    target = pthread_self();
    check_int(pthread_create(&thread, NULL, bombard, &signo), 0);
    check_int(fork_children(&c), 0);
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    check_int(hem_cancel_and_wait(t, NULL), 0);
    check_int(c.ended, c.count);
    return 0;
}

static void hostile_28_a_storm_of_signals_loses_no_child(void **state)
{
    (void)state;
    unsigned long received = 0;
    struct sigaction before;
    struct sigaction sa = {.sa_handler = count, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR1, &sa, &before); /* what comes at the very end */
    assert_int_equal(hem_run(children_in_a_storm, &received, NULL), 0);
    sigaction(SIGUSR1, &before, NULL);
    assert_true(received > 0);
    run_assert_checks();
}

/* The signalfd is closed in the batch that brings its event, and its number
 * goes to a socket. */
static void reopen(void *arg, const hem_signal_info *info)
{
    hem_signal_handler **h = arg;
    (void)info;
    check(hem_signal_handler_stop(h[0]));
    if (h[1])
        check(hem_signal_handler_stop(h[1]));
}

VIRTUAL_TEST(hostile_12_an_event_of_a_closed_signalfd_reaches_nobody)
{
    for (int round = 0; round < 50; round++) {
        hem_signal_handler a, b;
        hem_signal_handler *both[2] = {&a, &b};
        hem_signal_handler_init(&a, reopen, both);
        hem_signal_handler_init(&b, reopen, both);
        check_int(hem_signal_handler_start(&a, SIGUSR1), 0);
        check_int(hem_signal_handler_start(&b, SIGUSR2), 0);
        check_int(raise(SIGUSR1), 0);
        check_int(hem_sleep(1), 0);
        check(!hem_signal_handler_stop(&b));
        hem_signal s; /* the number again */
        check_int(hem_signal_open(&s, (int[]){SIGUSR2, 0}), 0);
        check_int(hem_signal_try_wait(&s, NULL), HEM_EEMPTY);
        check_int(raise(SIGUSR2), 0);
        check_int(hem_signal_wait(&s), SIGUSR2);
        hem_signal_close(&s);
    }
    return 0;
}

static int wait_for(void *arg)
{
    return hem_signal_wait(arg);
}

VIRTUAL_TEST(hostile_13_closed_twice_used_after_or_closed_while_tasks_wait)
{
    hem_signal s, other;
    hem_task *t[3];
    check_int(hem_signal_open(&s, (int[]){SIGUSR1, 0}), 0);
    for (size_t i = 0; i < COUNT_OF(t); i++)
        check_int(hem_spawn(&t[i], wait_for, &s), 0);
    check_int(hem_sleep(1), 0);
    hem_signal_close(&s);
    check_int(hem_signal_open(&other, (int[]){SIGUSR2, 0}), 0);
    hem_signal_close(&s); /* does not close the other's descriptor */
    check_int(hem_signal_wait(&s), HEM_EBADF);
    check_int(hem_signal_try_wait(&s, NULL), HEM_EBADF);
    for (size_t i = 0; i < COUNT_OF(t); i++)
        check_int(hem_await(t[i]), HEM_EBADF);
    check_int(raise(SIGUSR2), 0);
    check_int(hem_signal_wait(&other), SIGUSR2);
    hem_signal_close(&other);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(hostile_12_an_event_of_a_closed_signalfd_reaches_nobody),
        LEDGER_TEST(
            hostile_13_closed_twice_used_after_or_closed_while_tasks_wait),
        LEDGER_TEST(hostile_28_handlers_leave_stacks_and_errno_of_tasks_alone),
        LEDGER_TEST(hostile_28_the_handler_of_sigint_preserves_errno),
        LEDGER_TEST(hostile_28_a_storm_of_signals_loses_no_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
