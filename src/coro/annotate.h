/* SPDX-License-Identifier: MIT */
/*
 * What sanitizers want to know of coroutines. Each context carries a note;
 * leave before a switch, arrive behind it, in the context that has arrived.
 * Selected by the build; without a sanitizer all of it is empty.
 */
#ifndef HEM__CORO_ANNOTATE_H
#define HEM__CORO_ANNOTATE_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define HEM__ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HEM__ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define HEM__TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HEM__TSAN 1
#endif
#if __has_feature(safe_stack)
#error "hem switches stacks and cannot be built with -fsanitize=safe-stack"
#endif
#endif

/* For the function of a coroutine: it returns after the annotation of its end,
 * which gives up what instrumented code would return by. */
#if defined(__clang__)
#define HEM__CORO_BODY                                                         \
    __attribute__((no_sanitize("address"), disable_sanitizer_instrumentation))
#else
#define HEM__CORO_BODY __attribute__((no_sanitize_address, no_sanitize_thread))
#endif

/* Whether another process may run in this one's memory, as after vfork(). */
#if defined(HEM__TSAN)
#define HEM__VFORK_ALLOWED false
#else
#define HEM__VFORK_ALLOWED true
#endif

#if defined(HEM__ASAN)
#include "coro/annotate_asan.h"
#elif defined(HEM__TSAN)
#include "coro/annotate_tsan.h"
#else

/* For each stack: when made, taken from the pool again, and unmapped. */
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
#endif
