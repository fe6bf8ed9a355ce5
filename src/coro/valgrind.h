/* SPDX-License-Identifier: MIT */
/* Tells valgrind of stacks, where its header was there at build time. */
#ifndef HEM__CORO_VALGRIND_H
#define HEM__CORO_VALGRIND_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#define HEM__VALGRIND 1
#endif
#endif

#ifdef HEM__VALGRIND
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <valgrind/memcheck.h>

/* Returns an id for hem__valgrind_stack_gone(). */
static inline unsigned hem__valgrind_stack(void *bottom, void *top)
{
    return VALGRIND_STACK_REGISTER(bottom, top);
}

static inline void hem__valgrind_stack_gone(unsigned id)
{
    VALGRIND_STACK_DEREGISTER(id);
}

static inline bool hem__valgrind_runs(void)
{
    return RUNNING_ON_VALGRIND;
}

/* A stack is used again: what lies in it is garbage, but may be written. */
static inline void hem__valgrind_stack_reuse(void *bottom, size_t size)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(bottom, size);
}
#pragma GCC diagnostic pop
#else
static inline unsigned hem__valgrind_stack(void *bottom, void *top)
{
    (void)bottom;
    (void)top;
    return 0;
}

static inline void hem__valgrind_stack_gone(unsigned id)
{
    (void)id;
}

static inline bool hem__valgrind_runs(void)
{
    return false;
}

static inline void hem__valgrind_stack_reuse(void *bottom, size_t size)
{
    (void)bottom;
    (void)size;
}
#endif

#endif
