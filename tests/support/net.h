/* SPDX-License-Identifier: MIT */
/*
 * TCP over loopback: streams whose other end is a plain, blocking socket. What
 * such a peer does has reached the stream's socket when the call returns.
 */
#ifndef SUPPORT_NET_H
#define SUPPORT_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hem.h"

/* Listen on a free port of 127.0.0.1; which one. */
uint16_t net_listen(hem_listener *l);

/* A plain socket that is connected to a port of 127.0.0.1. */
int net_connect(uint16_t port);

/* Open `s`, whose limit of read-ahead is `limit` (0: the default), and return
 * its peer. In a task. */
int net_open(hem_stream *s, uint32_t limit);

/* Open two streams that are connected with each other. In a task. */
void net_open_pair(hem_stream *a, hem_stream *b);

/* Send a text, or bytes. */
void net_say(int peer, const char *text);
void net_send(int peer, const void *p, size_t size);

/* The next bytes to come are this text; the end comes next. */
bool net_hears(int peer, const char *text);
bool net_hears_the_end(int peer);

/* Receive exactly these bytes; other tasks run until they are there. In a
 * task. */
void net_expect(int peer, const char *want, size_t size);

/* Receive and drop what is there, at most `max` bytes; how many. */
size_t net_drain(int peer, size_t max);

/* Send no more; close; close so that the stream gets a reset. */
void net_finish(int peer);
void net_close(int peer);
void net_reset(int peer);

/* A port of 127.0.0.1 where connections are refused as long as the socket
 * `*ret_fd` is open. */
uint16_t net_refusing(int *ret_fd);

/* Whether the machine has IPv6 on loopback. */
bool net_has_ipv6(void);

/* Let all others run until they wait for something that does not come. */
void net_settle(void);

#endif
