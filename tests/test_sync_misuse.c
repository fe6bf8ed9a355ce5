/* SPDX-License-Identifier: MIT */
/* Mistakes with locks, events, ... end the program with one line that names the
 * function that was called. */
#include "settle.h"
#include "support.h"

static hem_lock lock;
static hem_event event;
static hem_condition condition;
static hem_semaphore semaphore;
static hem_barrier barrier;
static hem_queue queue;

/* All of them such that whoever wants something must wait. */
static void begin(void)
{
    hem_lock_init(&lock);
    hem_event_init(&event);
    hem_condition_init(&condition, NULL);
    hem_semaphore_init(&semaphore, NULL);
    hem_queue_init(&queue, &(hem_queue_options){.max_items = 1});
    if (hem_barrier_init(&barrier, 2) < 0 || hem_lock_acquire(&lock) < 0 ||
        hem_condition_acquire(&condition) < 0)
        abort();
}

static int put_two(void)
{
    HEM_TRY(hem_queue_try_put(&queue, NULL));
    return hem_queue_put(&queue, NULL);
}

static int put_and_join(void)
{
    HEM_TRY(hem_queue_try_put(&queue, NULL));
    return hem_queue_join(&queue);
}

/* Functions that must wait, for which there must be a task. */
#define WAITS(X)                                                               \
    X(hem_lock_acquire, hem_lock_acquire(&lock))                               \
    X(hem_event_wait, hem_event_wait(&event))                                  \
    X(hem_condition_wait, hem_condition_wait(&condition))                      \
    X(hem_semaphore_acquire, hem_semaphore_acquire(&semaphore))                \
    X(hem_barrier_wait, hem_barrier_wait(&barrier))                            \
    X(hem_queue_put, put_two())                                                \
    X(hem_queue_get, hem_queue_get(&queue, &(void *){NULL}))                   \
    X(hem_queue_join, put_and_join())

#define DEFINE(name, call)                                                     \
    static int call_##name(void *arg)                                          \
    {                                                                          \
        (void)arg;                                                             \
        begin();                                                               \
        return call;                                                           \
    }
WAITS(DEFINE)

static void run_as_callback(void *arg)
{
    hem_fn *const *fn = arg;
    (void)!(*fn)(NULL);
}

static int call_it_back(void *arg)
{
    hem_callback cb;
    hem_callback_init(&cb, run_as_callback, arg);
    HEM_TRY(hem_call_soon(&cb));
    return hem_sleep(1);
}

static int in_callback(void *arg)
{
    return hem_run(call_it_back, arg, NULL);
}

static const struct {
    const char *name;
    hem_fn *call;
} waits[] = {
#define ROW(name, call) {#name, call_##name},
    WAITS(ROW)};

static void waiting_where_no_loop_runs_aborts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(waits); i++) {
        char line[200];
        snprintf(line, sizeof(line), "%s: called on a thread where no loop",
                 waits[i].name);
        check_aborts(waits[i].call, NULL, line);
    }
    run_assert_checks();
}

static void waiting_in_a_callback_aborts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(waits); i++) {
        char line[200];
        snprintf(line, sizeof(line), "%s: called in a callback", waits[i].name);
        hem_fn *call = waits[i].call;
        check_aborts(in_callback, &call, line);
    }
    run_assert_checks();
}

/* A task waits; another thread, without a loop, lets it go. */
struct far {
    hem_fn *wait;
    hem_fn *wake;
};

static int call_from_afar(void *arg)
{
    const struct far *far = arg;
    (void)spawn_settled(far->wait, NULL);
    return hem_thread_call(far->wake, NULL, NULL);
}

static int from_afar(void *arg)
{
    return hem_run(call_from_afar, arg, NULL);
}

static int release_lock(void *arg)
{
    (void)arg;
    return hem_lock_release(&lock);
}

static int set_event(void *arg)
{
    (void)arg;
    hem_event_set(&event);
    return 0;
}

static int notify(void *arg)
{
    (void)arg;
    HEM_TRY(hem_condition_acquire(&condition));
    return hem_condition_notify(&condition, 1);
}

static int release_semaphore(void *arg)
{
    (void)arg;
    return hem_semaphore_release(&semaphore);
}

static int abort_barrier(void *arg)
{
    (void)arg;
    return hem_barrier_abort(&barrier);
}

static int try_put(void *arg)
{
    (void)arg;
    return hem_queue_try_put(&queue, NULL);
}

static int try_get(void *arg)
{
    (void)arg;
    return hem_queue_try_get(&queue, &(void *){NULL});
}

static int shut_down(void *arg)
{
    (void)arg;
    hem_queue_shutdown(&queue, false);
    return 0;
}

static void letting_a_task_of_another_thread_go_aborts(void **state)
{
    (void)state;
    static const struct {
        struct far far;
        const char *line;
    } cases[] = {
        {{call_hem_lock_acquire, release_lock}, "hem_lock_release: "},
        {{call_hem_event_wait, set_event}, "hem_event_set: "},
        {{call_hem_condition_wait, notify}, "hem_condition_notify: "},
        {{call_hem_semaphore_acquire, release_semaphore},
         "hem_semaphore_release: "},
        {{call_hem_barrier_wait, abort_barrier}, "hem_barrier_abort: "},
        {{call_hem_queue_get, try_put}, "hem_queue_try_put: "},
        {{call_hem_queue_put, try_get}, "hem_queue_try_get: "},
        {{call_hem_queue_get, shut_down}, "hem_queue_shutdown: "},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check_aborts(from_afar, (void *)&cases[i].far, cases[i].line);
    run_assert_checks();
}

static int deinit_while_waiting(void *arg)
{
    hem_fn *const *wait = arg;
    (void)spawn_settled(*wait, NULL);
    hem_queue_deinit(&queue);
    return 0;
}

static int run_deinit(void *arg)
{
    return hem_run(deinit_while_waiting, arg, NULL);
}

static void deinit_of_a_queue_that_tasks_wait_for_aborts(void **state)
{
    (void)state;
    static hem_fn *calls[] = {call_hem_queue_get, call_hem_queue_put,
                              call_hem_queue_join};
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        check_aborts(run_deinit, &calls[i],
                     "hem_queue_deinit: tasks wait for the queue");
    run_assert_checks();
}

static int deinit_in_child(void *arg)
{
    (void)arg;
    ledger_in_child();
    hem_queue_deinit(&queue); /* who waits is in the parent */
    return 0;
}

VIRTUAL_TEST(forked_child_may_deinit_a_queue_that_the_parent_waits_for)
{
    hem_task *t = spawn_settled(call_hem_queue_get, NULL);
    struct ending e;
    process_run(deinit_in_child, NULL, &e);
    check_int(e.status, 0);
    check_int(e.signo, 0);
    check_int(hem_queue_try_put(&queue, NULL), 0);
    check_int(hem_await(t), 0);
    hem_queue_deinit(&queue);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(waiting_where_no_loop_runs_aborts),
        LEDGER_TEST(waiting_in_a_callback_aborts),
        LEDGER_TEST(letting_a_task_of_another_thread_go_aborts),
        LEDGER_TEST(deinit_of_a_queue_that_tasks_wait_for_aborts),
        LEDGER_TEST(forked_child_may_deinit_a_queue_that_the_parent_waits_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
