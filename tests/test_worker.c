/* SPDX-License-Identifier: MIT */
/* What a worker knows, waits for and asks for; as process and as thread. */
#include <signal.h>

#include "forked.h"
#include "lone.h"
#include "support.h"

static int look_round(hem_worker *w, void *arg)
{
    hem_worker_metric_set(w, 0, hem_worker_index(w));
    hem_worker_metric_set(w, 1, hem_worker_generation(w));
    hem_worker_metric_set(w, 2, hem_worker_value(w) == arg);
    hem_worker_metric_set(w, 3, hem_process_index());
    return 0;
}

LONE_TEST(a_worker_knows_who_it_is)
{
    int value;
    struct lone w = {
        .options = {.threads = threads},
        .role = {.fn = look_round, .arg = &value},
        .start = {.index = 7, .generation = 3, .value = &value},
    };
    HEM_TRY(lone_start(&w));
    check_int(hem_process_index(), -1);
    check_int(lone_end(&w), 0);
    check_int(lone_found(&w, 0), 7);
    check_int(lone_found(&w, 1), 3);
    check_int(lone_found(&w, 2), 1);
    check_int(lone_found(&w, 3), 7);
    check_int(hem_process_index(), -1);
    lone_free(&w);
    return 0;
}

static int tell_index(void *arg)
{
    (void)arg;
    return hem_process_index() + 2;
}

static int ask_others(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_metric_set(w, 0, forked_status(tell_index, NULL).exit_code);
    int index = 7;
    if (!THREAD_SANITIZED) /* which has no new threads after a fork */
        HEM_TRY(index = hem_thread_call(tell_index, NULL, NULL));
    hem_worker_metric_set(w, 1, index);
    return lone_verdict(w);
}

VIRTUAL_TEST(threads_of_a_worker_have_its_index_and_its_children_none)
{
    struct lone w = {.role = {.fn = ask_others}, .start = {.index = 5}};
    HEM_TRY(lone_start(&w));
    check_int(lone_end(&w), 0);
    check_int(lone_found(&w, 0), 1);
    check_int(lone_found(&w, 1), 7);
    lone_free(&w);
    return 0;
}

static int be_ready_twice(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_ready(w);
    hem_worker_ready(w);
    int signo = hem_worker_wait(w);
    check_int(signo, SIGTERM);
    return lone_verdict(w);
}

LONE_TEST(a_worker_is_ready_once)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = be_ready_twice}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    lone_stop(&w);
    return 0;
}

static int wait_for_stop(hem_worker *w, void *arg)
{
    (void)arg;
    check_int(hem_worker_stop_signal(w), 0);
    int signo = hem_worker_wait(w);
    hem_worker_metric_set(w, 0, signo);
    hem_worker_metric_set(w, 1, hem_worker_wait(w));
    hem_worker_metric_set(w, 2, hem_worker_stop_signal(w));
    return lone_verdict(w);
}

LONE_TEST(the_first_wait_says_ready_and_returns_the_signal)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = wait_for_stop}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    lone_say(&w, HEM__MESSAGE_STOP, SIGUSR1);
    check_int(lone_end(&w), 0);
    for (size_t i = 0; i < 3; i++)
        check_int(lone_found(&w, i), SIGUSR1);
    lone_free(&w);
    return 0;
}

static int stopped_before(hem_worker *w, void *arg)
{
    (void)arg;
    while (hem_worker_stop_signal(w) == 0)
        HEM_TRY(hem_sleep(HEM_NSEC));
    hem_worker_metric_set(w, 1, w->start->slot->phase);
    hem_worker_metric_set(w, 0, hem_worker_wait(w));
    hem_worker_metric_set(w, 2, w->start->slot->phase);
    return 0;
}

