/* SPDX-License-Identifier: MIT */
/*
 * Services of several processes: started, watched, replaced and stopped as one.
 * aiotools.start_server(), and what grew round such servers since Apache's.
 *
 *     int main(void)
 *     {
 *         int fds[2] = {0};                          // ended by 0
 *         ssize_t n = hem_inherited_sockets(fds, 1); // systemd's, an upgrade's
 *         if (n == 0)
 *             n = hem_listen_socket(fds, NULL, 8080, NULL);
 *         if (n < 0)
 *             return 1;
 *         hem_prefork_options opts = {.sockets = fds};
 *         return hem_prefork(worker, fds, &opts) < 0; // worker.h has `worker`
 *     }
 *
 * The parent serves nothing. It starts the workers, each in a process of its
 * own (or in a thread: `threads`), watches them, and replaces or stops them:
 *
 *     SIGINT SIGTERM   stop (or others: `stop_signals`)
 *     SIGHUP           reload: `reload`, then all workers are replaced, one
 *                      after the other, each when its successor is ready.
 *                      Those that come meanwhile count as one more
 *     SIGUSR2          upgrade: the program is started anew with the same
 *                      listening sockets; when that service is ready this one
 *                      stops, and goes on as it was if it never is
 *     SIGTTIN SIGTTOU  one worker more, up to `max_workers`; one less, down to
 *                      one
 *
 * What is started in an upgrade is a child of this process, with its standard
 * descriptors, its environment, and `sockets` in their order, as if handed over
 * by systemd: a program takes them by hem_inherited_sockets() (listen.h), and
 * opens them where there are none. It is ready when its own service is; until
 * then this one serves, and keeps the pid file. What it does not hand on, a
 * successor should find as it is: files of Unix sockets are not to be removed
 * by who stops for an upgrade. Another SIGUSR2 meanwhile is refused, as it is in
 * process 1, whose end would be the container's. A stop signal stops both.
 *
 * Stopping goes in steps that lose no request, each of them visible to a load
 * balancer before the next:
 *
 *     serving --asked, or failed--> unready: /readyz says 503, `unready` passes
 *     --> told: workers stop to accept, and drain; the sockets are closed
 *     --`grace` less `cancel`--> the main tasks of what is left are cancelled
 *     --`grace`--> what is left is killed, and named in the log
 *
 * A second stop signal during `unready` ends that step, and in the set up of the
 * main context it cancels that; otherwise it changes nothing.
 *
 * When a worker fails, what happens is a matter of `restart`. By default the
 * service ends: all others are told to stop, through their channels, never by a
 * signal to the process group, and hem_prefork() returns the error. Errors in
 * set up, body and tear down are told apart (worker.h). A failure in set up
 * before the service was ready once always ends it.
 *
 * Workers are made as by hem_fork() (child.h): signals have their default
 * actions there. SIGINT from a terminal reaches the workers as well; they count
 * it once. The program must not ignore SIGCHLD.
 *
 * As the first process of a container (pid 1) the service inherits the orphans of
 * all others there, and reaps them, a second or two after their end; so who
 * makes children past hem waits for them at once, as system() does.
 *
 * systemd (notify.h): READY, RELOADING, STOPPING, STATUS and MAINPID are sent
 * where $NOTIFY_SOCKET asks for them, the watchdog is fed while this loop and
 * those of all workers that are ready make progress, and more time is asked for
 * while workers drain. packaging/systemd has units.
 */
#ifndef HEM_PREFORK_H
#define HEM_PREFORK_H

#include "base.h"
#include "run.h"
#include "worker.h"

HEM_BEGIN_DECLS

/* The main context of a service, in the parent: see hem_main_serve(). */
typedef struct hem_main hem_main;
typedef int hem_main_fn(hem_main *m, void *arg);

/* A process beside the workers, with the same life: started with them, told to
 * stop with them, and its failure is one of the service. Reloading leaves it
 * alone. */
typedef struct hem_extra_process {
    hem_worker_fn *fn; /* the main task of a loop; NULL: */
    hem_fn *plain;     /* without a loop. Ready as it begins; told to stop by a
                          signal, which has its default action there. Not with
                          `threads` */
    void *arg;
    const char *name; /* in the log; NULL: "extra" */
    int stop_signal;  /* by which it is told to stop; 0: the one that came */
} hem_extra_process;

/* What happens when a worker fails, or is killed. */
typedef enum hem_restart {
    HEM_RESTART_STOP,   /* the service ends */
    HEM_RESTART_IGNORE, /* it goes on with those that are left, and ends with
                           the last, whose error is the result */
    HEM_RESTART_ALWAYS, /* another takes its place, see `backoff_min` */
} hem_restart;

