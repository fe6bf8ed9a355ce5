/* SPDX-License-Identifier: MIT */
#include "hem/exit_stack.h"

#include "base/alloc.h"
#include "flow/gen.h"
#include "flow/kept.h"

/* What is on a stack: a manager, or one of the two kinds of functions. */
struct hem__exit {
    struct hem__exit *below;
    hem_fn *fn;
    hem_exit_fn *exit_fn;
    void *arg;
    hem_actx actx;
};

void hem_exit_stack_init(hem_exit_stack *st)
{
    st->top = NULL;
}

static void push(hem_exit_stack *st, struct hem__exit *e)
{
    e->below = st->top;
    st->top = e;
}

int hem_exit_stack_enter_at(hem_exit_stack *st, hem_actx_fn *fn, void *arg,
                            void **ret, const hem_gen_options *opts)
{
    struct hem__exit *e = hem__calloc(sizeof(*e));
    if (!e)
        return HEM_ENOMEM;
    int rc = hem_actx_open_at(&e->actx, fn, arg, ret, opts);
    if (rc < 0)
        hem__free(e);
    else
        push(st, e);
    return rc;
}

static int push_call(hem_exit_stack *st, struct hem__exit call)
{
    struct hem__exit *e = hem__alloc(sizeof(*e));
    if (!e)
        return HEM_ENOMEM;
    *e = call;
    push(st, e);
    return 0;
}

int hem_exit_stack_push(hem_exit_stack *st, hem_fn *fn, void *arg)
{
    return push_call(st, (struct hem__exit){.fn = fn, .arg = arg});
}

int hem_exit_stack_push_exit(hem_exit_stack *st, hem_exit_fn *fn, void *arg)
{
    return push_call(st, (struct hem__exit){.exit_fn = fn, .arg = arg});
}

void hem_exit_stack_move(hem_exit_stack *to, hem_exit_stack *from)
{
    struct hem__exit **end = &from->top;
    while (*end)
        end = &(*end)->below;
    *end = to->top;
    to->top = from->top;
    from->top = NULL;
}

/* Call something that is not told of `rc`, the outcome. */
static int call(hem_task *t, const struct hem__exit *e, int rc)
{
    hem__kept kept = hem__keep(t);
    int status = e->fn(e->arg);
    if (status < 0) {
        hem__kept_drop(&kept);
        return status;
    }
    hem__kept_restore(&kept, t);
    return rc;
}

/* Call something that is. */
static int tell(hem_task *t, const struct hem__exit *e, int rc)
{
    hem__kept kept = hem__keep(t);
    int status = e->exit_fn(e->arg, rc);
    hem__kept_pass(&kept, t, rc, status);
    return status;
}

/* What becomes of the outcome `rc`. */
static int run(hem_task *t, struct hem__exit *e, int rc)
{
    if (e->exit_fn)
        return tell(t, e, rc);
    return e->fn ? call(t, e, rc) : hem_actx_close(&e->actx, rc);
}

int hem_exit_stack_close(hem_exit_stack *st, int rc)
{
    hem_loop *l = hem__loop_need("hem_exit_stack_close");
    hem_task *t = hem__task_need(l, "hem_exit_stack_close");
    while (st->top) {
        struct hem__exit *e = st->top;
        st->top = e->below;
        rc = run(t, e, rc);
        hem__free(e);
    }
    return rc;
}

void hem__exit_stack_cleanup(hem_exit_stack *st)
{
    if (!st->top)
        return;
    hem_loop *l = hem__loop_need("HEM_EXIT_STACK");
    hem_task *t = hem__task_need(l, "HEM_EXIT_STACK");
    hem__kept kept = hem__keep(t);
    int rc = hem_exit_stack_close(st, HEM_ECLOSED);
    hem__kept_restore_untold(&kept, t, rc);
}
