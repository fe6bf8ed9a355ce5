/* SPDX-License-Identifier: MIT */
/*
 * Prefork servers that tests are made of. hem_prefork() runs in a process of
 * its own, whose exit status 0 says that it returned what was expected.
 * Workers tell that they have come somewhere by a byte (process_say), and
 * leave their pids and the signals they got in shared memory. process_end()
 * waits until all of them have ended.
 */
#ifndef SUPPORT_SERVER_H
#define SUPPORT_SERVER_H

#include <sys/types.h>

#include "hem.h"
#include "process.h"

#define WORKERS 3

/* What the workers of worker_until_stopped() leave. */
struct shared {
    pid_t pids[WORKERS];
    int signals[WORKERS]; /* first result of hem_worker_wait() */
    int again[WORKERS];   /* and of a later call */
};

/* All but the last two are the test's to set; the argument of workers. */
struct server {
    hem_worker_fn *worker;
    hem_prefork_options options; /* num_workers 0: WORKERS */
    int expected;                /* from hem_prefork() */
    int sockets[2];              /* for the option; the end of a pipe, and 0 */
    int gate[2];                 /* a pipe that workers may read from */
    struct shared *shared;
};

void server_init(struct server *s);
void server_deinit(struct server *s);

/* Run the server, in a process: for process_start(). */
int server_run(void *arg);

/* Let go of the gate. It opens when the server and the test have done so. */
void server_open_gate(struct server *s);

/* Wait until the workers have said `want` `count` times. */
void server_hear(struct process *process, char want, int count);

/* The server must end as expected; the second: and have nothing to say. */
void server_check_end(struct process *process, struct ending *ret);
void server_check_silent_end(struct process *process);

/* All workers, worker_until_stopped(), must have got this signal. */
void server_check_signals(const struct server *s, int want);

/* The usual worker: until it is asked to stop. */
int worker_until_stopped(hem_worker *w, void *arg);

/* In a worker: stop everything until the gate is open. */
void worker_pass_gate(const struct server *s);

/* The result of a worker that has made checks. */
int worker_verdict(void);

#endif
