/* SPDX-License-Identifier: MIT */
/*
 * The interpreter: bodies are executed recursively on the stack of the hem
 * task that runs them. Each statement is a call or two of hem's public API.
 */
#ifndef CONFORMANCE_EXEC_H
#define CONFORMANCE_EXEC_H

#include <hem.h>
#include <stdint.h>

#include "names.h"
#include "outcome.h"
#include "program.h"

/* How a statement or a body ended. */
enum flow_kind {
    FLOW_NEXT,
    FLOW_RETURN,
    FLOW_BREAK,
    FLOW_CONTINUE,
    FLOW_RAISE
};

struct flow {
    enum flow_kind kind;
    struct outcome outcome; /* of FLOW_RETURN and FLOW_RAISE */
};

/* One execution of a function. */
struct activation {
    struct names names;
    struct fn *fn;
    struct outcome handled; /* by the innermost handler of `try` */
    struct outcome item;    /* of the innermost as_completed loop */
    hem_gen *gen;           /* it is the body of, or NULL */
    hem_actx *manager;      /* it is, or NULL */
    hem_deferred deferred;  /* in adefer and sdefer functions */
};

/* What belongs to the run of one program. */
struct execution {
    const struct program *program;
    struct names shared; /* the latest bindings by anybody */
    int statements;      /* executed so far */
};

extern struct execution execution;

static inline struct flow flow_next(void)
{
    return (struct flow){.kind = FLOW_NEXT};
}

static inline struct flow flow_raise(struct outcome o)
{
    return (struct flow){.kind = FLOW_RAISE, .outcome = o};
}

/* Go on, or raise what is a failure. */
static inline struct flow flow_of(struct outcome o)
{
    return outcome_failed(o) ? flow_raise(o) : flow_next();
}

/* What a block sees of its body: jumps are normal. */
static inline struct outcome flow_body(struct flow f)
{
    return f.kind == FLOW_RAISE ? f.outcome : outcome_ok();
}

/* How a block ends: hem, told the status of body `f`, said `status`. */
struct flow flow_leave(struct flow f, int status);

/* Whether a loop goes on after its body ended with `*f`. */
bool flow_again(struct flow *f);

/* The outcome of a body, for hem to be told: as outcome_raise(), and a
 * cancellation with its reason. */
int flow_raised(struct flow f);

struct flow exec_body(struct activation *a, const struct node *first);

/* Call a function: in the current task, in a new activation. */
struct outcome exec_call(struct fn *fn);

/* The same, in an activation that the caller has made. */
struct outcome exec_call_in(struct activation *a);

/* Call the function `fn`, an hem_fn: its outcome becomes hem's. */
int exec_hem_fn(void *fn);

/* Count a statement, or a turn of a loop; too many end the process. */
void exec_count(const struct node *n);

/* Write the line `STATEMENT OUT`, or `STATEMENT OPERAND OUT`, and raise what
 * is a failure. */
struct flow exec_done(const struct node *n, struct outcome o);
struct flow exec_done_on(const struct node *n, struct outcome o);

/*
 * What the name in operand `i` is bound to, which must be of one of `kinds`
 * (bits). NULL: it is not bound, which was written.
 */
struct thing *exec_bound(const struct activation *a, const struct node *n,
                         size_t i, unsigned kinds);

/* End the process: hem has nothing for `what`. */
_Noreturn void exec_not_yet(const struct node *n, const char *what);

/* Run a program, and write its trace. Returns only when it has ended. */
void exec_run(const struct program *p, uint64_t seed);

#endif
