/* SPDX-License-Identifier: MIT */
/* What is said of failures that nobody else will hear of. */
#include "base/log.h"
#include "task/task.h"

static const char *what_failed(hem_report_kind kind)
{
    switch (kind) {
    case HEM_REPORT_CHILD:
        return "failed";
    case HEM_REPORT_AT_EXIT:
        return "failed at the end of the run";
    case HEM_REPORT_MAIN:
        return "failed";
    case HEM_REPORT_HANDLER:
        return "had a handler of its error that failed";
    case HEM_REPORT_NEVER_RETRIEVED:
        break;
    }
    return "failed and nobody asked for its result";
}

static void log_report(const hem_report *r)
{
    const hem_task *t = r->task;
    const hem_error *e = r->error;
    hem_log(HEM_LOG_ERROR, "%s %s: %s%s%s", hem__task_title(t),
            what_failed(r->kind), hem_errname(r->status), e ? ": " : "",
            e ? e->message : "");
}

/* Tell `r` with no task current; its task is needed meanwhile. */
static void report(hem_loop *l, const hem_report *r, hem_task *t)
{
    const hem_run_options *o = hem__runtime_of(l)->options;
    if (!o->on_report) {
        log_report(r);
        return;
    }
    /* It may be a task that has caused this: it forgot a handle. */
    hem__fiber *current = l->current;
    hem__fiber *concluding = l->concluding;
    l->current = NULL;
    l->concluding = &t->fiber;
    o->on_report(o->on_report_arg, r);
    l->concluding = concluding;
    l->current = current;
}

void hem__report(hem_loop *l, hem_report_kind kind, hem_task *t)
{
    hem_report r = {.kind = kind,
                    .task = t,
                    .status = t->future.outcome.status,
                    .error = hem_task_error(t)};
    t->future.outcome.flags |= HEM__TASK_RETRIEVED;
    report(l, &r, t);
}

void hem__report_handler(hem_loop *l, hem_task *t, int status)
{
    report(
        l,
        &(hem_report){.kind = HEM_REPORT_HANDLER, .task = t, .status = status},
        t);
}
