/* SPDX-License-Identifier: MIT */
/* Rolling restarts. */
#include <signal.h>
#include <sys/prctl.h>

#include "forked.h"
#include "prefork.h"
#include "support.h"

enum { READY_NOW, LEAST_READY, BROKEN, RELOADS, VERSION, GO };

#define WORKERS 3

/* Keep count of how many are ready. */
static int serve_and_count(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    atomic_int *n = p->shared->numbers;
    if (hem_worker_generation(w) > 0 && atomic_load(&n[BROKEN]) > 0)
        return hem_fail(HEM_EIO, "broken");
    atomic_fetch_add(&n[READY_NOW], 1);
    int signo = hem_worker_wait(w);
    check_int(signo, SIGTERM);
    int ready = atomic_fetch_sub(&n[READY_NOW], 1) - 1;
    int least = atomic_load(&n[LEAST_READY]);
    while (ready < least &&
           !atomic_compare_exchange_weak(&n[LEAST_READY], &least, ready))
        continue;
    return prefork_verdict();
}

static void start(struct prefork *p)
{
    p->worker = serve_and_count;
    p->options.num_workers = WORKERS;
    prefork_start_ready(p);
}

static void sighup_replaces_all_workers_one_after_the_other(void **state)
{
    (void)state;
    struct prefork p = {0};
    start(&p);
    atomic_store(&p.shared->numbers[LEAST_READY], WORKERS);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, PREFORK_RELOADED, 1);
    prefork_await(&p, PREFORK_ENDED, WORKERS);
    check_int(p.shared->numbers[LEAST_READY], WORKERS);
    check_int(prefork_count(&p, HEM_SERVICE_RELOADS, -1), 1);
    check_int(prefork_event(&p, HEM_SERVICE_RELOADED, -1, 0)->error, 0);
    for (int i = 0; i < WORKERS; i++) {
        check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, i), 2);
        check_int(prefork_event(&p, HEM_WORKER_IS_READY, i, 1)->generation, 1);
        check(prefork_place(&p, HEM_WORKER_IS_READY, i, 1) <
              prefork_place(&p, HEM_WORKER_HAS_ENDED, i, 0));
        if (i > 0)
            check(prefork_place(&p, HEM_WORKER_IS_READY, i - 1, 1) <
                  prefork_place(&p, HEM_WORKER_IS_STARTED, i, 1));
    }
    prefork_stop(&p);
}

static void a_thousand_sighups_at_once_are_two_rolls_at_most(void **state)
{
    (void)state;
    struct prefork p = {0};
    start(&p);
    check_int(kill(p.process.pid, SIGSTOP), 0);
    for (int i = 0; i < 1000; i++)
        prefork_signal(&p, SIGHUP);
    check_int(kill(p.process.pid, SIGCONT), 0);
    prefork_await(&p, PREFORK_RELOADED, 1);
    prefork_signal(&p, SIGTERM);
    prefork_end_silently(&p);
    check(prefork_count(&p, HEM_SERVICE_RELOADS, -1) <= 2);
    check(prefork_count(&p, HEM_WORKER_IS_STARTED, -1) <= 3 * WORKERS);
    prefork_free(&p);
}

static int reload_and_wait(void *arg)
{
    const struct prefork *p = arg;
    atomic_fetch_add(&p->shared->numbers[RELOADS], 1);
    process_say('l');
    while (!atomic_load(&p->shared->numbers[GO]))
        HEM_TRY(hem_sleep(HEM_MSEC));
    return 0;
}

static void sighups_during_a_roll_count_as_one_more(void **state)
{
    (void)state;
    struct prefork p = {.options = {.reload = reload_and_wait}};
    p.options.reload_arg = &p;
    start(&p);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, 'l', 1);
    for (int i = 0; i < 1000; i++)
        prefork_signal(&p, SIGHUP);
    atomic_store(&p.shared->numbers[GO], 1);
    prefork_await(&p, PREFORK_RELOADED, 2);
    prefork_signal(&p, SIGTERM);
    prefork_end_silently(&p);
    check_int(prefork_count(&p, HEM_SERVICE_RELOADS, -1), 2);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 3 * WORKERS);
    prefork_free(&p);
}

