/* SPDX-License-Identifier: MIT */
/* Failures: what a task says of its own, and what is said of one that nobody
 * else will hear of. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "task/task.h"

#define MESSAGE_MAX_BYTES 501

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

int hem_cancelled(const char *why)
{
    hem_task *t =
        hem__task_need(hem__loop_need("hem_cancelled"), "hem_cancelled");
    t->fiber.reason = why;
    return HEM_ECANCELED;
}

static const char *what_failed(hem_report_kind kind)
{
    switch (kind) {
    case HEM_REPORT_CHILD:
        return "failed";
    case HEM_REPORT_AT_EXIT:
        return "failed at the end of the run";
    case HEM_REPORT_MAIN:
        return "failed";
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
    hem__fiber *concluding = l->concluding;
    l->current = NULL;
    l->concluding = &t->fiber;
    o->on_report(o->on_report_arg, &r);
    l->concluding = concluding;
    l->current = current;
}
