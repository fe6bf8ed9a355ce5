/* SPDX-License-Identifier: MIT */
/* Environments: "NAME=value" that are added, "NAME" that are left out. */
#include <string.h>

#include "base/alloc.h"
#include "process/spawn.h"

static size_t count(char *const *env)
{
    size_t n = 0;
    while (env[n])
        n++;
    return n;
}

static size_t name_length(const char *entry)
{
    return strcspn(entry, "=");
}

/* Where `env` has an entry of the same name, among the first `n`; else n. */
static size_t find(char *const *env, size_t n, const char *entry)
{
    size_t length = name_length(entry);
    size_t i = 0;
    while (i < n && (name_length(env[i]) != length ||
                     strncmp(env[i], entry, length) != 0))
        i++;
    return i;
}

/* Leave out all of that name; returns how many are left. */
static size_t leave_out(char **env, size_t n, const char *entry)
{
    for (;;) {
        size_t at = find(env, n, entry);
        if (at == n)
            return n;
        memmove(&env[at], &env[at + 1], (n - at - 1) * sizeof(env[0]));
        n--;
    }
}

char **hem__spawn_merge_env(char *const *base, char *const *add)
{
    size_t n = count(base);
    char **env = hem__alloc((n + count(add) + 1) * sizeof(env[0]));
    if (!env)
        return NULL;
    memcpy(env, base, n * sizeof(env[0]));
    for (; *add; add++) {
        n = leave_out(env, n, *add);
        if (strchr(*add, '='))
            env[n++] = *add;
    }
    env[n] = NULL;
    return env;
}

const char *hem__spawn_getenv(char *const *env, const char *name)
{
    size_t n = count(env);
    size_t at = find(env, n, name);
    return at < n && env[at][strlen(name)] == '=' ? env[at] + strlen(name) + 1
                                                  : NULL;
}
