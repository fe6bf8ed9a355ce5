/* SPDX-License-Identifier: MIT */
/*
 * A worker without a service: the test is its parent, in a loop, and talks to it
 * through the channel. It is a process or, with options.threads, a thread. What
 * it finds it leaves in its slot, by hem_worker_metric_set().
 */
#ifndef SUPPORT_LONE_H
#define SUPPORT_LONE_H

#include "hem.h"
#include "service/worker.h"

#define LONE_METRICS 8

struct lone {
    /* The test's to set; those that are 0 are filled in. */
    hem_prefork_options options;
    hem__role role;
    hem__worker_start start;
    /* To be read. */
    hem__channel channel;
    hem__slot *slot;
    hem_child child;         /* of a process */
    hem_child_status status; /* of it, after lone_end() */
    pthread_t thread;        /* or a thread */
    hem__scoreboard board;
};

/* Start it. */
int lone_start(struct lone *w);

/* The next message is to be of this kind; `ret` may be NULL. */
void lone_hear(struct lone *w, hem__message_kind kind, hem__message *ret);

void lone_say(struct lone *w, hem__message_kind kind, int code);

/* What the worker has left in place `i`. */
int64_t lone_found(const struct lone *w, size_t i);
hem_worker_phase lone_phase(const struct lone *w);

/* Wait for its end, without a further message, and return the exit status; 1 for
 * a thread whose result is an error. The slot is kept until lone_free(). */
int lone_end(struct lone *w);
void lone_free(struct lone *w);

/* All of it: tell to stop with SIGTERM, end with 0, free. */
void lone_stop(struct lone *w);

/* A worker that is not one: in the test's own loop, for its calls alone. Its
 * main task is the current one, and its parent's side is `channel`. */
struct feigned {
    struct lone lone;
    hem_worker worker;
};

int feigned_open(struct feigned *f);
void feigned_close(struct feigned *f);

/* A test that is run with a process, and with a thread. */
#define LONE_TEST(name)                                                        \
    static int name##_with(bool threads);                                      \
    VIRTUAL_TEST(name)                                                         \
    {                                                                          \
        HEM_TRY(name##_with(false));                                           \
        return name##_with(true);                                              \
    }                                                                          \
    static int name##_with(bool threads)

/* In a worker: send HEM__MESSAGE_REPLACE, whatever the worker's state. */
void lone_call(hem_worker *w);

/* In a worker: its result, an error if a check has failed in its process. */
int lone_verdict(const hem_worker *w);

#endif
