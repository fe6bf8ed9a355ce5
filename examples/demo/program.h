/* SPDX-License-Identifier: MIT */
/*
 * A program that the demonstration runs: started by fork and exec, watched by
 * a task, with its lifetime on record.
 */
#ifndef DEMO_PROGRAM_H
#define DEMO_PROGRAM_H

#include <hem.h>
#include <limits.h>
#include <stdio.h>

enum { PROGRAM_ARGS_MAX = 64 };

typedef struct program {
    /* Filled in before the start. */
    const char *argv[PROGRAM_ARGS_MAX]; /* ended by NULL; [0]: path, or name */
    int output;  /* becomes its standard output; 0: inherited */
    int account; /* becomes its descriptor 4; 0: none */
    /* Filled in by the start and what follows. */
    hem_child child;
    hem_task *watch; /* ends when the program has */
    bool is_started;
    hem_child_status status; /* how it ended, once `ended` is set */
    hem_ns began, ended;     /* 0: not yet */
} program;

/* Start it; a child task of `s` watches over it. */
int program_start(program *p, hem_scope *s);

/* Wait for its end. Returns 0 if it exited with 0, else HEM_EEXITED. */
int program_wait(program *p);

/* Kill it if it still runs. */
void program_close(program *p);

/* Make a file in memory. Returns a descriptor of at least 10, out of the way
 * of those that programs are handed, or an error. */
int program_make_file(const char *name);

/* Move a descriptor to 10 or above. Returns the new one or an error. */
int program_move_up(int fd);

#endif
