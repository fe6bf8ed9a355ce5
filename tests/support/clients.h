/* SPDX-License-Identifier: MIT */
/*
 * Thousands of TCP clients, in a process of their own, which do as they are
 * told. So a test has the descriptors for as many connections as the system
 * allows, and what it measures is the server's alone. What they did has reached
 * the server's sockets when the call returns; the loop does not run meanwhile.
 */
#ifndef SUPPORT_CLIENTS_H
#define SUPPORT_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Start the process, before the tests; end it. */
void clients_start(void);
void clients_stop(void);

/* How many there can be, and a server of this process have: `n`, or less where
 * the limits of descriptors are lower, which are raised as far as they can be. */
size_t clients_possible(size_t n);

/* `n` more connect to a port of 127.0.0.1, or connect and reset. Not more at
 * once than the queue of the listener holds. */
void clients_connect(uint16_t port, size_t n);
void clients_flood(uint16_t port, size_t n);

/* Each says a byte; how many could. */
size_t clients_say(void);

/* Who has got a byte, or the end of the stream, or an error, leaves; how many
 * did, that is. */
size_t clients_leave_answered(void);
size_t clients_leave_ended(void);

/* All leave; how many were there. */
size_t clients_leave(void);

#endif
