/* SPDX-License-Identifier: MIT */
/*
 * The context switch where there is no assembly for the CPU: with ucontext,
 * which is slow, for it sets the signal mask by a system call. The mask is the
 * thread's, not the context's: so one that is switched to takes it on. `sp` of a
 * context points at a ucontext_t: at the switcher's, on its own stack, while
 * suspended; at one at the bottom of the stack before it began.
 */
#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

#include "coro/context.h"

static _Thread_local int passed; /* the value of the switch under way */

static ucontext_t *with_mask(ucontext_t *context)
{
    pthread_sigmask(SIG_SETMASK, NULL, &context->uc_sigmask);
    return context;
}

int hem__switch(void **save, void *const *load, int value)
{
    ucontext_t here; /* this frame lives until somebody switches back */
    void *volatile self = &here;
    *save = self;
    passed = value;
    if (*load != self)
        swapcontext(&here, with_mask(*load));
    return passed;
}

/* makecontext passes ints only. */
static void boot(unsigned fn_high, unsigned fn_low, unsigned arg_high,
                 unsigned arg_low)
{
    uintptr_t fn = (uintptr_t)((uint64_t)fn_high << 32 | fn_low);
    uintptr_t arg = (uintptr_t)((uint64_t)arg_high << 32 | arg_low);
    hem__next next = ((hem__coro_fn *)fn)((void *)arg, passed);
    passed = (int)next.value;
    setcontext(with_mask(next.sp));
}

void *hem__switch_prepare(void *bottom, void *top, hem__coro_fn *fn, void *arg)
{
    ucontext_t *context = bottom;
    char *lowest = (char *)bottom + sizeof(*context);
    getcontext(context);
    context->uc_link = NULL;
    context->uc_stack.ss_sp = lowest;
    context->uc_stack.ss_size = (size_t)((char *)top - lowest);
    uint64_t f = (uintptr_t)fn;
    uint64_t a = (uintptr_t)arg;
    makecontext(context, (void (*)(void))boot, 4, (unsigned)(f >> 32),
                (unsigned)f, (unsigned)(a >> 32), (unsigned)a);
    return context;
}
