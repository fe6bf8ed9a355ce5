/* SPDX-License-Identifier: MIT */
/*
 * ThreadSanitizer: each context is a fiber. The one of a finished coroutine
 * cannot be destroyed while it runs, so the next context to arrive does it.
 */
#ifndef HEM__CORO_ANNOTATE_TSAN_H
#define HEM__CORO_ANNOTATE_TSAN_H

#include <sanitizer/tsan_interface.h>

#define HEM__ANNOTATE 1

typedef struct hem__annotation {
    void *fiber; /* NULL: the thread's own, not known yet */
} hem__annotation;

extern _Thread_local void *hem__annotate_dead; /* fiber to destroy, or NULL */

static inline void hem__annotate_create(hem__annotation *a, void *bottom,
                                        size_t size)
{
    (void)bottom;
    (void)size;
    a->fiber = __tsan_create_fiber(0);
}

static inline void hem__annotate_leave(hem__annotation *from,
                                       hem__annotation *to)
{
    if (!from->fiber)
        from->fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->fiber, 0);
}

static inline void hem__annotate_finish(hem__annotation *from,
                                        hem__annotation *to)
{
    hem__annotate_dead = from->fiber;
    __tsan_switch_to_fiber(to->fiber, 0);
}

static inline void hem__annotate_arrive(hem__annotation *here)
{
    (void)here;
    if (hem__annotate_dead) {
        __tsan_destroy_fiber(hem__annotate_dead);
        hem__annotate_dead = NULL;
    }
}

static inline void hem__annotate_stack(void *bottom, size_t size)
{
    (void)bottom;
    (void)size;
}

static inline void hem__annotate_stack_reuse(void *bottom, size_t size)
{
    (void)bottom;
    (void)size;
}

static inline void hem__annotate_stack_gone(void *bottom, size_t size)
{
    (void)bottom;
    (void)size;
}

#endif
