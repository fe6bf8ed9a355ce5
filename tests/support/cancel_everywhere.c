/* SPDX-License-Identifier: MIT */
/*
 * The observer is a callback that is in the ready queue whenever anything else
 * may be: it looks at all tasks and puts itself in again, behind what is ready
 * by then. So first in first out it runs exactly once between the moment at
 * which a task becomes ready and the moment at which that task runs. When
 * nothing is ready it stops, for time would not pass otherwise. Timers that
 * are due at the same time fire in the order in which they were armed: a grid
 * of callbacks, one for each millisecond, armed before the flow begins, is the
 * observer again, ahead of whatever else that millisecond brings.
 */
#include "cancel_everywhere.h"

#include "support.h"

#define LIMIT_MS    200 /* of virtual time for a flow */
#define IDLE_MAX    4   /* looks at nothing ready, until the observer stops */
#define TASKS_MAX   64
#define MOMENTS_MAX 5000

enum moment { PARKED, READY, MOMENT_KINDS };

/* What the requests of a run are to be. */
struct plan {
    const struct flow *flow;
    uint64_t seed; /* 0: first in first out */
    enum moment moment;
    size_t at;         /* the moment of the first request, from 1; 0: none */
    unsigned requests; /* at this and the task's next moments */
};

/* A task, as it was seen last. */
struct sight {
    hem_task *task;
    const char *wait; /* NULL: ready */
};

struct run {
    const struct plan *plan;
    hem_callback look; /* the observer */
    hem_callback grid[LIMIT_MS];
    hem_task *main, *body;
    struct sight seen[TASKS_MAX], now[TASKS_MAX];
    size_t seen_count, now_count;
    unsigned idle;    /* looks since something was ready */
    bool stuck;       /* time was up */
    size_t moments;   /* so far */
    hem_task *victim; /* while it lives */
    char victim_name[64];
    char victim_wait[32];
    struct disturbance disturbance;
};

static const struct sight *seen_before(const struct run *r, const hem_task *t)
{
    for (size_t i = 0; i < r->seen_count; i++) {
        if (r->seen[i].task == t)
            return &r->seen[i];
    }
    return NULL;
}

static bool see(void *arg, hem_task *t)
{
    struct run *r = arg;
    if (t == r->main)
        return true;
    const char *wait = hem_task_waits_for(t);
    if (!check(r->now_count < TASKS_MAX))
        return false;
    r->now[r->now_count++] =
        (struct sight){t, strcmp(wait, "ready") == 0 ? NULL : wait};
    return true;
}

static bool is_moment(const struct run *r, const struct sight *s)
{
    if (r->plan->moment == READY)
        return !s->wait;
    const struct sight *before = seen_before(r, s->task);
    return s->wait && !(before && before->wait == s->wait);
}

static void request(struct run *r, const struct sight *s)
{
    struct disturbance *d = &r->disturbance;
    if (d->requests++ == 0) {
        r->victim = s->task;
        snprintf(r->victim_name, sizeof(r->victim_name), "%s",
                 hem_task_name(s->task));
        snprintf(r->victim_wait, sizeof(r->victim_wait), "%s",
                 s->wait ? s->wait : "ready");
        d->victim = r->victim_name;
        d->body = s->task == r->body;
    }
    (void)hem_task_cancel(s->task, "everywhere");
}

static void disturb(struct run *r, const struct sight *s)
{
    const struct plan *p = r->plan;
    if (!is_moment(r, s))
        return;
    r->moments++;
    bool first = r->moments == p->at;
    bool again = s->task == r->victim && r->disturbance.requests < p->requests;
    if (first || again)
        request(r, s);
}

/* Look at all tasks; returns whether some are ready. */
static bool look_round(struct run *r)
{
    bool ready = false;
    bool victim_lives = false;
    r->now_count = 0;
    hem_task_each(see, r);
    for (size_t i = 0; i < r->now_count; i++) {
        ready |= !r->now[i].wait;
        victim_lives |= r->now[i].task == r->victim;
    }
    if (!victim_lives)
        r->victim = NULL; /* another may get its address */
    for (size_t i = 0; i < r->now_count; i++)
        disturb(r, &r->now[i]);
    memcpy(r->seen, r->now, sizeof(r->seen));
    r->seen_count = r->now_count;
    return ready;
}

static bool cancel_stuck(void *arg, hem_task *t)
{
    struct run *r = arg;
    if (t != r->main)
        (void)hem_task_cancel(t, "stuck");
    return true;
}

static void look(void *arg)
{
    struct run *r = arg;
    if (r->stuck)
        hem_task_each(cancel_stuck, r);
    r->idle = look_round(r) || r->stuck ? 0 : r->idle + 1;
    if (r->idle < IDLE_MAX)
        check_int(hem_call_soon(&r->look), 0);
}

