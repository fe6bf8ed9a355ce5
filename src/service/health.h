/* SPDX-License-Identifier: MIT */
/* Heartbeats and memory of workers; hem__health_start() is in service.h. */
#ifndef HEM__SERVICE_HEALTH_H
#define HEM__SERVICE_HEALTH_H

#include "service/service.h"

/* How often to beat, and to look, to notice within about `heartbeat`; with 0
 * as often as to look at their memory. */
hem_ns hem__health_period(hem_ns heartbeat);

#endif
