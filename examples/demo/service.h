/* SPDX-License-Identifier: MIT */
/*
 * http_server as the demonstration sees it: a service that is told by signals
 * what to do, and whose processes, the workers and the programs that follow
 * each other, are known by what it prints.
 */
#ifndef DEMO_SERVICE_H
#define DEMO_SERVICE_H

#include "life.h"
#include "program.h"

enum { LIVES_MAX = 64 };

typedef struct service {
    program program; /* the first; those that follow are not ours */
    pid_t pid;       /* of the one that serves */
    uint16_t port;
    uint32_t programs, rolls; /* so far */
    bool is_ready;
    hem_event changed; /* whenever something was printed; and at its end */
    bool has_ended;
    life lives[LIVES_MAX];
    pid_t pids[LIVES_MAX]; /* 0: a program's, which prints none */
    size_t life_count;
    int events; /* a pipe; -1: not open */
} service;

/* Start http_server at `path` with two workers. Returns when it is ready. */
int service_start(service *s, const char *path, hem_scope *scope);

/* Have it replace its workers, and wait until it has. */
int service_roll(service *s);

/* Have it replace itself, and wait until it has. */
int service_upgrade(service *s);

/* Stop it and wait for its end. */
int service_stop(service *s);

/* Kill what is left of it. */
void service_close(service *s);

#endif
