/* SPDX-License-Identifier: MIT */
/*
 * Tasks that do at random what tasks can do: spawn into scopes of all kinds,
 * cancel each other, wait in all ways, be shielded, time out, fail, lack memory.
 * Whatever comes of it, all of them end and nothing is left.
 */
#include "support.h"

#define DEPTH_MAX 4    /* of blocks in a task */
#define LIVE_MAX  500  /* tasks at once */
#define STEPS_MAX 2000 /* then it comes to an end */

struct chaos {
    uint64_t random;
    int live; /* tasks of this kind */
    size_t steps;
    bool lacks_memory; /* now and then */
};

static uint32_t draw(struct chaos *c, uint32_t below)
{
    c->random = c->random * UINT64_C(6364136223846793005) +
                UINT64_C(1442695040888963407);
    return (uint32_t)(c->random >> 33) % below;
}

static int live_through(struct chaos *c, int depth);

static int task(void *arg)
{
    struct chaos *c = arg;
    c->live++;
    int rc = live_through(c, 0);
    c->live--;
    return rc < 0 && draw(c, 3) ? rc : 0;
}

static int give(void *arg)
{
    return arg ? 1 : 0;
}

static void abandoned(void *arg)
{
    ((struct chaos *)arg)->steps++;
}

static int call_thread(struct chaos *c)
{
    hem_thread_options o = {.abandon = draw(c, 2) ? abandoned : NULL};
    return hem_thread_call(give, c, &o);
}

struct setter {
    hem_callback callback;
    hem_future future;
    hem_done done;
};

static void set(void *arg)
{
    struct setter *s = arg;
    if (!hem_future_done(&s->future))
        check_int(hem_future_set_result(&s->future, 3), 0);
}

static void told(void *arg, int status)
{
    (void)status;
    ((struct chaos *)arg)->steps++;
}

static int wait_future(struct chaos *c)
{
    struct setter s;
    hem_future_init(&s.future);
    hem_future_on_done(&s.future, &s.done, told, c);
    hem_callback_init(&s.callback, set, &s);
    int rc = hem_call_later(&s.callback, draw(c, 5));
    if (rc == 0)
        rc = hem_future_wait(&s.future);
    hem_callback_cancel(&s.callback);
    hem_done_remove(&s.done);
    return rc;
}

static int time_out(struct chaos *c, int depth)
{
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, (hem_ns)draw(c, 20) - 2));
    if (draw(c, 3) == 0)
        check_int(hem_timeout_reschedule(&t, hem_now() + draw(c, 20)), 0);
    int rc = live_through(c, depth + 1);
    return hem_timeout_close(&t, rc);
}

static int shield(struct chaos *c, int depth)
{
    hem_scope s;
    hem_scope_options o = {.timeout = draw(c, 3) ? 0 : 10};
    HEM_TRY(hem_shield_open(&s, &o));
    int rc = live_through(c, depth + 1);
    return hem_shield_close(&s, rc);
}

static int on_error(void *arg, hem_scope *s, hem_task *child, int error)
{
    struct chaos *c = arg;
    check(hem_task_result(child) == error);
    switch (draw(c, 4)) {
    case 0:
        hem_scope_abort(s, "error");
        break;
    case 1:
        (void)!hem_scope_spawn_with(s, NULL, give, NULL, .eager = draw(c, 2));
        break;
    default:
        break;
    }
    return 0;
}

static bool maybe_cancel(void *arg, hem_task *t)
{
    struct chaos *c = arg;
    if (draw(c, 3) == 0)
        hem_task_cancel(t, "chaos");
    return draw(c, 5) != 0;
}

/* An open scope, and the children with handles. */
struct opened {
    hem_scope scope;
    hem_task *t[4];
    uint32_t n;
};

static int act_in_scope(struct chaos *c, int depth, struct opened *o)
{
    hem_task *one = o->n ? o->t[draw(c, o->n)] : NULL;
    switch (draw(c, 8)) {
    case 0:
        if (one)
            hem_task_cancel(one, "picked");
        return 0;
    case 1:
        return one ? hem_await(one) : 0;
    case 2:
        hem_scope_each(&o->scope, maybe_cancel, c);
        return 0;
    case 3:
        hem_scope_abort(&o->scope, "abort");
        return 0;
    case 4:
        return hem_scope_aclose(&o->scope);
    case 5:
        if (one && hem_task_cancelling(one) > 0)
            (void)hem_task_uncancel(one);
        return 0;
    default:
        return live_through(c, depth + 1);
    }
}

