/* SPDX-License-Identifier: MIT */
/* Services as aiotools' test_server.py has them: one worker and several, in
 * processes and in threads, stopped by signals of their choice. */
#include <signal.h>
#include <sys/syscall.h>

#include "forked.h"
#include "prefork.h"
#include "support.h"

enum { SIGNALS, STARTED = 8, ENDED, PIDS = 16 };

/* Each of these is so with processes and with threads. */
static const bool in_threads[] = {false, true};

static int note(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    atomic_int *n = p->shared->numbers;
    uint32_t i = hem_worker_index(w);
    check_int(hem_process_index(), i);
    check_int(hem_worker_generation(w), 0);
    check_int(hem_worker_stop_signal(w), 0);
    atomic_store(&n[PIDS + i], (int)syscall(SYS_gettid));
    atomic_fetch_add(&n[STARTED], 1);
    int signo = hem_worker_wait(w);
    check_int(hem_worker_stop_signal(w), signo);
    check_int(hem_worker_wait(w), signo);
    atomic_store(&n[SIGNALS + i], signo);
    atomic_fetch_add(&n[ENDED], 1);
    return prefork_verdict();
}

static void check_service(struct prefork *p, int count, int signo)
{
    p->worker = note;
    p->options.num_workers = (uint32_t)count;
    prefork_start_ready(p);
    check_int(p->shared->numbers[STARTED], count);
    check_int(p->shared->numbers[ENDED], 0);
    prefork_signal(p, signo);
    prefork_end_silently(p);
    check_int(p->shared->numbers[ENDED], count);
    for (int i = 0; i < count; i++) {
        const atomic_int *n = p->shared->numbers;
        check_int(n[SIGNALS + i], signo);
        check(n[PIDS + i] != p->process.pid);
        check(i == 0 || n[PIDS + i] != n[PIDS + i - 1]);
    }
    check_int(prefork_count(p, HEM_WORKER_HAS_ENDED, -1), count);
    check_int(prefork_event(p, HEM_SERVICE_STOPS, -1, 0)->signal, signo);
    prefork_free(p);
}

static void a_service_of_one_worker_runs_until_a_signal(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(in_threads); t++) {
        struct prefork p = {.options = {.threads = in_threads[t]}};
        check_service(&p, 1, SIGINT);
        check_service(&p, 1, SIGTERM);
    }
}

static void a_service_of_several_workers_runs_until_a_signal(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(in_threads); t++) {
        struct prefork p = {.options = {.threads = in_threads[t]}};
        check_service(&p, 3, SIGINT);
        check_service(&p, 3, SIGTERM);
    }
}

static void a_service_stops_by_the_signals_of_its_choice(void **state)
{
    (void)state;
    const int signals[] = {SIGUSR1, SIGHUP, SIGRTMIN, 0};
    for (size_t t = 0; t < COUNT_OF(in_threads); t++) {
        struct prefork p = {
            .options = {.threads = in_threads[t], .stop_signals = signals}};
        check_service(&p, 2, SIGUSR1);
        check_service(&p, 2, SIGHUP); /* and so does not reload */
        check_service(&p, 2, SIGRTMIN);
    }
}

/* ---- signals during start ---- */

enum { GO = 30 };

static int set_up_slowly(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    process_say('u');
    while (!atomic_load(&p->shared->numbers[GO]))
        HEM_TRY(hem_sleep(HEM_MSEC));
    check_int(hem_worker_wait(w), SIGTERM);
    check_int(hem_worker_stop_signal(w), SIGTERM);
    process_say('w');
    return prefork_verdict();
}

static void
a_signal_during_start_stops_workers_when_they_are_set_up(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(in_threads); t++) {
        struct prefork p = {.worker = set_up_slowly,
                            .options = {.threads = in_threads[t]}};
        prefork_start(&p);
        prefork_await(&p, 'u', 2);
        prefork_signal(&p, SIGTERM);
        prefork_await(&p, PREFORK_STOPS, 1);
        prefork_signal(&p, SIGTERM);
        atomic_store(&p.shared->numbers[GO], 1);
        prefork_end_silently(&p);
        check_int(p.seen['w'], 2);
        check_int(prefork_count(&p, HEM_SERVICE_IS_READY, -1), 0);
        prefork_free(&p);
    }
}

/* The signal is there before anything is. */
static int raise_first(hem_main *m, void *arg)
{
    (void)arg;
    raise(SIGTERM);
    check_int(hem_main_serve(m, NULL), SIGTERM);
    return prefork_verdict();
}

static void a_signal_before_the_first_worker_stops_the_service(void **state)
{
    (void)state;
    for (size_t t = 0; t < COUNT_OF(in_threads); t++) {
        struct prefork p = {
            .worker = note,
            .options = {.threads = in_threads[t], .main = raise_first}};
        prefork_start(&p);
        prefork_end_silently(&p);
        size_t started = prefork_count(&p, HEM_WORKER_IS_STARTED, -1);
        check_int(prefork_count(&p, HEM_WORKER_HAS_ENDED, -1), started);
        prefork_free(&p);
    }
}

static void a_burst_of_signals_at_any_moment_of_the_start_ends_it(void **state)
{
    (void)state;
    for (int i = 0; i < 30; i++) {
        struct prefork p = {.worker = prefork_serve,
                            .options = {.threads = i % 2}};
        prefork_start(&p);
        for (int n = i / 6; n > 0; n--)
            prefork_await(&p, PREFORK_STARTED, n < 2 ? 1 : 2);
        if (i / 6 == 0)
            prefork_await(&p, PREFORK_STARTED, 1); /* its handlers are set */
        prefork_signal(&p, SIGTERM);
        prefork_signal(&p, SIGINT);
        prefork_signal(&p, SIGHUP);
        prefork_end_silently(&p);
        prefork_free(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_service_of_one_worker_runs_until_a_signal),
        LEDGER_TEST(a_service_of_several_workers_runs_until_a_signal),
        LEDGER_TEST(a_service_stops_by_the_signals_of_its_choice),
        LEDGER_TEST(a_signal_during_start_stops_workers_when_they_are_set_up),
        LEDGER_TEST(a_signal_before_the_first_worker_stops_the_service),
        LEDGER_TEST(a_burst_of_signals_at_any_moment_of_the_start_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
