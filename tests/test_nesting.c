/* SPDX-License-Identifier: MIT */
/*
 * Scopes of all kinds, three deep. A task opens three, each with a child that
 * sleeps until 20; its body sleeps until 10; then it closes them from the inside
 * out, each with how the one within it ended. Meanwhile it is cancelled at 4, a
 * child fails or a timeout fires at 5, it is cancelled at 15. What must come of
 * it is said by a model, which has no loop: the rules of aiotools and asyncio
 * (tests/conformance/corpus/SPEC.md, 5.4 and 6.7 to 6.10), for that much.
 */
#include "support.h"

#define DEPTH 3

enum kind {
    SCOPE,
    SHIELDED,
    GROUP,
    SHIELDED_GROUP,
    SHIELD,
    CONTEXT,
    PERSISTENT
};
#define KINDS 7

struct plan {
    enum kind kind[DEPTH]; /* the outermost first */
    bool early, late;      /* cancelled at 4, at 15 */
    int fails;             /* level whose child fails at 5, or -1 */
    int expires;           /* level whose timeout fires at 5, or -1 */
};

/* How the three closes end, and what is left then. */
struct outcome {
    int closed[DEPTH];
    int count;   /* requests to cancel */
    int yielded; /* the next wait */
    int now;
};

static void print_plan(const struct plan *p)
{
    static const char *const names[] = {"scope",          "shielded", "group",
                                        "shielded-group", "shield",   "context",
                                        "persistent"};
    print_error("%s %s %s, early %d, late %d, fails %d, expires %d\n",
                names[p->kind[0]], names[p->kind[1]], names[p->kind[2]],
                p->early, p->late, p->fails, p->expires);
}

/* The model. */

struct level {
    enum kind kind;
    int prior, deferred, failures;
    bool alive;  /* its child */
    bool ending; /* that was cancelled, and ends when it gets a turn */
    bool aborting, expired, requested;
    bool within; /* a shield inside of this one kept the request back */
};

struct model {
    const struct plan *plan;
    struct level level[DEPTH];
    int open; /* levels */
    int now;
    int count;
    bool pending;
    bool waiting, interrupted;
};

static bool nests(const struct level *v)
{
    return v->kind != CONTEXT && v->kind != PERSISTENT;
}

static bool is_group(const struct level *v)
{
    return v->kind == GROUP || v->kind == SHIELDED_GROUP;
}

/* The shielded level below `from`, NULL: none. */
static struct level *keeper(struct model *m, int from)
{
    while (--from >= 0) {
        enum kind k = m->level[from].kind;
        if (k == SHIELDED || k == SHIELDED_GROUP || k == SHIELD)
            return &m->level[from];
    }
    return NULL;
}

static int count_of(struct model *m, int from)
{
    const struct level *v = keeper(m, from);
    return v ? v->deferred : m->count;
}

static void request(struct model *m, int from)
{
    struct level *v = keeper(m, from);
    if (v) {
        v->deferred++;
        return;
    }
    m->count++;
    if (m->waiting)
        m->interrupted = true;
    else
        m->pending = true;
}

/* A group's own request goes through all that is open, but for its own shield,
 * and is taken back from where it came to be. */
static void request_of_group(struct model *m, int i)
{
    struct level *v = &m->level[i];
    struct level *k = keeper(m, m->open);
    v->within = k && k > v;
    request(m, k == v ? i : m->open);
}

static int uncancel(struct model *m, int from)
{
    struct level *v = keeper(m, from);
    if (v)
        return v->deferred ? --v->deferred : -1;
    if (m->count > 0 && --m->count == 0)
        m->pending = false;
    return m->count;
}

static void abort_level(struct level *v)
{
    v->aborting = true;
    v->ending = true;
}

static void fail_child(struct model *m, int i)
{
    struct level *v = &m->level[i];
    if (!v->alive || v->ending)
        return;
    v->alive = false;
    if (!is_group(v))
        return;
    v->failures++;
    v->aborting = v->requested = true;
    request_of_group(m, i);
}

static void expire(struct model *m, int i)
{
    struct level *v = &m->level[i];
    if (i >= m->open || !nests(v))
        return;
    v->expired = true;
    if (is_group(v)) {
        request_of_group(m, i);
        return;
    }
    abort_level(v);
    request(m, i);
}

/* What happens at one time. */
static void happen(struct model *m, int at)
{
    const struct plan *p = m->plan;
    if ((at == 4 && p->early) || (at == 15 && p->late))
        request(m, m->open);
    if (at == 5 && p->fails >= 0)
        fail_child(m, p->fails);
    if (at == 5 && p->expires >= 0)
        expire(m, p->expires);
    for (int i = 0; at == 20 && i < DEPTH; i++)
        m->level[i].alive = false;
}

