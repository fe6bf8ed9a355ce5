/* SPDX-License-Identifier: MIT */
/*
 * Upgrades: another program takes this one's place, with the same listening
 * sockets, while both run. docs/decisions/0025-upgrade.md has the protocol.
 *
 *     the old one                           the new one
 *     upgrade.c      takes SIGUSR2
 *     upgrade_env.c  what it is given
 *     upgrade_run.c  starts it  ---------->  upgrade_report.c takes the socket
 *                                            ... sets up, starts workers ...
 *     upgrade_run.c  hears it  <--"READY\n"--  upgrade_report.c, ready
 *     upgrade.c      stops
 */
#ifndef HEM__SERVICE_UPGRADE_H
#define HEM__SERVICE_UPGRADE_H

#include "hem/prefork.h"
#include "hem/subprocess.h"

struct hem__service;

/*
 * Variables of the new one: descriptors that are between hem and hem, as
 * "report=5:admin=6", and the process that they are for, so that no child of it
 * takes them for its own. $LISTEN_FDS and its like are the program's.
 */
#define HEM__UPGRADE_FDS "HEM_UPGRADE_FDS"
#define HEM__UPGRADE_PID "HEM_UPGRADE_PID"

/* Which there are. */
enum hem__upgrade_fd {
    HEM__UPGRADE_REPORT, /* the socket to say that it is ready on */
    HEM__UPGRADE_ADMIN,  /* listening sockets of the old one's, where it has */
    HEM__UPGRADE_AGENT,  /* them */
    HEM__UPGRADE_FD_COUNT
};

/* Their names there. */
extern const char *const hem__upgrade_fd_names[HEM__UPGRADE_FD_COUNT];

/* What it says. */
#define HEM__UPGRADE_READY "READY\n"

/* A socket that is handed on; `name` of letters, digits, "-_.", for
 * $LISTEN_FDNAMES; NULL: none. */
typedef struct hem__upgrade_socket {
    int fd;
    const char *name;
} hem__upgrade_socket;

typedef struct hem__upgrade_call {
    char *const *argv; /* of the new program; NULL: as this one was started */
    const hem__upgrade_socket *sockets; /* `count` */
    size_t count;
    int own[HEM__UPGRADE_FD_COUNT]; /* ADMIN, AGENT; 0: none */
    hem_ns timeout;                 /* for it to be ready */
    hem_ns grace; /* from SIGTERM to SIGKILL, when it is not; 0: 5 s */
    void (*started)(void *arg, pid_t pid); /* it was; or NULL */
    void *arg;
} hem__upgrade_call;

/* What the new program is given (upgrade_env.c): all that is to be allocated. */
typedef struct hem__upgrade_gift {
    char **argv;
    hem_subprocess_options options;
    hem_subprocess_fd *fds;
    char *text;       /* of argv; NULL: it is the caller's */
    char *names;      /* LISTEN_FDNAMES=..., or NULL */
    char count[32];   /* LISTEN_FDS=... */
    char own[96];     /* HEM_UPGRADE_FDS=... */
    char *add[8];     /* to its environment */
    char *own_pid[8]; /* variables of its pid */
} hem__upgrade_gift;

/* `report` is the new one's side of the socket. HEM_ENOMEM, HEM_EINVAL (nothing
 * to start), those of reading /proc; nothing is to be undone then. */
int hem__upgrade_gift_init(hem__upgrade_gift *g, const hem__upgrade_call *call,
                           int report);
void hem__upgrade_gift_deinit(hem__upgrade_gift *g);

/*
 * Start the new program and wait until it is ready: 0, and its pid. It goes on
 * by itself then, a child of this process. On errors, HEM_ECANCELED among them,
 * it is terminated, and there is none. Those of hem_subprocess_start();
 * HEM_EEXITED, HEM_ESIGNALED: it has ended before; HEM_EINCOMPLETE: it has closed
 * the socket; HEM_EPROTO: it said something else; HEM_ETIMEDOUT. The record says
 * more. [suspends] [cancel point]
 */
int hem__upgrade_run(const hem__upgrade_call *call, pid_t *ret_pid);

/* In the new program: the descriptors that are for hem, close-on-exec,
 * non-blocking, and the caller's; each -1: there is none. Takes them out of the
 * environment. */
void hem__upgrade_take(int ret[HEM__UPGRADE_FD_COUNT]);

/* One of them, for the caller to have; -1: there is none. Those that nobody has
 * asked for are closed when the service is ready (upgrade.c). */
int hem__upgrade_inherited(struct hem__service *s, enum hem__upgrade_fd which);

/* Say that this one is ready, and close the socket. That nobody is there to
 * hear of it is no error. */
void hem__upgrade_say_ready(int fd);

#endif
