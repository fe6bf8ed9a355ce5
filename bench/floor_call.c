/* SPDX-License-Identifier: MIT */
/*
 * The floor of a library: two stacks, a FIFO run queue in C, and a bare
 * assembly switch, which is a function and so saves what a function has to
 * keep for its caller, and leaves by a jump. No loop, no cancellation, no hem.
 * Prints the CPU time of one yield: a call, a push, a pop and a switch.
 *
 *     yield 3.81 ns
 *
 * floor_switch.c shows what lies below: all of it inlined in one program.
 */
#define _GNU_SOURCE 1

#include <stdint.h>
#include <stdlib.h>

#include "bench.h"

#define YIELDS      250000 /* of each of the two tasks in a batch */
#define STACK_BYTES 16384

struct task {
    void *sp;          /* while switched out */
    struct task *next; /* behind it in the run queue */
} __attribute__((aligned(64)));

/* In a page of its own, see floor_switch.h. */
static struct runtime {
    struct task *head; /* of the run queue, NULL: empty */
    struct task **tail;
    struct task *running; /* not in the queue */
    struct task tasks[2];
    struct task main;
} runtime __attribute__((aligned(4096)));

static int unfinished;
static char stacks[2][STACK_BYTES] __attribute__((aligned(4096)));

/* Save the present context's stack pointer in `*save`, go on with `*load`. */
void floor_call_switch(void **save, void *const *load);

/* clang-format off */
#if defined(__x86_64__)
#define FRAME_WORDS 6 /* registers below the address to go on at */
#define ENTRY_WORD 6
__asm__(".p2align 4\n"
        "floor_call_switch:\n\t"
        "pushq %rbp\n\tpushq %rbx\n\tpushq %r12\n\t"
        "pushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
        "movq %rsp, (%rdi)\n\t"
        "movq (%rsi), %rsp\n\t"
        "popq %r15\n\tpopq %r14\n\tpopq %r13\n\t"
        "popq %r12\n\tpopq %rbx\n\tpopq %rbp\n\t"
        "popq %rcx\n\tjmp *%rcx\n");
#elif defined(__aarch64__)
#define FRAME_WORDS 20
#define ENTRY_WORD 1
__asm__(".p2align 4\n"
        "floor_call_switch:\n\t"
        "stp x29, x30, [sp, #-160]!\n\t"
        "stp x19, x20, [sp, #16]\n\tstp x21, x22, [sp, #32]\n\t"
        "stp x23, x24, [sp, #48]\n\tstp x25, x26, [sp, #64]\n\t"
        "stp x27, x28, [sp, #80]\n\tstp d8, d9, [sp, #96]\n\t"
        "stp d10, d11, [sp, #112]\n\tstp d12, d13, [sp, #128]\n\t"
        "stp d14, d15, [sp, #144]\n\t"
        "mov x9, sp\n\tstr x9, [x0]\n\tldr x9, [x1]\n\tmov sp, x9\n\t"
        "ldp d14, d15, [sp, #144]\n\tldp d12, d13, [sp, #128]\n\t"
        "ldp d10, d11, [sp, #112]\n\tldp d8, d9, [sp, #96]\n\t"
        "ldp x27, x28, [sp, #80]\n\tldp x25, x26, [sp, #64]\n\t"
        "ldp x23, x24, [sp, #48]\n\tldp x21, x22, [sp, #32]\n\t"
        "ldp x19, x20, [sp, #16]\n\tldp x29, x30, [sp], #160\n\t"
        "br x30\n");
#else
#error "no floor for this CPU"
#endif
/* clang-format on */

static void push(struct runtime *r, struct task *t)
{
    t->next = NULL;
    *r->tail = t;
    r->tail = &t->next;
}

static struct task *pop(struct runtime *r)
{
    struct task *t = r->head;
    r->head = t->next;
    if (__builtin_expect(!r->head, 0)) /* a branch, not a move that waits */
        r->tail = &r->head;
    return t;
}

__attribute__((noinline)) static void yield(struct runtime *r)
{
    struct task *self = r->running;
    push(r, self);
    struct task *next = pop(r);
    /* Or gcc 12 joins stores into a vector, which takes longer. */
    __asm__ volatile("" : : : "memory");
    r->running = next;
    floor_call_switch(&self->sp, &r->running->sp);
}

static void task_body(void)
{
    for (int i = 0; i < YIELDS; i++)
        yield(&runtime);
    struct task *self = runtime.running;
    runtime.running = --unfinished > 0 ? pop(&runtime) : &runtime.main;
    floor_call_switch(&self->sp, &runtime.running->sp);
    abort();
}

/* A stack that ends at `top`, to be entered at task_body. */
static void *new_stack(char *top)
{
    uintptr_t *sp = (uintptr_t *)(void *)top - FRAME_WORDS - 2;
    sp[ENTRY_WORD] = (uintptr_t)task_body;
    return sp;
}

static int batch(void *arg)
{
    struct runtime *r = arg;
    r->head = NULL;
    r->tail = &r->head;
    unfinished = 2;
    for (int i = 0; i < 2; i++) {
        r->tasks[i].sp = new_stack(stacks[i] + STACK_BYTES - 1024 * (i + 1));
        push(r, &r->tasks[i]);
    }
    r->running = pop(r);
    floor_call_switch(&r->main.sp, &r->running->sp);
    return 0;
}

int main(void)
{
    double ns = 0;
    if (bench_measure(&ns, batch, &runtime, 2 * YIELDS) < 0)
        return 1;
    printf("yield %.2f ns\n", ns);
    return 0;
}
