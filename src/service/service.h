/* SPDX-License-Identifier: MIT */
/*
 * A service as its parent sees it. All of it lives on the parent's loop: tasks
 * of one thread, no locks.
 *
 *   prefork.c   options, the main context, the run of it all
 *   control.c   signals of operators, made into calls of the others
 *   crew.c      who should be there: a task for each seat keeps it taken
 *   roll.c      replacing: one, all one after the other
 *   stop.c      the steps of stopping
 *   instance.c  one life of one worker: start, ready, told, killed, ended
 *   judge.c     how it has ended
 *   health.c    heartbeats, memory; systemd.c: what it is told, the watchdog
 *   upgrade.c   another program in this one's place
 *   admin.c     /livez /readyz /metrics; agent.c HAProxy's line; metrics.c
 *   scoreboard.c, channel.c   shared with the workers; worker.c: their side
 *
 * A seat is a number (hem_worker_index()) and whoever works under it: at most
 * two at a time, of whom one is `now`, and the other its successor, `next`, that
 * is being set up, or its predecessor, that drains.
 *
 *     next --ready--> now --told--> drains --> ended
 *
 * Everything that starts or ends workers is made of four steps of instance.c
 * and crew.c: start one, wait until it is settled (ready, or never will be),
 * tell it to stop, wait until it has ended.
 */
#ifndef HEM__SERVICE_SERVICE_H
#define HEM__SERVICE_SERVICE_H

#include <pthread.h>

#include "hem/daemon.h"
#include "hem/event.h"
#include "hem/prefork.h"
#include "hem/scope.h"
#include "hem/signal.h"
#include "process/child.h"
#include "service/channel.h"
#include "service/scoreboard.h"
#include "service/systemd.h"

typedef struct hem__service hem__service;
typedef struct hem__instance hem__instance;
typedef struct hem__seat hem__seat;

/* Who may work under one number at the same time. */
#define HEM__SEAT_ROOM 2

typedef enum hem__service_state {
    HEM__SERVICE_STARTING,
    HEM__SERVICE_READY,
    HEM__SERVICE_UNREADY, /* stopping: balancers are to notice */
    HEM__SERVICE_STOPPING /* the workers are told */
} hem__service_state;

typedef enum hem__instance_state {
    HEM__INSTANCE_STARTING, /* until its set up is over */
    HEM__INSTANCE_READY,
    HEM__INSTANCE_TOLD, /* to stop */
    HEM__INSTANCE_ENDED
} hem__instance_state;

/* Why an instance is told to stop, or was not needed to. */
typedef enum hem__leaving {
    HEM__LEAVE_NOT,      /* its end is its own */
    HEM__LEAVE_SERVICE,  /* the service stops: its failure is the service's */
    HEM__LEAVE_REPLACED, /* another is in its place, or nobody shall be: its
                            failure is named and has no consequences */
} hem__leaving;

/* What kind of worker: the workers share one, each extra process has its own. */
typedef struct hem__role {
    hem_worker_fn *fn; /* NULL: `plain` */
    hem_fn *plain;
    void *arg;
    const char *name; /* in the log */
    int stop_signal;  /* 0: the one that came */
    bool extra;       /* not one of the workers */
} hem__role;

/* One life of one worker. A task of the parent minds it from start to end. */
struct hem__instance {
    struct hem__list link; /* in the service's instances, oldest first */
    hem__service *service;
    hem__seat *seat;
    const hem__role *role;
    uint32_t index;       /* of the worker */
    uint32_t generation;  /* how many had this index before */
    uint32_t epoch;       /* rolls that had begun when it was started */
    uint32_t refs;        /* its task's and of those who wait for it */
    hem__slot *slot;      /* until it has ended */
    hem__channel channel; /* open while it lives */
    hem_child child;      /* of a process; open while it lives */
    pthread_t thread;     /* of a thread */
    pid_t pid;            /* 0: not there yet; this process' for a thread */
    hem__instance_state state;
    hem__leaving leave;
    int told;                    /* signal that it was told; 0: not yet */
    hem_ns started_at, ready_at; /* on the loop's clock; 0: not yet */
    hem_event settled;           /* it is ready, or ended, or told before */
    hem_event ended;
    hem__timer timer; /* of the next step that it is to be pushed to */
    enum hem__step {
        HEM__STEP_NONE,
        HEM__STEP_START,  /* set up takes too long: kill */
        HEM__STEP_CANCEL, /* cancel its main task */
        HEM__STEP_KILL,   /* the grace period is over */
    } step;
    bool alive;             /* there is a process, or a thread */
    bool killed;            /* by us */
    bool wants_replacement; /* it asked (roll.c), or is above a limit: see
                               hem__instance_replace() */
    uint32_t tries;         /* roll.c: wishes that came to nothing */
    uint64_t beats;         /* health.c: seen last, */
    hem_ns beat_at;         /* when they changed */
    size_t memory;          /* resident bytes, as last seen; 0: not known */
    uint64_t jitter;        /* health.c's own, of max_memory */
    bool stuck;             /* health.c has said so */
    int said;               /* HEM__MESSAGE_FAILED's or DONE's code; 0: none */
    hem_worker_phase said_phase;
    char text[244];     /* what it said when it failed */
    hem_worker_end end; /* valid once `ended` */
};

