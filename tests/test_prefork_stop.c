/* SPDX-License-Identifier: MIT */
/* The steps of stopping a service. */
#include <signal.h>
#include <sys/prctl.h>

#include "forked.h"
#include "prefork.h"
#include "support.h"

enum { TOLD, GO };

static void a_service_is_unready_before_its_workers_are_told(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.unready = HEM_MSEC}};
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, PREFORK_STOPS, 1);
    check(prefork_place(&p, HEM_SERVICE_IS_UNREADY, -1, 0) <
          prefork_place(&p, HEM_SERVICE_STOPS, -1, 0));
    prefork_end_silently(&p);
    prefork_free(&p);
}

static void a_second_signal_ends_the_unready_step(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.unready = HEM_NEVER}};
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, PREFORK_UNREADY, 1);
    prefork_signal(&p, SIGINT);
    prefork_end_silently(&p);
    check_int(prefork_event(&p, HEM_SERVICE_STOPS, -1, 0)->signal, SIGTERM);
    prefork_free(&p);
}

static void a_service_that_was_never_ready_is_not_unready_for_long(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.unready = HEM_NEVER, .main = NULL}};
    prefork_start(&p);
    prefork_await(&p, PREFORK_STARTED, 1);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, PREFORK_UNREADY, 1);
    if (prefork_count(&p, HEM_SERVICE_IS_READY, -1) > 0)
        prefork_signal(&p, SIGTERM); /* it was faster */
    prefork_end_silently(&p);
    prefork_free(&p);
}

static void a_failure_makes_the_service_unready_too(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.unready = HEM_NEVER},
                        .expected = HEM_ESIGNALED};
    struct ending e;
    prefork_start_ready(&p);
    check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
    prefork_await(&p, PREFORK_UNREADY, 1);
    check_int(kill(prefork_pid(&p, 1), 0), 0); /* it serves */
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_int(prefork_event(&p, HEM_SERVICE_STOPS, -1, 0)->signal, SIGTERM);
    prefork_free(&p);
}

static void nobody_is_waited_for_when_the_last_worker_has_gone(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.unready = HEM_NEVER},
                        .expected = HEM_ESIGNALED};
    struct ending e;
    prefork_start_ready(&p);
    check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
    prefork_await(&p, PREFORK_UNREADY, 1);
    check_int(kill(prefork_pid(&p, 1), SIGKILL), 0);
    prefork_end(&p, &e);
    prefork_free(&p);
}

/* Whose end would hurry it: there is none, as it waits to be restarted. */
static void a_worker_that_waits_to_be_restarted_is_not_waited_for(void **state)
{
    (void)state;
    for (int completing = 0; completing < 2; completing++) {
        struct prefork p = {.worker = prefork_serve,
                            .options = {.num_workers = 1,
                                        .restart = HEM_RESTART_ALWAYS,
                                        .backoff_min = HEM_SEC << 20,
                                        .backoff_max = HEM_SEC << 20,
                                        .unready = HEM_NEVER,
                                        .run_to_completion = completing}};
        struct ending e;
        prefork_start_ready(&p);
        check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
        prefork_await(&p, PREFORK_ENDED, 1);
        prefork_signal(&p, SIGTERM);
        prefork_end(&p, &e);
        check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 0), 1);
        prefork_free(&p);
    }
}

/* ---- the grace period ---- */

static int wait_for_cancel(hem_worker *w, void *arg)
{
    (void)arg;
    int rc = hem_worker_wait(w); /* both may come at once */
    if (rc > 0)
        rc = hem_sleep(HEM_NEVER);
    check_int(rc, HEM_ECANCELED);
    process_say('c');
    return HEM_ECANCELED;
}

static void
main_tasks_are_cancelled_when_the_grace_period_nears_its_end(void **state)
{
    (void)state;
    for (int threads = 0; threads < 2; threads++) {
        struct prefork p = {.worker = wait_for_cancel,
                            .options = {.threads = threads,
                                        .grace = 60 * HEM_SEC,
                                        .cancel = 60 * HEM_SEC - HEM_MSEC}};
        prefork_start_ready(&p);
        prefork_signal(&p, SIGTERM);
        prefork_end_silently(&p);
        check_int(p.seen['c'], 2);
        check_int(prefork_count(&p, HEM_SERVICE_KILLS, -1), 0);
        prefork_free(&p);
    }
}

static int stand_still(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    (void)p;
    hem_worker_ready(w);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (pause() < 0)
        continue;
    return 0;
}

static void what_is_left_is_killed_and_named(void **state)
{
    (void)state;
    static const hem_ns graces[] = {-1, HEM_MSEC};
    for (size_t i = 0; i < COUNT_OF(graces); i++) {
        struct prefork p = {.worker = stand_still,
                            .options = {.grace = graces[i]},
                            .expected = HEM_ESIGNALED};
        struct ending e;
        prefork_start_ready(&p);
        prefork_signal(&p, SIGTERM);
        prefork_end(&p, &e);
        check_int(prefork_count(&p, HEM_SERVICE_KILLS, -1), 1);
        check_contains(e.text, "worker 0 (pid ");
        check_contains(e.text, "worker 1 (pid ");
        check_contains(e.text, "): grace period over\n");
        check_contains(e.text, ") failed in body: killed by SIGKILL\n");
        prefork_free(&p);
    }
}