static void look_again(void *arg)
{
    struct run *r = arg;
    (void)hem_callback_cancel(&r->look);
    r->idle = 0;
    look(r);
}

static bool tell_stuck(void *arg, hem_task *t)
{
    struct run *r = arg;
    if (t != r->main)
        print_error("\"%s\" hangs in %s\n", hem_task_name(t),
                    hem_task_waits_for(t));
    return true;
}

static void give_up(void *arg)
{
    struct run *r = arg;
    check_never("a flow that goes on for ever");
    hem_task_each(tell_stuck, r);
    r->stuck = true;
    look_again(r);
}

static int arm_grid(struct run *r)
{
    hem_callback_init(&r->look, look, r);
    for (int i = 0; i < LIMIT_MS; i++) {
        hem_callback_init(&r->grid[i], i + 1 < LIMIT_MS ? look_again : give_up,
                          r);
        HEM_TRY(hem_call_at(&r->grid[i], (i + 1) * HEM_MSEC));
    }
    return hem_call_soon(&r->look);
}

static void disarm_grid(struct run *r)
{
    for (int i = 0; i < LIMIT_MS; i++)
        (void)hem_callback_cancel(&r->grid[i]);
    (void)hem_callback_cancel(&r->look);
}

static bool check_main(void *arg, hem_task *t)
{
    struct run *r = arg;
    if (!check(t == r->main))
        print_error("\"%s\" is left, in %s\n", hem_task_name(t),
                    hem_task_waits_for(t));
    return true;
}

static int run_flow(void *arg)
{
    struct run *r = arg;
    const struct flow *f = r->plan->flow;
    void *state = calloc(1, f->state_bytes);
    if (!check(state != NULL))
        return HEM_ENOMEM;
    r->main = hem_self();
    f->begin(state);
    check_int(arm_grid(r), 0);
    check_int(hem_spawn_with(&r->body, f->body, state, .name = "body"), 0);
    r->disturbance.rc = hem_await(r->body);
    disarm_grid(r);
    hem_task_each(check_main, r);
    f->end(state, &r->disturbance);
    free(state);
    return 0;
}

/* Say which run it was in which checks failed. */
static void explain(const struct run *r, int failures)
{
    static const char *const moments[] = {"parked", "ready"};
    const struct plan *p = r->plan;
    print_error("%s, seed %llu: %d checks failed; %u requests to \"%s\", the "
                "first at moment %zu, found %s in %s\n",
                p->flow->name, (unsigned long long)p->seed, failures,
                r->disturbance.requests, r->victim_name, p->at,
                moments[p->moment], r->victim_wait);
}

enum verdict { FINE, NO_SUCH_MOMENT, WRONG };

static enum verdict run_plan(const struct plan *p)
{
    static struct run r;
    memset(&r, 0, sizeof(r));
    r.plan = p;
    size_t descriptors = ledger_descriptors();
    size_t live = ledger_live();
    if (p->seed)
        check_int(run_with(run_flow, &r, &(hem_run_options){.seed = p->seed}),
                  0);
    else
        check_int(run_fifo(run_flow, &r), 0);
    check_int(ledger_live(), live);
    check_int(ledger_descriptors(), descriptors);
    int failures = check_failures_take();
    if (failures) {
        explain(&r, failures);
        check_never(p->flow->name);
        return WRONG;
    }
    return r.disturbance.requests ? FINE : NO_SUCH_MOMENT;
}

static void run_moments(struct plan p)
{
    enum verdict verdict = FINE;
    for (p.at = 1; verdict == FINE && check(p.at < MOMENTS_MAX); p.at++)
        verdict = run_plan(&p);
    if (verdict == NO_SUCH_MOMENT)
        check(p.at > 2); /* there was one before */
}

static void run_order(const struct flow *f, uint64_t seed)
{
    struct plan p = {.flow = f, .seed = seed};
    (void)run_plan(&p);
    for (p.requests = 1; p.requests <= 2; p.requests++) {
        for (p.moment = PARKED; p.moment < MOMENT_KINDS; p.moment++)
            run_moments(p);
    }
}

static void test_flow(void **state)
{
    const char *seed = getenv("HEM_SEED");
    uint64_t seeds[] = {0, 1, 2, 3, seed ? strtoull(seed, NULL, 10) : 4};
    for (size_t i = 0; i < COUNT_OF(seeds); i++)
        run_order(*state, seeds[i]);
    run_assert_checks();
}

int cancel_everywhere(const struct flow *flows, size_t n)
{
    struct CMUnitTest *tests = calloc(n, sizeof(*tests));
    if (!tests)
        return 1;
    for (size_t i = 0; i < n; i++)
        tests[i] = (struct CMUnitTest){flows[i].name, test_flow, ledger_begin,
                                       ledger_end, (void *)&flows[i]};
    int rc = excused_run("flows", tests, n, NULL, NULL);
    free(tests);
    return rc;
}
