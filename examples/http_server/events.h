/* SPDX-License-Identifier: MIT */
/*
 * What happens to the workers, told on standard output: a line for each event.
 */
#ifndef HTTP_EVENTS_H
#define HTTP_EVENTS_H

#include <hem.h>

/* A hem_prefork_event_fn; `arg` is not used. */
void http_events_tell(void *arg, const hem_prefork_event *e);

#endif
