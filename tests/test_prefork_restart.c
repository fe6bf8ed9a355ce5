/* SPDX-License-Identifier: MIT */
/* Services whose workers fail: what `restart` makes of it. */
#include <signal.h>
#include <sys/resource.h>

#include "forked.h"
#include "prefork.h"
#include "support.h"

enum { ALLOWED };

#define RESTARTED                                                              \
    .restart = HEM_RESTART_ALWAYS, .backoff_min = HEM_USEC,                    \
    .backoff_max = 4 * HEM_USEC

static void a_killed_worker_is_replaced_and_the_others_go_on(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve, .options = {RESTARTED}};
    struct ending e;
    prefork_start_ready(&p);
    pid_t killed = prefork_pid(&p, 1);
    check_int(kill(killed, SIGKILL), 0);
    prefork_await(&p, PREFORK_READY, 3);
    const hem_prefork_event *end =
        prefork_event(&p, HEM_WORKER_HAS_ENDED, 1, 0);
    check_int(end->pid, killed);
    check_int(end->generation, 0);
    check_int(end->end.error, HEM_ESIGNALED);
    check_int(end->end.signal, SIGKILL);
    check_int(end->end.exit_code, -1);
    check_int(end->end.phase, HEM_WORKER_BODY);
    check(!end->end.core);
    const hem_prefork_event *next =
        prefork_event(&p, HEM_WORKER_IS_READY, 1, 1);
    check_int(next->generation, 1);
    check(next->pid != killed);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_contains(e.text, " failed in body: killed by SIGKILL\n");
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 0), 1);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 1), 2);
    check_int(prefork_count(&p, HEM_SERVICE_IS_READY, -1), 1);
    prefork_free(&p);
}

static void a_worker_killed_again_and_again_is_replaced_each_time(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve, .options = {RESTARTED}};
    struct ending e;
    prefork_start(&p);
    for (unsigned n = 0; n < 20; n++) {
        prefork_await(&p, PREFORK_READY, 2 + n);
        check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
    }
    prefork_await(&p, PREFORK_READY, 22);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 0), 21);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 1), 1);
    prefork_free(&p);
}

/* The first generation comes up, those behind it fail until they may. */
static int fail_for_a_while(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    if (hem_worker_generation(w) > 0 &&
        hem_worker_generation(w) < (uint32_t)p->shared->numbers[ALLOWED])
        return hem_fail(HEM_EIO, "not yet");
    return prefork_serve(w, arg);
}

static void a_failed_start_is_a_failure_that_is_tried_again(void **state)
{
    (void)state;
    struct prefork p = {.worker = fail_for_a_while,
                        .options = {.num_workers = 1, RESTARTED}};
    struct ending e;
    prefork_start(&p);
    atomic_store(&p.shared->numbers[ALLOWED], 5);
    prefork_await(&p, PREFORK_SERVICE_READY, 1);
    check_int(kill(prefork_pid(&p, 0), SIGSEGV), 0);
    prefork_await(&p, PREFORK_READY, 2);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_contains(e.text, " failed in set up: HEM_EIO: not yet\n");
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 0), 6);
    check_int(prefork_event(&p, HEM_WORKER_HAS_ENDED, 0, 1)->end.phase,
              HEM_WORKER_SET_UP);
    prefork_free(&p);
}

static int fail_to_set_up(hem_worker *w, void *arg)
{
    if (hem_worker_index(w) == 1)
        return hem_fail(HEM_EIO, "never");
    return prefork_serve(w, arg);
}

static void
a_failure_in_set_up_before_the_service_was_ready_ends_it(void **state)
{
    (void)state;
    static const hem_restart policies[] = {HEM_RESTART_STOP, HEM_RESTART_IGNORE,
                                           HEM_RESTART_ALWAYS};
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        struct prefork p = {.worker = fail_to_set_up,
                            .options = {.restart = policies[i]},
                            .expected = HEM_EIO};
        struct ending e;
        prefork_start(&p);
        prefork_end(&p, &e);
        check_contains(e.text, "worker 1 (pid ");
        check_contains(e.text, ") failed in set up: HEM_EIO: never\n");
        check_int(prefork_count(&p, HEM_SERVICE_IS_READY, -1), 0);
        prefork_free(&p);
    }
}

static void so_many_restarts_as_may_be_are_made_and_no_more(void **state)
{
    (void)state;
    struct prefork p = {
        .worker = prefork_serve,
        .options = {RESTARTED, .restart_limit = 3, .restart_window = HEM_NEVER},
        .expected = HEM_ELIMIT};
    struct ending e;
    prefork_start(&p);
    for (unsigned n = 0; n < 4; n++) {
        prefork_await(&p, PREFORK_READY, 2 + n);
        check_int(kill(prefork_pid(&p, n % 2), SIGKILL), 0);
    }
    prefork_end(&p, &e);
    check_contains(e.text, "worker: restarted too often, giving up\n");
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 2 + 3);
    prefork_free(&p);
}

