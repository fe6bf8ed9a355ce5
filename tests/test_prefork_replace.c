/* SPDX-License-Identifier: MIT */
/* Workers that are replaced one by one: they ask, or have done their share. */
#include <signal.h>

#include "forked.h"
#include "prefork.h"
#include "support.h"

enum { BROKEN, GO };

static int ask_to_be_replaced(hem_worker *w, void *arg)
{
    if (hem_worker_generation(w) < 3) {
        hem_worker_ready(w);
        hem_worker_replace(w, "grown old");
        hem_worker_replace(w, "again");
    }
    return prefork_serve(w, arg);
}

static void a_worker_that_asks_is_replaced(void **state)
{
    (void)state;
    struct prefork p = {.worker = ask_to_be_replaced,
                        .options = {.num_workers = 1}};
    prefork_start(&p);
    prefork_await(&p, PREFORK_READY, 4);
    prefork_await(&p, PREFORK_ENDED, 3);
    for (size_t n = 0; n < 3; n++)
        check(prefork_place(&p, HEM_WORKER_IS_READY, 0, n + 1) <
              prefork_place(&p, HEM_WORKER_HAS_ENDED, 0, n));
    check_int(prefork_count(&p, HEM_SERVICE_RELOADS, -1), 0);
    prefork_stop(&p);
}

static int count_requests(hem_worker *w, void *arg)
{
    hem_worker_ready(w);
    if (hem_worker_generation(w) < 2)
        hem_worker_count(w, 100);
    return prefork_serve(w, arg);
}

static void a_worker_that_has_done_its_requests_is_replaced(void **state)
{
    (void)state;
    struct prefork p = {
        .worker = count_requests,
        .options = {.max_requests = 50, .max_requests_jitter = 50}};
    prefork_start(&p);
    prefork_await(&p, PREFORK_READY, 6);
    prefork_await(&p, PREFORK_ENDED, 4);
    prefork_stop(&p);
}

static int ask_and_return(hem_worker *w, void *arg)
{
    if (hem_worker_generation(w) == 0) {
        hem_worker_ready(w);
        hem_worker_replace(w, "going");
        return 0;
    }
    return prefork_serve(w, arg);
}

static void a_worker_that_asks_and_returns_has_a_successor(void **state)
{
    (void)state;
    struct prefork p = {.worker = ask_and_return,
                        .options = {.num_workers = 1}};
    prefork_start(&p);
    prefork_await(&p, PREFORK_READY, 2);
    prefork_stop(&p);
}

static int ask_in_vain(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    if (hem_worker_generation(w) > 0 &&
        atomic_fetch_sub(&p->shared->numbers[BROKEN], 1) > 0)
        return hem_fail(HEM_EIO, "broken");
    hem_worker_ready(w);
    if (hem_worker_generation(w) == 0)
        hem_worker_replace(w, "grown old");
    return prefork_serve(w, arg);
}

static void a_failing_replacement_is_tried_again(void **state)
{
    (void)state;
    struct prefork p = {.worker = ask_in_vain,
                        .options = {.num_workers = 1, .backoff_min = HEM_USEC}};
    struct ending e;
    prefork_start(&p);
    atomic_store(&p.shared->numbers[BROKEN], 3);
    prefork_await(&p, PREFORK_READY, 2);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_contains(e.text, " failed in set up: HEM_EIO: broken\n");
    prefork_free(&p);
}

/* The first one's successors fail, and it was first to ask. */
static int ask_in_turn(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    if (hem_worker_generation(w) == 0) {
        while (hem_worker_index(w) > 0 && !atomic_load(&p->shared->numbers[GO]))
            HEM_TRY(hem_sleep(HEM_MSEC));
        hem_worker_ready(w);
        hem_worker_replace(w, "grown old");
    } else if (hem_worker_index(w) == 0 &&
               atomic_load(&p->shared->numbers[BROKEN])) {
        return hem_fail(HEM_EIO, "broken");
    }
    return prefork_serve(w, arg);
}

static void
one_that_cannot_be_replaced_does_not_keep_others_from_it(void **state)
{
    (void)state;
    struct prefork p = {
        .worker = ask_in_turn,
        .options = {.backoff_min = HEM_USEC, .backoff_max = HEM_USEC}};
    struct ending e;
    prefork_start(&p);
    atomic_store(&p.shared->numbers[BROKEN], 1);
    prefork_await(&p, PREFORK_READY, 1);
    atomic_store(&p.shared->numbers[GO], 1);
    prefork_await(&p, PREFORK_READY, 3);
    check_int(prefork_count(&p, HEM_WORKER_IS_READY, 1), 2);
    atomic_store(&p.shared->numbers[BROKEN], 0);
    prefork_await(&p, PREFORK_READY, 4);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    prefork_free(&p);
}

/* The successor never says that it is ready. */
static int ask_and_leave_unready(hem_worker *w, void *arg)
{
    if (hem_worker_generation(w) == 0) {
        hem_worker_ready(w);
        hem_worker_replace(w, "grown old");
        return prefork_serve(w, arg);
    }
    while (!hem_worker_stop_signal(w))
        HEM_TRY(hem_sleep(HEM_MSEC));
    return 0;
}

static void a_stop_during_a_replacement_does_not_wait_for_another(void **state)
{
    (void)state;
    struct prefork p = {.worker = ask_and_leave_unready,
                        .options = {.num_workers = 1,
                                    .backoff_min = HEM_NEVER,
                                    .backoff_max = HEM_NEVER}};
    struct ending e;
    prefork_start(&p);
    prefork_await(&p, PREFORK_STARTED, 2);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    prefork_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_worker_that_asks_is_replaced),
        LEDGER_TEST(a_worker_that_has_done_its_requests_is_replaced),
        LEDGER_TEST(a_worker_that_asks_and_returns_has_a_successor),
        LEDGER_TEST(a_failing_replacement_is_tried_again),
        LEDGER_TEST(one_that_cannot_be_replaced_does_not_keep_others_from_it),
        LEDGER_TEST(a_stop_during_a_replacement_does_not_wait_for_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
