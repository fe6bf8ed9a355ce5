/* SPDX-License-Identifier: MIT */
/* Datagrams over loopback: endpoints, and peers that are plain sockets. */
#ifndef SUPPORT_UDP_H
#define SUPPORT_UDP_H

#include "hem.h"

/* Open an endpoint on a free port of 127.0.0.1; where it is. */
hem_address udp_open(hem_datagram *d);

/* The same with these options. */
hem_address udp_open_with(hem_datagram *d, hem_datagram_options options);

/* Open one that is connected to `to`. */
void udp_open_to(hem_datagram *d, const hem_address *to);

/* Open two that are connected with each other, over UDP; over Unix sockets. */
void udp_open_pair(hem_datagram *a, hem_datagram *b);
void udp_open_local_pair(hem_datagram *a, hem_datagram *b);

/* An address of 127.0.0.1 where nobody listens as long as the descriptor
 * `*ret_fd` is open. */
hem_address udp_nobody(int *ret_fd);

/* Whether two addresses are the same. */
bool udp_same(const hem_address *a, const hem_address *b);

/* Send a text; the next datagram of `d` must be this one. */
void udp_say(hem_datagram *d, const hem_address *to, const char *text);
void udp_expect(hem_datagram *d, const char *text);

#endif