LONE_TEST(one_that_is_stopped_in_set_up_learns_it_when_it_waits)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = stopped_before}};
    HEM_TRY(lone_start(&w));
    lone_say(&w, HEM__MESSAGE_STOP, SIGINT);
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    check_int(lone_end(&w), 0);
    check_int(lone_found(&w, 0), SIGINT);
    check_int(lone_found(&w, 1), HEM_WORKER_SET_UP);
    check_int(lone_found(&w, 2), HEM_WORKER_TEAR_DOWN);
    lone_free(&w);
    return 0;
}

LONE_TEST(the_first_stop_counts)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = wait_for_stop}};
    HEM_TRY(lone_start(&w));
    lone_say(&w, HEM__MESSAGE_STOP, SIGUSR2);
    lone_say(&w, HEM__MESSAGE_STOP, SIGTERM);
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    check_int(lone_end(&w), 0);
    check_int(lone_found(&w, 0), SIGUSR2);
    check_int(lone_found(&w, 1), SIGUSR2);
    lone_free(&w);
    return 0;
}

struct waiters {
    hem_worker *worker;
    int told;
};

static int wait_too(void *arg)
{
    struct waiters *all = arg;
    int signo = hem_worker_wait(all->worker);
    check_int(signo, SIGTERM);
    all->told++;
    return 0;
}

static int have_many_wait(hem_worker *w, void *arg)
{
    (void)arg;
    struct waiters all = {.worker = w};
    HEM_SCOPE(s);
    for (int i = 0; i < 10; i++)
        HEM_TRY(hem_scope_spawn(&s, NULL, wait_too, &all));
    HEM_TRY(hem_scope_close(&s, 0));
    check_int(all.told, 10);
    return lone_verdict(w);
}

LONE_TEST(any_number_of_tasks_may_wait)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = have_many_wait}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    lone_stop(&w);
    return 0;
}

/* Outlives the worker's function, for the end of the loop cancels it first. */
static int wait_late(void *arg)
{
    hem_worker *w = arg;
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    hem_worker_metric_set(w, 0, hem_worker_wait(w));
    hem_worker_replace(w, "too late");
    hem_worker_ready(w);
    return 0;
}

static int end_at_once(hem_worker *w, void *arg)
{
    (void)arg;
    HEM_TRY(hem_spawn(NULL, wait_late, w));
    return hem_yield();
}

LONE_TEST(after_its_function_there_is_nothing_to_wait_for_or_to_ask)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = end_at_once}};
    HEM_TRY(lone_start(&w));
    check_int(lone_end(&w), 0);
    check_int(lone_found(&w, 0), HEM_EBADF);
    lone_free(&w);
    return 0;
}

static int ask_for_another(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_replace(w, "config is old");
    hem_worker_replace(w, "once more");
    int signo = hem_worker_wait(w);
    hem_worker_replace(w, "too late");
    return signo < 0 ? signo : 0;
}

LONE_TEST(a_worker_asks_once_to_be_replaced_and_not_while_it_stops)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = ask_for_another}};
    hem__message m;
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_REPLACE, &m);
    check_str(m.text, "config is old");
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    lone_stop(&w);
    return 0;
}

static int count_to_100(hem_worker *w, void *arg)
{
    (void)arg;
    for (int i = 0; i < 50; i++)
        hem_worker_count(w, 2);
    int signo = hem_worker_wait(w);
    return signo < 0 ? signo : 0;
}

LONE_TEST(requests_are_counted)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = count_to_100}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    check_int(hem__scoreboard_requests(&w.board), 100);
    lone_stop(&w);
    return 0;
}

static int count_until_limit(hem_worker *w, void *arg)
{
    const int *jitter = arg;
    int n = 0;
    for (; !w->replacing && n < 1000; n++)
        hem_worker_count(w, 1);
    check(n >= 10 && n <= 10 + *jitter);
    hem_worker_metric_set(w, 0, n);
    hem_worker_count(w, 1000);
    hem_worker_ready(w);
    return lone_verdict(w);
}

