/* SPDX-License-Identifier: MIT */
/*
 * Generators that have begun.
 *
 * What there is of one lives at the top of its own stack, for the caller's
 * struct may go before it does. Its coroutine is no fiber: a step is a switch
 * from the task's stack to this one, and a yield the switch back, the task
 * being current all the while. When the task parks in between, it is suspended
 * on this stack, and its fiber must know so (`stack`, and the note in `coro`
 * that sanitizers read).
 *
 *     suspended --hem__gen_step--> running --yield--> suspended
 *                                          --body returns--> ended
 *
 * Who leaves, the yield or the end of the body, does all that there is to do,
 * so that the switch back is a jump to the caller of hem_gen_next() itself: a
 * return would be predicted wrongly.
 *
 * The stack goes back to the pool with the step that ends it; of those that the
 * end of the run closes it stays, for somebody may still ask for them.
 */
#ifndef HEM__FLOW_GEN_H
#define HEM__FLOW_GEN_H

#include "hem/gen.h"
#include "task/task.h"

typedef struct hem__gen {
    hem__coro coro;       /* while it is suspended */
    hem__coro caller;     /* while it runs: who made the step */
    hem__stack *stack;    /* on which this is */
    hem__stack *outer;    /* while it runs: on which the caller is */
    hem_context *context; /* while it runs: that of the caller's task */
    void **ret;           /* for the value of this step, or NULL */
    hem_gen *handle;      /* of this step; NULL: of the end of the run */
    hem_task *closer;     /* that makes the step of the end of the run */
    hem__list link;       /* among the open ones */
    hem_gen self;         /* what the body is given */
    bool running;
    bool ended;
} hem__gen;

/* Make a step in task `t`, the current one; `thrown` is what the yield returns.
 * As hem_gen_next(). */
static inline int hem__gen_step(hem_task *t, hem__gen *g, hem_gen *handle,
                                int thrown, void **ret)
{
    g->outer = t->fiber.stack;
    g->context = t->context;
    g->ret = ret;
    g->handle = handle;
    g->running = true;
    t->fiber.stack = g->stack;
    return hem__coro_call(&t->fiber.coro, &g->caller, &g->coro, thrown);
}

/* The `close_generators` of the runtime. gen_end.c */
void hem__gen_close_all(hem__runtime *rt);

/* Reserve what that needs, if it is not. HEM_ENOMEM. */
int hem__gen_reserve(hem__runtime *rt);

#endif
