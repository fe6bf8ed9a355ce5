/* SPDX-License-Identifier: MIT */
/* Storms of cancellation, from without, from within, and while more is spawned:
 * all end. */
#include "support.h"

#define CROWD 100000

struct crowd {
    hem_scope *scope;
    size_t begun;
    size_t ended;
};

static int member(void *arg)
{
    struct crowd *c = arg;
    c->begun++;
    int rc = hem_sleep(HEM_NEVER);
    c->ended++;
    return rc;
}

VIRTUAL_TEST(hostile_15_a_storm_of_cancellation_ends_all)
{
    size_t n = scaled(CROWD);
    struct crowd c = {.begun = 0};
    HEM_SCOPE(s);
    for (size_t i = 0; i < n; i++)
        check_int(hem_scope_spawn(&s, NULL, member, &c), 0);
    check_int(hem_sleep(1), 0);
    check_int(c.begun, n);
    hem_scope_abort(&s, "storm");
    check_int(hem_scope_close(&s, 0), 0);
    check_int(c.ended, n);
    return 0;
}

/* Cancels the one that was made after it, as it ends: a chain of handlers. */
struct link {
    hem_task *next;
    hem_task *task;
    size_t *ended;
};

static int chain_member(void *arg)
{
    struct link *l = arg;
    int rc = hem_sleep(HEM_NEVER);
    if (l->next)
        (void)hem_task_cancel(l->next, "the one before has ended");
    ++*l->ended;
    return rc;
}

VIRTUAL_TEST(hostile_15_a_cancel_within_a_handler_of_a_cancel)
{
    size_t n = scaled(CROWD), ended = 0;
    struct link *links = calloc(n, sizeof(*links));
    if (!check(links != NULL))
        return 0;
    HEM_SCOPE(s);
    for (size_t i = 0; i < n; i++) {
        links[i].ended = &ended;
        check_int(hem_scope_spawn(&s, &links[i].task, chain_member, &links[i]),
                  0);
        if (i > 0)
            links[i - 1].next = links[i].task;
    }
    check_int(hem_sleep(1), 0);
    check(hem_task_cancel(links[0].task, "first"));
    check_int(hem_scope_close(&s, 0), 0);
    check_int(ended, n);
    free(links);
    return 0;
}

static int begin_late(void *arg)
{
    struct crowd *c = arg;
    c->begun++;
    return 0;
}

/* In a scope that is being aborted: more children are not let begin. */
static int spawns_on_its_way_out(void *arg)
{
    struct crowd *c = arg;
    int rc = hem_sleep(HEM_NEVER);
    (void)!hem_scope_spawn(c->scope, NULL, begin_late, c);
    c->ended++;
    return rc;
}

VIRTUAL_TEST(hostile_15_nothing_is_spawned_into_a_cancelled_scope)
{
    struct crowd c = {.begun = 0};
    HEM_SCOPE(s);
    c.scope = &s;
    for (int i = 0; i < 100; i++)
        check_int(hem_scope_spawn(&s, NULL, spawns_on_its_way_out, &c), 0);
    check_int(hem_sleep(1), 0);
    hem_scope_abort(&s, "over");
    check_int(hem_scope_close(&s, 0), 0);
    check_int(c.ended, 100);
    check_int(c.begun, 0);
    return 0;
}

/* A hundred thousand requests for one task: one cancellation each time that it
 * waits, and none is left over. */
VIRTUAL_TEST(hostile_15_a_hail_of_requests_for_one_task)
{
    size_t n = scaled(CROWD);
    struct crowd c = {.begun = 0};
    hem_task *t;
    check_int(hem_spawn(&t, member, &c), 0);
    check_int(hem_sleep(1), 0); /* so that it has begun */
    for (size_t i = 0; i < n; i++)
        (void)hem_task_cancel(t, "hail");
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(c.ended, 1);
    hem_task_forget(t);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(hostile_15_a_storm_of_cancellation_ends_all),
        LEDGER_TEST(hostile_15_a_cancel_within_a_handler_of_a_cancel),
        LEDGER_TEST(hostile_15_nothing_is_spawned_into_a_cancelled_scope),
        LEDGER_TEST(hostile_15_a_hail_of_requests_for_one_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