/* A number and who has it. A task (crew.c) keeps it taken while it is wanted. */
struct hem__seat {
    hem__service *service;
    const hem__role *role;
    uint32_t index;
    uint32_t generation; /* of the next instance */
    uint32_t living;     /* instances, at most HEM__SEAT_ROOM */
    hem__instance *now;  /* starting or ready; NULL: vacant */
    hem__instance *next; /* its successor, starting; or NULL */
    bool wanted;         /* somebody should be there */
    bool kept;           /* its task runs */
    uint32_t failures;   /* in a row, of which the next start waits for the
                            last */
    hem_event changed;   /* any of it */
};

struct hem__service {
    const hem_prefork_options *options;
    hem__role role;         /* of the workers */
    hem__role *extra_roles; /* options->extra_count */
    hem__service_state state;
    bool was_ready; /* once */
    bool threads;
    bool serving; /* hem_main_serve() was called */
    struct hem__list instances;
    hem__seat *seats; /* workers, extra processes, workers added by SIGTTIN */
    uint32_t seat_count;  /* of all that may be */
    uint32_t num_workers; /* as it began */
    uint32_t max_workers;
    uint32_t wanted; /* workers that should be there, extras not counted */
    hem__scoreboard scoreboard;
    hem_scope *scope;   /* of the tasks that mind instances, and those that keep
                         the service: until the last instance has ended */
    hem_scope *work;    /* of what is under way while it serves (keeping seats,
                         rolls, upgrades): cancelled when stopping begins */
    hem_scope *helpers; /* of what lives until the very end (admin, health) */
    void *value;        /* of the main context */
    hem_task *main;     /* that context's task, until it has ended */
    hem_signal signal;  /* all signals that it receives */
    const int *stop_signals; /* ended by 0 */
    hem_ns pulse;       /* of the workers' hearts; 0: as `heartbeat` needs it */
    const int *sockets; /* to be closed, ended by 0; NULL: none are left */
    uint32_t forking;   /* forks under way, which need the sockets */
    pid_t pid;          /* of this process */
    hem_pid_file pid_file;
    const hem_user *user; /* that workers become, or NULL */
    hem_user user_memory;
    /* Stopping (stop.c). */
    hem_event asked; /* to stop */
    hem_event hurry; /* do not wait any longer with telling the workers */
    int stop_signal; /* by which it was asked; 0: not, or not by a signal */
    int told_signal; /* that workers are told; 0: they were not yet */
    int result;      /* error of the first failure that ends it */
    bool kills;      /* HEM_SERVICE_KILLS was said */
    bool upgraded;   /* it stops because another program is in its place */
    /* Rolling (roll.c). */
    hem_event ready;    /* all workers are, for the first time */
    hem_event roll;     /* there is something to replace */
    bool reload_wanted; /* SIGHUP came */
    bool reloading;     /* a rolling restart is under way */
    uint32_t epoch;     /* rolling restarts that have begun */
    /* Counted for /metrics. */
    uint64_t restarts;     /* of workers that failed */
    uint64_t reloads;      /* that are over, given up ones too */
    hem_ns *restarts_made; /* when: the last restart_limit of them */
    /* What the other parts keep between calls; each part's own. */
    struct hem__admin *admin;
    struct hem__upgrade *upgrade;
    struct hem__health *health;
    hem__systemd systemd;
};

/* ---- stop.c ---- */

/* Ask the service to stop: by an operator's signal, or (signo 0) for a failure,
 * error < 0, or because nothing is left to do. The first reason counts; a second
 * one hurries. Never suspends, never fails. */
void hem__service_stop(hem__service *s, int signo, int error);

/* The task that goes through the steps; `arg` is the service. */
int hem__stop_task(void *arg);

/* The parent's own descriptors of the sockets, once no fork needs them. */
void hem__service_close_sockets(hem__service *s);

/* ---- prefork.c ---- */

struct hem_main {
    hem__service *service;
    hem_event served; /* all workers have ended */
};

/* Make one that has nothing but its options; hem__crew_deinit() frees what it
 * has then, also after an error. HEM_EINVAL, HEM_ENOMEM, ... */
int hem__service_init(hem__service *s, hem_worker_fn *fn, void *arg);

/* Tell the program that watches. */
void hem__service_event(hem__service *s, const hem_prefork_event *e);

/* ---- control.c ---- */

/* The task that takes the signals; `arg` is the service. */
int hem__control_task(void *arg);

