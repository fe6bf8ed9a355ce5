/* SPDX-License-Identifier: MIT */
/* The floor's switch and yield for AArch64. */
#include <stdint.h>

/* All registers but sp, x29 and the operands, x0 to x2. */
#define CLOBBERS                                                               \
    "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",      \
        "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23",  \
        "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3",      \
        "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", \
        "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",  \
        "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory", "cc"

/* From the task in x2 to the one in x1. */
#define SWITCH                                                                 \
    "adr x3, 1f\n\t"                                                           \
    "stp x29, x3, [sp, #-16]!\n\t"                                             \
    "mov x4, sp\n\t"                                                           \
    "str x4, [x2]\n\t"                                                         \
    "ldr x4, [x1]\n\t"                                                         \
    "mov sp, x4\n\t"                                                           \
    "ldp x29, x3, [sp], #16\n\t"                                               \
    "br x3\n"                                                                  \
    "1:\n"

static inline void runtime_switch(struct task *from, struct task *to)
{
    register struct task *x2 __asm__("x2") = from;
    register struct task *x1 __asm__("x1") = to;
    __asm__ volatile(SWITCH : "+r"(x2), "+r"(x1) : : "x0", CLOBBERS);
}

static inline void runtime_yield(struct runtime *r)
{
    register struct runtime *x0 __asm__("x0") = r;
    __asm__ volatile("ldr x1, [x0]\n\t" /* first = head */
                     "cbz x1, 2f\n\t"
                     "ldr x2, [x0, #16]\n\t" /* self = running */
                     "ldr x3, [x0, #8]\n\t"
                     "str xzr, [x2, #8]\n\t"
                     "str x2, [x3]\n\t" /* *tail = self */
                     "add x3, x2, #8\n\t"
                     "str x3, [x0, #8]\n\t" /* tail = &self->next */
                     "ldr x3, [x1, #8]\n\t"
                     "str x3, [x0]\n\t"      /* head = first->next */
                     "str x1, [x0, #16]\n\t" /* running = first */
                     SWITCH "2:\n"
                     : "+r"(x0)
                     :
                     : "x1", "x2", CLOBBERS);
}

static inline void *runtime_new_stack(char *top, void (*entry)(void))
{
    uintptr_t *sp = (uintptr_t *)(void *)top;
    *--sp = (uintptr_t)entry;
    *--sp = 0; /* frame pointer: the outermost */
    return sp;
}
