/* SPDX-License-Identifier: MIT */
/*
 * Servers made with hem_serve(), in a task of their own, that tests are made of:
 *
 *     struct serving sv = {.fn = serving_echo};
 *     hem_task *t = serving_start(&sv);
 *     int peer = net_connect(sv.port);
 *     ...
 *     serving_stop(&sv, t);
 */
#ifndef SUPPORT_SERVING_H
#define SUPPORT_SERVING_H

#include "hem.h"

struct serving {
    hem_listener listener;
    uint16_t port;
    hem_serve_fn *fn; /* its argument is this */
    hem_serve_options options;
    /* For handlers: */
    int begun, ended; /* of their calls; the same at the end */
    int active;       /* of them, now; 0 at the end */
    int most;         /* of them, at once */
    int result;       /* of the last one, or what they are to return */
    hem_ns nap;       /* for how long they are to sleep */
    size_t served;    /* requests, or connections */
    size_t late;      /* requests that did not come in time */
    char text[HEM_ADDRESS_TEXT];
};

/* Listen at a free port of 127.0.0.1, and serve. What is above `begun` is set,
 * but for the listener and the port. In a task. */
hem_task *serving_start(struct serving *sv);

/* The task's body, where the listener is open. */
int serving_run(void *arg);

/* Have it end, and close the listener. */
void serving_stop(struct serving *sv, hem_task *t);

/* Handlers: what comes goes back; a line within 10 s, however it comes, does. */
int serving_echo(hem_stream *s, void *arg);
int serving_line(hem_stream *s, void *arg);

/* The end of a handler of lines: `rc` is the length of one that came, or an
 * error. */
int serving_answer(struct serving *sv, hem_stream *s, const char *line, int rc);

/* So many honest clients get their answers without time passing. */
void serving_check_honest(const struct serving *sv, size_t clients);

#endif
