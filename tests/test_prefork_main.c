/* SPDX-License-Identifier: MIT */
/* Services with a main context: what is set up and torn down round them. */
#include <signal.h>

#include "forked.h"
#include "prefork.h"
#include "support.h"

enum { VALUE, OTHER, SIGNAL, RESULT, WORKERS };

/* ---- values ---- */

static int see_one(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    atomic_store(&p->shared->numbers[VALUE], *(int *)hem_worker_value(w));
    return prefork_serve(w, arg);
}

static int hand_one(hem_main *m, void *arg)
{
    const struct prefork *p = arg;
    int value = 123;
    process_say('a');
    int signo = hem_main_serve(m, &value);
    atomic_store(&p->shared->numbers[SIGNAL], signo);
    process_say('z');
    return prefork_verdict();
}

static void workers_get_the_value_of_the_main_context(void **state)
{
    (void)state;
    struct prefork p = {.worker = see_one, .options = {.main = hand_one}};
    p.options.main_arg = &p;
    prefork_start_ready(&p);
    check_int(p.seen['a'], 1);
    check_int(p.shared->numbers[VALUE], 123);
    prefork_signal(&p, SIGINT);
    prefork_end_silently(&p);
    check_int(p.seen['z'], 1);
    check_int(p.shared->numbers[SIGNAL], SIGINT);
    prefork_free(&p);
}

struct pair {
    int first;
    const char *second;
};

static int see_several(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    const struct pair *pair = hem_worker_value(w);
    atomic_store(&p->shared->numbers[VALUE], pair->first);
    check_str(pair->second, "second");
    return prefork_serve(w, arg);
}

static int hand_several(hem_main *m, void *arg)
{
    (void)arg;
    struct pair pair = {.first = 456, .second = "second"};
    int signo = hem_main_serve(m, &pair);
    return signo < 0 ? signo : 0;
}

static void workers_get_several_values_in_a_struct(void **state)
{
    (void)state;
    struct prefork p = {.worker = see_several,
                        .options = {.main = hand_several}};
    prefork_start_ready(&p);
    check_int(p.shared->numbers[VALUE], 456);
    prefork_stop(&p);
}

static int see_none(hem_worker *w, void *arg)
{
    check(!hem_worker_value(w));
    return prefork_serve(w, arg);
}

static void without_a_main_context_there_is_no_value(void **state)
{
    (void)state;
    struct prefork p = {.worker = see_none};
    prefork_start_ready(&p);
    prefork_stop(&p);
}

/* ---- order ---- */

static int count_worker(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    atomic_fetch_add(&p->shared->numbers[WORKERS], 1);
    int rc = prefork_serve(w, arg);
    atomic_fetch_sub(&p->shared->numbers[WORKERS], 1);
    return rc;
}

static int surround(hem_main *m, void *arg)
{
    const struct prefork *p = arg;
    check_int(p->shared->numbers[WORKERS], 0);
    check_int(hem_sleep(0), 0);
    int signo = hem_main_serve(m, NULL);
    check_int(p->shared->numbers[WORKERS], 0);
    check_int(hem_main_serve(m, NULL), HEM_EALREADY);
    check_int(hem_sleep(0), 0);
    return signo < 0 ? signo : prefork_verdict();
}

static void it_is_torn_down_when_the_last_worker_has_ended(void **state)
{
    (void)state;
    struct prefork p = {.worker = count_worker, .options = {.main = surround}};
    p.options.main_arg = &p;
    prefork_start_ready(&p);
    prefork_stop(&p);
}

/* ---- failures ---- */

static int fail_to_set_up(hem_main *m, void *arg)
{
    (void)m;
    (void)arg;
    return hem_fail(HEM_EINVAL, "no such table");
}

static void a_context_that_fails_in_set_up_starts_no_worker(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.main = fail_to_set_up},
                        .expected = HEM_EINVAL};
    struct ending e;
    prefork_start(&p);
    prefork_end(&p, &e);
    check_contains(e.text, "worker: main context failed in set up: "
                           "HEM_EINVAL: no such table\n");
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 0);
    prefork_free(&p);
}

static int fail_to_tear_down(hem_main *m, void *arg)
{
    (void)arg;
    check_int(hem_main_serve(m, NULL), SIGTERM);
    return hem_fail(HEM_EIO, "could not be saved");
}

static void a_context_that_fails_in_tear_down_fails_the_service(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.main = fail_to_tear_down},
                        .expected = HEM_EIO};
    struct ending e;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_contains(e.text, "worker: main context failed in tear down: "
                           "HEM_EIO: could not be saved\n");
    prefork_free(&p);
}

static int serve_nobody(hem_main *m, void *arg)
{
    (void)m;
    (void)arg;
    return 0;
}

static void a_context_that_never_serves_has_no_workers(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.main = serve_nobody}};
    prefork_start(&p);
    prefork_end_silently(&p);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 0);
    prefork_free(&p);
}

static int fail_to_bind(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    return HEM_EADDRINUSE;
}

static int see_the_failure(hem_main *m, void *arg)
{
    (void)arg;
    check_int(hem_main_serve(m, NULL), HEM_EADDRINUSE);
    return prefork_verdict();
}

