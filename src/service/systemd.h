/* SPDX-License-Identifier: MIT */
/* What systemd.c keeps of a service. */
#ifndef HEM__SERVICE_SYSTEMD_H
#define HEM__SERVICE_SYSTEMD_H

#include "hem/event.h"

#define HEM__SYSTEMD_WAITING 4
#define HEM__SYSTEMD_BYTES   256

typedef struct hem__systemd {
    bool on;           /* somebody listens, and wants to hear of this process */
    bool successor;    /* started by an upgrade, and not ready yet */
    bool complained;   /* that nobody can be told */
    bool starving;     /* the watchdog is not fed: said once */
    hem_event changed; /* something is to be told */
    struct hem__timer timer;
    hem_ns interval;  /* of the watchdog; HEM_NEVER: there is none */
    hem_ns feed_at;   /* the next time; on the loop's clock, as are all */
    hem_ns extend_at; /* ask for more time; HEM_NEVER: not now */
    char status[HEM__SYSTEMD_BYTES]; /* as last told */
    size_t waiting_count;            /* of states that could not be sent */
    char waiting[HEM__SYSTEMD_WAITING][HEM__SYSTEMD_BYTES]; /* oldest first */
} hem__systemd;

#endif
