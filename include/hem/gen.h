/* SPDX-License-Identifier: MIT */
/*
 * Generators: functions that give values one by one and keep their place
 * between them; Python's asynchronous generators.
 *
 *     static int lines(hem_gen *g, void *arg)       // the body
 *     {
 *         struct reader *r = arg;
 *         while (reader_next(r) > 0)                // may wait
 *             HEM_TRY(hem_gen_yield(g, r->line));
 *         return 0;
 *     }
 *
 *     HEM_GEN(g, lines, &reader);                   // nothing runs yet
 *     void *line;
 *     int rc;
 *     while ((rc = hem_gen_next(&g, &line)) > 0)
 *         puts(line);
 *
 * A body has a stack of its own, and runs INSIDE the task that steps it: what
 * suspends in the body suspends that task, a request to cancel the task
 * interrupts the body where it waits, and it sees the variables of that task.
 * A step costs two switches of context and no turn of the loop. Between steps
 * the body is suspended and belongs to nobody: another task may make the next
 * step.
 *
 *     made --first step--> suspended <--steps, yields--> running --> ended
 *          --close, throw--> ended
 *
 * A generator that has begun holds a stack until it ends, whether its body
 * returns, fails or is closed. HEM_GEN() closes it with the block. One that is
 * left open nevertheless is closed when hem_run() ends, in a task of its own,
 * after all tasks have ended, as asyncio does it; its struct may be gone then.
 *
 * A body may open scopes and timeouts round a yield. They belong to the task
 * that made the step: it has to make the one that closes them too, in the
 * order in which those of a task nest, and before it ends.
 */
#ifndef HEM_GEN_H
#define HEM_GEN_H

#include "base.h"
#include "task.h"

HEM_BEGIN_DECLS

typedef struct hem_gen hem_gen;

/* The body. It returns when there are no more values, 0 or more, or fails with
 * a negative error. `g` serves hem_gen_yield() only. */
typedef int hem_gen_fn(hem_gen *g, void *arg);

/* The caller's own; private. */
struct hem_gen {
    hem_gen_fn *fn;        /* the body; NULL: it has ended */
    void *arg;             /* its argument */
    struct hem__gen *live; /* from the first step on, or NULL */
    const hem_site *site;  /* where it was made */
    size_t stack_bytes;    /* as in the options */
    uint32_t loop_id;      /* of the loop in which it is live */
};

typedef struct hem_gen_options {
    size_t stack_bytes;   /* of address space; 0: as hem_run_options says */
    const hem_site *site; /* filled in by the macros */
} hem_gen_options;

/*
 * Make a generator of the body fn(g, arg). Takes no memory and runs nothing:
 * both come with the first step. `opts` may be NULL and is borrowed until the
 * return. Macros. [any thread]
 */
#define hem_gen_init(g, fn, arg)                                               \
    hem_gen_init_at((g), (fn), (arg),                                          \
                    &(const hem_gen_options){.site = HEM__SITE(#fn)})
#define hem_gen_init_with(g, fn, arg, ...)                                     \
    hem_gen_init_at(                                                           \
        (g), (fn), (arg),                                                      \
        &(const hem_gen_options){__VA_ARGS__, .site = HEM__SITE(#fn)})

HEM_API void hem_gen_init_at(hem_gen *g, hem_gen_fn *fn, void *arg,
                             const hem_gen_options *opts);

/*
 * HEM_GEN(var, fn, arg): declare and make a generator that is closed with its
 * block; options may follow as members of hem_gen_options. Nobody is told of a
 * failure of that close, so close it by hand where it matters; a cancellation
 * that it meets interrupts the next wait of the task. Aborts the process if
 * another task is stepping it.
 */
#define HEM_GEN(...) HEM__GEN(__VA_ARGS__, )

#define HEM__GEN(var, fn, arg, ...)                                            \
    hem_gen var __attribute__((cleanup(hem__gen_cleanup)));                    \
    hem_gen_init_at(                                                           \
        &var, (fn), (arg),                                                     \
        &(const hem_gen_options){.site = HEM__SITE(#fn), __VA_ARGS__})

HEM_API void hem__gen_cleanup(hem_gen *g);

/*
 * Make one step: resume the body until its next yield. Returns 1 and the value
 * in `*ret` (not touched if NULL), 0: it has ended, or the error that it has
 * ended with. The first step also: HEM_ENOMEM: no stack, HEM_EINVAL:
 * stack_bytes above 1 GiB; HEM_EREFUSED: the loop is ending; it has not begun
 * and may be tried again. HEM_EREFUSED: a step is being made, by another task
 * or by this one, or it began in another loop; unchanged. asend().
 * [suspends if the body does]
 */
HEM_API HEM_CHECK int hem_gen_next(hem_gen *g, void **ret);

/*
 * The same, but the yield that the body is suspended in returns `error`, a
 * negative error. One that has not begun ends at once, with `error`; with one
 * that has ended the error is dropped and 0 returned. HEM_EINVAL: not
 * negative. athrow(). [suspends if the body does]
 */
HEM_API HEM_CHECK int hem_gen_throw(hem_gen *g, int error, void **ret);

/*
 * End a generator: its body is resumed with HEM_ECLOSED, to clean up and
 * return. Returns 0 if it returns that, 0 or more, or had ended, or not begun;
 * else its error. HEM_EREFUSED: it has yielded instead and is suspended there
 * (hem_gen_done() is false); or as hem_gen_next() has it. NULL does nothing.
 * aclose(). [suspends if the body does]
 */
HEM_API HEM_CHECK int hem_gen_close(hem_gen *g);

/* Return whether it has ended, or the loop in which it began. [loop thread] */
HEM_API bool hem_gen_done(const hem_gen *g);

/*
 * In the body: give `value` to whoever made the step, and suspend until the
 * next. Borrowed until then. Returns 0, or the error that was thrown in, which
 * is to be cleaned up after and returned: HEM_ECLOSED when it is being closed.
 * This is no point of cancellation: the task goes on, outside. Aborts the
 * process outside of the body. [loop thread]
 */
HEM_API HEM_CHECK int hem_gen_yield(hem_gen *g, const void *value);

/*
 * Iterate over what fn(arg) returns, until it returns `sentinel`: 1 and the
 * result in `*ret`, 0: it was the sentinel, or the error of fn. aiotools'
 * aiter(), Python's iter() with two arguments:
 *
 *     while ((rc = hem_iter_until(next_id, &db, 0, &id)) > 0)
 *         ...
 *
 * [suspends if fn does]
 */
HEM_API HEM_CHECK int hem_iter_until(hem_fn *fn, void *arg, int sentinel,
                                     int *ret);

HEM_END_DECLS

#endif