/* A number that workers keep (worker.h) and /metrics shows, of the service as a
 * whole. Those of workers that have ended remain in the sum of a counter. */
typedef struct hem_metric {
    const char *name; /* as Prometheus has them: [a-zA-Z_:][a-zA-Z0-9_:]*; not
                         hem_..., which are hem's own */
    const char *help; /* one line; NULL: none */
    bool gauge;       /* may go down; else a counter */
} hem_metric;

#define HEM_METRICS_MAX 32

/* How a worker ended. */
typedef struct hem_worker_end {
    hem_worker_phase phase; /* in which it was */
    int error;  /* of its function, 0: none known; HEM_ESIGNALED, HEM_EEXITED */
    int signal; /* that killed it, 0: none */
    int exit_code; /* -1: killed, or a thread */
    bool core;     /* it left a core file */
} hem_worker_end;

typedef enum hem_prefork_event_kind {
    HEM_WORKER_IS_STARTED, /* forked */
    HEM_WORKER_IS_READY,
    HEM_WORKER_HAS_ENDED,   /* `end` says how */
    HEM_WORKER_IS_STUCK,    /* no heartbeat; it will be killed */
    HEM_SERVICE_IS_READY,   /* all workers are, for the first time */
    HEM_SERVICE_RELOADS,    /* a rolling restart begins */
    HEM_SERVICE_RELOADED,   /* it is over; `error` < 0: given up */
    HEM_SERVICE_UPGRADES,   /* the new program was started, with `pid` */
    HEM_SERVICE_UPGRADED,   /* it is ready, this one stops; `error` < 0: it
                              failed, this one goes on */
    HEM_SERVICE_IS_UNREADY, /* stopping has begun */
    HEM_SERVICE_STOPS,      /* the workers are told */
    HEM_SERVICE_KILLS,      /* the grace period is over */
} hem_prefork_event_kind;

typedef struct hem_prefork_event {
    hem_prefork_event_kind kind;
    uint32_t index;      /* of the worker, for the first four */
    uint32_t generation; /* of it */
    pid_t pid;           /* of it; of this process for threads */
    int signal;          /* HEM_SERVICE_STOPS: that is told */
    int error;
    hem_worker_end end; /* HEM_WORKER_HAS_ENDED */
} hem_prefork_event;

/* Called in the parent's loop. Must not suspend. */
typedef void hem_prefork_event_fn(void *arg, const hem_prefork_event *e);

