/* SPDX-License-Identifier: MIT */
/* Persistent scopes: members of objects, for whoever has the object. */
#include "support.h"

#include "children.h"

static const hem_scope_options persistent = {.kind = HEM_PERSISTENT};

/* Each call needs a task of its own. */

static int shut_down(void *arg)
{
    return hem_scope_shutdown(arg);
}

static int close_it(void *arg)
{
    return hem_scope_close(arg, 0);
}

static int in_task(hem_fn *fn, void *arg)
{
    hem_task *t;
    check_int(hem_spawn(&t, fn, arg), 0);
    return hem_await(t);
}

/* An object with tasks. */
struct server {
    hem_scope jobs;
    int served;
};

static int serve(void *arg)
{
    struct server *s = arg;
    HEM_TRY(hem_sleep(5));
    s->served++;
    return 0;
}

static int submit_job(void *arg)
{
    struct server *s = arg;
    check_int(hem_scope_spawn(&s->jobs, NULL, serve, s), 0);
    return 0;
}

static void submit_in_callback(void *arg)
{
    submit_job(arg);
}

static int server_create(void *arg)
{
    struct server **ret = arg;
    struct server *s = calloc(1, sizeof(*s));
    check_int(hem_scope_open(&s->jobs, &persistent), 0);
    *ret = s;
    return 0;
}

static int server_destroy(void *arg)
{
    struct server *s = arg;
    check_int(hem_scope_close(&s->jobs, 0), 0);
    int served = s->served;
    memset(s, 0xa5, sizeof(*s));
    free(s);
    return served;
}

VIRTUAL_TEST(it_lives_in_an_object_and_any_task_uses_it)
{
    struct server *s = NULL;
    check_int(in_task(server_create, &s), 0);
    check_int(in_task(submit_job, s), 0);
    check_int(submit_job(s), 0);
    hem_callback cb;
    hem_callback_init(&cb, submit_in_callback, s);
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_children(&s->jobs), 3);
    check_int(in_task(server_destroy, s), 3);
    check_int(hem_now(), 5);
    return 0;
}

VIRTUAL_TEST(it_nests_with_nothing)
{
    hem_scope a, b, lexical;
    check_int(hem_scope_open(&a, &persistent), 0);
    check_int(hem_scope_open(&lexical, NULL), 0);
    check_int(hem_scope_open(&b, &persistent), 0);
    check_int(hem_scope_spawn(&a, NULL, sleep_long, NULL), 0);
    check_int(hem_scope_spawn(&b, NULL, sleep_long, NULL), 0);
    check_int(hem_scope_close(&a, HEM_EIO), HEM_EIO);
    check_int(hem_scope_close(&lexical, 0), 0);
    check_int(hem_scope_close(&b, HEM_EIO), HEM_EIO);
    check_int(hem_now(), 0);
    return 0;
}

static int open_it(void *arg)
{
    return hem_scope_open(arg, &persistent);
}

VIRTUAL_TEST(who_opened_it_may_have_ended)
{
    hem_scope s;
    check_int(in_task(open_it, &s), 0);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(in_task(shut_down, &s), 0);
    check_int(in_task(close_it, &s), 0);
    check_int(hem_scope_close(&s, 0), HEM_EMISUSE);
    check_int(hem_scope_shutdown(&s), 0); /* it has no children */
    check_int(hem_scope_aclose(&s), 0);
    check_int(hem_scope_drain(&s, 0), HEM_EMISUSE);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), HEM_EREFUSED);
    return 0;
}

VIRTUAL_TEST(an_open_one_is_not_opened_again)
{
    static const hem_scope_kind kinds[] = {HEM_PERSISTENT, HEM_TASKCONTEXT,
                                           HEM_TASKSCOPE, HEM_TASKGROUP};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        hem_scope s, other;
        hem_scope_options o = {.kind = kinds[i]};
        check_int(hem_scope_open(&s, &o), 0);
        check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
        check_int(hem_scope_open(&other, &persistent), 0);
        for (size_t k = 0; k < COUNT_OF(kinds); k++) {
            o.kind = kinds[k];
            check_int(hem_scope_open(&s, &o), HEM_EREFUSED);
        }
        check_int(hem_shield_open(&s, NULL), HEM_EREFUSED);
        check_int(hem_scope_children(&s), 1);
        check_int(hem_scope_close(&other, 0), 0);
        check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ECANCELED);
        check_int(hem_scope_open(&s, NULL), 0); /* that was all */
        check_int(hem_scope_close(&s, 0), 0);
    }
    return 0;
}

