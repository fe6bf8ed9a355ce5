/* SPDX-License-Identifier: MIT */
/* Programs that tests talk with: started, fed and heard through a socket that
 * is their standard input and output. In a task, on the real clock. */
#ifndef TESTS_TLS_PEER_H
#define TESTS_TLS_PEER_H

#include "hem.h"

struct peer {
    const char *const *argv;
    int socket; /* the program's end */
    hem_child child;
    hem_stream io;
};

/* Exit with 77, which skips the tests, unless all programs are there. */
void peer_need(const char *const *programs);

/* Run a body as the main task on the real clock, for at most a minute. */
int peer_run(hem_fn *fn);

#define PEER_TEST(name)                                                        \
    static int name##_body(void *arg);                                         \
    static void name(void **state)                                             \
    {                                                                          \
        (void)state;                                                           \
        check_int(peer_run(name##_body), 0);                                   \
        run_assert_checks();                                                   \
    }                                                                          \
    static int name##_body(void *arg __attribute__((unused)))

/* Start argv[0], a path, with these arguments, NULL at the end. */
void peer_start(struct peer *p, const char *const *argv);

/* Read a line of its output, without the newline, into `ret`; "" at the end. */
void peer_line(struct peer *p, char *ret, size_t size);

/* Say a text to it; say no more. */
void peer_say(struct peer *p, const char *text);
void peer_finish(struct peer *p);

/* Wait for its end; its exit code. */
int peer_end(struct peer *p);

/* A listener's port as text, valid until the next call. */
const char *peer_port(uint16_t port);

#endif
