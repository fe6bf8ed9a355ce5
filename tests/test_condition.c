/* SPDX-License-Identifier: MIT */
#include "settle.h"
#include "support.h"

/* Somebody who waits once to be notified. */
struct user {
    hem_condition *condition;
    char name;
    hem_ns holds; /* the lock, for so long, when it was notified */
};

static int wait_once(void *arg)
{
    const struct user *u = arg;
    HEM_TRY(hem_condition_acquire(u->condition));
    int rc = hem_condition_wait(u->condition);
    trace("%c%s", u->name, rc < 0 ? "!" : "");
    check(hem_condition_locked(u->condition));
    if (rc == 0 && u->holds)
        rc = hem_sleep(u->holds);
    check_int(hem_condition_release(u->condition), 0);
    return rc;
}

/* Some who wait, in this order; the lock is free. */
struct scene {
    hem_condition condition;
    struct user users[4];
    hem_task *tasks[4];
};

static void set_scene(struct scene *s, int users)
{
    hem_condition_init(&s->condition, NULL);
    for (int i = 0; i < users; i++) {
        s->users[i] = (struct user){&s->condition, (char)('a' + i), 0};
        s->tasks[i] = spawn_settled(wait_once, &s->users[i]);
    }
}

static void acquire(hem_condition *c)
{
    check_int(hem_condition_acquire(c), 0);
}

static void release(hem_condition *c)
{
    check_int(hem_condition_release(c), 0);
}

static void cancel(hem_task *t, const char *why)
{
    check(hem_task_cancel(t, why));
}

/* Notify, with the lock held for the call only. */
static void notify(hem_condition *c, size_t n)
{
    acquire(c);
    check_int(hem_condition_notify(c, n), 0);
    release(c);
}

VIRTUAL_TEST(its_lock_is_free_then_locked_then_free)
{
    hem_condition c;
    hem_condition_init(&c, NULL);
    check(!hem_condition_locked(&c));
    check_int(hem_condition_release(&c), HEM_EREFUSED);
    acquire(&c);
    check(hem_condition_locked(&c));
    release(&c);
    check(!hem_condition_locked(&c));
    return 0;
}

VIRTUAL_TEST(conditions_may_share_a_lock)
{
    hem_lock l;
    hem_condition a, b;
    hem_lock_init(&l);
    hem_condition_init(&a, &l);
    hem_condition_init(&b, &l);
    acquire(&a);
    check(hem_lock_locked(&l) && hem_condition_locked(&b));
    check_int(hem_condition_notify(&b, 1), 0);
    release(&b);
    check(!hem_lock_locked(&l) && !hem_condition_locked(&a));
    struct user user = {&a, 'a', 0}, other = {&b, 'b', 0};
    (void)spawn_settled(wait_once, &user);
    (void)spawn_settled(wait_once, &other);
    notify(&b, SIZE_MAX);
    settle();
    check_trace("b");
    notify(&a, 1);
    settle();
    check_trace("a");
    return 0;
}

VIRTUAL_TEST(without_the_lock_wait_and_notify_are_refused)
{
    struct scene s;
    set_scene(&s, 1);
    check_int(hem_condition_wait(&s.condition), HEM_EREFUSED);
    check(!hem_condition_locked(&s.condition));
    check_int(hem_condition_notify(&s.condition, 1), HEM_EREFUSED);
    settle();
    check_trace("");
    notify(&s.condition, 1);
    settle();
    check_trace("a");
    return 0;
}

VIRTUAL_TEST(wait_releases_the_lock_and_takes_it_again)
{
    struct scene s;
    set_scene(&s, 1);
    check_str(hem_task_waits_for(s.tasks[0]), "condition");
    check(!hem_condition_locked(&s.condition));
    acquire(&s.condition);
    check_int(hem_condition_notify(&s.condition, 1), 0);
    settle();
    check_trace(""); /* notified, but the lock is ours */
    check_str(hem_task_waits_for(s.tasks[0]), "lock");
    release(&s.condition);
    settle();
    check_trace("a");
    check(!hem_condition_locked(&s.condition));
    return 0;
}

