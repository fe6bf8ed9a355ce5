/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <string.h>

#include "arena.h"
#include "exec.h"
#include "tasks.h"

static struct binding *find(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->bindings[i].name, name) == 0)
            return &names->bindings[i];
    }
    return NULL;
}

static void put(struct names *names, const char *name, struct thing *thing)
{
    struct binding *b = find(names, name);
    if (!b) {
        names->bindings = arena_room(names->bindings, names->count,
                                     &names->capacity, sizeof(*b));
        b = &names->bindings[names->count++];
    }
    *b = (struct binding){name, thing};
}

void names_bind(struct activation *a, const char *name, struct thing *thing)
{
    if (strcmp(name, "_") == 0)
        return;
    put(&a->names, name, thing);
    put(&execution.shared, name, thing);
}

/* The thing of a task, which may be NULL. */
static struct thing *of_task(struct task *t)
{
    return t ? &t->thing : NULL;
}

struct thing *names_find(const struct activation *a, const char *name)
{
    const struct binding *b = find(&a->names, name);
    if (b)
        return b->thing;
    struct task *self = task_current();
    if (strcmp(name, "self") == 0)
        return of_task(self);
    if (strcmp(name, "main") == 0)
        return of_task(task_root());
    if (strcmp(name, "parent") == 0)
        return of_task(self ? self->creator : NULL);
    b = find(&execution.shared, name);
    return b ? b->thing : NULL;
}
