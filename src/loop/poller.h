/* SPDX-License-Identifier: MIT */
/*
 * The poller: which descriptors are ready. An interface, so that epoll can be
 * replaced. Readiness is told once for each change (edge-triggered); `token`
 * comes back with the event.
 */
#ifndef HEM__LOOP_POLLER_H
#define HEM__LOOP_POLLER_H

#include "hem/base.h"

/* What a descriptor is watched for, and what it is found to be. HANGUP is
 * always watched for: the end of the peer's data, or an error, or urgent data:
 * whatever makes a short read no sign of an empty socket. */
enum hem__fd_ready {
    HEM__FD_READ = 1,
    HEM__FD_WRITE = 2,
    HEM__FD_HANGUP = 4,
    HEM__FD_LEVEL = 8,   /* watched: tell in each round while it lasts, and of
                          HANGUP only what means that both directions ended */
    HEM__FD_URGENT = 16, /* watched, with LEVEL: urgent data; found: that HANGUP
                            is about them */
};

typedef struct hem__poll_event {
    uint64_t token;
    uint8_t ready; /* enum hem__fd_ready */
} hem__poll_event;

typedef struct hem__poller hem__poller;

typedef struct hem__poller_ops {
    /* HEM_ENOMEM, HEM_EMFILE, HEM_ENFILE. */
    int (*create)(hem__poller **ret);
    void (*destroy)(hem__poller *p);
    /* Watch, or change what is watched for. HEM_ENOMEM, HEM_ENOSPC;
     * HEM_EPERM: such a descriptor is always ready. */
    int (*add)(hem__poller *p, int fd, uint8_t events, uint64_t token);
    int (*modify)(hem__poller *p, int fd, uint8_t events, uint64_t token);
    void (*remove)(hem__poller *p, int fd);
    /* Wait up to `timeout` (negative: without limit); how many events, up to
     * `max`. HEM_EINTR. */
    int (*wait)(hem__poller *p, hem__poll_event *events, int max,
                hem_ns timeout);
} hem__poller_ops;

struct hem__poller {
    const hem__poller_ops *ops;
};

extern const hem__poller_ops hem__poller_epoll;

#endif
