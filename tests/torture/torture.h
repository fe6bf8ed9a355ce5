/* SPDX-License-Identifier: MIT */
/*
 * Torture: each call to libc or the kernel that a scenario makes, and each
 * allocation, is made to fail, in every way in which it can: once, and with all
 * that follow, each third, or all of its kind (base/fault.h). A scenario is a program against the
 * public API. Whatever fails, it must end, with success or an error that was
 * to be expected, leave nothing behind (ledger.h), and succeed when it is run
 * again in the same process with nothing failing.
 *
 *     torture.h   what scenarios see
 *     record.h    what a run tells about itself
 *     plan.h      which call is to fail in which run
 *     runner.h    runs, each in a process of its own, under a watchdog
 */
#ifndef TORTURE_H
#define TORTURE_H

#include "support.h"

struct scenario {
    const char *name;
    void (*run)(void); /* checks all by itself */
};

extern const struct scenario scenarios[];
extern const size_t scenario_count;

void scenario_tasks(void);
void scenario_spawns(void);
void scenario_flow(void);
void scenario_threads(void);
void scenario_disk(void);
void scenario_signals(void);
void scenario_serve(void);
void scenario_crowded(void);
void scenario_drain(void);
void scenario_addresses(void);
void scenario_names(void);
void scenario_files(void);
void scenario_datagrams(void);
void scenario_pipes(void);
void scenario_fork(void);
void scenario_subprocess(void);
void scenario_upgrade(void);
void scenario_prefork(void);
void scenario_daemon(void);

/* A child process is about to end: failed checks count for the scenario. */
void in_child(void);

/* Whether calls have failed; if not, everything must succeed. To be interrupted
 * does not count: that is never to be noticed. */
bool faulty(void);

/* From here on to the end of the scenario no call fails in this process. */
void calm(void);

/*
 * `rc` must be a success, or, where calls may fail, an error that one of them
 * failed with or one of those that follow. Its value: whether it is a success.
 */
#define check_success(...) CHECK_SUCCESS_(__VA_ARGS__, 0)
#define CHECK_SUCCESS_(rc, ...)                                                \
    check_success_at((rc), (const int[]){__VA_ARGS__}, #rc, __FILE__, __LINE__)

bool check_success_at(long long rc, const int *also, const char *expr,
                      const char *file, int line);

/* What one end of a connection gets to see when the other one fails. */
#define TORTURE_PEER_FAILED                                                    \
    HEM_ECONNRESET, HEM_EPIPE, HEM_EINCOMPLETE, HEM_ETIMEDOUT

/* Open a listener on a port that is free; NULL: on all addresses. */
int listen_somewhere(hem_listener *l, uint16_t *ret_port, const char *host);

/* Whether it is for want of memory that a call failed: so nothing has changed,
 * and it can be made again. */
bool lacks(ssize_t rc);

/* hem_accept(), made again where memory lacks. */
int accept_any(hem_listener *l, hem_stream *s);

/* Whether more than one call has failed, so that somebody may wait for what
 * never comes. Where it is one, that is an error: the watchdog finds it. */
bool in_haste(void);

/* Return fn(arg), which is called here; HEM_ETIMEDOUT: after some time in
 * haste. */
int in_time(hem_fn *fn, void *arg);

/* How long a child process goes on that may not have been told to end. */
hem_ns child_limit(void);

/*
 * Return fn(arg), which is called here, with so many timers armed before that
 * there are but `places` left in the loop's table of them: what needs another
 * has to allocate. To be called by the first task, before there are others.
 */
int in_crowd(int places, hem_fn *fn, void *arg);

#endif