/* Receive them; take those that nobody has taken, before closing. */
int hem__control_open(hem__service *s);
void hem__control_close(hem__service *s);

/* ---- crew.c ---- */

int hem__crew_init(hem__service *s, hem_worker_fn *fn, void *arg);
void hem__crew_deinit(hem__service *s);

/* Take all seats that are wanted from the beginning. HEM_ENOMEM. */
int hem__crew_start(hem__service *s);

/* One worker more, or less; at the limits nothing happens but a line in the
 * log. */
void hem__crew_grow(hem__service *s);
void hem__crew_shrink(hem__service *s);

/* instance.c tells of what has happened: it is ready; it is alive no more, and
 * all about its end is known. */
void hem__crew_ready(hem__instance *i);
void hem__crew_ended(hem__instance *i);

/* Wait until the seat has room, or `now` is another than `old`. [suspends]
 * [cancel point] */
int hem__seat_wait_room(hem__seat *seat, const hem__instance *old);

/* How long to wait after so many failures in a row; 0 after none. */
hem_ns hem__crew_backoff(const hem__service *s, uint32_t failures);

/* Whether there is a worker, or should be one; extras not counted. */
bool hem__crew_has_workers(const hem__service *s);

/* How many workers are ready, extras not counted: `now` in their seats. */
uint32_t hem__service_ready_workers(const hem__service *s);

/* ---- roll.c ---- */

/* Start a rolling restart, or have another follow the one under way. */
void hem__service_reload(hem__service *s);

/* Have one replaced, when its turn comes; `why` goes to the log. Once asked,
 * and for one that is told already, nothing. Never suspends. */
void hem__instance_replace(hem__instance *i, const char *why);

/* The task that replaces; `arg` is the service. */
int hem__roll_task(void *arg);

/* Replace one now: start its successor, and when that is ready tell it to stop.
 * 0, also when it is there no more; an error: the successor failed, the old one
 * stays. [suspends] [cancel point] */
int hem__service_replace(hem__service *s, hem__instance *old);

/* ---- instance.c ---- */

/* Start one and mind it. NULL with *ret_error: no memory. */
hem__instance *hem__instance_start(hem__seat *seat, int *ret_error);

/* Tell it to stop; once, further calls do nothing. `why` is not
 * HEM__LEAVE_NOT. */
void hem__instance_tell(hem__instance *i, int signo, hem__leaving why);

/* Kill a process. One that may not be killed, as by a parent without CAP_KILL
 * whose workers became another user, is named in the log, as is a thread. */
void hem__instance_kill(hem__instance *i);

/* judge.c: make out its `end`, and name it in the log if it has failed. */
void hem__instance_judge(hem__instance *i);

static inline void hem__instance_hold(hem__instance *i)
{
    i->refs++;
}
void hem__instance_release(hem__instance *i);

/* "worker 3 (pid 1234)", for the log. */
#define HEM__INSTANCE_NAME 80
const char *hem__instance_name(const hem__instance *i, char *room);

/* ---- the other parts ---- */

/*
 * systemd.c: tell $NOTIFY_SOCKET; nothing without it. `state` is "READY=1",
 * "RELOADING=1", "STOPPING=1", or "MAINPID=..." of another process, whose
 * service it is from then on: this one says no more. One that was started by an
 * upgrade says nothing before its "READY=1". What cannot be sent now is sent
 * later. Never suspends, never fails.
 */
void hem__service_notify(hem__service *s, const char *state);

/* Something has changed that the status text tells. */
void hem__service_notify_status(hem__service *s);

/* Find out whether somebody listens, before hem__upgrade_take(); and start the
 * task that feeds the watchdog and sends what is left, before the first
 * worker. HEM_ENOMEM. */
void hem__systemd_init(hem__service *s);
int hem__watchdog_start(hem__service *s, hem_scope *scope);

int hem__admin_start(hem__service *s, hem_scope *scope);  /* admin.c, agent.c */
int hem__health_start(hem__service *s, hem_scope *scope); /* health.c */

/* ---- upgrade.c ---- */

/* Take what the service that is to be succeeded has handed on, if there is one;
 * first of all. HEM_ENOMEM. */
int hem__upgrade_open(hem__service *s);
void hem__upgrade_close(hem__service *s);

/* Whether there is one: it has the pid file until this one is ready. */
bool hem__upgrade_succeeds(const hem__service *s);

/* This service is ready: take the pid file, and say so to who waits for it. An
 * error: there is no pid file, it was asked to stop. */
int hem__upgrade_report(hem__service *s);

/* On SIGUSR2: start another program to take this one's place; a task in s->work.
 * HEM_EREFUSED: not now, or not here; HEM_EALREADY; HEM_ENOMEM. In a task: the
 * record says more. */
int hem__upgrade_start(hem__service *s);

#endif
