/* SPDX-License-Identifier: MIT */
/*
 * Records of failures. A record is one piece of memory, its strings behind it;
 * a group has its array of members beside it, whose capacity is the least
 * power of two that holds them.
 */
#include "task/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "hem/error.h"
#include "task/task.h"

#define MESSAGE_MAX_BYTES 501
#define NAME_MAX_BYTES    100

/* `message` NULL: what the code means. */
static hem_error *create(const hem_task *t, int code, const char *message)
{
    size_t name_bytes = strnlen(t->name, NAME_MAX_BYTES - 1) + 1;
    size_t message_bytes = message ? strlen(message) + 1 : 0;
    hem_error *e = hem__alloc(sizeof(*e) + name_bytes + message_bytes);
    if (!e)
        return NULL;
    char *name = (char *)(e + 1);
    memcpy(name, t->name, name_bytes - 1);
    name[name_bytes - 1] = '\0';
    char *copy = name + name_bytes;
    if (message)
        memcpy(copy, message, message_bytes);
    *e = (hem_error){.code = code,
                     .file = "",
                     .message = message ? copy : hem_strerror(code),
                     .task = name,
                     .spawned_file = t->site->file,
                     .spawned_line = t->site->line,
                     .refs = 1};
    return e;
}

int hem_fail_at(int code, const char *file, int line, const char *format, ...)
{
    hem_task *t = hem__task_need(hem__loop_need("hem_fail"), "hem_fail");
    char message[MESSAGE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    hem_error *e = create(t, code, message);
    if (e) {
        e->file = file;
        e->line = line;
    }
    hem__error_record(t, e); /* without memory: rather none than an old one */
    return code;
}

const hem_error *hem_failure(void)
{
    return hem__task_need(hem__loop_need("hem_failure"), "hem_failure")->error;
}

const char *hem_failure_text(int error)
{
    const hem_error *e = hem_failure();
    return e && e->code == error ? e->message : hem_strerror(error);
}

hem_error *hem_error_hold(const hem_error *e)
{
    hem_error *held = (hem_error *)(uintptr_t)e;
    if (held)
        held->refs++;
    return held;
}

/* Groups may be nested deeply: those to be freed are linked by `task`. */
void hem_error_release(hem_error *e)
{
    if (!e || --e->refs > 0)
        return;
    e->task = NULL;
    while (e) {
        hem_error *next = (hem_error *)(uintptr_t)e->task;
        for (size_t i = 0; i < e->count; i++) {
            hem_error *member = (hem_error *)(uintptr_t)e->errors[i];
            if (--member->refs > 0)
                continue;
            member->task = (const char *)next;
            next = member;
        }
        hem__free((void *)(uintptr_t)e->errors);
        hem__free(e);
        e = next;
    }
}

int hem_fail_again(hem_error *e)
{
    hem_loop *l = hem__loop_need("hem_fail_again");
    hem__error_record(hem__task_need(l, "hem_fail_again"), hem_error_hold(e));
    return e->code;
}

hem_error *hem__error_of(hem_task *t)
{
    int status = t->future.outcome.status;
    if (t->error && t->error->code == status)
        return hem_error_hold(t->error);
    return create(t, status, NULL);
}

hem_error *hem__error_bare(const hem_task *t, int code)
{
    return create(t, code, NULL);
}

hem_error *hem__error_group(const hem_task *t)
{
    return create(t, HEM_EGROUP, NULL);
}

/* Make room for one more member. */
static bool grow(hem_error *group)
{
    size_t n = group->count;
    if (n & (n - 1))
        return true;
    const hem_error **errors =
        hem__alloc((n ? 2 * n : 1) * sizeof(const hem_error *));
    if (!errors)
        return false;
    if (n)
        memcpy(errors, group->errors, n * sizeof(*errors));
    hem__free((void *)(uintptr_t)group->errors);
    group->errors = errors;
    return true;
}

void hem__error_add(hem_error *group, hem_error *member)
{
    if (!group || !member || !grow(group)) {
        hem_error_release(member);
        if (group)
            group->lost++;
        return;
    }
    const hem_error **errors = (const hem_error **)(uintptr_t)group->errors;
    errors[group->count++] = member;
}

void hem__error_record(hem_task *t, hem_error *e)
{
    hem_error *before = t->error;
    t->error = e;
    hem_error_release(before);
}

/* A record `e` of an error `status`, or NULL, goes to `to`, whose own record of
 * the same code is of something else then. */
static void hand_over(hem_task *to, const hem_error *e, int status)
{
    if (e)
        hem__error_record(to, hem_error_hold(e));
    else if (to->error && to->error->code == status)
        hem__error_record(to, NULL);
}

void hem__error_tell(const hem_error *e, int status, const hem__list *waiters)
{
    for (const hem__list *at = waiters->next; at != waiters; at = at->next) {
        const hem__waiter *w = HEM__CONST_CONTAINER(at, hem__waiter, link);
        if (!w->ready->run)
            hand_over((hem_task *)w->ready, e, status);
    }
}

void hem__error_share(hem_task *to, const hem_task *t)
{
    int status = t->future.outcome.status;
    if (status < 0)
        hand_over(to, t->error, status);
}
