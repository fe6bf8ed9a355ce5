/* SPDX-License-Identifier: MIT */
/* Services whose workers are threads. What they have in common with processes
 * is tested with those. */
#include <signal.h>
#include <stdlib.h>

#include "prefork.h"
#include "support.h"

enum { VALUE, SUM, GO, GENERATIONS };

#define RESTARTED                                                              \
    .restart = HEM_RESTART_ALWAYS, .backoff_min = HEM_USEC,                    \
    .backoff_max = 4 * HEM_USEC

/* Memory that is shared because it is the same process'. */
static atomic_int shared_by_threads;

static int change_value(hem_worker *w, void *arg)
{
    atomic_int *value = hem_worker_value(w);
    atomic_fetch_add(value, 1);
    return prefork_serve(w, arg);
}

static int share_value(hem_main *m, void *arg)
{
    const struct prefork *p = arg;
    int signo = hem_main_serve(m, &shared_by_threads);
    atomic_store(&p->shared->numbers[VALUE], shared_by_threads);
    return signo < 0 ? signo : prefork_verdict();
}

static void threads_share_the_value_of_the_main_context(void **state)
{
    (void)state;
    struct prefork p = {
        .worker = change_value,
        .options = {.threads = true, .num_workers = 4, .main = share_value}};
    p.options.main_arg = &p;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTERM);
    prefork_end_silently(&p);
    check_int(p.shared->numbers[VALUE], 4);
    prefork_free(&p);
}

static int see_pid(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    check_int(hem_process_index(), hem_worker_index(w));
    atomic_store(&p->shared->numbers[VALUE], getpid());
    return prefork_serve(w, arg);
}

static int see_no_index(hem_main *m, void *arg)
{
    check_int(hem_process_index(), -1);
    (void)arg;
    int signo = hem_main_serve(m, NULL);
    return signo < 0 ? signo : prefork_verdict();
}

static void threads_are_of_one_process(void **state)
{
    (void)state;
    struct prefork p = {.worker = see_pid,
                        .options = {.threads = true, .main = see_no_index}};
    prefork_start_ready(&p);
    check_int(p.shared->numbers[VALUE], p.process.pid);
    check_int(prefork_event(&p, HEM_WORKER_IS_READY, 0, 0)->pid, p.process.pid);
    prefork_stop(&p);
}

static int fail_a_few_times(hem_worker *w, void *arg)
{
    if (hem_worker_generation(w) < 3) {
        hem_worker_ready(w);
        return hem_fail(HEM_EIO, "once more");
    }
    return prefork_serve(w, arg);
}

static void a_thread_that_fails_is_restarted(void **state)
{
    (void)state;
    struct prefork p = {.worker = fail_a_few_times,
                        .options = {.threads = true, RESTARTED}};
    struct ending e;
    prefork_start(&p);
    prefork_await(&p, PREFORK_READY, 8);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_contains(e.text,
                   "worker 0 (thread) failed in body: HEM_EIO: once more\n");
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 8);
    prefork_free(&p);
}

static void threads_are_rolled_and_scaled(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve, .options = {.threads = true}};
    prefork_start_ready(&p);
    for (unsigned n = 1; n <= 10; n++) {
        prefork_signal(&p, SIGHUP);
        prefork_await(&p, PREFORK_RELOADED, n);
    }
    prefork_await(&p, PREFORK_ENDED, 20);
    prefork_signal(&p, SIGTTIN);
    prefork_await(&p, PREFORK_READY, 23);
    prefork_signal(&p, SIGTTOU);
    prefork_await(&p, PREFORK_ENDED, 21);
    prefork_stop(&p);
}

/* It would hear nothing before the test lets it go. */
static int hang(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    hem_worker_ready(w);
    if (hem_worker_index(w) == 0)
        prefork_pass_gate(p);
    return prefork_serve(w, arg);
}

static void a_thread_that_does_not_end_is_named_and_waited_for(void **state)
{
    (void)state;
    struct prefork p = {
        .worker = hang,
        .options = {.threads = true, .grace = HEM_MSEC, .cancel = -1}};
    struct ending e;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, PREFORK_KILLS, 1);
    prefork_end(&p, &e); /* opens the gate */
    check_contains(e.text, "worker 0 (thread): grace period over\n");
    check_contains(e.text,
                   "worker 0 (thread) cannot be killed, and is waited for\n");
    prefork_free(&p);
}

static int note_both(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    int signo = hem_worker_wait(w);
    atomic_fetch_add(&p->shared->numbers[SUM], signo);
    return prefork_verdict();
}

static void extra_threads_have_their_own_signal(void **state)
{
    (void)state;
    struct prefork p = {.worker = note_both, .options = {.threads = true}};
    hem_extra_process extra[] = {
        {.fn = note_both, .arg = &p, .stop_signal = SIGUSR1}};
    p.options.extra = extra;
    p.options.extra_count = 1;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGINT);
    prefork_end_silently(&p);
    check_int(p.shared->numbers[SUM], 2 * SIGINT + SIGUSR1);
    prefork_free(&p);
}

/* ---- sockets: of all threads, so closed behind the last ---- */

static int use_socket(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    int rc = hem_worker_wait(w);
    char byte = 's';
    check_int(write(p->options.sockets[0], &byte, 1), 1);
    return rc < 0 ? rc : prefork_verdict();
}

static void the_sockets_of_threads_are_closed_behind_the_last(void **state)
{
    (void)state;
    int fds[2];
    char bytes[3];
    check_int(pipe(fds), 0);
    int sockets[] = {fds[1], 0};
    struct prefork p = {.worker = use_socket,
                        .options = {.threads = true, .sockets = sockets}};
    prefork_start(&p);
    close(fds[1]);
    prefork_await(&p, PREFORK_SERVICE_READY, 1);
    prefork_signal(&p, SIGTERM);
    prefork_end_silently(&p);
    check_int(read(fds[0], bytes, sizeof(bytes)), 2);
    check_int(read(fds[0], bytes, sizeof(bytes)), 0);
    close(fds[0]);
    prefork_free(&p);
}

static int count_metrics(hem_worker *w, void *arg)
{
    hem_worker_ready(w);
    for (int i = 0; i < 1000; i++) {
        hem_worker_count(w, 1);
        hem_worker_metric_add(w, 0, 1);
    }
    return prefork_serve(w, arg);
}

static void threads_count_for_themselves(void **state)
{
    (void)state;
    static const hem_metric metric = {.name = "things_total"};
    struct prefork p = {.worker = count_metrics,
                        .options = {.threads = true,
                                    .num_workers = 4,
                                    .max_requests = 500,
                                    .metrics = &metric,
                                    .metric_count = 1}};
    prefork_start(&p);
    prefork_await(&p, PREFORK_READY, 12); /* each asks to be replaced */
    prefork_stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(threads_share_the_value_of_the_main_context),
        LEDGER_TEST(threads_are_of_one_process),
        LEDGER_TEST(a_thread_that_fails_is_restarted),
        LEDGER_TEST(threads_are_rolled_and_scaled),
        LEDGER_TEST(a_thread_that_does_not_end_is_named_and_waited_for),
        LEDGER_TEST(extra_threads_have_their_own_signal),
        LEDGER_TEST(the_sockets_of_threads_are_closed_behind_the_last),
        LEDGER_TEST(threads_count_for_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
