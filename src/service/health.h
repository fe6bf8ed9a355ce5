/* SPDX-License-Identifier: MIT */
/* Heartbeats and memory of workers; hem__health_start() is in service.h. */
#ifndef HEM__SERVICE_HEALTH_H
#define HEM__SERVICE_HEALTH_H

#include "service/service.h"

/* How often to beat, and to look, to notice within about `heartbeat`; with 0
 * as often as for anything else. */
hem_ns hem__health_period(hem_ns heartbeat);

/* Whether the loops of all workers that are ready turned within this time, as
 * far as is known: for the watchdog. hem__health_start() has them beat in time
 * for it. */
bool hem__health_all_beat(const hem__service *s, hem_ns within);

#endif