typedef struct hem_prefork_options {
    /* The workers. */
    uint32_t num_workers; /* 0: hem_cpu_count() (daemon.h) */
    uint32_t max_workers; /* for SIGTTIN; 0: four times num_workers, as far as
                             may be. At most 65,536 */
    bool threads;         /* a thread for each worker, in this process. None can
                             be killed: one that does not end after the grace
                             period is named in the log and waited for. Without
                             prestart, user, group, heartbeat's kill, max_memory.
                             A worker listens with duplicates of `sockets`: a
                             listener that it closes closes its descriptors */
    const hem_run_options *run; /* of each worker's loop; NULL: defaults */
    const char *name;           /* in the log; NULL: "worker" */
    /* Listening sockets of the workers, ended by 0: the parent closes its own
     * descriptors of them when it tells the workers to stop, at the latest on
     * return (with `threads`, whose descriptors they are: then), so that nobody
     * connects to a server that is going. They stay open on HEM_EREFUSED. They
     * are handed on in an upgrade. NULL: none. */
    const int *sockets;
    int (*prestart)(uint32_t index, void *arg); /* in each new worker, before
                             its loop, with its `arg`; an error is one of set up.
                             NULL: none */
    bool
        ignore_child_interrupts; /* workers ignore SIGINT from the terminal; the
                             parent alone decides */
    bool run_to_completion; /* workers end by themselves: a stop signal is not
                             told to them, only no more are started; a second
                             one is. There is no grace period before that */
    bool pin_cpus; /* worker i runs on the i-th CPU that this process may
                             use, and over again */
    /* The main context, and what lives beside the workers. */
    hem_main_fn *main; /* NULL: none */
    void *main_arg;
    const hem_extra_process *extra;
    size_t extra_count;
    /* Stopping. */
    const int *stop_signals; /* ended by 0; NULL: SIGINT, SIGTERM */
    hem_ns unready; /* from /readyz 503 to telling the workers; 0: none */
    hem_ns grace;   /* from telling the workers to SIGKILL; 0: 15 s; HEM_NEVER:
                       no limit; negative: at once. More than what the workers
                       give their connections, as 10 s in hem_serve() */
    hem_ns cancel; /* before the end of the grace period cancel the main task of
                       each worker that is left; 0: 1 s or a tenth of the grace
                       period, what is less; negative: never */
    /* Failing, and being replaced. */
    hem_restart restart;
    hem_ns backoff_min; /* before the first restart, doubled from one failure
                               to the next, per worker; 0: 100 ms */
    hem_ns backoff_max; /* 0: 10 s, or backoff_min if that is more. Who has
                               been ready for so long begins anew at
                               backoff_min */
    uint32_t restart_limit; /* after so many restarts, of all workers, within
                               restart_window the next failure ends the
                               service; 0: no limit */
    hem_ns restart_window;  /* 0: 1 min */
    hem_ns start_timeout;   /* for set up: then the worker is killed, a failure;
                               0: 1 min, HEM_NEVER: none */
    hem_ns heartbeat;       /* a worker whose loop makes no turn for so long is
                               killed, a failure; 0: never. Not counted while this
                               process was stopped itself; not on a virtual
                               clock */
    uint64_t max_requests;  /* then a worker is replaced; 0: no limit */
    uint64_t max_requests_jitter; /* each adds 0 to so many, so that they do not
                                     go all at once */
    size_t max_memory;            /* resident bytes, then it is replaced; 0: no
                                     limit */
    size_t max_memory_jitter;
    /* Reload and upgrade. */
    hem_fn *reload;   /* before a rolling restart, a task of the parent: to read
                         the configuration anew. An error calls it off */
    void *reload_arg; /* of it */
    char *const *upgrade_argv; /* of the new program; NULL: as this one was
                                  started */
    hem_ns upgrade_timeout;    /* for it to be ready; 0: 1 min */
    /* The process. */
    const char *pid_file; /* written before the first worker starts; the service
                             does not start without it. NULL: none */
    const char *user;     /* that workers become, name or number, and */
    const char *group; /* group; NULL: the user's. Parents stay what they are */
    /* For operators: admin.h. "127.0.0.1:9100", "[::1]:9100", "unix:PATH",
     * "unix:@NAME". NULL: none. */
    const char *admin; /* HTTP: /livez /readyz /metrics */
    const char *agent; /* HAProxy's agent-check line */
    const hem_metric *metrics;
    size_t metric_count; /* at most HEM_METRICS_MAX */
    /* For programs that watch. */
    hem_prefork_event_fn *on_event; /* NULL: none */
    void *on_event_arg;
} hem_prefork_options;

/*
 * Run the service and return when all workers have ended: 0 after a stop
 * signal and an end without failure; the error of the first failure that ended
 * it (HEM_ESIGNALED: a worker was killed by a signal, among them SIGKILL after
 * the grace period; HEM_EEXITED: it exited with a status other than 0; or what
 * its function returned); HEM_ELIMIT: restart_limit; the main context's error;
 * HEM_EAGAIN, HEM_ENOMEM, HEM_EMFILE, HEM_ENFILE: not started, or a worker
 * could not be, and the others were stopped; HEM_EINVAL: options that
 * contradict each other; those of hem_pid_file_create(), hem_user_find()
 * (daemon.h), and of listening for `admin` and `agent`. HEM_EREFUSED: a loop
 * runs on this thread, or it is not the main thread. Each worker that fails is
 * named in the log with its index, pid, phase and error. Workers that return
 * before a stop signal with no error are done and not replaced; when all are,
 * the service ends. The signal mask and actions are then as they were.
 * [any thread]
 */
HEM_API HEM_CHECK int hem_prefork(hem_worker_fn *worker, void *arg,
                                  const hem_prefork_options *opts);

/*
 * In the main context: start the workers, who get `value` by
 * hem_worker_value(), and wait until all have ended. Returns the signal that
 * stopped the service (SIGUSR2: another program is in its place), 0: they ended
 * by themselves, or the error that ended it.
 *
 *     static int context(hem_main *m, void *arg)
 *     {
 *         struct shared shared = {...};       // set up, before any worker
 *         int sig = hem_main_serve(m, &shared);
 *         ...                                 // tear down, after the last
 *         return sig < 0 ? sig : 0;
 *     }
 *
 * `value` may be a struct with several; processes get a copy of memory as it is
 * now, or at their own, later start, threads the thing itself. The task of a
 * main context is one of the parent's loop: it must not hold it for long. If it
 * never calls this the service has no workers, and ends with it. Returns at
 * once if a stop signal came before it. HEM_EALREADY: called before;
 * HEM_ECANCELED: the workers were told to stop, and have ended. aiotools'
 * main_ctxmgr, at its yield. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_main_serve(hem_main *m, void *value);

HEM_END_DECLS

#endif