static int count_with_jitter(bool threads, int jitter)
{
    struct lone w = {.options = {.threads = threads,
                                 .max_requests = 10,
                                 .max_requests_jitter = (uint64_t)jitter},
                     .role = {.fn = count_until_limit, .arg = &jitter}};
    hem__message m;
    check_int(lone_start(&w), 0);
    lone_hear(&w, HEM__MESSAGE_REPLACE, &m);
    check_contains(m.text, "max_requests");
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    check_int(lone_end(&w), 0);
    int n = (int)lone_found(&w, 0);
    lone_free(&w);
    return n;
}

LONE_TEST(at_max_requests_a_worker_asks_to_be_replaced)
{
    check_int(count_with_jitter(threads, 0), 10);
    return 0;
}

LONE_TEST(workers_do_not_reach_max_requests_all_at_once)
{
    bool differ = false;
    int first = count_with_jitter(threads, 500);
    for (int i = 0; i < 10 && !differ; i++)
        differ = count_with_jitter(threads, 500) != first;
    check(differ);
    return 0;
}

static int keep_numbers(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_metric_add(w, 0, 5);
    hem_worker_metric_add(w, 0, 2);
    hem_worker_metric_set(w, 1, 10);
    hem_worker_metric_add(w, 1, -11);
    hem_worker_metric_set(w, 7, INT64_MAX);
    hem_worker_metric_add(w, 7, 1);
    return 0;
}

LONE_TEST(metrics_are_added_to_and_set)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = keep_numbers}};
    HEM_TRY(lone_start(&w));
    check_int(lone_end(&w), 0);
    check_int(lone_found(&w, 0), 7);
    check_int(lone_found(&w, 1), -1);
    check(lone_found(&w, 7) == INT64_MIN);
    lone_free(&w);
    return 0;
}

static int add_to_none(void *arg)
{
    (void)arg;
    hem__slot slot = {.beats = 0};
    hem_prefork_options options = {.metric_count = 3};
    hem__worker_start start = {.options = &options, .slot = &slot};
    hem_worker w = {.start = &start};
    hem_worker_metric_add(&w, 2, 1);
    hem_worker_metric_add(&w, 3, 1);
    return 0;
}

static int set_none(void *arg)
{
    (void)arg;
    hem_prefork_options options = {.metric_count = 0};
    hem__worker_start start = {.options = &options};
    hem_worker w = {.start = &start};
    hem_worker_metric_set(&w, 0, 1);
    return 0;
}

static void a_metric_that_the_service_has_not_is_a_mistake(void **state)
{
    (void)state;
    check_aborts(add_to_none, NULL,
                 "hem_worker_metric_add: the service has no "
                 "metric 3");
    check_aborts(set_none, NULL,
                 "hem_worker_metric_set: the service has no "
                 "metric 0");
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_worker_knows_who_it_is),
        LEDGER_TEST(threads_of_a_worker_have_its_index_and_its_children_none),
        LEDGER_TEST(a_worker_is_ready_once),
        LEDGER_TEST(the_first_wait_says_ready_and_returns_the_signal),
        LEDGER_TEST(one_that_is_stopped_in_set_up_learns_it_when_it_waits),
        LEDGER_TEST(the_first_stop_counts),
        LEDGER_TEST(any_number_of_tasks_may_wait),
        LEDGER_TEST(after_its_function_there_is_nothing_to_wait_for_or_to_ask),
        LEDGER_TEST(a_worker_asks_once_to_be_replaced_and_not_while_it_stops),
        LEDGER_TEST(requests_are_counted),
        LEDGER_TEST(at_max_requests_a_worker_asks_to_be_replaced),
        LEDGER_TEST(workers_do_not_reach_max_requests_all_at_once),
        LEDGER_TEST(metrics_are_added_to_and_set),
        LEDGER_TEST(a_metric_that_the_service_has_not_is_a_mistake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
