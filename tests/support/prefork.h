/* SPDX-License-Identifier: MIT */
/*
 * Services whose every step is heard. hem_prefork() runs in a process of its
 * own; its events come to the test as bytes, beside those that workers say
 * (process_say), and are kept with all that belongs to them in shared memory.
 * So a test waits for what has happened, and then does the next thing:
 *
 *     struct prefork p = {.worker = prefork_serve};
 *     prefork_start_ready(&p);
 *     prefork_signal(&p, SIGHUP);
 *     prefork_await(&p, PREFORK_RELOADED, 1);
 *     prefork_signal(&p, SIGTERM);
 *     prefork_end_silently(&p);
 */
#ifndef SUPPORT_PREFORK_H
#define SUPPORT_PREFORK_H

#include <stdatomic.h>

#include "hem.h"
#include "process.h"

/* The bytes of events: 'A' and the kind. Workers say lower-case letters. */
#define PREFORK_BYTE(kind)    ('A' + (int)(kind))
#define PREFORK_STARTED       PREFORK_BYTE(HEM_WORKER_IS_STARTED)
#define PREFORK_READY         PREFORK_BYTE(HEM_WORKER_IS_READY)
#define PREFORK_ENDED         PREFORK_BYTE(HEM_WORKER_HAS_ENDED)
#define PREFORK_STUCK         PREFORK_BYTE(HEM_WORKER_IS_STUCK)
#define PREFORK_SERVICE_READY PREFORK_BYTE(HEM_SERVICE_IS_READY)
#define PREFORK_RELOADS       PREFORK_BYTE(HEM_SERVICE_RELOADS)
#define PREFORK_RELOADED      PREFORK_BYTE(HEM_SERVICE_RELOADED)
#define PREFORK_UNREADY       PREFORK_BYTE(HEM_SERVICE_IS_UNREADY)
#define PREFORK_STOPS         PREFORK_BYTE(HEM_SERVICE_STOPS)
#define PREFORK_KILLS         PREFORK_BYTE(HEM_SERVICE_KILLS)

#define PREFORK_EVENTS  4096
#define PREFORK_NUMBERS 64

/* Shared by all processes of the service and the test. */
struct prefork_shared {
    atomic_int numbers[PREFORK_NUMBERS]; /* the test's own */
    atomic_size_t count;                 /* of events */
    hem_prefork_event events[PREFORK_EVENTS];
};

/* The first three are the test's to set. The argument of workers. */
struct prefork {
    hem_worker_fn *worker;
    hem_prefork_options options; /* num_workers 0: 2 */
    int expected;                /* from hem_prefork() */
    int turns;                   /* the test's own */
    struct prefork_shared *shared;
    int gate[2]; /* a pipe: prefork_pass_gate() */
    struct process process;
    unsigned seen[256]; /* how often which byte was heard */
};

void prefork_start(struct prefork *p);

/* The same, and wait until the service is ready. */
void prefork_start_ready(struct prefork *p);

/* Wait until `byte` was heard `total` times, from the beginning. */
void prefork_await(struct prefork *p, int byte, unsigned total);

/* Send a signal to the service. */
void prefork_signal(const struct prefork *p, int signo);

/* The service must end as expected; the second: and have nothing to say. Frees
 * what belongs to `p`, but for `shared`, which prefork_free() does. */
void prefork_end(struct prefork *p, struct ending *ret);
void prefork_end_silently(struct prefork *p);
void prefork_free(struct prefork *p);

/* Stop it by SIGTERM, silently, and free it. */
void prefork_stop(struct prefork *p);

/* The n-th event of a kind, from 0, of worker `index`, or of any (-1); NULL:
 * there was none. How many there were. */
const hem_prefork_event *prefork_event(const struct prefork *p,
                                       hem_prefork_event_kind kind, int index,
                                       size_t n);
size_t prefork_count(const struct prefork *p, hem_prefork_event_kind kind,
                     int index);

/* Where in the order of events it is, from 0; -1: nowhere. */
int prefork_place(const struct prefork *p, hem_prefork_event_kind kind,
                  int index, size_t n);

/* The pid of the latest worker `index` that was started; one that nobody has:
 * there was none. Never -1, which would be everybody. */
pid_t prefork_pid(const struct prefork *p, uint32_t index);

/* A worker that does nothing until it is told to stop. */
int prefork_serve(hem_worker *w, void *arg);

/* In a worker: stand still until the test has opened the gate. */
void prefork_pass_gate(const struct prefork *p);
void prefork_open_gate(struct prefork *p);

/* The result of a worker, or of a context, that has made checks. */
int prefork_verdict(void);

#endif
