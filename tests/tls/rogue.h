/* SPDX-License-Identifier: MIT */
/* A client that does with OpenSSL what hem never would, over a blocking socket
 * on a thread of its own. */
#ifndef TESTS_TLS_ROGUE_H
#define TESTS_TLS_ROGUE_H

#include <openssl/ssl.h>

#include "hem.h"

struct rogue {
    int fd;               /* connected; closed at the end, without goodbye */
    int version;          /* the latest that it speaks; 0: any */
    int (*act)(SSL *ssl); /* once the handshake is made; or NULL */
    int rc;               /* of `act`; negative: no handshake */
    hem_task *task;
};

/* Run it, in a task; wait for it. */
void rogue_start(struct rogue *r);
int rogue_end(struct rogue *r);

/* The first message of a client, as on the wire; how long. */
size_t rogue_hello(unsigned char *ret, size_t size);

#endif
