/* SPDX-License-Identifier: MIT */
/* Stack overflow ends the process with a line that names the task. */
#include "support.h"

#include <pthread.h>
#include <signal.h>

static volatile int depth_max = INT32_MAX;

/* Not turned into a loop. */
__attribute__((noinline)) static int recurse(int depth)
{
    volatile char frame[512];
    frame[0] = (char)depth;
    int rc = depth < depth_max ? recurse(depth + 1) : 0;
    return rc + frame[0];
}

static int overflow(void *arg)
{
    (void)arg;
    return recurse(0);
}

static int spawn_overflow(void *arg)
{
    hem_task *t;
    HEM_TRY(hem_yield());
    if (arg)
        HEM_TRY(hem_spawn_with(&t, overflow, NULL, .name = "the deep one",
                               .stack_bytes = 1 << 18));
    else
        HEM_TRY(hem_spawn(NULL, overflow, NULL));
    return hem_sleep(HEM_SEC);
}

static int run_overflow(void *arg)
{
    return hem_run(spawn_overflow, arg, NULL) < 0;
}

static void assert_overflow(int (*fn)(void *arg), void *arg, const char *name,
                            const char *size)
{
    struct ending e;
    process_run(fn, arg, &e);
    check_int(e.signo, SIGSEGV);
    check_contains(e.text, "hem: fatal: stack overflow");
    check_contains(e.text, name);
    check_contains(e.text, size);
    check_contains(e.text, "test_overflow.c:");
    const char *newline = strchr(e.text, '\n');
    check(newline && !newline[1]);
    run_assert_checks();
}

static void recursion_names_the_task_its_stack_and_its_origin(void **state)
{
    (void)state;
    int handle = 1;
    assert_overflow(run_overflow, NULL, "\"overflow\"", "64 KiB");
    assert_overflow(run_overflow, &handle, "\"the deep one\"", "256 KiB");
}

static int run_main_overflow(void *arg)
{
    hem_run_options o = {.name = "server", .stack_bytes = 1 << 15};
    return hem_run(overflow, arg, &o) < 0;
}

static int run_main_named(void *arg)
{
    /* The main task is spawned by hem itself. */
    return run_main_overflow(arg);
}

static void the_main_task_may_overflow_too(void **state)
{
    (void)state;
    struct ending e;
    process_run(run_main_named, NULL, &e);
    assert_int_equal(e.signo, SIGSEGV);
    check_contains(e.text, "stack overflow in the main task \"server\" whose "
                           "stack has 32 KiB");
    check_contains(e.text, "large local variables");
    run_assert_checks();
}

static int take_much(void *arg)
{
    volatile char *p = __builtin_alloca(*(size_t *)arg);
    p[0] = 1;
    HEM_TRY(hem_yield());
    return p[0];
}

static int spawn_taking(void *arg)
{
    HEM_TRY(hem_spawn(NULL, take_much, arg));
    return hem_sleep(HEM_SEC);
}

static int run_taking(void *arg)
{
    return hem_run(spawn_taking, arg, NULL) < 0;
}

static void a_frame_larger_than_the_stack_hits_the_guard(void **state)
{
    (void)state;
    static size_t sizes[] = {70 << 10, 100 << 10};
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        assert_overflow(run_taking, &sizes[i], "\"take_much\"", "64 KiB");
}

static int eager_overflow(void *arg)
{
    return hem_spawn_with(NULL, overflow, arg, .eager = true);
}

static int run_eager(void *arg)
{
    return hem_run(eager_overflow, arg, NULL) < 0;
}

static void an_eager_task_is_named_and_not_its_parent(void **state)
{
    (void)state;
    assert_overflow(run_eager, NULL, "\"overflow\"", "64 KiB");
}

static void *overflow_in_thread(void *arg)
{
    return run_overflow(arg) ? arg : NULL;
}

static int run_thread(void *arg)
{
    pthread_t thread;
    pthread_create(&thread, NULL, overflow_in_thread, arg);
    pthread_join(thread, NULL);
    return 0;
}

static void a_loop_on_another_thread_is_watched_too(void **state)
{
    (void)state;
    assert_overflow(run_thread, NULL, "\"overflow\"", "64 KiB");
}

static int write_to(void *arg)
{
    HEM_TRY(hem_yield());
    *(volatile char *)arg = 1;
    return 0;
}

static int run_wild(void *arg)
{
    return hem_run(write_to, arg, NULL) < 0;
}

static void a_wild_pointer_is_not_called_an_overflow(void **state)
{
    (void)state;
    char *wild[] = {NULL, (char *)8, (char *)(uintptr_t)0x123456789000};
    for (size_t i = 0; i < COUNT_OF(wild); i++) {
        struct ending e;
        process_run(run_wild, wild[i], &e);
        assert_int_equal(e.signo, SIGSEGV);
        assert_string_equal(e.text, "");
    }
}

