/* SPDX-License-Identifier: MIT */
/*
 * The fault injector, in the torture build only (HEM_TORTURE): makes calls of
 * the table in sys.h fail, and allocations.
 *
 * Calls are counted from 1 on, in each process and by all of its threads
 * together; a forked child goes on with its parent's count. Armed at n, the
 * n-th call fails, with an error out of the list of that call, without being
 * made. To see it again, in a debugger for instance:
 *
 *     HEM_FAULT=17:0 program            the 17th, with its first error
 *     HEM_FAULT=17:2:sticky program     and all from there on, with the third
 *     HEM_FAULT=17:0:third program      and each third from there on
 *     HEM_FAULT=17:0:same program       and all from there on of the same entry
 *     HEM_FAULT_BREAK=1                 SIGTRAP as a fault is about to happen
 *
 * Lists of different lengths are gone round: error 2 of a list of two is its
 * first. Who is interrupted tries again, so a call fails with EINTR at most
 * HEM__FAULT_EINTR_MAX times in a row: for ever would not be life.
 */
#ifndef HEM__BASE_FAULT_H
#define HEM__BASE_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include "base/sys.h"

#define HEM__FAULT_EINTR_MAX 3

enum hem__fault_mode {
    HEM__FAULT_ONCE,   /* the n-th */
    HEM__FAULT_STICKY, /* the n-th and all behind it */
    HEM__FAULT_THIRD,  /* the n-th, and each third behind it */
    HEM__FAULT_SAME,   /* the n-th, and those behind it of the same entry */
    HEM__FAULT_MODES,
};

/* A call that came to the injector. */
typedef struct hem__fault_call {
    uint64_t n; /* its number */
    enum hem__sys_id id;
    const void *site; /* in the code, that called */
    int error;        /* negative, that it is to fail with; 0: none */
} hem__fault_call;

/* From any thread, and in forked children; must not call hem. */
typedef void hem__fault_observer(void *arg, const hem__fault_call *call);

/* Count from 0 again, and have the n-th call fail with error number `error` of
 * its list; 0: none. While no other thread uses hem. */
void hem__fault_arm(uint64_t n, uint32_t error, enum hem__fault_mode mode);

/* The name of a mode, as in HEM_FAULT. */
const char *hem__fault_mode_name(enum hem__fault_mode mode);

/* No more faults. The count goes on. [any thread] */
void hem__fault_disarm(void);

/* The number of calls, and of those that failed, since it was armed.
 * [any thread] */
uint64_t hem__fault_count(void);
uint64_t hem__fault_fired(void);

/* Tell fn(arg, call) of each call; NULL: nobody. While no other thread uses
 * hem. */
void hem__fault_observe(hem__fault_observer *fn, void *arg);

/* The name of a call, the number of its errors, and one of them, negative. */
const char *hem__fault_name(enum hem__sys_id id);
uint32_t hem__fault_errors(enum hem__sys_id id);
int hem__fault_error(enum hem__sys_id id, uint32_t index);

#endif
