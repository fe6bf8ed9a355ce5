/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include <hem.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

#define FIRST_APPLICATION_ERROR (-100000)

static const struct {
    const char *text;
    int status;
} failures[] = {
    [OUTCOME_CANCELLED] = {"cancelled", HEM_ECANCELED},
    [OUTCOME_TIMEOUT] = {"timeout", HEM_ETIMEDOUT},
    [OUTCOME_GROUP] = {"group", HEM_EGROUP},
    [OUTCOME_INVALID_STATE] = {"invalid_state", HEM_ESTATE},
    [OUTCOME_RUNTIME] = {"runtime", HEM_EREFUSED},
    [OUTCOME_VALUE_ERROR] = {"value_error", HEM_EINVAL},
    [OUTCOME_QUEUE_FULL] = {"queue_full", HEM_EFULL},
    [OUTCOME_QUEUE_EMPTY] = {"queue_empty", HEM_EEMPTY},
    [OUTCOME_QUEUE_SHUTDOWN] = {"queue_shutdown", HEM_ESHUTDOWN},
    [OUTCOME_BROKEN_BARRIER] = {"broken_barrier", HEM_EBROKEN},
    [OUTCOME_MISUSE] = {"misuse", HEM_EMISUSE},
    [OUTCOME_CLOSED] = {"closed", HEM_ECLOSED},
};

/* Records that outcomes refer to. */
static struct {
    hem_error **errors;
    size_t count;
    size_t capacity;
} kept;

int status_of_error(int code)
{
    return FIRST_APPLICATION_ERROR - code;
}

int outcome_status(struct outcome o)
{
    switch (o.kind) {
    case OUTCOME_OK:
    case OUTCOME_LIST:
        return 0;
    case OUTCOME_VALUE:
        return status_of_value(o.n);
    case OUTCOME_ERROR:
        return status_of_error(o.n);
    case OUTCOME_OTHER:
        return o.n;
    default:
        return failures[o.kind].status;
    }
}

int outcome_raise(struct outcome o)
{
    return o.error ? hem_fail_again(o.error) : outcome_status(o);
}

int outcome_returned(struct outcome o)
{
    return o.kind == OUTCOME_CANCELLED ? hem_cancelled(o.why)
                                       : outcome_raise(o);
}

void outcome_forget(void)
{
    while (kept.count > 0)
        hem_error_release(kept.errors[--kept.count]);
}

static struct outcome failure_of(int status)
{
    if (status <= FIRST_APPLICATION_ERROR)
        return (struct outcome){.kind = OUTCOME_ERROR,
                                .n = FIRST_APPLICATION_ERROR - status};
    if (status == HEM_ESWALLOWED)
        return outcome_failure(OUTCOME_INVALID_STATE);
    for (enum outcome_kind k = OUTCOME_CANCELLED; k <= OUTCOME_CLOSED; k++) {
        if (failures[k].status == status)
            return outcome_failure(k);
    }
    return (struct outcome){.kind = OUTCOME_OTHER, .n = status};
}

struct outcome outcome_of(int status)
{
    if (status == 0)
        return outcome_ok();
    if (status > 0)
        return (struct outcome){.kind = OUTCOME_VALUE, .n = status - 1};
    struct outcome o = failure_of(status);
    if (!hem_self())
        return o;
    if (o.kind == OUTCOME_CANCELLED)
        o.why = hem_task_reason(hem_self());
    const hem_error *e = hem_failure();
    if (o.kind == OUTCOME_GROUP && e && e->code == HEM_EGROUP)
        return outcome_of_error(e);
    return o;
}

struct outcome outcome_of_error(const hem_error *e)
{
    if (e->code != HEM_EGROUP)
        return failure_of(e->code);
    struct outcome *members = arena_alloc((e->count + 1) * sizeof(*members));
    for (size_t i = 0; i < e->count; i++)
        members[i] = outcome_of_error(e->errors[i]);
    struct outcome o = outcome_group(members, e->count);
    o.error = hem_error_hold(e);
    kept.errors = arena_room(kept.errors, kept.count, &kept.capacity,
                             sizeof(hem_error *));
    kept.errors[kept.count++] = o.error;
    return o;
}

const char *outcome_text(struct outcome o)
{
    switch (o.kind) {
    case OUTCOME_OK:
        return "ok";
    case OUTCOME_VALUE:
        return arena_format("value=%d", o.n);
    case OUTCOME_ERROR:
        return arena_format("error=%d", o.n);
    case OUTCOME_OTHER:
        return hem_errname(o.n);
    case OUTCOME_LIST:
    case OUTCOME_GROUP:
        return o.text ? o.text : "group[?]";
    default:
        return failures[o.kind].text;
    }
}

static int compare_texts(const void *a, const void *b)
{
    const char *const *x = a;
    const char *const *y = b;
    return strcmp(*x, *y);
}

static const char *joined(const char *head, const char **texts, size_t count)
{
    size_t bytes = strlen(head) + 3;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(texts[i]) + 1;
    char *s = arena_alloc(bytes);
    strcpy(s, head);
    strcat(s, "[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            strcat(s, ",");
        strcat(s, texts[i]);
    }
    return strcat(s, "]");
}

struct outcome outcome_group(const struct outcome *members, size_t count)
{
    const char **texts = arena_alloc((count + 1) * sizeof(*texts));
    for (size_t i = 0; i < count; i++) {
        texts[i] = members[i].kind == OUTCOME_ERROR
                       ? arena_format("%d", members[i].n)
                       : outcome_text(members[i]);
    }
    qsort(texts, count, sizeof(*texts), compare_texts);
    return (struct outcome){.kind = OUTCOME_GROUP,
                            .text = joined("group", texts, count)};
}

struct outcome outcome_list(const struct outcome *members, size_t count)
{
    const char **texts = arena_alloc((count + 1) * sizeof(*texts));
    for (size_t i = 0; i < count; i++)
        texts[i] = outcome_text(members[i]);
    return (struct outcome){.kind = OUTCOME_LIST,
                            .text = joined("list", texts, count)};
}

bool outcome_kind_of(const char *word, enum outcome_kind *ret)
{
    for (enum outcome_kind k = OUTCOME_CANCELLED; k <= OUTCOME_CLOSED; k++) {
        if (strcmp(failures[k].text, word) == 0) {
            *ret = k;
            return true;
        }
    }
    return false;
}
