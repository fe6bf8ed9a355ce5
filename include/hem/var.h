/* SPDX-License-Identifier: MIT */
/*
 * Context variables: values that follow the flow of control into the tasks
 * that it spawns; Python's contextvars.
 *
 *     static hem_var request_id = HEM_VAR("request_id", NULL);
 *
 *     HEM_TRY(hem_var_set(&request_id, id));
 *     hem_scope_spawn(&s, NULL, handle, r);   // handle() sees `id`
 *     ...
 *     const char *id = hem_var_get(&request_id);
 *
 * Each task sees its own bindings: a copy of those of the task that spawned it
 * as they were then. What a task sets later its parent and its siblings do not
 * see. What runs inside a task (calls, generators, managers) sets and sees the
 * variables of that task. Callbacks of the loop have none.
 *
 * A context is a set of bindings to be given to tasks instead of a copy (the
 * option .context): all of them see what each of them sets.
 *
 * Values are the caller's: they must live as long as a task may get them.
 */
#ifndef HEM_VAR_H
#define HEM_VAR_H

#include "base.h"

HEM_BEGIN_DECLS

/* A variable: the caller's own, as a rule static. Two are different even if
 * their names are the same. */
typedef struct hem_var {
    const char *name; /* for people */
    void *initial;    /* its value where nobody has set it */
} hem_var;

/* Initialise a variable. */
#define HEM_VAR(name, initial)                                                 \
    {                                                                          \
        (name), (initial)                                                      \
    }

/* Bindings: the caller's own, private. */
typedef struct hem_context {
    struct hem__bindings *bindings; /* NULL: none */
    uint64_t id; /* told from others that were here by it; 0: none yet */
} hem_context;

/* What a variable was before it was set; private. */
typedef struct hem_var_token {
    hem_var *var;
    hem_context *context; /* in which it was set; NULL: undone */
    uint64_t context_id;  /* `id` of that */
    void *value;          /* before that */
    bool bound;           /* it had one */
} hem_var_token;

/* Return the value of `v` in the current task, or its initial one.
 * [loop thread] */
HEM_API void *hem_var_get(const hem_var *v);

/* Set `v` in the current task. HEM_ENOMEM: unchanged. [loop thread] */
HEM_API HEM_CHECK int hem_var_set(hem_var *v, void *value);

/*
 * Set `v` and remember in `*ret` what it was; to be undone by hem_var_pop(),
 * or never. HEM_ENOMEM: unchanged. [loop thread]
 */
HEM_API HEM_CHECK int hem_var_push(hem_var *v, void *value, hem_var_token *ret);

/*
 * Give the variable the value that it had before hem_var_push(). ContextVar's
 * reset(). HEM_EREFUSED: done already; HEM_EINVAL: it was set in another
 * context; HEM_ENOMEM, only where a task spawned since then shares the
 * bindings: unchanged. [loop thread]
 */
HEM_API HEM_CHECK int hem_var_pop(hem_var_token *token);

/* Make `c` a copy of the bindings of the current task. It never fails; to be
 * given up with hem_context_deinit(), when no task uses it any more.
 * copy_context(). [loop thread] */
HEM_API void hem_context_copy(hem_context *c);
HEM_API void hem_context_deinit(hem_context *c);

/* Call fn(arg) in the current task, seeing and setting the variables of `c`,
 * and return its result; Context.run(). [suspends if fn does] */
HEM_API int hem_context_run(hem_context *c, hem_fn *fn, void *arg);

HEM_END_DECLS

#endif
