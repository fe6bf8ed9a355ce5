/* SPDX-License-Identifier: MIT */
#include "task/var.h"

#include <string.h>

#include "base/alloc.h"
#include "hem/error.h"
#include "task/task.h"

typedef struct hem__bindings bindings;

static hem_task *need(const char *function)
{
    return hem__task_need(hem__loop_need(function), function);
}

void hem__bindings_free(bindings *b)
{
    hem__free(b);
}

static struct hem__binding *find(const bindings *b, const hem_var *v)
{
    for (uint32_t i = 0; b && i < b->count; i++) {
        if (b->of[i].var == v)
            return (struct hem__binding *)&b->of[i];
    }
    return NULL;
}

/* Replace the bindings of `c` by a copy with room for `count`, which must be
 * as many or one more. */
static int copy(hem_context *c, uint32_t count)
{
    bindings *b = hem__alloc(sizeof(*b) + count * sizeof(b->of[0]));
    if (!b)
        return HEM_ENOMEM;
    b->refs = 1;
    b->count = c->bindings ? c->bindings->count : 0;
    if (b->count)
        memcpy(b->of, c->bindings->of, b->count * sizeof(b->of[0]));
    hem__bindings_release(c->bindings);
    c->bindings = b;
    return 0;
}

static int set(hem_context *c, const hem_var *v, void *value)
{
    bool bound = find(c->bindings, v) != NULL;
    uint32_t count = c->bindings ? c->bindings->count : 0;
    if (!bound)
        HEM_TRY(copy(c, count + 1));
    else if (c->bindings->refs > 1)
        HEM_TRY(copy(c, count));
    bindings *b = c->bindings;
    if (bound)
        find(b, v)->value = value;
    else
        b->of[b->count++] = (struct hem__binding){v, value};
    return 0;
}

static int unset(hem_context *c, const hem_var *v)
{
    if (!find(c->bindings, v))
        return 0;
    if (c->bindings->refs > 1)
        HEM_TRY(copy(c, c->bindings->count));
    bindings *b = c->bindings;
    *find(b, v) = b->of[b->count - 1];
    if (--b->count == 0) {
        hem__bindings_release(b);
        c->bindings = NULL;
    }
    return 0;
}

void *hem_var_get(const hem_var *v)
{
    hem_loop *l = hem__loop_need("hem_var_get");
    const hem_task *t = (const hem_task *)l->current;
    const struct hem__binding *b = t ? find(t->context->bindings, v) : NULL;
    return b ? b->value : v->initial;
}

int hem_var_set(hem_var *v, void *value)
{
    return set(need("hem_var_set")->context, v, value);
}

int hem_var_push(hem_var *v, void *value, hem_var_token *ret)
{
    hem_task *t = need("hem_var_push");
    hem_context *c = t->context;
    const struct hem__binding *b = find(c->bindings, v);
    if (!c->id)
        c->id = ++hem__runtime_of(hem__loop)->last_context_id;
    hem_var_token token = {.var = v,
                           .context = c,
                           .context_id = c->id,
                           .value = b ? b->value : NULL,
                           .bound = b != NULL};
    HEM_TRY(set(c, v, value));
    *ret = token;
    return 0;
}

int hem_var_pop(hem_var_token *token)
{
    hem_context *c = need("hem_var_pop")->context;
    if (!token->context)
        return HEM_EREFUSED;
    if (token->context != c || token->context_id != c->id)
        return HEM_EINVAL;
    HEM_TRY(token->bound ? set(c, token->var, token->value)
                         : unset(c, token->var));
    token->context = NULL;
    return 0;
}

void hem_context_copy(hem_context *c)
{
    const hem_task *t = need("hem_context_copy");
    *c = (hem_context){hem__bindings_hold(t->context->bindings), 0};
}

void hem_context_deinit(hem_context *c)
{
    hem__bindings_release(c->bindings);
    c->bindings = NULL;
}

int hem_context_run(hem_context *c, hem_fn *fn, void *arg)
{
    hem_task *t = need("hem_context_run");
    hem_context *before = t->context;
    t->context = c;
    int rc = fn(arg);
    if (before !=
        c) /* else a generator that has yielded may be in another task */
        t->context = before;
    return rc;
}
