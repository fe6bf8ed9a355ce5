/* SPDX-License-Identifier: MIT */
/* Environments: "NAME=value" that are added, "NAME" that are left out. */
#include <string.h>

#include "base/alloc.h"
#include "coro/annotate.h"
#include "process/spawn.h"

#define PID_DIGITS 10 /* of the largest pid that the type can hold */

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

/* Put them on top of the first `n`; returns how many there are then. */
static size_t put(char **env, size_t n, char *const *add)
{
    for (; *add; add++) {
        n = leave_out(env, n, *add);
        if (strchr(*add, '='))
            env[n++] = *add;
    }
    return n;
}

char **hem__spawn_merge_env(char *const *base, char *const *add,
                            char *const *more)
{
    size_t n = count(base);
    size_t room = n + count(add) + count(more) + 1;
    char **env = hem__alloc(room * sizeof(env[0]));
    if (!env)
        return NULL;
    memcpy(env, base, n * sizeof(env[0]));
    n = put(env, n, add);
    n = put(env, n, more);
    env[n] = NULL;
    return env;
}

char **hem__spawn_pid_env(char *const *names)
{
    size_t n = count(names);
    size_t bytes = (n + 1) * sizeof(char *);
    for (size_t i = 0; i < n; i++)
        bytes += strlen(names[i]) + 1 + PID_DIGITS + 1;
    char **env = hem__alloc(bytes);
    if (!env)
        return NULL;
    char *at = (char *)(env + n + 1);
    for (size_t i = 0; i < n; i++) {
        env[i] = at;
        at = stpcpy(stpcpy(at, names[i]), "=") + PID_DIGITS + 1;
    }
    env[n] = NULL;
    return env;
}

HEM__CORO_BODY void hem__spawn_set_pid(char *const *env, long pid)
{
    for (; *env; env++) {
        char digits[PID_DIGITS];
        int n = 0;
        for (long left = pid; n == 0 || left > 0; left /= 10)
            digits[n++] = (char)('0' + left % 10);
        char *at = *env;
        while (*at++ != '=')
            continue;
        while (n > 0)
            *at++ = digits[--n];
        *at = '\0';
    }
}

const char *hem__spawn_getenv(char *const *env, const char *name)
{
    size_t n = count(env);
    size_t at = find(env, n, name);
    return at < n && env[at][strlen(name)] == '=' ? env[at] + strlen(name) + 1
                                                  : NULL;
}