/* The configuration: in the parent's memory. */
static int version;

static int read_configuration(void *arg)
{
    const struct prefork *p = arg;
    version++;
    return version == 3 ? hem_fail(HEM_EINVAL, "line 7") : (int)(p - p);
}

static int show_configuration(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    atomic_store(&p->shared->numbers[VERSION], version);
    return prefork_serve(w, arg);
}

static void new_workers_see_what_reload_has_changed(void **state)
{
    (void)state;
    struct prefork p = {
        .worker = show_configuration,
        .options = {.num_workers = 1, .reload = read_configuration}};
    struct ending e;
    p.options.reload_arg = &p;
    prefork_start(&p);
    for (unsigned n = 1; n <= 3; n++) {
        prefork_await(&p, PREFORK_READY, n);
        check_int(p.shared->numbers[VERSION], n - 1);
        prefork_signal(&p, SIGHUP);
        prefork_await(&p, PREFORK_RELOADED, n);
    }
    check_int(prefork_event(&p, HEM_SERVICE_RELOADED, -1, 2)->error,
              HEM_EINVAL);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 3);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_contains(e.text, "reload given up: HEM_EINVAL: line 7\n");
    prefork_free(&p);
}

static void a_failing_successor_gives_the_roll_up_and_the_old_stay(void **state)
{
    (void)state;
    struct prefork p = {0};
    struct ending e;
    start(&p);
    atomic_store(&p.shared->numbers[BROKEN], 1);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, PREFORK_RELOADED, 1);
    check_int(prefork_event(&p, HEM_SERVICE_RELOADED, -1, 0)->error, HEM_EIO);
    check_int(p.shared->numbers[READY_NOW], WORKERS);
    check_int(prefork_count(&p, HEM_WORKER_HAS_ENDED, -1), 1);
    atomic_store(&p.shared->numbers[BROKEN], 0);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, PREFORK_RELOADED, 2);
    check_int(prefork_event(&p, HEM_SERVICE_RELOADED, -1, 1)->error, 0);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_contains(e.text, " failed in set up: HEM_EIO: broken\n");
    check_contains(e.text, "worker: reload given up: HEM_EIO: ");
    prefork_free(&p);
}

/* ---- things that happen during a roll ---- */

/* Those of the second generation stand still in their set up. */
static int wait_in_set_up(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    if (hem_worker_generation(w) > 0) {
        process_say('u');
        while (!atomic_load(&p->shared->numbers[GO]))
            HEM_TRY(hem_sleep(HEM_MSEC));
    }
    return prefork_serve(w, arg);
}

static void a_stop_during_a_roll_stops_old_and_new(void **state)
{
    (void)state;
    struct prefork p = {.worker = wait_in_set_up};
    prefork_start_ready(&p);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, 'u', 1);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, PREFORK_STOPS, 1);
    atomic_store(&p.shared->numbers[GO], 1);
    prefork_end_silently(&p);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 3);
    check_int(prefork_event(&p, HEM_SERVICE_RELOADED, -1, 0)->error,
              HEM_ECANCELED);
    prefork_free(&p);
}

static void an_old_worker_killed_during_its_roll_has_its_successor(void **state)
{
    (void)state;
    struct prefork p = {
        .worker = wait_in_set_up,
        .options = {.restart = HEM_RESTART_ALWAYS, .backoff_min = HEM_USEC}};
    struct ending e;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, 'u', 1);
    check_int(kill(prefork_event(&p, HEM_WORKER_IS_READY, 0, 0)->pid, SIGKILL),
              0);
    prefork_await(&p, PREFORK_ENDED, 1);
    atomic_store(&p.shared->numbers[GO], 1);
    prefork_await(&p, PREFORK_RELOADED, 1);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 0), 2);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 1), 2);
    prefork_free(&p);
}

