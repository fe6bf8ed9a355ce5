/* SPDX-License-Identifier: MIT */
/* A main context that is cancelled, wherever the service is just then. */
#include <signal.h>

#include "prefork.h"
#include "support.h"

enum { ALIVE };

static int live(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    atomic_fetch_add(&p->shared->numbers[ALIVE], 1);
    int signo = hem_worker_wait(w);
    check(signo > 0);
    atomic_fetch_sub(&p->shared->numbers[ALIVE], 1);
    return prefork_verdict();
}

struct cancel {
    hem_task *whom;
    int turns;
};

static int cancel_later(void *arg)
{
    const struct cancel *c = arg;
    for (int i = 0; i < c->turns; i++)
        HEM_TRY(hem_sleep(i % 4 == 3 ? HEM_MSEC : 0));
    (void)hem_task_cancel(c->whom, "test");
    return 0;
}

static int serve_cancelled(hem_main *m, void *arg)
{
    const struct prefork *p = arg;
    struct cancel c = {hem_self(), p->turns};
    hem_task *canceller;
    HEM_TRY(hem_spawn(&canceller, cancel_later, &c));
    int rc = hem_main_serve(m, NULL);
    check_int(rc, HEM_ECANCELED);
    check_int(p->shared->numbers[ALIVE], 0);
    check_int(hem_sleep(0), 0);
    return prefork_verdict();
}

static void check_cancelled(int turns, bool threads)
{
    struct prefork p = {
        .worker = live,
        .options = {.threads = threads, .main = serve_cancelled}};
    p.options.main_arg = &p;
    p.turns = turns;
    prefork_start(&p);
    prefork_end_silently(&p);
    check_int(prefork_count(&p, HEM_WORKER_HAS_ENDED, -1),
              prefork_count(&p, HEM_WORKER_IS_STARTED, -1));
    prefork_free(&p);
}

static void a_context_cancelled_at_any_turn_leaves_no_worker(void **state)
{
    (void)state;
    for (int turns = 0; turns < 60; turns++)
        check_cancelled(turns, turns % 2);
}

/* ---- twice ---- */

static int serve_cancelled_twice(hem_main *m, void *arg)
{
    struct cancel first = {hem_self(), 3}, second = {hem_self(), 5};
    (void)arg;
    HEM_TRY(hem_spawn(NULL, cancel_later, &first));
    HEM_TRY(hem_spawn(NULL, cancel_later, &second));
    check_int(hem_main_serve(m, NULL), HEM_ECANCELED);
    return prefork_verdict();
}

static void a_context_cancelled_twice_waits_all_the_same(void **state)
{
    (void)state;
    struct prefork p = {.worker = live,
                        .options = {.main = serve_cancelled_twice}};
    prefork_start(&p);
    prefork_end_silently(&p);
    check_int(p.shared->numbers[ALIVE], 0);
    prefork_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_context_cancelled_at_any_turn_leaves_no_worker),
        LEDGER_TEST(a_context_cancelled_twice_waits_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
