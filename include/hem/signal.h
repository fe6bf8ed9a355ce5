/* SPDX-License-Identifier: MIT */
/*
 * Signals as events: tasks wait for them, or callbacks are called in the loop;
 * no handler runs on anybody's stack.
 *
 *     static int main_task(void *arg)
 *     {
 *         HEM_SIGNAL(s);                       // closed with the block
 *         HEM_TRY(hem_signal_open(&s, (int[]){SIGTERM, SIGHUP, 0}));
 *         int signo;
 *         while ((signo = hem_signal_wait(&s)) == SIGHUP)
 *             reload(arg);
 *         return signo < 0 ? signo : 0;
 *     }
 *
 * While anything here receives a signal it is blocked on this thread and read
 * from a descriptor of the loop, so that none is lost between two waits. Each
 * hem_signal and each handler that receives a number gets a copy of what
 * arrives, and keeps it until it is taken:
 *
 *   1 to 31    equal signals that come before one is taken count once, as in
 *              the kernel; what is told is the latest;
 *   realtime   each counts, with its value, in order. Where 64 of a number were
 *              not taken the loop leaves the rest to the kernel, and when that
 *              has RLIMIT_SIGPENDING of them sigqueue() fails with EAGAIN where
 *              they come from: none is lost.
 *
 * When the last that receives a number is closed, the signal is unblocked, if
 * it was opening that blocked it, and what has arrived and nobody has taken
 * acts as it would have without hem: SIGTERM ends the process.
 *
 * Threads: a signal sent to the process goes to any thread that does not block
 * it. So open before other threads are started, or block the signals there;
 * hem's own threads block all. Where loops on several threads receive one
 * number, one of them gets each signal. Fork: a child of fork() keeps the
 * blocked signals, and has no hem_signal any more; hem_fork() gives it a clean
 * mask. SIGINT cancels the main task unless it is received here (run.h).
 */
#ifndef HEM_SIGNAL_H
#define HEM_SIGNAL_H

#include <signal.h>

#include "base.h"
#include "loop.h"

HEM_BEGIN_DECLS

struct hem__signal_box;

/* What arrived. */
typedef struct hem_signal_info {
    int signo;
    int code;      /* siginfo_t's: SI_USER, SI_QUEUE, CLD_EXITED, ... */
    pid_t pid;     /* who sent it, or the child of a SIGCHLD */
    uid_t uid;     /* of that process */
    int status;    /* of a SIGCHLD: exit status, or signal */
    int value;     /* of sigqueue(), */
    void *pointer; /* which sends one or the other */
} hem_signal_info;

/* Signals to wait for. The caller's own; private. */
typedef struct hem_signal {
    struct hem__signal_box *box; /* what has arrived; valid while open */
    struct hem__list waiters;    /* tasks */
    size_t promised;             /* signals of tasks that were told of one */
    uint32_t gen;                /* tells this opening from others */
    uint32_t loop_id;            /* of the loop in which it is open, else 0 */
} hem_signal;

/* Declare signals `var`, closed, that are closed with their block if they are
 * open then. */
#define HEM_SIGNAL(var)                                                        \
    hem_signal var __attribute__((cleanup(hem_signal_close))) = {.box = NULL}

/*
 * Start to receive `signals`, ended by 0. `s` stays in its place until it is
 * closed. HEM_EINVAL: a number that is none, or the C library's (32 and 33), or
 * SIGKILL, SIGSTOP or a fault; HEM_EMFILE, HEM_ENFILE, HEM_ENODEV, HEM_ENOMEM,
 * HEM_ENOSPC. [loop thread]
 */
HEM_API HEM_CHECK int hem_signal_open(hem_signal *s, const int *signals);

/*
 * Wait for the next of the signals and return its number. Of several tasks that
 * wait, each signal lets one go on, the one that has waited longest.
 * HEM_ECANCELED: nothing was taken; HEM_EBADF: closed. [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK int hem_signal_wait(hem_signal *s);

/* The same, also saying where it came from. [suspends] [cancel point] */
HEM_API HEM_CHECK int hem_signal_wait_info(hem_signal *s, hem_signal_info *ret);

/* The same without waiting; `ret` may be NULL. HEM_EEMPTY: none has arrived
 * that is not for a task that waits; HEM_EBADF. [loop thread] */
HEM_API HEM_CHECK int hem_signal_try_wait(hem_signal *s, hem_signal_info *ret);

/* Stop. Tasks that wait get HEM_EBADF. NULL, and a closed one, do nothing.
 * [loop thread] */
HEM_API void hem_signal_close(hem_signal *s);

/* Called in the loop for each signal, with no task current. Must not suspend;
 * may start and stop handlers, its own too, and spawn tasks. */
typedef void hem_signal_fn(void *arg, const hem_signal_info *info);

/* A function that is called for each signal of a number; private. */
typedef struct hem_signal_handler {
    struct hem__job job;         /* in the ready queue while `queued` */
    struct hem__signal_box *box; /* what has arrived; valid while started */
    hem_signal_fn *fn;           /* what to call, with `arg` */
    void *arg;
    uint32_t loop_id; /* of the loop in which it is started, else 0 */
    bool queued;      /* in the ready queue */
} hem_signal_handler;

/* Make `h` a handler that calls fn(arg, info). Touches no loop. [any thread] */
HEM_API void hem_signal_handler_init(hem_signal_handler *h, hem_signal_fn *fn,
                                     void *arg);

/*
 * Call the function at each `signo` from now on; asyncio's add_signal_handler,
 * which has one for a number: here it may have any number, called in order of
 * their start. `h` stays in its place until it is stopped. HEM_EALREADY: it is
 * started; the errors of hem_signal_open(). [loop thread]
 */
HEM_API HEM_CHECK int hem_signal_handler_start(hem_signal_handler *h,
                                               int signo);

/* Call it no more, not even for what has arrived; asyncio's
 * remove_signal_handler. Return true if it was started. [loop thread] */
HEM_API bool hem_signal_handler_stop(hem_signal_handler *h);

HEM_END_DECLS

#endif