static void
a_successor_keeps_the_seat_of_one_whose_failure_is_ignored(void **state)
{
    (void)state;
    struct prefork p = {
        .worker = wait_in_set_up,
        .options = {.num_workers = 1, .restart = HEM_RESTART_IGNORE}};
    struct ending e;
    prefork_start_ready(&p);
    pid_t old = prefork_pid(&p, 0);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, 'u', 1);
    check_int(kill(old, SIGKILL), 0);
    prefork_await(&p, PREFORK_ENDED, 1);
    atomic_store(&p.shared->numbers[GO], 1);
    prefork_await(&p, PREFORK_RELOADED, 1);
    prefork_signal(&p, SIGHUP); /* it is one of the workers */
    prefork_await(&p, PREFORK_RELOADED, 2);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 0), 3);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    prefork_free(&p);
}

static void
a_worker_and_its_successor_whose_failures_are_ignored_are_gone(void **state)
{
    (void)state;
    struct prefork p = {
        .worker = wait_in_set_up,
        .options = {.num_workers = 1, .restart = HEM_RESTART_IGNORE},
        .expected = HEM_ESIGNALED};
    struct ending e;
    prefork_start_ready(&p);
    pid_t old = prefork_pid(&p, 0);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, 'u', 1);
    prefork_await(&p, PREFORK_STARTED, 2);
    check_int(kill(old, SIGKILL), 0);
    prefork_await(&p, PREFORK_ENDED, 1);
    check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
    prefork_end(&p, &e);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 0), 2);
    prefork_free(&p);
}

static void a_successor_killed_during_the_roll_gives_it_up(void **state)
{
    (void)state;
    struct prefork p = {.worker = wait_in_set_up};
    struct ending e;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, 'u', 1);
    prefork_await(&p, PREFORK_STARTED, 3);
    check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
    prefork_await(&p, PREFORK_RELOADED, 1);
    check_int(prefork_event(&p, HEM_SERVICE_RELOADED, -1, 0)->error,
              HEM_ESIGNALED);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 3);
    prefork_free(&p);
}

/* The old one and its successor die together: the seat is taken anew. */
static void a_worker_and_its_successor_killed_are_one_restart(void **state)
{
    (void)state;
    struct prefork p = {.worker = wait_in_set_up,
                        .options = {.num_workers = 1,
                                    .restart = HEM_RESTART_ALWAYS,
                                    .backoff_min = HEM_USEC}};
    struct ending e;
    prefork_start_ready(&p);
    pid_t old = prefork_pid(&p, 0);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, 'u', 1);
    prefork_await(&p, PREFORK_STARTED, 2);
    atomic_store(&p.shared->numbers[GO], 1);
    check_int(kill(p.process.pid, SIGSTOP), 0);
    check_int(kill(old, SIGKILL), 0);
    check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
    check_int(kill(p.process.pid, SIGCONT), 0);
    prefork_await(&p, PREFORK_ENDED, 2);
    prefork_await(&p, PREFORK_STARTED, 3);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 3);
    prefork_free(&p);
}

static int stand_still(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_ready(w);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (pause() < 0)
        continue;
    return 0;
}

static void
an_old_worker_that_does_not_drain_is_killed_without_harm(void **state)
{
    (void)state;
    struct prefork p = {.worker = stand_still,
                        .options = {.num_workers = 1, .grace = -1},
                        .expected = HEM_ESIGNALED}; /* when it stops */
    struct ending e;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, PREFORK_ENDED, 1);
    check_int(prefork_event(&p, HEM_WORKER_HAS_ENDED, 0, 0)->end.signal,
              SIGKILL);
    check_int(prefork_count(&p, HEM_SERVICE_KILLS, -1), 0);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_contains(e.text, "): grace period over\n");
    check_contains(e.text, ": killed by SIGKILL\n");
    prefork_free(&p);
}

