/* SPDX-License-Identifier: MIT */
/* Services with processes beside their workers. */
#include <signal.h>
#include <sys/prctl.h>

#include "forked.h"
#include "prefork.h"
#include "support.h"

enum { SIGNALS, INDEX = 8, VALUES = 16, GO = 24 };

/* ---- with a loop ---- */

static int note_signal(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    uint32_t i = hem_worker_index(w);
    check_int(hem_process_index(), i);
    atomic_store(&p->shared->numbers[INDEX + i], (int)i + 1);
    atomic_store(&p->shared->numbers[SIGNALS + i], hem_worker_wait(w));
    return prefork_verdict();
}

static void extra_processes_start_and_stop_with_the_workers(void **state)
{
    (void)state;
    struct prefork p = {.worker = note_signal};
    hem_extra_process extra[] = {{.fn = note_signal, .arg = &p},
                                 {.fn = note_signal, .arg = &p}};
    p.options.extra = extra;
    p.options.extra_count = 2;
    prefork_start_ready(&p);
    check_int(prefork_count(&p, HEM_WORKER_IS_READY, -1), 4);
    prefork_signal(&p, SIGINT);
    prefork_end_silently(&p);
    for (int i = 0; i < 4; i++) {
        check_int(p.shared->numbers[INDEX + i], i + 1);
        check_int(p.shared->numbers[SIGNALS + i], SIGINT);
    }
    prefork_free(&p);
}

static void an_extra_process_is_told_by_its_own_signal(void **state)
{
    (void)state;
    struct prefork p = {.worker = note_signal};
    hem_extra_process extra[] = {
        {.fn = note_signal, .arg = &p, .stop_signal = SIGUSR1}};
    p.options.extra = extra;
    p.options.extra_count = 1;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTERM);
    prefork_end_silently(&p);
    check_int(p.shared->numbers[SIGNALS + 0], SIGTERM);
    check_int(p.shared->numbers[SIGNALS + 1], SIGTERM);
    check_int(p.shared->numbers[SIGNALS + 2], SIGUSR1);
    prefork_free(&p);
}

static int give_value(hem_main *m, void *arg)
{
    int value = 77;
    (void)arg;
    int signo = hem_main_serve(m, &value);
    return signo < 0 ? signo : prefork_verdict();
}

static int note_value(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    atomic_store(&p->shared->numbers[VALUES + hem_worker_index(w)],
                 *(int *)hem_worker_value(w));
    return prefork_serve(w, arg);
}

static void extra_processes_get_the_value_of_the_main_context(void **state)
{
    (void)state;
    struct prefork p = {.worker = note_value, .options = {.main = give_value}};
    hem_extra_process extra[] = {{.fn = note_value, .arg = &p}};
    p.options.extra = extra;
    p.options.extra_count = 1;
    prefork_start_ready(&p);
    for (int i = 0; i < 3; i++)
        check_int(p.shared->numbers[VALUES + i], 77);
    prefork_stop(&p);
}

/* ---- plain ---- */

static int linger(void *arg)
{
    const struct prefork *p = arg;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    atomic_store(&p->shared->numbers[INDEX], hem_process_index());
    process_say('p');
    while (pause() < 0)
        continue;
    return 0;
}

static void a_plain_process_ends_by_the_signal_it_is_told(void **state)
{
    (void)state;
    static const int signals[] = {0, SIGUSR1, SIGKILL};
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        struct prefork p = {.worker = prefork_serve};
        hem_extra_process extra[] = {
            {.plain = linger, .arg = &p, .stop_signal = signals[i]}};
        p.options.extra = extra;
        p.options.extra_count = 1;
        prefork_start_ready(&p);
        prefork_await(&p, 'p', 1);
        check_int(p.shared->numbers[INDEX], 2);
        prefork_signal(&p, SIGINT);
        prefork_end_silently(&p);
        check_int(prefork_event(&p, HEM_WORKER_HAS_ENDED, 2, 0)->end.signal,
                  signals[i] ? signals[i] : SIGINT);
        check_int(prefork_event(&p, HEM_WORKER_HAS_ENDED, 2, 0)->end.error, 0);
        prefork_free(&p);
    }
}

static int ignore_signals(void *arg)
{
    signal(SIGTERM, SIG_IGN);
    return linger(arg);
}

