/* SPDX-License-Identifier: MIT */
/* Several tasks at once: corpus/SPEC.md, section 6.5. */
#include <string.h>

#include "arena.h"
#include "calls.h"
#include "statement.h"
#include "tasks.h"
#include "trace.h"

static unsigned gather_flags(const struct node *n)
{
    return n->options[OPTION_RETURN_EXCEPTIONS] ? HEM_RETURN_ERRORS : 0;
}

/* The operands could not be had: `rc` of calls_take(). */
static struct flow not_had(const struct node *n, int rc)
{
    if (rc < 0)
        return exec_done(n, outcome_of(rc));
    trace("%s unbound", n->statement->name);
    return flow_next();
}

static struct flow run_gather(struct activation *a, const struct node *n)
{
    struct calls c;
    int rc = calls_take(&c, a, n, 0);
    if (rc != 0)
        return not_had(n, rc);
    rc = hem_gather(c.calls, c.count, gather_flags(n));
    return exec_done(n, rc < 0 ? outcome_of(rc) : calls_list(&c));
}

static struct flow run_gather_start(struct activation *a, const struct node *n)
{
    struct calls *c = arena_alloc(sizeof(*c));
    int rc = calls_take(c, a, n, 1);
    if (rc != 0)
        return not_had(n, rc);
    hem_gathering *g = arena_alloc(sizeof(*g));
    rc = hem_gather_start(g, c->calls, c->count, gather_flags(n));
    if (rc < 0)
        return exec_done(n, outcome_of(rc));
    struct future *f = arena_alloc(sizeof(*f));
    f->thing.kind = THING_FUTURE;
    f->future = hem_gather_future(g);
    f->gathered = c;
    names_bind(a, n->operands[0].word, &f->thing);
    return flow_next();
}

/* The names of the operands that are done, or not, each once. */
static const char *names_text(const struct calls *c, bool done)
{
    const char *text = "";
    for (size_t i = 0; i < c->count; i++) {
        bool before = (c->calls[i].order > 0) != done;
        for (size_t k = 0; k < i; k++)
            before |= strcmp(c->names[k], c->names[i]) == 0;
        if (!before)
            text = arena_format("%s%s%s", text, *text ? "," : "", c->names[i]);
    }
    return text;
}

static hem_wait_mode mode_of(const struct node *n)
{
    switch ((enum wait_mode)n->operands[0].choice) {
    case WAIT_FIRST_COMPLETED:
        return HEM_FIRST_COMPLETED;
    case WAIT_FIRST_EXCEPTION:
        return HEM_FIRST_ERROR;
    case WAIT_ALL:
        break;
    }
    return HEM_ALL_COMPLETED;
}

/* hem's timeout of the option: 0 is none there. */
static hem_ns timeout_option(const struct node *n)
{
    if (!n->options[OPTION_TIMEOUT])
        return 0;
    return n->timeout > 0 ? n->timeout * HEM_MSEC : -1;
}

static struct flow run_wait(struct activation *a, const struct node *n)
{
    struct calls c;
    int rc = calls_take(&c, a, n, 1);
    if (rc != 0)
        return not_had(n, rc);
    rc = hem_wait(
        c.calls, c.count,
        &(hem_wait_options){.mode = mode_of(n), .timeout = timeout_option(n)});
    if (rc < 0)
        return exec_done(n, outcome_of(rc));
    trace("wait done[%s] pending[%s]", names_text(&c, true),
          names_text(&c, false));
    return flow_next();
}

static struct flow run_as_completed(struct activation *a, const struct node *n)
{
    struct calls c;
    int rc = calls_take_each_once(&c, a, n, 0);
    if (rc != 0)
        not_had(n, rc);
    hem_as_completed it;
    if (rc >= 0)
        rc = hem_as_completed_open(
            &it, c.calls, c.count,
            &(hem_as_completed_options){.timeout = timeout_option(n)});
    if (rc < 0)
        return exec_done(n, outcome_of(rc));
    struct flow f = calls_loop(a, n, &c, &it);
    trace("as_completed exit %s", outcome_text(flow_body(f)));
    return f;
}

static struct flow run_check(struct activation *a, const struct node *n)
{
    (void)n;
    return flow_of(a->item);
}

// clang-format off
const struct statement gather_statements[] = {
    {"gather",       "X*",  "return_exceptions", .run = run_gather},
    {"gather_start", "NX+", "return_exceptions", ST_SYNC,
                            .run = run_gather_start},
    {"wait",         "MV+", "timeout=", .run = run_wait},
    {"as_completed", "X*",  "timeout=", ST_BLOCK | ST_LOOP,
                            .run = run_as_completed},
    {"check",        "",    .flags = ST_SYNC, .run = run_check},
    {0},
};
// clang-format on