static void give_turn(struct model *m)
{
    for (int i = 0; i < DEPTH; i++)
        m->level[i].alive &= !m->level[i].ending;
}

/* Wait until a time, or until the child of `v` has ended. */
static int wait_for(struct model *m, int until, const struct level *v)
{
    m->interrupted = m->pending;
    m->pending = false;
    m->waiting = true;
    give_turn(m);
    while (!m->interrupted && m->now < until && (!v || v->alive)) {
        happen(m, ++m->now);
        give_turn(m);
    }
    m->waiting = false;
    return m->interrupted ? HEM_ECANCELED : 0;
}

/* Returns whether it was interrupted before anything was aborted. */
static bool join(struct model *m, struct level *v)
{
    bool cancelled = false;
    while (v->alive) {
        if (wait_for(m, 20, v) == 0)
            continue;
        cancelled |= !v->aborting;
        if (!v->aborting)
            abort_level(v);
    }
    return cancelled;
}

static int close_scope(struct model *m, int i, int rc)
{
    struct level *v = &m->level[i];
    bool cancelled = rc == HEM_ECANCELED ||
                     (rc >= 0 && v->deferred + count_of(m, i) > v->prior);
    if (rc < 0)
        abort_level(v);
    if (join(m, v))
        cancelled = true;
    if (v->expired)
        return HEM_ETIMEDOUT;
    if (cancelled)
        return keeper(m, i) ? 0 : HEM_ECANCELED;
    return rc;
}

static int end_group(struct model *m, int i, int rc)
{
    struct level *v = &m->level[i];
    bool cancelled = rc == HEM_ECANCELED;
    if (rc < 0)
        abort_level(v);
    if (join(m, v))
        cancelled = true;
    if (v->requested && uncancel(m, i + v->within) == 0)
        cancelled = false;
    if (cancelled && !v->failures)
        return HEM_ECANCELED;
    if (rc < 0 && rc != HEM_ECANCELED)
        v->failures++;
    if (!v->failures)
        return rc;
    if (count_of(m, i) > 0) {
        uncancel(m, i);
        request(m, i);
    }
    return HEM_EGROUP;
}

static int close_group(struct model *m, int i, int rc)
{
    const struct level *v = &m->level[i];
    rc = end_group(m, i, rc);
    if (!v->expired)
        return rc;
    int left = uncancel(m, i + v->within);
    return left <= v->prior && rc == HEM_ECANCELED ? HEM_ETIMEDOUT : rc;
}

static int close_context(struct model *m, struct level *v, int rc)
{
    if (!v->alive)
        return rc;
    int waited = wait_for(m, m->now, NULL); /* gives way */
    abort_level(v);
    (void)wait_for(m, m->now, NULL);
    return waited < 0 ? waited : rc;
}

static int close_persistent(struct model *m, struct level *v, int rc)
{
    if (rc < 0)
        abort_level(v);
    return join(m, v) ? HEM_ECANCELED : rc;
}

static int close_level(struct model *m, int i, int rc)
{
    struct level *v = &m->level[i];
    if (v->kind == CONTEXT)
        rc = close_context(m, v, rc);
    else if (v->kind == PERSISTENT)
        rc = close_persistent(m, v, rc);
    else
        rc = is_group(v) ? close_group(m, i, rc) : close_scope(m, i, rc);
    m->open = i;
    for (; v->deferred > 0; v->deferred--)
        request(m, i);
    return rc;
}

static void predict(const struct plan *p, struct outcome *ret)
{
    struct model m = {.plan = p};
    for (int i = 0; i < DEPTH; i++) {
        m.level[i] =
            (struct level){.kind = p->kind[i], .alive = p->kind[i] != SHIELD};
        m.open = i + 1;
    }
    int rc = wait_for(&m, 10, NULL);
    for (int i = DEPTH - 1; i >= 0; i--)
        ret->closed[i] = rc = close_level(&m, i, rc);
    ret->count = m.count;
    ret->now = m.now;
    ret->yielded = wait_for(&m, m.now, NULL);
}

/* The same by hem. */

static hem_ns start;

static int sleep_until_20(void *arg)
{
    (void)arg;
    return hem_sleep(start + 20 - hem_now());
}

static int fail_at_5(void *arg)
{
    (void)arg;
    HEM_TRY(hem_sleep(start + 5 - hem_now()));
    return HEM_EIO;
}

static int ignore(void *arg, hem_scope *s, hem_task *child, int error)
{
    (void)arg, (void)s, (void)child, (void)error;
    return 0;
}

