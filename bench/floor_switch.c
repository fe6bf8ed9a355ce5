/* SPDX-License-Identifier: MIT */
/*
 * What lies below the floor of a library (floor_call.c): two stacks, a FIFO run
 * queue and an assembly switch, all inlined in the one program that uses them.
 * Prints the CPU time of one yield, which is a push, a pop and a switch:
 *
 *     inline 2.4 ns
 */
#define _GNU_SOURCE 1

#include "floor_switch.h"
#include "bench.h"

#define YIELDS      250000 /* of each of the two tasks in a batch */
#define STACK_BYTES 16384

static struct runtime runtime;
static int unfinished;

/* Apart by more than one set of cache lines, see struct runtime. */
static char stacks[2][STACK_BYTES + 256] __attribute__((aligned(4096)));

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
    if (!r->head)
        r->tail = &r->head;
    return t;
}

static void task_body(void)
{
    for (int i = 0; i < YIELDS; i++)
        runtime_yield(&runtime);
    struct task *self = runtime.running;
    runtime.running = --unfinished > 0 ? pop(&runtime) : &runtime.main;
    runtime_switch(self, runtime.running);
    abort();
}

static int batch(void *arg)
{
    struct runtime *r = arg;
    r->head = NULL;
    r->tail = &r->head;
    unfinished = 2;
    for (int i = 0; i < 2; i++) {
        char *top = stacks[i] + STACK_BYTES;
        r->tasks[i].sp = runtime_new_stack(top, task_body);
        push(r, &r->tasks[i]);
    }
    r->running = pop(r);
    runtime_switch(&r->main, r->running);
    return 0;
}

int main(void)
{
    double ns = 0;
    if (bench_measure(&ns, batch, &runtime, 2 * YIELDS) < 0)
        return 1;
    printf("inline %.2f ns\n", ns);
    return 0;
}
