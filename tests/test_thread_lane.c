/* SPDX-License-Identifier: MIT */
/* Lanes of calls on threads: what is stuck in one never delays another. */
#include "support.h"

#include <semaphore.h>
#include <stdatomic.h>

#include "settle.h"

static int post_begun_and_wait(void *arg)
{
    sem_t *s = arg; /* two: begun, go */
    sem_post(&s[0]);
    sem_wait(&s[1]);
    return 7;
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

struct stuck {
    const hem_thread_lane *lane;
    sem_t sems[2];
};

static void stuck_init(struct stuck *s, const hem_thread_lane *lane)
{
    s->lane = lane;
    sem_init(&s->sems[0], 0, 0);
    sem_init(&s->sems[1], 0, 0);
}

static int call_stuck(void *arg)
{
    struct stuck *s = arg;
    return hem_thread_call(post_begun_and_wait, s->sems,
                           &(hem_thread_options){.lane = s->lane});
}

static void wait_begun(struct stuck *s)
{
    while (sem_trywait(&s->sems[0]) < 0)
        check_int(hem_yield(), 0);
}

static size_t running(const hem_thread_lane *lane)
{
    hem_thread_lane_info info;
    hem_thread_lane_get_info(lane, &info);
    return info.running;
}

static size_t waiting(const hem_thread_lane *lane)
{
    hem_thread_lane_info info;
    hem_thread_lane_get_info(lane, &info);
    return info.waiting;
}

/* As many stuck calls as the lane takes, and as many in line. */
static void stick(hem_scope *scope, struct stuck *s, size_t limit)
{
    for (size_t i = 0; i < 2 * limit; i++)
        check_int(hem_scope_spawn(scope, NULL, call_stuck, s), 0);
    for (size_t i = 0; i < limit; i++)
        wait_begun(s);
    check_int(running(s->lane), limit);
    while (waiting(s->lane) < limit)
        check_int(hem_yield(), 0);
}

static void unstick(struct stuck *s, size_t limit)
{
    for (size_t i = 0; i < 2 * limit; i++)
        sem_post(&s->sems[1]);
}

VIRTUAL_TEST(a_stuck_lane_never_delays_another)
{
    static const hem_thread_lane a = HEM_THREAD_LANE("a", 3);
    static const hem_thread_lane b = HEM_THREAD_LANE("b", 1);
    const hem_thread_lane *lanes[] = {&a, &b, NULL};
    const size_t limits[] = {3, 1, 8};
    for (size_t stuck = 0; stuck < COUNT_OF(lanes); stuck++) {
        struct stuck s;
        stuck_init(&s, lanes[stuck]);
        HEM_SCOPE(scope);
        stick(&scope, &s, limits[stuck]);
        for (size_t other = 0; other < COUNT_OF(lanes); other++) {
            hem_thread_options o = {.lane = lanes[other]};
            for (int i = 0; i < 20 && other != stuck; i++)
                check_int(hem_thread_call(nothing, NULL, &o), 0);
        }
        check_int(waiting(lanes[stuck]), limits[stuck]);
        unstick(&s, limits[stuck]);
        check_int(hem_scope_close(&scope, 0), 0);
        check_int(running(lanes[stuck]), 0);
    }
    return 0;
}

VIRTUAL_TEST(all_lanes_stuck_but_one_do_not_delay_that_one)
{
    static const hem_thread_lane lanes[5] = {
        {"a", 8}, {"b", 8}, {"c", 8}, {"d", 8}, {"e", 8}};
    struct stuck s[5];
    HEM_SCOPE(scope);
    for (size_t i = 0; i < COUNT_OF(lanes); i++) {
        stuck_init(&s[i], &lanes[i]);
        stick(&scope, &s[i], 8);
    }
    for (int i = 0; i < 100; i++)
        check_int(hem_thread_call(nothing, NULL, NULL), 0);
    for (size_t i = 0; i < COUNT_OF(lanes); i++)
        unstick(&s[i], 8);
    return hem_scope_close(&scope, 0);
}

struct order {
    const hem_thread_lane *lane;
    int number;
    atomic_int *last;
    atomic_int *inside;
};

static int note(void *arg)
{
    struct order *o = arg;
    check_int(atomic_fetch_add(o->inside, 1), 0);
    check_int(atomic_exchange(o->last, o->number), o->number - 1);
    atomic_fetch_sub(o->inside, 1);
    return 0;
}

static int call_note(void *arg)
{
    struct order *o = arg;
    return hem_thread_call(note, o, &(hem_thread_options){.lane = o->lane});
}

FIFO_TEST(a_lane_of_one_runs_its_calls_in_their_order)
{
    static const hem_thread_lane one = HEM_THREAD_LANE("one", 1);
    static struct order o[1000];
    atomic_int last = 0, inside = 0;
    HEM_SCOPE(s);
    for (int i = 0; i < (int)COUNT_OF(o); i++) {
        o[i] = (struct order){&one, i + 1, &last, &inside};
        check_int(hem_scope_spawn(&s, NULL, call_note, &o[i]), 0);
    }
    check_int(hem_scope_close(&s, 0), 0);
    check_int(last, COUNT_OF(o));
    return 0;
}

VIRTUAL_TEST(a_lane_without_limit_has_that_of_all)
{
    static const hem_thread_lane plain = HEM_THREAD_LANE("plain", 0);
    struct stuck s;
    stuck_init(&s, &plain);
    HEM_SCOPE(scope);
    stick(&scope, &s, 8);
    unstick(&s, 8);
    return hem_scope_close(&scope, 0);
}

VIRTUAL_TEST(a_limit_above_64_is_refused)
{
    static const hem_thread_lane huge = HEM_THREAD_LANE("huge", 65);
    hem_thread_options o = {.lane = &huge};
    check_int(hem_thread_call(nothing, NULL, &o), HEM_EINVAL);
    check_int(running(&huge), 0);
    static const hem_thread_lane wide = HEM_THREAD_LANE("wide", 64);
    o.lane = &wide;
    return hem_thread_call(nothing, NULL, &o);
}

VIRTUAL_TEST(a_lane_may_go_when_its_calls_have_returned)
{
    for (uint32_t limit = 1; limit <= 3; limit++) {
        hem_thread_lane passing = HEM_THREAD_LANE("passing", limit);
        struct stuck s;
        stuck_init(&s, &passing);
        HEM_SCOPE(scope);
        stick(&scope, &s, limit);
        unstick(&s, limit);
        check_int(hem_scope_close(&scope, 0), 0);
    }
    return 0;
}

VIRTUAL_TEST(ten_thousand_lanes_use_the_memory_of_a_few)
{
    size_t count = scaled(10000);
    hem_thread_lane *lanes = calloc(count, sizeof(*lanes));
    check(lanes != NULL);
    for (size_t i = 0; lanes && i < count; i++)
        check_int(hem_thread_call(nothing, NULL,
                                  &(hem_thread_options){.lane = &lanes[i]}),
                  0);
    check(ledger_live() < 100);
    free(lanes);
    return 0;
}

/* Cancelled calls. */

static void count(void *arg)
{
    (*(int *)arg)++;
}

struct loss {
    struct stuck *stuck;
    int abandoned;
};

static int wait_go(void *arg)
{
    struct loss *c = arg;
    return post_begun_and_wait(c->stuck->sems);
}

static void lose(void *arg)
{
    struct loss *c = arg;
    count(&c->abandoned);
}

static int call_and_lose(void *arg)
{
    struct loss *c = arg;
    return hem_thread_call(
        wait_go, c,
        &(hem_thread_options){.abandon = lose, .lane = c->stuck->lane});
}

VIRTUAL_TEST(an_abandoned_call_counts_in_its_lane_until_it_returns)
{
    static const hem_thread_lane one = HEM_THREAD_LANE("one", 1);
    struct stuck s;
    stuck_init(&s, &one);
    struct loss c = {&s, 0};
    hem_task *t, *next;
    check_int(hem_spawn(&t, call_and_lose, &c), 0);
    wait_begun(&s);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(c.abandoned, 0);
    check_int(running(&one), 1);
    check_int(hem_spawn(&next, call_stuck, &s), 0);
    while (!waiting(&one))
        check_int(hem_yield(), 0);
    sem_post(&s.sems[1]);
    wait_begun(&s);
    sem_post(&s.sems[1]);
    check_int(hem_await(next), 7);
    while (!c.abandoned)
        check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(those_that_are_cancelled_in_line_leave_the_others_their_turn)
{
    static const hem_thread_lane two = HEM_THREAD_LANE("two", 2);
    struct stuck s;
    stuck_init(&s, &two);
    hem_task *t[12];
    for (size_t i = 0; i < COUNT_OF(t); i++)
        check_int(hem_spawn(&t[i], call_stuck, &s), 0);
    wait_begun(&s);
    wait_begun(&s);
    while (waiting(&two) < 10)
        check_int(hem_yield(), 0);
    int cancelled = 0, served = 0;
    for (size_t i = 0; i < COUNT_OF(t); i += 3)
        check(hem_task_cancel(t[i], NULL));
    unstick(&s, 6);
    for (size_t i = 0; i < COUNT_OF(t); i++) {
        int rc = hem_await(t[i]);
        cancelled += rc == HEM_ECANCELED;
        served += rc == 7;
    }
    check_int(cancelled, 4);
    check_int(served, 8);
    check_int(running(&two) + waiting(&two), 0);
    return 0;
}

static int call_nothing(void *arg)
{
    return hem_thread_call(nothing, NULL, arg);
}

VIRTUAL_TEST(ten_thousand_calls_wait_in_line_and_all_are_made)
{
    static const hem_thread_lane two = HEM_THREAD_LANE("two", 2);
    hem_thread_options o = {.lane = &two};
    struct stuck s;
    stuck_init(&s, &two);
    HEM_SCOPE(scope);
    stick(&scope, &s, 2);
    size_t n = scaled(10000);
    for (size_t i = 0; i < n; i++)
        check_int(hem_scope_spawn(&scope, NULL, call_nothing, &o), 0);
    while (waiting(&two) < n + 2)
        check_int(hem_yield(), 0);
    unstick(&s, 2);
    return hem_scope_close(&scope, 0);
}

VIRTUAL_TEST(ten_thousand_calls_in_line_are_cancelled_at_once)
{
    static const hem_thread_lane one = HEM_THREAD_LANE("one", 1);
    hem_thread_options o = {.lane = &one};
    struct stuck s;
    stuck_init(&s, &one);
    HEM_SCOPE(outer);
    stick(&outer, &s, 1);
    HEM_SCOPE(inner);
    size_t n = scaled(10000);
    for (size_t i = 0; i < n; i++)
        check_int(hem_scope_spawn(&inner, NULL, call_nothing, &o), 0);
    while (waiting(&one) < n + 1)
        check_int(hem_yield(), 0);
    hem_scope_abort(&inner, NULL);
    check_int(hem_scope_close(&inner, 0), 0);
    check_int(waiting(&one), 1);
    unstick(&s, 1);
    return hem_scope_close(&outer, 0);
}

VIRTUAL_TEST(a_lane_without_memory_is_refused)
{
    static const hem_thread_lane new_one = HEM_THREAD_LANE("new", 1);
    hem_thread_options o = {.lane = &new_one};
    check_int(hem_thread_call(nothing, NULL, NULL), 0);
    ledger_fail_from(1);
    check_int(hem_thread_call(nothing, NULL, &o), HEM_ENOMEM);
    ledger_fail_from(0);
    return hem_thread_call(nothing, NULL, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_stuck_lane_never_delays_another),
        LEDGER_TEST(all_lanes_stuck_but_one_do_not_delay_that_one),
        LEDGER_TEST(a_lane_of_one_runs_its_calls_in_their_order),
        LEDGER_TEST(a_lane_without_limit_has_that_of_all),
        LEDGER_TEST(a_limit_above_64_is_refused),
        LEDGER_TEST(a_lane_may_go_when_its_calls_have_returned),
        LEDGER_TEST(ten_thousand_lanes_use_the_memory_of_a_few),
        LEDGER_TEST(an_abandoned_call_counts_in_its_lane_until_it_returns),
        LEDGER_TEST(
            those_that_are_cancelled_in_line_leave_the_others_their_turn),
        LEDGER_TEST(ten_thousand_calls_wait_in_line_and_all_are_made),
        LEDGER_TEST(ten_thousand_calls_in_line_are_cancelled_at_once),
        LEDGER_TEST(a_lane_without_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
