/* SPDX-License-Identifier: MIT */
/* What can be asked and said of a task by its handle. */
#include "task/task.h"

bool hem_task_done(const hem_task *t)
{
    return t->future.outcome.state != HEM__PENDING;
}

bool hem_task_cancelled(const hem_task *t)
{
    return t->future.outcome.state == HEM__CANCELLED;
}

int hem_task_result(const hem_task *t)
{
    if (!hem_task_done(t))
        return HEM_ESTATE;
    ((hem_task *)t)->future.outcome.flags |= HEM__TASK_RETRIEVED;
    return t->future.outcome.status;
}

hem_future *hem_task_future(hem_task *t)
{
    return &t->future;
}

const hem_error *hem_task_error(const hem_task *t)
{
    return hem__task_failed(t) ? t->error : NULL;
}

bool hem_task_cancel_pending(const hem_task *t)
{
    return !hem_task_done(t) && t->fiber.pending;
}

const char *hem_task_reason(const hem_task *t)
{
    return hem_task_done(t) ? t->future.outcome.why : t->fiber.reason;
}

const char *hem_task_name(const hem_task *t)
{
    return t->name;
}

void hem_task_set_name(hem_task *t, const char *name)
{
    t->name = name;
}

const char *hem_task_site(const hem_task *t, int *ret_line)
{
    *ret_line = t->site->line;
    return t->site->file;
}

const char *hem_task_waits_for(const hem_task *t)
{
    if (hem_task_done(t))
        return "done";
    if (t->fiber.wait)
        return t->fiber.wait->what;
    return hem_self() == t ? "running" : "ready";
}

void hem_task_forget(hem_task *t)
{
    const uint8_t claims = HEM__TASK_HANDLE | HEM__TASK_FORGOTTEN;
    if (!t || (t->future.outcome.flags & claims) != HEM__TASK_HANDLE)
        return;
    hem_loop *l = hem__loop_need("hem_task_forget");
    if (t == hem__runtime_of(l)->main)
        return; /* hem_run() has its handle */
    t->future.outcome.flags |= HEM__TASK_FORGOTTEN;
    bool kept_for_exit = (t->future.outcome.flags & HEM__TASK_AT_EXIT) &&
                         hem__task_failed_at_exit(t);
    if (!hem_task_done(t) || kept_for_exit || l->concluding == &t->fiber)
        return; /* it is freed as it ends, or when the run does */
    hem__list_unlink(&t->sibling);
    hem__task_free(l, t);
}

void hem_task_each(bool (*fn)(void *arg, hem_task *t), void *arg)
{
    hem_loop *l = hem__loop_need("hem_task_each");
    hem__list *head = &hem__runtime_of(l)->all;
    hem__list *next;
    for (hem__list *e = head->next; e != head; e = next) {
        next = e->next;
        if (!fn(arg, HEM__CONTAINER(e, hem_task, all)))
            return;
    }
}

void hem_task_on_done(hem_task *t, hem_done *d, hem_done_fn *fn, void *arg)
{
    hem_loop *l = hem__loop_need("hem_task_on_done");
    t->future.outcome.flags |= HEM__TASK_RETRIEVED;
    hem__outcome_on_done(l, &t->future.outcome, d, fn, arg);
}