VIRTUAL_TEST(notify_lets_the_first_go_who_wait)
{
    struct scene s;
    set_scene(&s, 4);
    notify(&s.condition, 0);
    settle();
    check_trace("");
    notify(&s.condition, 1);
    settle();
    check_trace("a");
    notify(&s.condition, 2);
    settle();
    trace_clear(); /* b and c, who hold nothing for long, as the seed says */
    check(hem_task_done(s.tasks[1]) && hem_task_done(s.tasks[2]));
    check(!hem_task_done(s.tasks[3]));
    notify(&s.condition, 7);
    settle();
    check_trace("d");
    notify(&s.condition, SIZE_MAX);
    return 0;
}

FIFO_TEST(those_who_are_notified_get_the_lock_in_their_order)
{
    struct scene s;
    set_scene(&s, 4);
    for (int i = 0; i < 4; i++)
        s.users[i].holds = 1;
    notify(&s.condition, SIZE_MAX);
    check_int(hem_sleep(10), 0);
    check_trace("a b c d");
    return 0;
}

struct cell {
    hem_condition changed;
    int value;
    int asked;
};

static bool is_three(void *arg)
{
    struct cell *cell = arg;
    check(hem_condition_locked(&cell->changed));
    cell->asked++;
    return cell->value == 3;
}

static int wait_for_three(void *arg)
{
    struct cell *cell = arg;
    acquire(&cell->changed);
    int rc = hem_condition_wait_for(&cell->changed, is_three, cell);
    release(&cell->changed);
    return rc;
}

VIRTUAL_TEST(wait_for_asks_whenever_it_is_notified)
{
    struct cell cell = {.value = 0};
    hem_condition_init(&cell.changed, NULL);
    hem_task *t = spawn_settled(wait_for_three, &cell);
    check_int(cell.asked, 1);
    while (cell.value < 3) {
        check(!hem_task_done(t));
        cell.value++;
        notify(&cell.changed, 1);
        settle();
    }
    check_int(cell.asked, 4);
    check_int(hem_task_result(t), 0);
    cell.asked = 0;
    check_int(wait_for_three(&cell), 0); /* at once */
    check_int(cell.asked, 1);
    return 0;
}

static bool always(void *arg)
{
    return arg == NULL;
}

VIRTUAL_TEST(wait_for_what_is_true_needs_no_lock)
{
    hem_condition c;
    hem_condition_init(&c, NULL);
    check_int(hem_condition_wait_for(&c, always, NULL), 0);
    check_int(hem_condition_wait_for(&c, always, &c), HEM_EREFUSED);
    check(!hem_condition_locked(&c));
    return 0;
}

VIRTUAL_TEST(one_who_is_cancelled_while_waiting_holds_the_lock_when_told)
{
    struct scene s;
    set_scene(&s, 1);
    acquire(&s.condition);
    cancel(s.tasks[0], "test");
    settle();
    check_trace(""); /* it needs the lock first */
    check_str(hem_task_waits_for(s.tasks[0]), "lock");
    release(&s.condition);
    settle();
    check_trace("a!");
    check_str(hem_task_reason(s.tasks[0]), "test");
    check(!hem_condition_locked(&s.condition));
    return 0;
}

VIRTUAL_TEST(notification_is_passed_on_by_one_cancelled_in_the_same_turn)
{
    struct scene s;
    set_scene(&s, 3);
    notify(&s.condition, 1);
    cancel(s.tasks[0], "test");
    settle();
    check_trace("a! b");
    check(!hem_task_done(s.tasks[2]));
    notify(&s.condition, 1);
    settle();
    check_trace("c");
    return 0;
}

