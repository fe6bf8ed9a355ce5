/* SPDX-License-Identifier: MIT */
/*
 * AddressSanitizer and LeakSanitizer. The bounds of the thread's own stack are
 * learned when a coroutine is first entered from it. A stack is a root for
 * leaks only while tasks may live on it, and what a finished task poisoned is
 * unpoisoned before another uses the stack.
 */
#ifndef HEM__CORO_ANNOTATE_ASAN_H
#define HEM__CORO_ANNOTATE_ASAN_H

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#include <stdbool.h>

#define HEM__ANNOTATE 1

typedef struct hem__annotation {
    void *fake;         /* ASan's own record while suspended */
    const void *bottom; /* of the stack; NULL: not known yet */
    size_t size;
} hem__annotation;

/* The context that was left by the latest switch of this thread, and has not
 * been told its bounds; NULL: none, or it is gone. */
extern _Thread_local hem__annotation *hem__annotate_left;

static inline void hem__annotate_create(hem__annotation *a, void *bottom,
                                        size_t size)
{
    a->fake = NULL;
    a->bottom = bottom;
    a->size = size;
}

static inline void hem__annotate_leave(hem__annotation *from,
                                       hem__annotation *to)
{
    hem__annotate_left = from;
    __sanitizer_start_switch_fiber(&from->fake, to->bottom, to->size);
}

static inline void hem__annotate_finish(hem__annotation *from,
                                        hem__annotation *to)
{
    (void)from;
    hem__annotate_left = NULL;
    __sanitizer_start_switch_fiber(NULL, to->bottom, to->size);
}

static inline void hem__annotate_arrive(hem__annotation *here)
{
    const void *bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(here->fake, &bottom, &size);
    if (hem__annotate_left) {
        hem__annotate_left->bottom = bottom;
        hem__annotate_left->size = size;
    }
}

static inline void hem__annotate_stack(void *bottom, size_t size)
{
    __lsan_register_root_region(bottom, size);
}

static inline void hem__annotate_stack_reuse(void *bottom, size_t size)
{
    __asan_unpoison_memory_region(bottom, size);
}

static inline void hem__annotate_stack_gone(void *bottom, size_t size)
{
    __lsan_unregister_root_region(bottom, size);
    __asan_unpoison_memory_region(bottom, size);
}

#endif