static void own_handler(int signo, siginfo_t *info, void *context)
{
    (void)context;
    static const char line[] = "own handler\n";
    if (signo == SIGSEGV && info->si_addr == (void *)8)
        (void)!write(STDERR_FILENO, line, sizeof(line) - 1);
    _exit(33);
}

static int run_handled(void *arg)
{
    struct sigaction sa = {.sa_sigaction = own_handler,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &sa, NULL);
    return arg ? run_wild(arg) : run_overflow(NULL);
}

static void a_handler_of_the_program_gets_the_other_faults(void **state)
{
    (void)state;
    struct ending e;
    process_run(run_handled, (char *)8, &e);
    assert_int_equal(e.signo, 0);
    assert_int_equal(e.status, 33);
    assert_string_equal(e.text, "own handler\n");
    assert_overflow(run_handled, NULL, "\"overflow\"", "64 KiB");
}

static struct sigaction found; /* before chaining_handler */

/* As programs and libraries do that want to see faults. */
static void chaining_handler(int signo, siginfo_t *info, void *context)
{
    static const char line[] = "seen\n";
    (void)!write(STDERR_FILENO, line, sizeof(line) - 1);
    if (found.sa_flags & SA_SIGINFO)
        found.sa_sigaction(signo, info, context);
}

static int install_chaining(void *arg)
{
    (void)arg;
    struct sigaction sa = {.sa_sigaction = chaining_handler,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &sa, &found);
    return 0;
}

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* Installed in the first run; the next ones put ours over it. */
static int run_chained(void *arg)
{
    (void)!hem_run(install_chaining, NULL, NULL);
    for (int i = 0; i < 20; i++)
        (void)!hem_run(do_nothing, NULL, NULL);
    return arg ? run_wild(arg) : run_overflow(NULL);
}

static int run_chained_again(void *arg)
{
    for (int i = 0; i < 20; i++)
        (void)!hem_run(install_chaining, NULL, NULL);
    return run_wild(arg);
}

static void a_handler_that_chains_to_ours_ends_in_every_run(void **state)
{
    (void)state;
    struct ending e;
    process_run(run_chained, (char *)8, &e);
    assert_int_equal(e.signo, SIGSEGV);
    assert_string_equal(e.text, "seen\n");
    assert_overflow(run_chained, NULL, "\"overflow\"", "64 KiB");
    process_run(run_chained_again, (char *)8, &e);
    assert_int_equal(e.signo, SIGSEGV);
    assert_string_equal(e.text, "seen\n");
}

static int give_back_and_run(void *arg)
{
    (void)!hem_run(install_chaining, NULL, NULL);
    sigaction(SIGSEGV, &found, NULL);
    return run_wild(arg);
}

static void one_that_gives_back_what_it_found_leaves_no_ring(void **state)
{
    (void)state;
    struct ending e;
    process_run(give_back_and_run, (char *)8, &e);
    assert_int_equal(e.signo, SIGSEGV);
    assert_string_equal(e.text, "");
}

static int send_segv(void *arg)
{
    (void)arg;
    raise(SIGSEGV);
    return 0;
}

static int run_sent(void *arg)
{
    return hem_run(send_segv, arg, NULL) < 0;
}

static void a_fault_that_was_sent_takes_its_default_action(void **state)
{
    (void)state;
    struct ending e;
    process_run(run_sent, NULL, &e);
    assert_int_equal(e.signo, SIGSEGV);
    assert_string_equal(e.text, "");
}

static int run_ignored(void *arg)
{
    signal(SIGSEGV, SIG_IGN);
    return run_sent(arg);
}

static void one_that_was_sent_and_is_ignored_stays_ignored(void **state)
{
    (void)state;
    struct ending e;
    process_run(run_ignored, NULL, &e);
    assert_int_equal(e.signo, 0);
    assert_int_equal(e.status, 0);
}

int main(void)
{
    if (SANITIZED || in_valgrind()) {
        puts("skipped: faults belong to the sanitizer, or to valgrind");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(recursion_names_the_task_its_stack_and_its_origin),
        LEDGER_TEST(the_main_task_may_overflow_too),
        LEDGER_TEST(a_frame_larger_than_the_stack_hits_the_guard),
        LEDGER_TEST(an_eager_task_is_named_and_not_its_parent),
        LEDGER_TEST(a_loop_on_another_thread_is_watched_too),
        LEDGER_TEST(a_wild_pointer_is_not_called_an_overflow),
        LEDGER_TEST(a_handler_of_the_program_gets_the_other_faults),
        LEDGER_TEST(a_handler_that_chains_to_ours_ends_in_every_run),
        LEDGER_TEST(one_that_gives_back_what_it_found_leaves_no_ring),
        LEDGER_TEST(a_fault_that_was_sent_takes_its_default_action),
        LEDGER_TEST(one_that_was_sent_and_is_ignored_stays_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
