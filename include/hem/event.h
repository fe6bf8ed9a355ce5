/* SPDX-License-Identifier: MIT */
/*
 * Events: a flag that tasks wait for, asyncio.Event.
 *
 *     static int serve(void *arg)
 *     {
 *         struct service *s = arg;
 *         HEM_TRY(hem_event_wait(&s->configured));      // in many tasks
 *         ...
 *     }
 *
 *     hem_event_set(&s.configured);                     // all go on
 *
 * clear --set--> set --clear--> clear. Who waits when it is set goes on even
 * if it is cleared again before that task runs: do not take the return of
 * hem_event_wait() for a proof that it is set now.
 *
 * An event belongs to the loop whose tasks wait for it, and is for one thread:
 * to set it from another, hem_post() a function that does. In a forked child
 * nobody waits for it any more: make it anew.
 */
#ifndef HEM_EVENT_H
#define HEM_EVENT_H

#include "base.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_event {
    struct hem__list waiters; /* who waits and was not let go */
    bool set;                 /* by set and clear */
} hem_event;

/* Make an event that is not set. It needs no deinit; nobody may wait for it
 * when its memory goes. [any thread] */
HEM_API void hem_event_init(hem_event *e);

/* Set it; all who wait go on. Nothing happens if it is set. [loop thread] */
HEM_API void hem_event_set(hem_event *e);

/* Make later waits wait again. [loop thread] */
HEM_API void hem_event_clear(hem_event *e);

/* Return whether it is set. [loop thread] */
HEM_API bool hem_event_is_set(const hem_event *e);

/* Wait until it is set; returns 0 at once if it is. HEM_ECANCELED, also if it
 * was set in the same turn. asyncio's Event.wait(). [suspends]
 * [cancel point] */
HEM_API HEM_CHECK int hem_event_wait(hem_event *e);

HEM_END_DECLS

#endif