VIRTUAL_TEST(an_open_shield_is_not_opened_again)
{
    hem_scope s;
    check_int(hem_shield_open(&s, NULL), 0);
    check_int(hem_shield_open(&s, NULL), HEM_EREFUSED);
    check_int(hem_scope_open(&s, &persistent), HEM_EREFUSED);
    check_int(hem_shield_close(&s, 0), 0);
    return 0;
}

/* Shutdown. */

static int shut_down_at_5(void *arg)
{
    check_int(hem_sleep(5), 0);
    check_int(hem_scope_shutdown(arg), 0);
    check_int(hem_now(), 15);
    return 0;
}

static void spawn_shutdown(void *arg)
{
    check_int(hem_spawn(NULL, shut_down, arg), 0);
}

VIRTUAL_TEST(shutdown_cancels_the_children_and_waits_for_them)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn(&s, &t, end_slowly, NULL), 0);
    check_int(in_task(shut_down_at_5, &s), 0);
    check(hem_task_cancelled(t));
    check_int(hem_scope_children(&s), 0);
    check_int(hem_scope_shutdown(&s), 0); /* there is nothing to do */
    check_int(hem_now(), 15);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(a_task_that_a_callback_spawned_may_shut_it_down)
{
    hem_scope s;
    hem_callback cb;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    hem_callback_init(&cb, spawn_shutdown, &s);
    check_int(hem_call_later(&cb, 5), 0);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_now(), 15);
    return 0;
}

VIRTUAL_TEST(after_a_shutdown_it_takes_children_and_shuts_down_again)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    for (int i = 0; i < 3; i++) {
        check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
        check_int(hem_scope_shutdown(&s), 0);
        check_int(hem_scope_children(&s), 0);
    }
    hem_ns d = 5;
    check_int(hem_scope_spawn(&s, NULL, sleep_for, &d), 0);
    check_int(hem_scope_close(&s, HEM_EIO), HEM_EIO); /* as aiotools has it */
    check_int(hem_now(), 5);
    return 0;
}

VIRTUAL_TEST(aclose_is_a_shutdown_and_may_be_repeated)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    for (int i = 0; i < 3; i++) {
        check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
        check_int(hem_scope_aclose(&s), 0);
        check_int(hem_scope_children(&s), 0);
    }
    check_int(hem_now(), 0);
    check_int(hem_task_cancelling(hem_self()), 0);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

VIRTUAL_TEST(abort_cancels_the_children_there_are_each_time)
{
    hem_scope s;
    check_int(hem_scope_open(&s, &persistent), 0);
    for (int i = 0; i < 3; i++) {
        hem_task *t;
        check_int(hem_scope_spawn(&s, &t, sleep_long, NULL), 0);
        check_int(hem_sleep(1), 0);
        hem_scope_abort(&s, "enough");
        check_int(hem_sleep(1), 0);
        check(hem_task_cancelled(t));
        check_str(hem_task_reason(t), "enough");
    }
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(hem_scope_close(&s, HEM_EIO), HEM_EIO); /* it was no shutdown */
    check_int(hem_now(), 6);
    return 0;
}

static int shut_down_interrupted(void *arg)
{
    check_int(hem_scope_shutdown(arg), 0);
    check_int(hem_now(), 10);
    check_int(hem_task_cancelling(hem_self()), 1);
    return hem_yield();
}

VIRTUAL_TEST(a_request_to_who_shuts_it_down_is_swallowed)
{
    hem_scope s;
    hem_task *t;
    check_int(hem_scope_open(&s, &persistent), 0);
    check_int(hem_scope_spawn(&s, NULL, end_slowly, NULL), 0);
    check_int(hem_yield(), 0);
    check_int(hem_spawn(&t, shut_down_interrupted, &s), 0);
    check_int(hem_sleep(5), 0);
    check(hem_task_cancel(t, NULL));
    check_int(hem_await(t), 0);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(it_lives_in_an_object_and_any_task_uses_it),
        LEDGER_TEST(it_nests_with_nothing),
        LEDGER_TEST(who_opened_it_may_have_ended),
        LEDGER_TEST(an_open_one_is_not_opened_again),
        LEDGER_TEST(an_open_shield_is_not_opened_again),
        LEDGER_TEST(shutdown_cancels_the_children_and_waits_for_them),
        LEDGER_TEST(a_task_that_a_callback_spawned_may_shut_it_down),
        LEDGER_TEST(after_a_shutdown_it_takes_children_and_shuts_down_again),
        LEDGER_TEST(aclose_is_a_shutdown_and_may_be_repeated),
        LEDGER_TEST(abort_cancels_the_children_there_are_each_time),
        LEDGER_TEST(a_request_to_who_shuts_it_down_is_swallowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