static void a_plain_process_that_stays_is_killed(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.grace = HEM_MSEC, .cancel = -1},
                        .expected = HEM_ESIGNALED};
    hem_extra_process extra[] = {{.plain = ignore_signals, .name = "log"}};
    struct ending e;
    extra[0].arg = &p;
    p.options.extra = extra;
    p.options.extra_count = 1;
    prefork_start_ready(&p);
    prefork_await(&p, 'p', 1);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_contains(e.text, "log 2 (pid ");
    check_contains(e.text, "): grace period over\n");
    prefork_free(&p);
}

static int fail_plainly(void *arg)
{
    const struct prefork *p = arg;
    process_say('p');
    prefork_pass_gate(p);
    return HEM_EIO;
}

static void a_failure_of_an_extra_process_is_one_of_the_service(void **state)
{
    (void)state;
    struct prefork p = {.worker = note_signal, .expected = HEM_EIO};
    hem_extra_process extra[] = {{.plain = fail_plainly, .arg = &p}};
    struct ending e;
    p.options.extra = extra;
    p.options.extra_count = 1;
    prefork_start_ready(&p);
    prefork_end(&p, &e);
    check_contains(e.text, "extra 2 (pid ");
    check_contains(e.text, ") failed in body: HEM_EIO: ");
    check_int(p.shared->numbers[SIGNALS + 0], SIGTERM);
    check_int(p.shared->numbers[SIGNALS + 1], SIGTERM);
    prefork_free(&p);
}

static int return_plainly(void *arg)
{
    (void)arg;
    return 0;
}

static void an_extra_process_that_returns_is_done(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve};
    hem_extra_process extra[] = {{.plain = return_plainly}};
    p.options.extra = extra;
    p.options.extra_count = 1;
    prefork_start_ready(&p);
    prefork_await(&p, PREFORK_ENDED, 1);
    prefork_stop(&p);
}

static int return_now(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    return 0;
}

static void extra_processes_are_told_when_the_workers_are_done(void **state)
{
    (void)state;
    static const bool completing[] = {false, true};
    for (size_t i = 0; i < COUNT_OF(completing); i++) {
        struct prefork p = {.worker = return_now,
                            .options = {.run_to_completion = completing[i]}};
        hem_extra_process extra[] = {{.plain = linger, .arg = &p},
                                     {.fn = note_signal, .arg = &p}};
        p.options.extra = extra;
        p.options.extra_count = 2;
        prefork_start(&p);
        prefork_end_silently(&p);
        check_int(p.shared->numbers[SIGNALS + 3], SIGTERM);
        prefork_free(&p);
    }
}

static void an_extra_process_killed_is_started_anew(void **state)
{
    (void)state;
    struct prefork p = {
        .worker = prefork_serve,
        .options = {.restart = HEM_RESTART_ALWAYS, .backoff_min = HEM_USEC}};
    hem_extra_process extra[] = {{.plain = linger, .arg = &p}};
    struct ending e;
    p.options.extra = extra;
    p.options.extra_count = 1;
    prefork_start_ready(&p);
    check_int(kill(prefork_pid(&p, 2), SIGKILL), 0);
    prefork_await(&p, PREFORK_READY, 4);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    prefork_free(&p);
}

static void a_roll_leaves_extra_processes_alone(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve};
    hem_extra_process extra[] = {{.plain = linger, .arg = &p}};
    p.options.extra = extra;
    p.options.extra_count = 1;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, PREFORK_RELOADED, 1);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 1), 2);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 2), 1);
    prefork_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(extra_processes_start_and_stop_with_the_workers),
        LEDGER_TEST(an_extra_process_is_told_by_its_own_signal),
        LEDGER_TEST(extra_processes_get_the_value_of_the_main_context),
        LEDGER_TEST(a_plain_process_ends_by_the_signal_it_is_told),
        LEDGER_TEST(a_plain_process_that_stays_is_killed),
        LEDGER_TEST(a_failure_of_an_extra_process_is_one_of_the_service),
        LEDGER_TEST(an_extra_process_that_returns_is_done),
        LEDGER_TEST(extra_processes_are_told_when_the_workers_are_done),
        LEDGER_TEST(an_extra_process_killed_is_started_anew),
        LEDGER_TEST(a_roll_leaves_extra_processes_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
