/* SPDX-License-Identifier: MIT */
/*
 * Services that upgrades are tested with. Each generation is a new execution of
 * the test program, whose main() calls upgraded_role() first. What it is to do it
 * reads in a file of the test's directory, `settings`, when it starts, so a test
 * can change that from one to the next; a set of these words:
 *
 *   idle      accepts nothing            gate      is not ready until
 *   broken    fails in set up                      upgraded_open_gate()
 *   exit      ends before it is a service
 *   nonsense  says something else than that it is ready
 *   stubborn  is never ready, and SIGTERM does not end it
 *   hasty     gives its successor 30 ms  threads   of threads
 *   brief     gives its workers 20 ms to stop, and its successor little more
 *   pidfile   has one, `pid`             nowhere   has one that cannot be
 *   patient   is unready for ever before it stops
 *   admin     has `admin.sock`           context   has a main context
 *   two       two workers                drain     the worker ends when the
 *                                                  gate opens
 *
 * A connection is answered with the pid of the service. What happens in it comes
 * out as lines, "1234 ready", among those of its log. All of them are children
 * of the test, which is their subreaper.
 */
#ifndef SUPPORT_UPGRADED_H
#define SUPPORT_UPGRADED_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* In main(), before anything else: be a service, if this is to be one. */
void upgraded_role(void);

struct upgraded {
    const char *name; /* of the socket, for the test to set; NULL: none */
    pid_t pid;        /* of the latest service */
    uint16_t port;    /* where it answers */
    int listener;     /* the test's own; -1: closed */
    FILE *lines;      /* what they say */
    int gate;         /* both ends of a fifo */
    size_t count;
    char *said[1000]; /* and was not waited for yet */
};

/* Start the first, as `program` (NULL: this one), in a test of FILE_TEST(); it is
 * ready then. */
void upgraded_start(struct upgraded *u, const char *program,
                    const char *settings);

/* The same as process 1 of a namespace; false: that is refused. */
bool upgraded_start_contained(struct upgraded *u, const char *settings);

/* Settings of those to come. */
void upgraded_set(const char *settings);

void upgraded_signal(const struct upgraded *u, int signo);

/* Wait until the service `pid` says this; until any line, of a log or of what a
 * worker says, has this in it. The whole line, valid until the next call. */
const char *upgraded_says(struct upgraded *u, pid_t pid, const char *what);
const char *upgraded_logs(struct upgraded *u, const char *part);

/* Send SIGUSR2; the pid of the process that was started. */
pid_t upgraded_begin(struct upgraded *u);

/* Wait until `next` is ready, and the old one has ended without an error. */
void upgraded_finish(struct upgraded *u, pid_t next);

/* Both. */
void upgraded_upgrade(struct upgraded *u);

/* A connection is answered by this service, or any. */
void upgraded_answers(const struct upgraded *u, pid_t pid);

/* The settings `gate` and `drain` go on, from now on; do not any more. */
void upgraded_open_gate(const struct upgraded *u);
void upgraded_close_gate(const struct upgraded *u);

/* It has ended, with this exit status, or minus the signal. */
void upgraded_ends(struct upgraded *u, pid_t pid, int status);

/* Stop it by SIGTERM; there is nobody left then. */
void upgraded_stop(struct upgraded *u);

/* When all have ended. */
void upgraded_end(struct upgraded *u);

#endif