static int drain_slowly(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    int rc = hem_worker_wait(w);
    process_say('d');
    while (!atomic_load(&p->shared->numbers[GO]))
        HEM_TRY(hem_sleep(HEM_MSEC));
    return rc < 0 ? rc : prefork_verdict();
}

/* The second roll waits for who still drains: there are two at most. */
static void a_seat_has_two_workers_at_most(void **state)
{
    (void)state;
    struct prefork p = {.worker = drain_slowly,
                        .options = {.num_workers = 1, .grace = HEM_NEVER}};
    prefork_start_ready(&p);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, PREFORK_RELOADED, 1);
    prefork_await(&p, 'd', 1);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, PREFORK_RELOADS, 2);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 2);
    atomic_store(&p.shared->numbers[GO], 1);
    prefork_await(&p, PREFORK_RELOADED, 2);
    check(prefork_place(&p, HEM_WORKER_HAS_ENDED, 0, 0) <
          prefork_place(&p, HEM_WORKER_IS_STARTED, 0, 2));
    prefork_stop(&p);
}

static int set_up_slowly(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    process_say('u');
    while (!atomic_load(&p->shared->numbers[GO]))
        HEM_TRY(hem_sleep(HEM_MSEC));
    return prefork_serve(w, arg);
}

static void a_sighup_during_start_rolls_when_the_service_is_ready(void **state)
{
    (void)state;
    struct prefork p = {.worker = set_up_slowly};
    prefork_start(&p);
    prefork_await(&p, 'u', 2);
    prefork_signal(&p, SIGHUP);
    prefork_signal(&p, SIGTTIN);
    prefork_await(&p, 'u', 3); /* TTIN comes behind HUP */
    atomic_store(&p.shared->numbers[GO], 1);
    prefork_await(&p, PREFORK_RELOADED, 1);
    check(prefork_place(&p, HEM_SERVICE_IS_READY, -1, 0) <
          prefork_place(&p, HEM_SERVICE_RELOADS, -1, 0));
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 6);
    prefork_stop(&p);
}

/* A stop comes while it runs, and is passed over. */
static int reload_slowly(void *arg)
{
    (void)arg;
    process_say('r');
    (void)!hem_sleep(HEM_NEVER);
    return 0;
}

static void a_stop_that_reload_passes_over_starts_nobody(void **state)
{
    (void)state;
    struct prefork p = {.options = {.reload = reload_slowly}};
    struct ending e;
    start(&p);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, 'r', 1);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    for (int i = 0; i < WORKERS; i++)
        check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, i), 1);
    prefork_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(sighup_replaces_all_workers_one_after_the_other),
        LEDGER_TEST(a_thousand_sighups_at_once_are_two_rolls_at_most),
        LEDGER_TEST(sighups_during_a_roll_count_as_one_more),
        LEDGER_TEST(new_workers_see_what_reload_has_changed),
        LEDGER_TEST(a_failing_successor_gives_the_roll_up_and_the_old_stay),
        LEDGER_TEST(a_stop_during_a_roll_stops_old_and_new),
        LEDGER_TEST(an_old_worker_killed_during_its_roll_has_its_successor),
        LEDGER_TEST(a_successor_keeps_the_seat_of_one_whose_failure_is_ignored),
        LEDGER_TEST(
            a_worker_and_its_successor_whose_failures_are_ignored_are_gone),
        LEDGER_TEST(a_successor_killed_during_the_roll_gives_it_up),
        LEDGER_TEST(a_worker_and_its_successor_killed_are_one_restart),
        LEDGER_TEST(an_old_worker_that_does_not_drain_is_killed_without_harm),
        LEDGER_TEST(a_seat_has_two_workers_at_most),
        LEDGER_TEST(a_sighup_during_start_rolls_when_the_service_is_ready),
        LEDGER_TEST(a_stop_that_reload_passes_over_starts_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
