/* SPDX-License-Identifier: MIT */
/* Services that grow and shrink. */
#include <signal.h>

#include "forked.h"
#include "prefork.h"
#include "support.h"

enum { GO };

static void sigttin_adds_a_worker_and_sigttou_takes_the_last(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve, .options = {.num_workers = 1}};
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTTIN);
    prefork_await(&p, PREFORK_READY, 2);
    prefork_signal(&p, SIGTTIN);
    prefork_await(&p, PREFORK_READY, 3);
    check_int(prefork_event(&p, HEM_WORKER_IS_READY, -1, 1)->index, 1);
    check_int(prefork_event(&p, HEM_WORKER_IS_READY, -1, 2)->index, 2);
    prefork_signal(&p, SIGTTOU);
    prefork_await(&p, PREFORK_ENDED, 1);
    check_int(prefork_event(&p, HEM_WORKER_HAS_ENDED, -1, 0)->index, 2);
    prefork_signal(&p, SIGTTIN);
    prefork_await(&p, PREFORK_READY, 4);
    check_int(prefork_event(&p, HEM_WORKER_IS_READY, -1, 3)->index, 2);
    check_int(prefork_event(&p, HEM_WORKER_IS_READY, -1, 3)->generation, 1);
    prefork_stop(&p);
}

static void the_last_worker_stays(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve};
    struct ending e;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTTOU);
    prefork_await(&p, PREFORK_ENDED, 1);
    prefork_signal(&p, SIGTTOU);
    prefork_signal(&p, SIGHUP); /* comes before, or behind */
    prefork_await(&p, PREFORK_RELOADED, 1);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_str(e.text, "hem: warning: worker: there is one only\n");
    prefork_free(&p);
}

static void there_are_as_many_as_may_be(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve, .options = {.max_workers = 3}};
    struct ending e;
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTTIN);
    prefork_await(&p, PREFORK_READY, 3);
    prefork_signal(&p, SIGTTIN);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, PREFORK_RELOADED, 1);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_str(e.text, "hem: warning: worker: there are 3 already, the most "
                      "that may be\n");
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

static void one_that_comes_back_does_not_wait_for_who_drains(void **state)
{
    (void)state;
    struct prefork p = {.worker = drain_slowly,
                        .options = {.grace = HEM_NEVER}};
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTTOU);
    prefork_await(&p, 'd', 1);
    prefork_signal(&p, SIGTTIN);
    prefork_await(&p, PREFORK_READY, 3);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, 1), 2);
    prefork_signal(&p, SIGTTOU);
    prefork_await(&p, 'd', 2);
    prefork_signal(&p, SIGTTIN); /* for this one there is no room */
    atomic_store(&p.shared->numbers[GO], 1);
    prefork_await(&p, PREFORK_READY, 4);
    check(prefork_place(&p, HEM_WORKER_HAS_ENDED, 1, 0) <
          prefork_place(&p, HEM_WORKER_IS_STARTED, 1, 2));
    prefork_stop(&p);
}

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

static void one_less_during_its_roll_goes_with_its_successor(void **state)
{
    (void)state;
    struct prefork p = {.worker = wait_in_set_up};
    prefork_start_ready(&p);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, 'u', 1); /* of worker 0 */
    atomic_store(&p.shared->numbers[GO], 1);
    prefork_await(&p, 'u', 2); /* of worker 1 */
    atomic_store(&p.shared->numbers[GO], 0);
    prefork_signal(&p, SIGTTOU);
    atomic_store(&p.shared->numbers[GO], 1);
    prefork_await(&p, PREFORK_ENDED, 3);
    prefork_await(&p, PREFORK_RELOADED, 1);
    check_int(prefork_event(&p, HEM_SERVICE_RELOADED, -1, 0)->error, 0);
    prefork_stop(&p);
    check_int(p.seen[PREFORK_STARTED], 4);
}

static void a_storm_of_more_and_less_ends_where_it_should(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.num_workers = 3, .max_workers = 3}};
    struct ending e;
    prefork_start_ready(&p);
    for (int i = 0; i < 100; i++) {
        prefork_signal(&p, SIGTTOU);
        prefork_signal(&p, SIGTTIN);
        prefork_signal(&p, SIGHUP);
    }
    prefork_await(&p, PREFORK_RELOADED, 1);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    size_t started = prefork_count(&p, HEM_WORKER_IS_STARTED, -1);
    check_int(prefork_count(&p, HEM_WORKER_HAS_ENDED, -1), started);
    prefork_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(sigttin_adds_a_worker_and_sigttou_takes_the_last),
        LEDGER_TEST(the_last_worker_stays),
        LEDGER_TEST(there_are_as_many_as_may_be),
        LEDGER_TEST(one_that_comes_back_does_not_wait_for_who_drains),
        LEDGER_TEST(one_less_during_its_roll_goes_with_its_successor),
        LEDGER_TEST(a_storm_of_more_and_less_ends_where_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
