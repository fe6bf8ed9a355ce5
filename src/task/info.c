/* SPDX-License-Identifier: MIT */
/* What can be asked and said of a task by its handle. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "task/task.h"

#define MESSAGE_MAX_BYTES 501

bool hem_task_done(const hem_task *t)
{
    return t->outcome.state != HEM__PENDING;
}

bool hem_task_cancelled(const hem_task *t)
{
    return t->outcome.state == HEM__CANCELLED;
}

int hem_task_result(const hem_task *t)
{
    if (!hem_task_done(t))
        return HEM_ESTATE;
    ((hem_task *)t)->outcome.flags |= HEM__TASK_RETRIEVED;
    return t->outcome.status;
}

const hem_error *hem_task_error(const hem_task *t)
{
    return hem__task_failed(t) ? t->error : NULL;
}

const char *hem_task_reason(const hem_task *t)
{
    return hem_task_done(t) ? t->outcome.why : t->fiber.reason;
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
    if (!t || !(t->outcome.flags & HEM__TASK_HANDLE))
        return;
    hem_loop *l = hem__loop_need("hem_task_forget");
    bool kept_for_exit =
        (t->outcome.flags & HEM__TASK_AT_EXIT) && hem__task_failed(t);
    if (!hem_task_done(t) || kept_for_exit) {
        t->outcome.flags |= HEM__TASK_FORGOTTEN;
        return;
    }
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
    t->outcome.flags |= HEM__TASK_RETRIEVED;
    hem__outcome_on_done(l, &t->outcome, d, fn, arg);
}

int hem_fail_at(int code, const char *file, int line, const char *format, ...)
{
    hem_task *t = hem__task_need(hem__loop_need("hem_fail"), "hem_fail");
    char message[MESSAGE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    size_t bytes = strlen(message) + 1;
    hem_error *e = hem__alloc(sizeof(*e) + bytes);
    if (!e)
        return code;
    char *copy = (char *)(e + 1);
    memcpy(copy, message, bytes);
    *e = (hem_error){.code = code, .line = line, .file = file, .message = copy};
    hem__free(t->error);
    t->error = e;
    return code;
}

static const char *what_failed(hem_report_kind kind)
{
    switch (kind) {
    case HEM_REPORT_CHILD:
        return "failed";
    case HEM_REPORT_AT_EXIT:
        return "failed at the end of the run";
    case HEM_REPORT_NEVER_RETRIEVED:
        break;
    }
    return "failed and nobody asked for its result";
}

static void log_report(const hem_report *r)
{
    const hem_task *t = r->task;
    const hem_error *e = r->error;
    hem_log(HEM_LOG_ERROR, "task \"%s\", spawned at %s:%d, %s: %s%s%s", t->name,
            t->site->file, t->site->line, what_failed(r->kind),
            hem_errname(r->status), e ? ": " : "", e ? e->message : "");
}

void hem__report(hem_loop *l, hem_report_kind kind, hem_task *t)
{
    const hem_run_options *o = hem__runtime_of(l)->options;
    hem_report r = {.kind = kind,
                    .task = t,
                    .status = t->outcome.status,
                    .error = hem_task_error(t)};
    t->outcome.flags |= HEM__TASK_RETRIEVED;
    if (!o->on_report) {
        log_report(&r);
        return;
    }
    /* It may be a task that has caused this: it forgot a handle. */
    hem__fiber *current = l->current;
    bool concluding = l->concluding;
    l->current = NULL;
    l->concluding = true;
    o->on_report(o->on_report_arg, &r);
    l->concluding = concluding;
    l->current = current;
}
