/* SPDX-License-Identifier: MIT */
/*
 * A service as its parent sees it. All of it lives on the parent's loop: tasks
 * of one thread, no locks.
 *
 *   prefork.c   options, the main context, the run of it all
 *   control.c   signals of operators, made into calls of the others
 *   crew.c      who should be there: starts workers, restarts what failed
 *   roll.c      replacing: one, all one after the other, fewer, more
 *   stop.c      the steps of stopping
 *   instance.c  one life of one worker: start, ready, told, killed, ended
 *   health.c    heartbeats, memory, the watchdog
 *   upgrade.c   another program in this one's place
 *   admin.c     /livez /readyz /metrics; agent.c HAProxy's line; metrics.c
 *   scoreboard.c, channel.c   shared with the workers; worker.c: their side
 */
#ifndef HEM__SERVICE_SERVICE_H
#define HEM__SERVICE_SERVICE_H

#include "hem/event.h"
#include "hem/future.h"
#include "hem/prefork.h"
#include "hem/scope.h"
#include "process/child.h"
#include "service/channel.h"
#include "service/scoreboard.h"

typedef struct hem__service hem__service;

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

/* What kind of worker: the workers share one, each extra process has its own. */
typedef struct hem__role {
    hem_worker_fn *fn; /* NULL: `plain` */
    hem_fn *plain;
    void *arg;
    const char *name;
    int stop_signal; /* 0: the one that came */
} hem__role;

/* One life of one worker. A task of the parent minds it from start to end and
 * frees it. */
typedef struct hem__instance {
    struct hem__list link; /* in the service's instances, oldest first */
    hem__service *service;
    const hem__role *role;
    uint32_t index;      /* of the worker */
    uint32_t generation; /* how many had this index before */
    hem__slot *slot;
    hem__channel channel; /* open while it lives */
    hem_child child;      /* of a process; open while it lives */
    pthread_t thread;     /* of a thread */
    pid_t pid;
    hem__instance_state state;
    hem_ns started_at, ready_at; /* on the loop's clock; 0: not yet */
    hem_future ready; /* result 0: it is ready; an error: it never will be */
    hem_future ended; /* done when it has ended, with 0 */
    bool wants_replacement; /* it asked, or is above a limit */
    bool replaced;      /* a successor is on its way, or there: its end is not
                               a failure of the crew's strength */
    uint64_t beats;     /* health.c: seen last, */
    hem_ns beat_at;     /* when they changed */
    hem_worker_end end; /* valid once `ended` */
    char text[244];     /* what it said when it failed */
} hem__instance;

struct hem__service {
    const hem_prefork_options *options;
    hem__role role;         /* of the workers */
    hem__role *extra_roles; /* options->extra_count */
    hem__service_state state;
    struct hem__list instances;
    hem__scoreboard scoreboard;
    hem_scope *scope;  /* of the tasks that mind instances */
    uint32_t wanted;   /* workers that should be there, extras not counted */
    void *value;       /* of the main context */
    int stop_signal;   /* that stops it; 0: none has come */
    int result;        /* error of the first failure that ends it */
    uint64_t restarts; /* of workers that failed */
    uint64_t reloads;
    bool threads;
    /* ... what prefork.c, crew.c, roll.c, stop.c, health.c need */
};

/* Ask the service to stop: by an operator's signal, or (error < 0) a failure.
 * The first reason counts; a second signal hurries. Never suspends. */
void hem__service_stop(hem__service *s, int signo, int error);

/* Start a rolling restart, or have another follow the one under way. */
void hem__service_reload(hem__service *s);

/* Tell the program that watches. */
void hem__service_event(hem__service *s, const hem_prefork_event *e);

/* instance.c: start one for `index` and mind it; NULL with *ret_error: no memory. */
hem__instance *hem__instance_start(hem__service *s, const hem__role *role,
                                   uint32_t index, int *ret_error);
void hem__instance_tell(hem__instance *i, int signo); /* to stop; once */
void hem__instance_cancel(hem__instance *i);
void hem__instance_kill(hem__instance *i);

/* roll.c: replace one: start its successor, and when that is ready tell it to
 * stop. 0; an error: the successor failed, the old one stays. [suspends] */
int hem__service_replace(hem__service *s, hem__instance *old);

#endif
