/* SPDX-License-Identifier: MIT */
/*
 * Starting a program in a new process. All is prepared in the parent: in the
 * child, which may share its memory and whose signals are blocked, nothing is
 * allocated and only calls of the kernel are made.
 *
 *     prepare (spawn.c) -> make the child (spawn_make.c) -> in the child, one
 *     step after the other, the last of which is execve() (spawn_child.c)
 *
 * Two ways to make the child. Sharing, as vfork(): it runs on a stack of its
 * own in the parent's memory while the parent's thread stands still, and tells
 * its failure by writing to the hem__spawn. Copying, as fork(), where the
 * first does not work: it tells its failure through a pipe, which the success
 * of execve() closes. A trial at the first start tells which it is to be.
 */
#ifndef HEM__PROCESS_SPAWN_H
#define HEM__PROCESS_SPAWN_H

#include <signal.h>
#include <stdatomic.h>

#include "hem/subprocess.h"
#include "loop/loop.h"

/* The steps of a child, in their order. */
#define HEM__SPAWN_STEPS(X)                                                    \
    X(own_pid, "cannot tell its pid")                                          \
    X(session, "cannot begin a session")                                       \
    X(group_of_processes, "cannot enter the process group")                    \
    X(descriptors, "cannot pass the descriptors")                              \
    X(directory, "cannot enter the directory")                                 \
    X(mask_of_files, "cannot set the umask")                                   \
    X(limits, "cannot set a limit")                                            \
    X(niceness, "cannot set the niceness")                                     \
    X(other_groups, "cannot set the other groups")                             \
    X(group, "cannot set the group")                                           \
    X(user, "cannot set the user")                                             \
    X(death, "cannot follow the parent's death")                               \
    X(signals, "cannot reset the signals")                                     \
    X(program, "cannot execute the program")

enum hem__spawn_step {
#define HEM__STEP(name, text) HEM__SPAWN_##name,
    HEM__SPAWN_STEPS(HEM__STEP)
#undef HEM__STEP
        HEM__SPAWN_STEP_COUNT
};

typedef struct hem__spawn_map {
    int from;
    int to;
} hem__spawn_map;

/* How a child failed. */
typedef struct hem__spawn_failure {
    int step;  /* enum hem__spawn_step */
    int error; /* negative; 0: it did not */
} hem__spawn_failure;

typedef struct hem__spawn {
    const hem_subprocess_options *options;
    const char *program;
    char *const *argv;
    char *const *env;
    char **merged_env;   /* `env`, if it was made; or NULL */
    char **pid_env;      /* its variables that are to have the child's pid,
                            with room for it behind the "="; or NULL */
    const char *path;    /* where to look for the program; NULL: it is a file */
    char *candidate;     /* room for a file in a directory of `path` */
    hem__spawn_map *map; /* descriptors of the child */
    size_t map_count;
    int beyond;  /* above all descriptors of the child */
    int ours[4]; /* to be closed in the parent when all is done; -1: none */
    int null;    /* /dev/null, which is one of them; -1: not needed so far */
    bool leave_groups; /* it is no error if the groups cannot be set */
    pid_t parent;
    hem__spawn_failure failure;
} hem__spawn;

/* Prepare; the arguments are borrowed. HEM_EINVAL, HEM_EBADF, HEM_ENOMEM: nothing
 * is to be undone. */
int hem__spawn_init(hem__spawn *s, const char *program, char *const argv[],
                    const hem_subprocess_options *opts);

/* Free, and close what is `ours`. */
void hem__spawn_deinit(hem__spawn *s);

/* The child is to have `from` as `to`; `close`: it is ours. There is room. */
void hem__spawn_add(hem__spawn *s, int from, int to);

/* Close `fd` when all is done. There is room. */
void hem__spawn_own(hem__spawn *s, int fd);

/* How children are made in this process. Tests choose. */
enum hem__spawn_way {
    HEM__SPAWN_UNKNOWN, /* to be tried out */
    HEM__SPAWN_SHARES,
    HEM__SPAWN_COPIES,
};

extern atomic_int hem__spawn_way __attribute__((visibility("hidden")));

/* Start it. On an error there is no child, and the record says what failed.
 * *ret_pidfd may be -1: there is none so. */
int hem__spawn_run(hem_loop *l, hem__spawn *s, pid_t *ret_pid, int *ret_pidfd);

/* Make the child, which runs hem__spawn_child(), and wait until it has begun
 * the program or written to `failure`. All signals are blocked. */
int hem__spawn_make(hem_loop *l, hem__spawn *s, pid_t *ret_pid, int *ret_pidfd);

/* In the child: take all steps; returns if one has failed. */
void hem__spawn_child(hem__spawn *s);

/* The environment: `base` with `add`, and then `more`, on top. NULL:
 * HEM_ENOMEM. */
char **hem__spawn_merge_env(char *const *base, char *const *add,
                            char *const *more);

/* Room for variables of these names, and the array of them, in one piece of
 * memory; each is "NAME=" yet. NULL: HEM_ENOMEM. */
char **hem__spawn_pid_env(char *const *names);

/* In the child: write a number behind the "=" of each. */
void hem__spawn_set_pid(char *const *env, long pid);

/* The value of `name` in `env`, or NULL. */
const char *hem__spawn_getenv(char *const *env, const char *name);

#endif
