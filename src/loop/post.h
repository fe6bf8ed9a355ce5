/* SPDX-License-Identifier: MIT */
/*
 * Posts: what other threads hand to a loop. A stack without locks: a post is
 * pushed by compare-and-swap, the loop takes all at once and turns them round.
 * Only the push on an empty stack wakes the loop, for the loop takes
 * everything once woken.
 *
 * The loop may end while a thread posts: the thread is counted before it looks
 * whether the loop is closed, and the loop, once closed, waits until nobody is
 * counted. What is posted is so either refused, or taken before the end. The
 * memory of the loop stays for those who hold it.
 */
#ifndef HEM__LOOP_POST_H
#define HEM__LOOP_POST_H

#include "loop/loop.h"

typedef struct hem__post {
    hem__job job;           /* `run` is called in the loop */
    struct hem__post *next; /* posted before it */
} hem__post;

/* Make `p->job` ready in the loop. Never fails. [any thread] */
void hem__post_send(hem_loop *l, hem__post *p);

/* The same unless the loop takes no more: HEM_ESHUTDOWN. [any thread] */
int hem__post_try(hem_loop *l, hem__post *p);

/* From now on hem__post_try() is refused, in every thread. */
void hem__posts_close(hem_loop *l);

/* Move all posts to the ready queue, the earliest first. */
void hem__posts_take(hem_loop *l);

/* Wait until no thread is about to leave a function that posts. */
void hem__posts_finish(hem_loop *l);

/* Wake the loop from its poller. Safe in signal handlers. [any thread] */
void hem__loop_wake_up(hem_loop *l);

#endif