static void restarts_longer_ago_than_the_window_do_not_count(void **state)
{
    (void)state;
    struct prefork p = {
        .worker = prefork_serve,
        .options = {RESTARTED, .restart_limit = 1, .restart_window = 1}};
    struct ending e;
    prefork_start(&p);
    for (unsigned n = 0; n < 3; n++) {
        prefork_await(&p, PREFORK_READY, 2 + n);
        check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
    }
    prefork_await(&p, PREFORK_READY, 5);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    prefork_free(&p);
}

static void ignored_failures_leave_the_service_to_the_others(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.restart = HEM_RESTART_IGNORE}};
    struct ending e;
    prefork_start_ready(&p);
    check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
    prefork_await(&p, PREFORK_ENDED, 1);
    check_int(kill(prefork_pid(&p, 1), 0), 0);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 2);
    prefork_free(&p);
}

static void
a_service_that_ignores_failures_ends_with_its_last_worker(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.restart = HEM_RESTART_IGNORE},
                        .expected = HEM_ESIGNALED};
    struct ending e;
    prefork_start_ready(&p);
    check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
    prefork_await(&p, PREFORK_ENDED, 1);
    check_int(kill(prefork_pid(&p, 1), SIGKILL), 0);
    prefork_end(&p, &e);
    prefork_free(&p);
}

static int return_when_ready(hem_worker *w, void *arg)
{
    if (hem_worker_index(w) == 0) {
        hem_worker_ready(w);
        return 0;
    }
    return prefork_serve(w, arg);
}

static void a_worker_that_returns_is_done_and_not_replaced(void **state)
{
    (void)state;
    struct prefork p = {.worker = return_when_ready, .options = {RESTARTED}};
    prefork_start_ready(&p);
    prefork_await(&p, PREFORK_ENDED, 1);
    check_int(prefork_event(&p, HEM_WORKER_HAS_ENDED, 0, 0)->end.error, 0);
    check_int(prefork_event(&p, HEM_WORKER_HAS_ENDED, 0, 0)->end.exit_code, 0);
    prefork_signal(&p, SIGTERM);
    prefork_end_silently(&p);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 2);
    prefork_free(&p);
}

/* Stop while the next start waits for its time. */
static void a_stop_does_not_wait_for_the_back_off(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.restart = HEM_RESTART_ALWAYS,
                                    .backoff_min = HEM_NEVER,
                                    .backoff_max = HEM_NEVER}};
    struct ending e;
    prefork_start_ready(&p);
    check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
    prefork_await(&p, PREFORK_ENDED, 1);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 2);
    prefork_free(&p);
}

static int set_up_for_ever(hem_worker *w, void *arg)
{
    if (hem_worker_index(w) == 1)
        return hem_sleep(HEM_NEVER);
    return prefork_serve(w, arg);
}

static void a_set_up_that_takes_too_long_is_a_failure(void **state)
{
    (void)state;
    struct prefork p = {.worker = set_up_for_ever,
                        .options = {.start_timeout = 50 * HEM_MSEC},
                        .expected = HEM_ESIGNALED};
    struct ending e;
    prefork_start(&p);
    prefork_end(&p, &e);
    check_contains(e.text, "): set up takes too long\n");
    check_contains(e.text, ": killed by SIGKILL\n");
    prefork_free(&p);
}

/* From the second worker on there are too few descriptors for the parent. */
static int serve_with_few(hem_main *m, void *arg)
{
    (void)arg;
    int fd = dup(STDERR_FILENO);
    struct rlimit before, few;
    close(fd);
    check_int(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)fd + 3;
    check_int(setrlimit(RLIMIT_NOFILE, &few), 0);
    int rc = hem_main_serve(m, NULL);
    check_int(setrlimit(RLIMIT_NOFILE, &before), 0);
    return rc < 0 ? rc : prefork_verdict();
}

static void a_worker_for_which_descriptors_lack_is_a_failed_start(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {RESTARTED, .main = serve_with_few},
                        .expected = HEM_EMFILE};
    struct ending e;
    prefork_start(&p);
    prefork_end(&p, &e);
    check_contains(e.text, " failed in start: HEM_EMFILE: ");
    prefork_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_killed_worker_is_replaced_and_the_others_go_on),
        LEDGER_TEST(a_worker_killed_again_and_again_is_replaced_each_time),
        LEDGER_TEST(a_failed_start_is_a_failure_that_is_tried_again),
        LEDGER_TEST(a_failure_in_set_up_before_the_service_was_ready_ends_it),
        LEDGER_TEST(so_many_restarts_as_may_be_are_made_and_no_more),
        LEDGER_TEST(restarts_longer_ago_than_the_window_do_not_count),
        LEDGER_TEST(ignored_failures_leave_the_service_to_the_others),
        LEDGER_TEST(a_service_that_ignores_failures_ends_with_its_last_worker),
        LEDGER_TEST(a_worker_that_returns_is_done_and_not_replaced),
        LEDGER_TEST(a_stop_does_not_wait_for_the_back_off),
        LEDGER_TEST(a_set_up_that_takes_too_long_is_a_failure),
        LEDGER_TEST(a_worker_for_which_descriptors_lack_is_a_failed_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
