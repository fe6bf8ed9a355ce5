/* SPDX-License-Identifier: MIT */
/* What ends the process: run in a child, and looked at from outside. */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* How a child ended. */
struct ending {
    int signo;       /* that ended it; 0: it exited */
    int status;      /* with this */
    char text[4096]; /* what it wrote to standard error */
};

/* Run fn(arg) in a child, which exits with its result. */
void process_run(int (*fn)(void *arg), void *arg, struct ending *ret);

/*
 * The same in two steps. `*ret_said` is a descriptor from which the parent
 * reads what the child writes by process_say().
 */
struct process {
    pid_t pid;
    int said;   /* from the child; -1: closed */
    int errors; /* the child's standard error */
};

void process_start(struct process *p, int (*fn)(void *arg), void *arg);
void process_end(struct process *p, struct ending *ret);

/* In the child: send a byte to the parent; in the parent: wait for it. False:
 * the child has ended. */
void process_say(char byte);
bool process_hear(struct process *p, char *ret);

/*
 * fn(arg), which is a mistake, must end the process by SIGABRT with exactly
 * one line on standard error, which has `part` in it.
 */
#define check_aborts(fn, arg, part)                                            \
    process_check_aborts((fn), (arg), (part), __FILE__, __LINE__)

void process_check_aborts(int (*fn)(void *arg), void *arg, const char *part,
                          const char *file, int line);

#endif
