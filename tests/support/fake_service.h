/* SPDX-License-Identifier: MIT */
/*
 * A service as its parent sees it, without any process: for what only looks at
 * one. Workers are in the state that the test puts them in.
 */
#ifndef SUPPORT_FAKE_SERVICE_H
#define SUPPORT_FAKE_SERVICE_H

#include "service/admin.h"

#define FAKE_WORKERS 4 /* the last is an extra process */

struct fake_service {
    hem__service s;
    hem_prefork_options options;
    hem__role extra;
    hem__seat seats[FAKE_WORKERS];
    hem__instance instances[FAKE_WORKERS];
};

/* Three workers and an extra process, all ready, and so is the service. */
void fake_service_init(struct fake_service *f);
void fake_service_deinit(struct fake_service *f);

#endif
