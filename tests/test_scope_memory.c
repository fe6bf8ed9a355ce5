/* SPDX-License-Identifier: MIT */
/*
 * Scopes where memory lacks: each allocation that opening, spawning, failing,
 * draining and closing make fails once, and then all from it on. Calls say so
 * and change nothing; closing always works.
 */
#include "support.h"

#include "children.h"

static const hem_scope_kind kinds[] = {HEM_TASKSCOPE,   HEM_SUPERVISOR,
                                       HEM_SHIELDSCOPE, HEM_TASKGROUP,
                                       HEM_TASKCONTEXT, HEM_PERSISTENT};

#define SPAWNED 12

struct lack {
    hem_scope_kind kind;
    size_t limit;
    size_t at;    /* the allocation that fails */
    bool forever; /* and all behind it */
    int begun, ended;
};

static int live(struct lack *w, int rc)
{
    w->begun++;
    if (hem_sleep(5) < 0)
        rc = HEM_ECANCELED;
    w->ended++;
    return rc;
}

static int succeed(void *arg)
{
    return live(arg, 0);
}

static int fail_with_message(void *arg)
{
    int rc = live(arg, HEM_EIO);
    return rc == HEM_EIO ? hem_fail(rc, "broken") : rc;
}

static int ignore(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)arg, (void)s, (void)child, (void)error;
    return 0;
}

/* Spawn in all ways; returns how many there are. */
static size_t spawn_all(struct lack *w, hem_scope *s, hem_submitted *r)
{
    size_t n = 0;
    for (int i = 0; i < SPAWNED; i++) {
        hem_task *t = NULL;
        hem_fn *fn = i % 5 == 4 ? fail_with_message : succeed;
        int rc;
        if (i % 3 == 0)
            rc = hem_scope_spawn(s, NULL, fn, w);
        else if (i % 3 == 1)
            rc = hem_scope_spawn_with(s, &t, fn, w, .eager = i % 2);
        else
            rc = hem_scope_submit(s, &r[i], fn, w);
        check(rc == 0 || rc == HEM_ENOMEM);
        check((rc == 0 && i % 3 == 1) == (t != NULL));
        n += rc == 0;
        check_int(hem_scope_children(s), n);
    }
    return n;
}

static int lack(void *arg)
{
    struct lack *w = arg;
    hem_submitted r[SPAWNED];
    hem_scope s;
    hem_scope_options o = {.kind = w->kind,
                           .timeout = HEM_SEC,
                           .limit = w->limit,
                           .on_error = ignore};
    if (w->at && w->forever)
        ledger_fail_from(w->at);
    else if (w->at)
        ledger_fail_at(w->at);
    int rc = hem_scope_open(&s, &o);
    if (rc < 0) {
        check_int(rc, HEM_ENOMEM);
        ledger_fail_at(0);
        return 0;
    }
    size_t n = spawn_all(w, &s, r);
    rc = hem_scope_drain(&s, HEM_SEC);
    check(rc == 0 || rc == HEM_ENOMEM ||
          (rc == HEM_ECANCELED && w->kind == HEM_TASKGROUP));
    rc = hem_scope_close(&s, 0);
    ledger_fail_at(0);
    check(rc == 0 || (rc == HEM_EGROUP && w->kind == HEM_TASKGROUP));
    check(w->begun == w->ended && (size_t)w->ended <= n);
    return 0;
}

/* Run it undisturbed, and then with a failure at each allocation. */
static void lack_everywhere(const struct lack *how)
{
    struct lack w = *how;
    size_t before = ledger_allocations();
    check_int(run_virtual(lack, &w), 0);
    size_t n = ledger_allocations() - before;
    for (w.at = 1; w.at <= n; w.at++) {
        w.begun = w.ended = 0;
        check_int(run_virtual(lack, &w), 0);
    }
}

static void each_allocation_of_scopes_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        for (int forever = 0; forever < 2; forever++) {
            lack_everywhere(
                &(struct lack){.kind = kinds[i], .forever = forever});
            lack_everywhere(&(struct lack){
                .kind = kinds[i], .forever = forever, .limit = 2});
        }
    }
    run_assert_checks();
}

static int wait_for_children(void *arg)
{
    return hem_scope_aclose(arg);
}

/* Whatever ends a scope needs no memory. */
static int end_without_memory(void *arg)
{
    hem_scope s;
    hem_scope_options o = {.kind = *(hem_scope_kind *)arg, .limit = 3};
    hem_task *t;
    check_int(hem_scope_open(&s, &o), 0);
    for (int i = 0; i < 10; i++)
        check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(hem_spawn(&t, wait_for_children, &s), 0);
    (void)!hem_yield(); /* it may be interrupted */
    size_t before = ledger_allocations();
    ledger_fail_from(1);
    hem_scope_abort(&s, "enough");
    check_int(hem_scope_shutdown(&s), 0);
    (void)!hem_scope_aclose(&s);
    (void)!hem_scope_close(&s, HEM_EIO);
    (void)!hem_await(t);
    check_int(ledger_allocations(), before + (o.kind == HEM_TASKGROUP ? 2 : 0));
    ledger_fail_from(0);
    while (hem_task_uncancel(hem_self()) > 0)
        continue;
    return 0;
}

static void what_ends_a_scope_needs_no_memory(void **state)
{
    (void)state;
    static hem_scope_kind each[COUNT_OF(kinds)];
    memcpy(each, kinds, sizeof(each));
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        check_int(run_virtual(end_without_memory, &each[i]), 0);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(each_allocation_of_scopes_may_fail),
        LEDGER_TEST(what_ends_a_scope_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
