/* SPDX-License-Identifier: MIT */
/* The slots that workers write and their parent reads. */
#include <signal.h>
#include <sys/wait.h>

#include "service/scoreboard.h"
#include "support.h"

static const hem_metric metrics[] = {{.name = "served"},
                                     {.name = "open", .gauge = true}};

static void a_slot_that_is_taken_is_zero(void **state)
{
    (void)state;
    hem__scoreboard b;
    assert_int_equal(hem__scoreboard_init(&b, 1), 0);
    for (int i = 0; i < 2; i++) {
        hem__slot *s = hem__scoreboard_take(&b);
        assert_non_null(s);
        check_int(s->phase, HEM_WORKER_STARTING);
        check_int(s->error, 0);
        check_int(s->beats, 0);
        check_int(s->requests, 0);
        check_int(s->metrics[0], 0);
        check_int(s->metrics[HEM_METRICS_MAX - 1], 0);
        s->phase = HEM_WORKER_ENDED;
        s->error = HEM_EIO;
        s->beats = s->requests = 7;
        s->metrics[0] = s->metrics[HEM_METRICS_MAX - 1] = 7;
        hem__scoreboard_give_back(&b, s, NULL, 0);
    }
    hem__scoreboard_deinit(&b);
    run_assert_checks();
}

static void there_are_as_many_slots_as_asked_for(void **state)
{
    (void)state;
    hem__scoreboard b;
    hem__slot *slots[20];
    assert_int_equal(hem__scoreboard_init(&b, COUNT_OF(slots)), 0);
    for (size_t i = 0; i < COUNT_OF(slots); i++) {
        slots[i] = hem__scoreboard_take(&b);
        assert_non_null(slots[i]);
        for (size_t j = 0; j < i; j++)
            check(slots[i] != slots[j]);
    }
    check(!hem__scoreboard_take(&b));
    hem__scoreboard_give_back(&b, slots[7], NULL, 0);
    check(hem__scoreboard_take(&b) == slots[7]);
    check(!hem__scoreboard_take(&b));
    hem__scoreboard_deinit(&b);
    hem__scoreboard_deinit(&b);
    run_assert_checks();
}

static void
sums_keep_counters_of_the_ended_and_forget_their_gauges(void **state)
{
    (void)state;
    hem__scoreboard b;
    assert_int_equal(hem__scoreboard_init(&b, 2), 0);
    hem__slot *old = hem__scoreboard_take(&b);
    hem__slot *now = hem__scoreboard_take(&b);
    old->requests = 10;
    old->metrics[0] = 100;
    old->metrics[1] = 5;
    now->requests = 1;
    now->metrics[0] = 2;
    now->metrics[1] = 3;
    check_int(hem__scoreboard_requests(&b), 11);
    check_int(hem__scoreboard_metric(&b, 0), 102);
    check_int(hem__scoreboard_metric(&b, 1), 8);
    hem__scoreboard_give_back(&b, old, metrics, COUNT_OF(metrics));
    check_int(hem__scoreboard_requests(&b), 11);
    check_int(hem__scoreboard_metric(&b, 0), 102);
    check_int(hem__scoreboard_metric(&b, 1), 3);
    check(hem__scoreboard_take(&b) == old);
    check_int(hem__scoreboard_requests(&b), 11);
    hem__scoreboard_deinit(&b);
    run_assert_checks();
}

static void sums_wrap_round(void **state)
{
    (void)state;
    hem__scoreboard b;
    assert_int_equal(hem__scoreboard_init(&b, 1), 0);
    hem__slot *s = hem__scoreboard_take(&b);
    s->metrics[0] = INT64_MAX;
    hem__scoreboard_give_back(&b, s, metrics, 1);
    s = hem__scoreboard_take(&b);
    s->metrics[0] = 1;
    check(hem__scoreboard_metric(&b, 0) == INT64_MIN);
    hem__scoreboard_deinit(&b);
    run_assert_checks();
}

static void what_a_child_wrote_outlives_its_being_killed(void **state)
{
    (void)state;
    hem__scoreboard b;
    assert_int_equal(hem__scoreboard_init(&b, 3), 0);
    (void)hem__scoreboard_take(&b);
    hem__slot *s = hem__scoreboard_take(&b);
    pid_t pid = fork();
    if (pid == 0) {
        atomic_store(&s->phase, HEM_WORKER_BODY);
        atomic_fetch_add(&s->requests, 42);
        raise(SIGKILL);
    }
    check_int(waitpid(pid, NULL, 0), pid);
    check_int(s->phase, HEM_WORKER_BODY);
    check_int(hem__scoreboard_requests(&b), 42);
    hem__scoreboard_deinit(&b);
    run_assert_checks();
}

static void a_board_beyond_all_memory_is_refused(void **state)
{
    (void)state;
    hem__scoreboard b;
    check_int(hem__scoreboard_init(&b, SIZE_MAX / 2), HEM_ENOMEM);
    check_int(hem__scoreboard_init(&b, SIZE_MAX / 512), HEM_ENOMEM);
    hem__scoreboard_deinit(&b);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_slot_that_is_taken_is_zero),
        LEDGER_TEST(there_are_as_many_slots_as_asked_for),
        LEDGER_TEST(sums_keep_counters_of_the_ended_and_forget_their_gauges),
        LEDGER_TEST(sums_wrap_round),
        LEDGER_TEST(what_a_child_wrote_outlives_its_being_killed),
        LEDGER_TEST(a_board_beyond_all_memory_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