static int open_scope(struct chaos *c, int depth)
{
    struct opened o = {.n = 0};
    hem_scope_options options = {
        .kind = (hem_scope_kind)draw(c, 3),
        .timeout = draw(c, 3) ? 0 : (hem_ns)draw(c, 30) - 3,
        .shield = draw(c, 5) == 0,
        .move_on = draw(c, 2),
        .on_error = draw(c, 2) ? on_error : NULL,
        .on_error_arg = c,
    };
    HEM_TRY(hem_scope_open(&o.scope, &options));
    int rc = 0;
    for (uint32_t i = draw(c, 5); i > 0 && rc == 0; i--) {
        bool handle = draw(c, 2);
        rc = hem_scope_spawn_with(&o.scope, handle ? &o.t[o.n] : NULL, task, c,
                                  .eager = draw(c, 3) == 0);
        o.n += rc == 0 && handle;
    }
    for (uint32_t i = draw(c, 4); i > 0 && rc >= 0; i--)
        rc = act_in_scope(c, depth, &o);
    return hem_scope_close(&o.scope, rc);
}

static int leave_block(struct chaos *c, int depth)
{
    HEM_SCOPE(s, .timeout = draw(c, 2) ? 0 : 7, .shield = draw(c, 4) == 0);
    HEM_TRY(hem_scope_spawn(&s, NULL, task, c));
    HEM_TRY(live_through(c, depth + 1));
    return draw(c, 2) ? 0 : hem_scope_close(&s, 0);
}

static int nested(struct chaos *c, int depth)
{
    switch (draw(c, 5)) {
    case 0:
        return time_out(c, depth);
    case 1:
        return shield(c, depth);
    case 2:
        return leave_block(c, depth);
    default:
        return open_scope(c, depth);
    }
}

static int act(struct chaos *c, int depth)
{
    c->steps++;
    if (c->lacks_memory && draw(c, 20) == 0)
        ledger_fail_at(1 + draw(c, 20));
    switch (draw(c, 12)) {
    case 0:
    case 1:
        return hem_yield();
    case 2:
    case 3:
        return hem_sleep((hem_ns)draw(c, 10) - 1);
    case 4:
        return wait_future(c);
    case 5:
        return call_thread(c);
    case 6:
        hem_task_cancel(hem_self(), "self");
        return 0;
    case 7:
        return hem_fail(HEM_EIO, "step %zu", c->steps);
    case 8:
        if (hem_task_cancelling(hem_self()) > 0)
            (void)hem_task_uncancel(hem_self());
        return 0;
    default:
        return depth < DEPTH_MAX && c->live < LIVE_MAX && c->steps < STEPS_MAX
                   ? nested(c, depth)
                   : 0;
    }
}

static int live_through(struct chaos *c, int depth)
{
    int rc = 0;
    for (uint32_t i = draw(c, 6); i > 0 && rc >= 0; i--) {
        rc = act(c, depth);
        if (rc < 0 && draw(c, 2)) /* handled */
            rc = 0;
    }
    return rc;
}

static void ignore_report(void *arg, const hem_report *report)
{
    (void)report;
    ((struct chaos *)arg)->steps++;
}

static int run_chaos(void *arg)
{
    struct chaos *c = arg;
    for (uint32_t i = 0; i < 20; i++)
        HEM_TRY(hem_spawn(NULL, task, c));
    for (int i = 0; i < 200 && c->steps < STEPS_MAX; i++) {
        while (hem_task_uncancel(hem_self()) > 0)
            continue;
        (void)!open_scope(c, 0);
    }
    return 0;
}

static void whatever_they_do_all_end_and_nothing_is_left(void **state)
{
    (void)state;
    size_t steps = 0;
    for (uint64_t seed = 1; seed <= scaled(10000) / 10 + 100; seed++) {
        struct chaos c = {.random = seed, .lacks_memory = seed % 3 == 0};
        hem_run_options o = {.on_report = ignore_report,
                             .on_report_arg = &c,
                             .seed = seed % 2 ? seed : 0};
        (void)run_with(run_chaos, &c, &o);
        ledger_fail_at(0);
        if (!check(c.live == 0) || !check(ledger_live() == 0)) {
            print_error("with seed %d\n", (int)seed);
            break;
        }
        steps += c.steps;
    }
    print_message("%zu steps\n", steps);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(whatever_they_do_all_end_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
