/* SPDX-License-Identifier: MIT */
/* Calls on threads that the end of the run does not wait for. */
#include "support.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "loop/pool.h"

#define MANY 5

/* A call that is stuck until it is let go. */
struct stuck {
    hem_thread_options options;
    sem_t begun, go;
    atomic_int *ended; /* how many were abandoned */
    pthread_t thread;
    bool in_loop; /* it is to be abandoned there */
};

static int get_stuck(void *arg)
{
    struct stuck *s = arg;
    s->thread = pthread_self();
    sem_post(&s->begun);
    while (sem_wait(&s->go) < 0)
        continue;
    return 0;
}

static void drop(void *arg)
{
    struct stuck *s = arg;
    check(s->in_loop == (hem_loop_current() != NULL));
    check(s->in_loop != (pthread_equal(s->thread, pthread_self()) != 0));
    atomic_fetch_add(s->ended, 1);
}

static void prepare(struct stuck *s, atomic_int *ended, bool detach)
{
    s->ended = ended;
    s->options = (hem_thread_options){.abandon = drop, .detach = detach};
    s->in_loop = !detach;
    sem_init(&s->begun, 0, 0);
    sem_init(&s->go, 0, 0);
}

static int call(void *arg)
{
    struct stuck *s = arg;
    return hem_thread_call(get_stuck, s, &s->options);
}

static void call_and_leave(struct stuck *s)
{
    hem_task *t;
    check_int(hem_spawn(&t, call, s), 0);
    while (sem_trywait(&s->begun) < 0)
        check_int(hem_yield(), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), HEM_ECANCELED);
}

static int leave_many(void *arg)
{
    struct stuck *stuck = arg;
    for (int i = 0; i < MANY; i++)
        call_and_leave(&stuck[i]);
    return 0;
}

static void the_end_of_the_run_does_not_wait(void **state)
{
    (void)state;
    atomic_int ended = 0;
    struct stuck stuck[MANY];
    for (int i = 0; i < MANY; i++)
        prepare(&stuck[i], &ended, true);
    check_int(hem_run(leave_many, stuck, NULL), 0);
    check_int(atomic_load(&ended), 0);
    for (int i = 0; i < MANY; i++)
        sem_post(&stuck[i].go);
    hem__pool_await_left();
    check_int(atomic_load(&ended), MANY);
    run_assert_checks();
}

static int leave_both(void *arg)
{
    struct stuck *stuck = arg;
    call_and_leave(&stuck[0]);
    call_and_leave(&stuck[1]);
    sem_post(&stuck[1].go);
    return 0;
}

static void the_end_of_the_run_waits_for_others(void **state)
{
    (void)state;
    atomic_int left = 0, awaited = 0;
    struct stuck stuck[2];
    prepare(&stuck[0], &left, true);
    prepare(&stuck[1], &awaited, false);
    check_int(hem_run(leave_both, stuck, NULL), 0);
    check_int(atomic_load(&left), 0);
    check_int(atomic_load(&awaited), 1);
    sem_post(&stuck[0].go);
    hem__pool_await_left();
    check_int(atomic_load(&left), 1);
    run_assert_checks();
}

VIRTUAL_TEST(what_returns_during_the_run_is_abandoned_on_the_loop)
{
    atomic_int ended = 0;
    struct stuck s;
    prepare(&s, &ended, true);
    s.in_loop = true;
    call_and_leave(&s);
    sem_post(&s.go);
    while (!atomic_load(&ended))
        check_int(hem_yield(), 0);
    return 0;
}

VIRTUAL_TEST(only_what_may_be_abandoned_can_be_detached)
{
    struct stuck s = {.options = {.detach = true}};
    check_int(hem_thread_call(get_stuck, &s, &s.options), HEM_EINVAL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_end_of_the_run_does_not_wait),
        LEDGER_TEST(the_end_of_the_run_waits_for_others),
        LEDGER_TEST(what_returns_during_the_run_is_abandoned_on_the_loop),
        LEDGER_TEST(only_what_may_be_abandoned_can_be_detached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
