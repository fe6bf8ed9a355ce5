/* SPDX-License-Identifier: MIT */
/*
 * Prefork servers: several processes, each with a loop, that accept from one
 * listening socket. aiotools.start_server().
 *
 *     static int worker(hem_worker *w, void *arg)
 *     {
 *         HEM_LISTENER(l);                           // set up
 *         HEM_TRY(hem_listen(&l, NULL, 0,
 *                            &(hem_listen_options){.fd = *(int *)arg}));
 *         HEM_SCOPE(s);
 *         HEM_TRY(hem_scope_spawn(&s, NULL, serve, &l));
 *         int sig = hem_worker_wait(w);              // until asked to stop
 *         hem_listener_close(&l);                    // tear down: drain
 *         return hem_scope_close(&s, sig < 0 ? sig : 0);
 *     }
 *
 *     int main(void)
 *     {
 *         int fd;
 *         if (hem_listen_socket(&fd, NULL, 8080, NULL) < 0)
 *             return 1;
 *         return hem_prefork(worker, &fd, NULL) < 0;
 *     }
 *
 * The parent serves nothing. It starts the workers, and when it receives
 * SIGINT or SIGTERM it sends that signal to every worker, gives them `grace`
 * to finish, then kills what is left. SIGINT from a terminal reaches the
 * workers as well; they count it once. A worker that fails, or is killed, ends
 * the server: the others are told to stop with SIGTERM, by their own pidfd,
 * never through the process group. A worker whose parent dies is told to stop
 * with SIGTERM by the kernel. Further stop signals are sent on as well; a
 * worker takes notice of the first.
 *
 * Workers are made as by hem_fork() (child.h): signals have their default
 * actions there, none is blocked but SIGINT and SIGTERM, which hem receives
 * from the beginning of a worker to its end. The program must not ignore
 * SIGCHLD.
 */
#ifndef HEM_PREFORK_H
#define HEM_PREFORK_H

#include "base.h"
#include "run.h"

HEM_BEGIN_DECLS

typedef struct hem_worker hem_worker;

/* A worker, the main task of a loop in a process of its own. Its result is the
 * worker's: an error is a failure. */
typedef int hem_worker_fn(hem_worker *w, void *arg);

typedef struct hem_prefork_options {
    uint32_t num_workers; /* 0: as many as CPUs this process may use */
    hem_ns grace; /* from the first stop signal, or failure, to SIGKILL; 0:
                     15 s; HEM_NEVER: no limit; negative: at once. More
                     than what the workers give their connections, as 10 s in
                     hem_serve() */
    const hem_run_options *run; /* of each worker's loop; NULL: defaults */
    const char *name;           /* in the log; NULL: "worker" */
    /* Listening sockets of the workers, ended by 0: the parent closes its own
     * descriptors of them when it begins to stop the workers, at the latest on
     * return, so that nobody connects to a server that is going. They stay
     * open on HEM_EREFUSED. NULL: none. */
    const int *sockets;
} hem_prefork_options;

/*
 * Run the server and return when all workers have ended: 0 after a stop
 * signal and an end without failure; the error of the first worker that
 * failed (HEM_ESIGNALED: killed by a signal, among them SIGKILL after the
 * grace period; HEM_EEXITED: it exited with a status other than 0, as after an
 * error of its function); HEM_EAGAIN, HEM_ENOMEM, HEM_EMFILE, HEM_ENFILE: not
 * started, or a worker could not be, and the others were stopped. Each worker
 * that fails is named in the log with its index, pid and error. HEM_EREFUSED:
 * a loop runs on this thread, or it is not the main thread. Workers that return
 * before a stop signal with no error are done; when all are, the server ends.
 * The signal mask and actions are then as they were. [any thread]
 */
HEM_API HEM_CHECK int hem_prefork(hem_worker_fn *worker, void *arg,
                                  const hem_prefork_options *opts);

/*
 * Wait until the worker is asked to stop, and return the signal: SIGTERM or
 * SIGINT. Returns at once when asked before. Any number of tasks may wait.
 * HEM_EBADF: the worker's function has returned. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_worker_wait(hem_worker *w);

/* Return the worker's number, from 0. [loop thread] */
HEM_API uint32_t hem_worker_index(const hem_worker *w);

HEM_END_DECLS

#endif
