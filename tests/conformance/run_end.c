/* SPDX-License-Identifier: MIT */
#include "run_end.h"

#include "trace.h"

/* Of the loop, after the last of those that were cancelled has ended. */
#define LAST_TURNS 4

static struct {
    bool begun;
    size_t left; /* tasks that were, or would be, cancelled by it */
    int turns;   /* that the trace still goes on for */
    hem_callback callback;
} end;

static void turn(void *arg)
{
    (void)arg;
    if (--end.turns <= 0 || hem_call_soon(&end.callback) < 0)
        trace_close();
}

static void last_turns(int turns)
{
    end.turns = turns;
    hem_callback_init(&end.callback, turn, NULL);
    if (hem_call_soon(&end.callback) < 0)
        trace_close();
}

void run_end_task_created(struct task *t)
{
    t->late = end.begun;
    if (!t->late)
        end.left++;
}

void run_end_task_refused(const struct task *t)
{
    if (!t->late)
        end.left--;
}

void run_end_task_ended(const struct task *t, bool in_callback)
{
    if (t->late)
        return;
    end.left--;
    if (end.begun && end.left == 0)
        last_turns(in_callback ? LAST_TURNS - 1 : LAST_TURNS);
}

void run_end_begin(void)
{
    end.begun = true;
    if (end.left == 0)
        last_turns(LAST_TURNS - 1);
}