static void a_context_is_told_of_the_workers_failure(void **state)
{
    (void)state;
    struct prefork p = {.worker = fail_to_bind,
                        .options = {.main = see_the_failure, .num_workers = 1},
                        .expected = HEM_EADDRINUSE};
    struct ending e;
    prefork_start(&p);
    prefork_end(&p, &e);
    check_contains(e.text, "failed in set up: HEM_EADDRINUSE: ");
    check(!strstr(e.text, "main context"));
    prefork_free(&p);
}

static int succeed(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    return 0;
}

static int see_them_end(hem_main *m, void *arg)
{
    (void)arg;
    check_int(hem_main_serve(m, NULL), 0);
    return prefork_verdict();
}

static void a_context_is_told_that_the_workers_ended_by_themselves(void **state)
{
    (void)state;
    struct prefork p = {.worker = succeed, .options = {.main = see_them_end}};
    prefork_start(&p);
    prefork_end_silently(&p);
    prefork_free(&p);
}

/* ---- signals ---- */

static int set_up_slowly(hem_main *m, void *arg)
{
    const struct prefork *p = arg;
    process_say('a');
    while (!atomic_load(&p->shared->numbers[VALUE]))
        HEM_TRY(hem_sleep(HEM_MSEC));
    check_int(hem_main_serve(m, NULL), SIGTERM);
    return prefork_verdict();
}

static void a_signal_in_its_set_up_starts_no_worker(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.main = set_up_slowly}};
    p.options.main_arg = &p;
    prefork_start(&p);
    prefork_await(&p, 'a', 1);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, PREFORK_UNREADY, 1);
    atomic_store(&p.shared->numbers[VALUE], 1);
    prefork_end_silently(&p);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1), 0);
    prefork_free(&p);
}

static int set_up_for_ever(hem_main *m, void *arg)
{
    (void)m;
    (void)arg;
    process_say('a');
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    process_say('z');
    return prefork_verdict();
}

static void a_second_signal_in_its_set_up_cancels_it(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.main = set_up_for_ever}};
    prefork_start(&p);
    prefork_await(&p, 'a', 1);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, PREFORK_UNREADY, 1);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, 'z', 1);
    prefork_end_silently(&p);
    prefork_free(&p);
}

static int tear_down_slowly(hem_main *m, void *arg)
{
    const struct prefork *p = arg;
    check_int(hem_main_serve(m, NULL), SIGTERM);
    process_say('z');
    while (!atomic_load(&p->shared->numbers[VALUE]))
        HEM_TRY(hem_sleep(HEM_MSEC));
    return prefork_verdict();
}

static void signals_in_its_tear_down_are_swallowed(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.main = tear_down_slowly}};
    p.options.main_arg = &p;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, 'z', 1);
    prefork_signal(&p, SIGTERM);
    prefork_signal(&p, SIGINT);
    prefork_signal(&p, SIGHUP);
    prefork_signal(&p, SIGTTIN);
    prefork_signal(&p, SIGTTOU);
    atomic_store(&p.shared->numbers[VALUE], 1);
    prefork_end_silently(&p);
    prefork_free(&p);
}

static int serve_for_a_while(hem_main *m, void *arg)
{
    const struct prefork *p = arg;
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, HEM_NEVER));
    check_int(hem_timeout_reschedule(&t, hem_now()), 0);
    int rc = hem_timeout_close(&t, hem_main_serve(m, NULL));
    check_int(rc, HEM_ETIMEDOUT);
    check_int(p->shared->numbers[WORKERS], 0);
    return prefork_verdict();
}

static void
cancelling_its_wait_stops_the_workers_and_waits_for_them(void **state)
{
    (void)state;
    struct prefork p = {.worker = count_worker,
                        .options = {.main = serve_for_a_while}};
    p.options.main_arg = &p;
    prefork_start(&p);
    prefork_end_silently(&p);
    check_int(prefork_count(&p, HEM_SERVICE_STOPS, -1), 1);
    prefork_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(workers_get_the_value_of_the_main_context),
        LEDGER_TEST(workers_get_several_values_in_a_struct),
        LEDGER_TEST(without_a_main_context_there_is_no_value),
        LEDGER_TEST(it_is_torn_down_when_the_last_worker_has_ended),
        LEDGER_TEST(a_context_that_fails_in_set_up_starts_no_worker),
        LEDGER_TEST(a_context_that_fails_in_tear_down_fails_the_service),
        LEDGER_TEST(a_context_that_never_serves_has_no_workers),
        LEDGER_TEST(a_context_is_told_of_the_workers_failure),
        LEDGER_TEST(a_context_is_told_that_the_workers_ended_by_themselves),
        LEDGER_TEST(a_signal_in_its_set_up_starts_no_worker),
        LEDGER_TEST(a_second_signal_in_its_set_up_cancels_it),
        LEDGER_TEST(signals_in_its_tear_down_are_swallowed),
        LEDGER_TEST(cancelling_its_wait_stops_the_workers_and_waits_for_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