static void open_level(hem_scope *s, const struct plan *p, int i)
{
    static const hem_scope_kind kinds[] = {
        [SCOPE] = HEM_TASKSCOPE,       [SHIELDED] = HEM_SHIELDSCOPE,
        [GROUP] = HEM_TASKGROUP,       [SHIELDED_GROUP] = HEM_TASKGROUP,
        [SHIELD] = HEM_TASKSCOPE,      [CONTEXT] = HEM_TASKCONTEXT,
        [PERSISTENT] = HEM_PERSISTENT,
    };
    hem_scope_options o = {.kind = kinds[p->kind[i]],
                           .on_error = ignore,
                           .shield = p->kind[i] == SHIELDED_GROUP,
                           .timeout = p->expires == i ? 5 : 0};
    if (p->kind[i] == SHIELD) {
        check_int(hem_shield_open(s, &o), 0);
        return;
    }
    check_int(hem_scope_open(s, &o), 0);
    hem_fn *child = p->fails == i ? fail_at_5 : sleep_until_20;
    check_int(hem_scope_spawn(s, NULL, child, NULL), 0);
}

struct run {
    const struct plan *plan;
    struct outcome outcome;
};

static int live_through(void *arg)
{
    struct run *r = arg;
    struct outcome *ret = &r->outcome;
    hem_scope s[DEPTH];
    for (int i = 0; i < DEPTH; i++)
        open_level(&s[i], r->plan, i);
    int rc = hem_sleep(10);
    for (int i = DEPTH - 1; i >= 0; i--) {
        rc = r->plan->kind[i] == SHIELD ? hem_shield_close(&s[i], rc)
                                        : hem_scope_close(&s[i], rc);
        ret->closed[i] = rc;
    }
    ret->count = hem_task_cancelling(hem_self());
    ret->now = (int)(hem_now() - start);
    ret->yielded = hem_yield();
    return 0;
}

static void cancel_it(void *arg)
{
    hem_task_cancel(arg, NULL);
}

static void cancel_at(hem_callback *cb, hem_task *t, int when)
{
    hem_callback_init(cb, cancel_it, t);
    check_int(hem_call_later(cb, when), 0);
}

static void live(const struct plan *p, struct outcome *ret)
{
    struct run r = {.plan = p};
    hem_task *t;
    hem_callback cb[2];
    hem_callback_init(&cb[0], cancel_it, NULL);
    hem_callback_init(&cb[1], cancel_it, NULL);
    start = hem_now();
    check_int(hem_spawn(&t, live_through, &r), 0);
    if (p->early)
        cancel_at(&cb[0], t, 4);
    if (p->late)
        cancel_at(&cb[1], t, 15);
    (void)!hem_await(t);
    hem_callback_cancel(&cb[0]);
    hem_callback_cancel(&cb[1]);
    hem_task_forget(t);
    *ret = r.outcome;
}

static bool agree(const struct plan *p, bool exactly)
{
    struct outcome want, got;
    predict(p, &want);
    live(p, &got);
    bool same = check_int(got.count, want.count);
    same &= check_int(got.now, want.now);
    if (exactly)
        same &= check_int(got.yielded, want.yielded);
    for (int i = 0; exactly && i < DEPTH; i++)
        same &= check_int(got.closed[i], want.closed[i]);
    if (!same)
        print_plan(p);
    return same;
}

/* All there are, by number. */
#define EVENTS (2 * 2 * (1 + 2 * DEPTH))
#define PLANS  (KINDS * KINDS * KINDS * EVENTS)

static struct plan plan_of(unsigned n)
{
    struct plan p = {.fails = -1, .expires = -1};
    for (int i = 0; i < DEPTH; i++, n /= KINDS)
        p.kind[i] = (enum kind)(n % KINDS);
    p.early = n % 2;
    p.late = n / 2 % 2;
    int event = (int)(n / 4);
    if (event > DEPTH)
        p.expires = event - DEPTH - 1;
    else
        p.fails = event - 1;
    return p;
}

static void agree_on_all(bool exactly)
{
    int failed = 0;
    unsigned step = in_valgrind() ? 11 : 1;
    for (unsigned n = 0; n < PLANS && failed < 5; n += step) {
        struct plan p = plan_of(n);
        if (p.fails >= 0 && p.kind[p.fails] == SHIELD)
            continue;
        failed += !agree(&p, exactly);
    }
}

FIFO_TEST(three_scopes_of_any_kinds_end_as_the_rules_say)
{
    agree_on_all(true);
    return 0;
}

/* Whether a cancelled child has ended when its scope is closed depends on the
 * order, and so does whether that waits, and is interrupted. */
VIRTUAL_TEST(in_any_order_they_end_in_time_and_no_request_is_lost)
{
    agree_on_all(false);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(three_scopes_of_any_kinds_end_as_the_rules_say),
        LEDGER_TEST(in_any_order_they_end_in_time_and_no_request_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
