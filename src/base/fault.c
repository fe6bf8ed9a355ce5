/* SPDX-License-Identifier: MIT */
#include "base/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hem/error.h"

/* The table's positive errnos, and hem's own errors turned round. */
#define HEM__LIST(...) __VA_ARGS__
static const int errors_of_alloc[] = {ENOMEM};
#define HEM__ERRORS_OF(type, name, params, args, errors)                       \
    static const int errors_of_##name[] = {HEM__LIST errors};
HEM__SYSCALLS(HEM__ERRORS_OF)
#undef HEM__ERRORS_OF

static const struct call {
    const char *name;
    const int *errors;
    uint32_t count;
} calls[] = {
#define HEM__CALL(name)                                                        \
    {#name, errors_of_##name,                                                  \
     sizeof(errors_of_##name) / sizeof(errors_of_##name[0])},
    HEM__CALL(alloc)
#define HEM__CALL_OF(type, name, params, args, errors) HEM__CALL(name)
        HEM__SYSCALLS(HEM__CALL_OF)
#undef HEM__CALL_OF
#undef HEM__CALL
};

static atomic_uint_fast64_t counted, failed;
static atomic_uint_fast64_t armed_at; /* 0: not armed */
static uint32_t error_index;
static enum hem__fault_mode mode;
static atomic_int hit; /* entry of the call that failed first */
static bool trap;      /* before a fault */

static atomic_uint interruptions[HEM__SYS_COUNT]; /* in a row */

static hem__fault_observer *observer;
static void *observer_arg;

/* Whether call number `n`, of entry `id`, is one that fails. */
static bool hits(uint64_t n, enum hem__sys_id id)
{
    uint64_t first = atomic_load(&armed_at);
    if (!first || n < first)
        return false;
    if (n == first)
        atomic_store(&hit, (int)id);
    switch (mode) {
    case HEM__FAULT_STICKY:
        return true;
    case HEM__FAULT_THIRD:
        return (n - first) % 3 == 0;
    case HEM__FAULT_SAME:
        return atomic_load(&hit) == (int)id;
    default:
        return n == first;
    }
}

/* The error that a call is to fail with, 0: it goes on. */
static int choose(uint64_t n, enum hem__sys_id id)
{
    int error = hits(n, id) ? hem__fault_error(id, error_index) : 0;
    if (error == HEM_EINTR &&
        atomic_fetch_add(&interruptions[id], 1) < HEM__FAULT_EINTR_MAX)
        return error;
    atomic_store(&interruptions[id], 0);
    return error == HEM_EINTR ? 0 : error;
}

int hem__fault_at(enum hem__sys_id id, const void *site)
{
    uint64_t n = atomic_fetch_add(&counted, 1) + 1;
    int error = choose(n, id);
    if (error)
        atomic_fetch_add(&failed, 1);
    hem__fault_call call = {.n = n, .id = id, .site = site, .error = error};
    if (observer)
        observer(observer_arg, &call);
    if (error && trap)
        raise(SIGTRAP);
    return error;
}

int hem__fault(enum hem__sys_id id)
{
    return hem__fault_at(id, __builtin_return_address(0));
}

void hem__fault_arm(uint64_t n, uint32_t error, enum hem__fault_mode how)
{
    atomic_store(&armed_at, 0);
    atomic_store(&counted, 0);
    atomic_store(&failed, 0);
    for (int id = 0; id < HEM__SYS_COUNT; id++)
        atomic_store(&interruptions[id], 0);
    error_index = error;
    mode = how;
    atomic_store(&hit, -1);
    atomic_store(&armed_at, n);
}

void hem__fault_disarm(void)
{
    atomic_store(&armed_at, 0);
}

uint64_t hem__fault_count(void)
{
    return atomic_load(&counted);
}

uint64_t hem__fault_fired(void)
{
    return atomic_load(&failed);
}

void hem__fault_observe(hem__fault_observer *fn, void *arg)
{
    observer_arg = arg;
    observer = fn;
}

const char *hem__fault_name(enum hem__sys_id id)
{
    return calls[id].name;
}

uint32_t hem__fault_errors(enum hem__sys_id id)
{
    return calls[id].count;
}

int hem__fault_error(enum hem__sys_id id, uint32_t index)
{
    return -calls[id].errors[index % calls[id].count];
}

const char *hem__fault_mode_name(enum hem__fault_mode m)
{
    static const char *const names[] = {
        [HEM__FAULT_ONCE] = "once",
        [HEM__FAULT_STICKY] = "sticky",
        [HEM__FAULT_THIRD] = "third",
        [HEM__FAULT_SAME] = "same",
    };
    return names[m];
}

__attribute__((constructor)) static void arm_by_environment(void)
{
    const char *text = getenv("HEM_FAULT");
    trap = getenv("HEM_FAULT_BREAK") != NULL;
    if (!text)
        return;
    unsigned long long n = 0;
    unsigned error = 0;
    char how[16] = "once";
    int fields = sscanf(text, "%llu:%u:%15s", &n, &error, how);
    int m = 0;
    while (m < HEM__FAULT_MODES &&
           strcmp(how, hem__fault_mode_name((enum hem__fault_mode)m)) != 0)
        m++;
    if (fields < 2 || m == HEM__FAULT_MODES)
        fprintf(stderr,
                "hem: HEM_FAULT=%s is not N:ERROR[:sticky|third|same]\n", text);
    else
        hem__fault_arm(n, error, (enum hem__fault_mode)m);
}