VIRTUAL_TEST(notification_is_passed_on_by_one_cancelled_while_taking_the_lock)
{
    struct scene s;
    set_scene(&s, 3);
    acquire(&s.condition);
    check_int(hem_condition_notify(&s.condition, 1), 0);
    settle();
    check_str(hem_task_waits_for(s.tasks[0]), "lock");
    cancel(s.tasks[0], "test");
    settle();
    check_str(hem_task_waits_for(s.tasks[0]), "lock"); /* all the same */
    check_trace("");
    release(&s.condition);
    settle();
    check_trace("a! b");
    notify(&s.condition, 1);
    settle();
    check_trace("c");
    return 0;
}

VIRTUAL_TEST(the_last_of_several_requests_gives_the_reason)
{
    struct scene s;
    set_scene(&s, 1);
    acquire(&s.condition);
    static const char *const reasons[] = {"first", "second", "third"};
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        cancel(s.tasks[0], reasons[i]);
        settle();
    }
    release(&s.condition);
    settle();
    check_trace("a!");
    check_str(hem_task_reason(s.tasks[0]), "third");
    check_int(hem_task_result(s.tasks[0]), HEM_ECANCELED);
    return 0;
}

/* asyncio's oddity: it cannot know that it had got none. */
VIRTUAL_TEST(one_who_is_cancelled_passes_on_a_notification_it_never_got)
{
    struct scene s;
    set_scene(&s, 3);
    cancel(s.tasks[0], "test");
    settle();
    check_trace("a! b");
    check_int(hem_task_result(s.tasks[1]), 0);
    notify(&s.condition, 1);
    settle();
    check_trace("c");
    return 0;
}

VIRTUAL_TEST(one_who_was_cancelled_before_gets_no_notification)
{
    struct scene s;
    set_scene(&s, 3);
    acquire(&s.condition);
    cancel(s.tasks[0], "test");
    check_int(hem_condition_notify(&s.condition, 1), 0); /* goes to b */
    release(&s.condition);
    settle();
    check_int(hem_task_result(s.tasks[0]), HEM_ECANCELED);
    check_int(hem_task_result(s.tasks[1]), 0);
    check_int(hem_task_result(s.tasks[2]), 0); /* told by a */
    trace_clear();
    return 0;
}

VIRTUAL_TEST(waiting_to_be_notified_may_time_out)
{
    hem_condition c;
    hem_timeout t;
    hem_condition_init(&c, NULL);
    acquire(&c);
    check_int(hem_timeout_open(&t, 5), 0);
    check_int(hem_timeout_close(&t, hem_condition_wait(&c)), HEM_ETIMEDOUT);
    check_int(hem_now(), 5);
    check(hem_condition_locked(&c));
    release(&c);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(its_lock_is_free_then_locked_then_free),
        LEDGER_TEST(conditions_may_share_a_lock),
        LEDGER_TEST(without_the_lock_wait_and_notify_are_refused),
        LEDGER_TEST(wait_releases_the_lock_and_takes_it_again),
        LEDGER_TEST(notify_lets_the_first_go_who_wait),
        LEDGER_TEST(those_who_are_notified_get_the_lock_in_their_order),
        LEDGER_TEST(wait_for_asks_whenever_it_is_notified),
        LEDGER_TEST(wait_for_what_is_true_needs_no_lock),
        LEDGER_TEST(
            one_who_is_cancelled_while_waiting_holds_the_lock_when_told),
        LEDGER_TEST(
            notification_is_passed_on_by_one_cancelled_in_the_same_turn),
        LEDGER_TEST(
            notification_is_passed_on_by_one_cancelled_while_taking_the_lock),
        LEDGER_TEST(the_last_of_several_requests_gives_the_reason),
        LEDGER_TEST(one_who_is_cancelled_passes_on_a_notification_it_never_got),
        LEDGER_TEST(one_who_was_cancelled_before_gets_no_notification),
        LEDGER_TEST(waiting_to_be_notified_may_time_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
