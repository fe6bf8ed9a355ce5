/* SPDX-License-Identifier: MIT */
/* The floor's switch and yield for x86-64. */
#include <stdint.h>

/* All registers but rsp, rbp and the three that are operands. */
#define CLOBBERS                                                               \
    "rax", "rbx", "rcx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", \
        "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",        \
        "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",  \
        "memory", "cc"

/* From the task in rdi to the one in rsi. The 128 bytes are the red zone,
 * which the compiler may use without our knowledge. */
#define SWITCH                                                                 \
    "leaq -128(%%rsp), %%rsp\n\t"                                              \
    "pushq %%rbp\n\t"                                                          \
    "leaq 1f(%%rip), %%rax\n\t"                                                \
    "pushq %%rax\n\t"                                                          \
    "movq %%rsp, (%%rdi)\n\t"                                                  \
    "movq (%%rsi), %%rsp\n\t"                                                  \
    "popq %%rax\n\t"                                                           \
    "jmp *%%rax\n"                                                             \
    "1:\n\t"                                                                   \
    "popq %%rbp\n\t"                                                           \
    "leaq 128(%%rsp), %%rsp\n"

static inline void runtime_switch(struct task *from, struct task *to)
{
    __asm__ volatile(SWITCH : "+D"(from), "+S"(to) : : "rdx", CLOBBERS);
}

/* All in assembly, since gcc 12 joins the stores to head and tail into one
 * vector, which the loads that follow wait for: about a nanosecond more. */
static inline void runtime_yield(struct runtime *r)
{
    __asm__ volatile("movq (%%rdx), %%rsi\n\t" /* first = head */
                     "testq %%rsi, %%rsi\n\t"
                     "jz 2f\n\t"
                     "movq 16(%%rdx), %%rdi\n\t" /* self = running */
                     "movq 8(%%rdx), %%rax\n\t"
                     "movq $0, 8(%%rdi)\n\t"
                     "movq %%rdi, (%%rax)\n\t" /* *tail = self */
                     "leaq 8(%%rdi), %%rax\n\t"
                     "movq %%rax, 8(%%rdx)\n\t" /* tail = &self->next */
                     "movq 8(%%rsi), %%rax\n\t"
                     "movq %%rax, (%%rdx)\n\t"   /* head = first->next */
                     "movq %%rsi, 16(%%rdx)\n\t" /* running = first */
                     SWITCH "2:\n"
                     : "+d"(r)
                     :
                     : "rsi", "rdi", CLOBBERS);
}

static inline void *runtime_new_stack(char *top, void (*entry)(void))
{
    uintptr_t *sp = (uintptr_t *)(void *)top;
    *--sp = 0; /* where a caller's return address would be */
    *--sp = (uintptr_t)entry;
    return sp;
}
