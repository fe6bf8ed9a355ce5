/* SPDX-License-Identifier: MIT */
/*
 * Events: a flag that tasks wait for, asyncio.Event.
 *
 *     HEM_TRY(hem_event_wait(&e));          // in many tasks
 *     hem_event_set(&e);                    // all go on
 *
 * A task that was let go goes on even if the event is cleared before it runs.
 */
#ifndef HEM_EVENT_H
#define HEM_EVENT_H

#include "base.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_event {
    struct hem__list waiters; /* who waits for it */
    bool set;
} hem_event;

/* Make an event that is not set. It needs no deinit. [any thread] */
HEM_API void hem_event_init(hem_event *e);

/* Set it; all who wait go on. [loop thread] */
HEM_API void hem_event_set(hem_event *e);

/* Make later waits wait again. [loop thread] */
HEM_API void hem_event_clear(hem_event *e);

/* Return whether it is set. [loop thread] */
HEM_API bool hem_event_is_set(const hem_event *e);

/* Wait until it is set; at once if it is. HEM_ECANCELED. [suspends]
 * [cancel point] */
HEM_API HEM_CHECK int hem_event_wait(hem_event *e);

HEM_END_DECLS

#endif