static void a_stopped_worker_is_killed_too(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.grace = HEM_MSEC, .cancel = -1},
                        .expected = HEM_ESIGNALED};
    struct ending e;
    prefork_start_ready(&p);
    check_int(kill(prefork_pid(&p, 1), SIGSTOP), 0);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    prefork_free(&p);
}

static void a_stop_during_start_kills_who_does_not_come_up(void **state)
{
    (void)state;
    struct prefork p = {.worker = stand_still,
                        .options = {.grace = HEM_MSEC},
                        .expected = HEM_ESIGNALED};
    struct ending e;
    prefork_start(&p);
    prefork_await(&p, PREFORK_STARTED, 1);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    size_t started = prefork_count(&p, HEM_WORKER_IS_STARTED, -1);
    check_int(prefork_count(&p, HEM_WORKER_HAS_ENDED, -1), started);
    prefork_free(&p);
}

/* ---- run to completion ---- */

static int complete(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    hem_worker_ready(w);
    while (!atomic_load(&p->shared->numbers[GO]) &&
           hem_worker_stop_signal(w) == 0)
        HEM_TRY(hem_sleep(HEM_MSEC));
    atomic_fetch_add(&p->shared->numbers[TOLD], hem_worker_stop_signal(w));
    return prefork_verdict();
}

static void workers_that_run_to_completion_are_not_told_to_stop(void **state)
{
    (void)state;
    struct prefork p = {.worker = complete,
                        .options = {.run_to_completion = true}};
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, PREFORK_UNREADY, 1);
    atomic_store(&p.shared->numbers[GO], 1);
    prefork_end_silently(&p);
    check_int(p.shared->numbers[TOLD], 0);
    prefork_free(&p);
}

static void a_second_signal_tells_them(void **state)
{
    (void)state;
    struct prefork p = {.worker = complete,
                        .options = {.run_to_completion = true}};
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, PREFORK_UNREADY, 1);
    prefork_signal(&p, SIGTERM);
    prefork_end_silently(&p);
    check_int(p.shared->numbers[TOLD], 2 * SIGTERM);
    prefork_free(&p);
}

static void a_failure_tells_them(void **state)
{
    (void)state;
    for (int asked = 0; asked < 2; asked++) {
        struct prefork p = {.worker = complete,
                            .options = {.run_to_completion = true},
                            .expected = HEM_ESIGNALED};
        struct ending e;
        prefork_start_ready(&p);
        if (asked) {
            prefork_signal(&p, SIGTERM);
            prefork_await(&p, PREFORK_UNREADY, 1);
        }
        check_int(kill(prefork_pid(&p, 0), SIGKILL), 0);
        prefork_end(&p, &e);
        check_int(p.shared->numbers[TOLD], SIGTERM);
        prefork_free(&p);
    }
}

/* ---- the parent ---- */

static int hear_the_death(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    int signo = hem_worker_wait(w);
    atomic_fetch_add(&p->shared->numbers[TOLD], signo);
    return prefork_verdict();
}

static void workers_stop_when_the_parent_dies(void **state)
{
    (void)state;
    struct prefork p = {.worker = hear_the_death};
    struct ending e;
    char got;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGKILL);
    while (process_hear(&p.process, &got))
        continue; /* until the last worker has gone */
    prefork_open_gate(&p);
    process_end(&p.process, &e);
    check_int(e.signo, SIGKILL);
    check_str(e.text, "");
    check_int(p.shared->numbers[TOLD], 2 * SIGTERM);
    prefork_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_service_is_unready_before_its_workers_are_told),
        LEDGER_TEST(a_second_signal_ends_the_unready_step),
        LEDGER_TEST(a_service_that_was_never_ready_is_not_unready_for_long),
        LEDGER_TEST(a_failure_makes_the_service_unready_too),
        LEDGER_TEST(nobody_is_waited_for_when_the_last_worker_has_gone),
        LEDGER_TEST(a_worker_that_waits_to_be_restarted_is_not_waited_for),
        LEDGER_TEST(
            main_tasks_are_cancelled_when_the_grace_period_nears_its_end),
        LEDGER_TEST(what_is_left_is_killed_and_named),
        LEDGER_TEST(a_stopped_worker_is_killed_too),
        LEDGER_TEST(a_stop_during_start_kills_who_does_not_come_up),
        LEDGER_TEST(workers_that_run_to_completion_are_not_told_to_stop),
        LEDGER_TEST(a_second_signal_tells_them),
        LEDGER_TEST(a_failure_tells_them),
        LEDGER_TEST(workers_stop_when_the_parent_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
