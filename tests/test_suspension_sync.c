/* SPDX-License-Identifier: MIT */
/* Each function of locks, events, conditions, semaphores, barriers and queues
 * either suspends and is a point of cancellation, or never; those that wait say
 * when they need not. */
#include "support.h"

#include "suspension.h"

/* Have fn(arg) called in the next turn, unless the task is interrupted before:
 * for a wait that is in between. */
static hem_callback later;

static void call_later(hem_callback_fn *fn, void *arg)
{
    hem_callback_init(&later, fn, arg);
    check_int(hem_call_soon(&later), 0);
}

static int waited(int rc)
{
    if (rc == HEM_ECANCELED)
        (void)hem_callback_cancel(&later);
    return rc;
}

CASE(lock)
{
    (void)f;
    hem_lock l;
    hem_lock_init(&l);
    check(!hem_lock_locked(&l));
    check_int(hem_lock_release(&l), HEM_EREFUSED);
    return 0;
}

static void release_lock(void *arg)
{
    check_int(hem_lock_release(arg), 0);
}

CASE(hem_lock_acquire)
{
    (void)f;
    static hem_lock l;
    hem_lock_init(&l);
    check_int(hem_lock_acquire(&l), 0);
    call_later(release_lock, &l);
    return waited(hem_lock_acquire(&l));
}

CASE(at_once_hem_lock_acquire)
{
    (void)f;
    hem_lock l;
    hem_lock_init(&l);
    return hem_lock_acquire(&l);
}

CASE(event)
{
    (void)f;
    hem_event e;
    hem_event_init(&e);
    hem_event_set(&e);
    hem_event_clear(&e);
    check(!hem_event_is_set(&e));
    return 0;
}

static void set_event(void *arg)
{
    hem_event_set(arg);
}

CASE(hem_event_wait)
{
    (void)f;
    static hem_event e;
    hem_event_init(&e);
    call_later(set_event, &e);
    return waited(hem_event_wait(&e));
}

CASE(at_once_hem_event_wait)
{
    (void)f;
    hem_event e;
    hem_event_init(&e);
    hem_event_set(&e);
    return hem_event_wait(&e);
}

static hem_condition condition;

CASE(condition)
{
    (void)f;
    hem_condition c;
    hem_condition_init(&c, NULL);
    check(!hem_condition_locked(&c));
    check_int(hem_condition_release(&c), HEM_EREFUSED);
    check_int(hem_condition_notify(&c, 1), HEM_EREFUSED);
    return 0;
}

static void release_condition(void *arg)
{
    check_int(hem_condition_release(arg), 0);
}

CASE(hem_condition_acquire)
{
    (void)f;
    hem_condition_init(&condition, NULL);
    check_int(hem_condition_acquire(&condition), 0);
    call_later(release_condition, &condition);
    return waited(hem_condition_acquire(&condition));
}

CASE(at_once_hem_condition_acquire)
{
    (void)f;
    hem_condition_init(&condition, NULL);
    return hem_condition_acquire(&condition);
}

static bool notified;

/* The lock is free while the task waits; it is held only for the call. */
static void notify(void *arg)
{
    hem_condition *c = arg;
    notified = true;
    check_int(hem_condition_acquire(c), 0);
    check_int(hem_condition_notify(c, SIZE_MAX), 0);
    check_int(hem_condition_release(c), 0);
}

static bool was_notified(void *arg)
{
    (void)arg;
    return notified;
}

CASE(hem_condition_wait)
{
    (void)f;
    hem_condition_init(&condition, NULL);
    check_int(hem_condition_acquire(&condition), 0);
    call_later(notify, &condition);
    return waited(hem_condition_wait(&condition));
}

CASE(hem_condition_wait_for)
{
    (void)f;
    notified = false;
    hem_condition_init(&condition, NULL);
    check_int(hem_condition_acquire(&condition), 0);
    call_later(notify, &condition);
    return waited(hem_condition_wait_for(&condition, was_notified, NULL));
}

CASE(at_once_hem_condition_wait_for)
{
    (void)f;
    notified = true;
    hem_condition_init(&condition, NULL);
    return hem_condition_wait_for(&condition, was_notified, NULL);
}

CASE(semaphore)
{
    (void)f;
    hem_semaphore s;
    hem_semaphore_init(&s, NULL);
    check(hem_semaphore_locked(&s));
    check_int(hem_semaphore_release(&s), 0);
    return 0;
}

static void release_semaphore(void *arg)
{
    check_int(hem_semaphore_release(arg), 0);
}

CASE(hem_semaphore_acquire)
{
    (void)f;
    static hem_semaphore s;
    hem_semaphore_init(&s, NULL);
    call_later(release_semaphore, &s);
    return waited(hem_semaphore_acquire(&s));
}

CASE(at_once_hem_semaphore_acquire)
{
    (void)f;
    hem_semaphore s;
    hem_semaphore_init(&s, &(hem_semaphore_options){.value = 1});
    return hem_semaphore_acquire(&s);
}

CASE(barrier)
{
    (void)f;
    hem_barrier b;
    check_int(hem_barrier_init(&b, 2), 0);
    check_int(hem_barrier_reset(&b), 0);
    check_int(hem_barrier_waiting(&b), 0);
    check_int(hem_barrier_abort(&b), 0);
    check(hem_barrier_broken(&b));
    return 0;
}

static int arrive(void *arg)
{
    return hem_barrier_wait(arg);
}

CASE(hem_barrier_wait)
{
    (void)f;
    static hem_barrier b;
    hem_task *other;
    check_int(hem_barrier_init(&b, 2), 0);
    check_int(hem_spawn(&other, arrive, &b), 0);
    int rc = hem_barrier_wait(&b);
    if (rc < 0)
        (void)hem_task_cancel(other, NULL);
    return rc;
}

CASE(at_once_hem_barrier_wait)
{
    (void)f;
    hem_barrier b;
    check_int(hem_barrier_init(&b, 1), 0);
    return hem_barrier_wait(&b);
}

CASE(queue)
{
    (void)f;
    void *got;
    hem_queue q;
    hem_queue_init(&q, NULL);
    check_int(hem_queue_try_put(&q, NULL), 0);
    check_int(hem_queue_try_get(&q, &got), 0);
    check_int(hem_queue_task_done(&q), 0);
    check_int(hem_queue_size(&q), 0);
    hem_queue_shutdown(&q, true);
    hem_queue_deinit(&q);
    return 0;
}

/* A queue of one, with an item or empty. */
static hem_queue queue;

static void begin_queue(bool full)
{
    hem_queue_init(&queue, &(hem_queue_options){.max_items = 1});
    if (full)
        check_int(hem_queue_try_put(&queue, NULL), 0);
}

static int end_queue(int rc)
{
    hem_queue_deinit(&queue);
    return waited(rc);
}

static void get_from_queue(void *arg)
{
    void *got;
    check_int(hem_queue_try_get(arg, &got), 0);
}

static void put_into_queue(void *arg)
{
    check_int(hem_queue_try_put(arg, NULL), 0);
}

static void finish_item(void *arg)
{
    check_int(hem_queue_task_done(arg), 0);
}

CASE(hem_queue_put)
{
    (void)f;
    begin_queue(true);
    call_later(get_from_queue, &queue);
    return end_queue(hem_queue_put(&queue, NULL));
}

CASE(at_once_hem_queue_put)
{
    (void)f;
    begin_queue(false);
    return end_queue(hem_queue_put(&queue, NULL));
}

CASE(hem_queue_get)
{
    (void)f;
    void *got;
    begin_queue(false);
    call_later(put_into_queue, &queue);
    return end_queue(hem_queue_get(&queue, &got));
}

CASE(at_once_hem_queue_get)
{
    (void)f;
    void *got;
    begin_queue(true);
    return end_queue(hem_queue_get(&queue, &got));
}

CASE(hem_queue_join)
{
    (void)f;
    begin_queue(true);
    call_later(finish_item, &queue);
    return end_queue(hem_queue_join(&queue));
}

CASE(at_once_hem_queue_join)
{
    (void)f;
    begin_queue(false);
    return end_queue(hem_queue_join(&queue));
}

/* clang-format off */
static const struct suspension table[] = {
    NEVER(hem_lock_init, lock),
    NEVER(hem_lock_release, lock),
    NEVER(hem_lock_locked, lock),
    AT_ONCE(hem_lock_acquire),

    NEVER(hem_event_init, event),
    NEVER(hem_event_set, event),
    NEVER(hem_event_clear, event),
    NEVER(hem_event_is_set, event),
    AT_ONCE(hem_event_wait),

    NEVER(hem_condition_init, condition),
    NEVER(hem_condition_release, condition),
    NEVER(hem_condition_locked, condition),
    NEVER(hem_condition_notify, condition),
    AT_ONCE(hem_condition_acquire),
    SUSPENDS(hem_condition_wait),
    AT_ONCE(hem_condition_wait_for),

    NEVER(hem_semaphore_init, semaphore),
    NEVER(hem_semaphore_release, semaphore),
    NEVER(hem_semaphore_locked, semaphore),
    AT_ONCE(hem_semaphore_acquire),

    NEVER(hem_barrier_init, barrier),
    NEVER(hem_barrier_reset, barrier),
    NEVER(hem_barrier_abort, barrier),
    NEVER(hem_barrier_waiting, barrier),
    NEVER(hem_barrier_broken, barrier),
    AT_ONCE(hem_barrier_wait),

    NEVER(hem_queue_init, queue),
    NEVER(hem_queue_deinit, queue),
    NEVER(hem_queue_try_put, queue),
    NEVER(hem_queue_try_get, queue),
    NEVER(hem_queue_task_done, queue),
    NEVER(hem_queue_shutdown, queue),
    NEVER(hem_queue_size, queue),
    AT_ONCE(hem_queue_put),
    AT_ONCE(hem_queue_get),
    AT_ONCE(hem_queue_join),
};
/* clang-format on */

int main(void)
{
    static const char *const headers[] = {"lock",      "event",   "condition",
                                          "semaphore", "barrier", "queue"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}
