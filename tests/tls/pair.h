/* SPDX-License-Identifier: MIT */
/* Contexts for tests, and TLS connections with both ends in one loop. */
#ifndef TESTS_TLS_PAIR_H
#define TESTS_TLS_PAIR_H

#include "certs.h"
#include "hem.h"
#include "hem/tls.h"

/* A context for clients that trusts the tests' authority; one for servers with
 * this certificate. The options are added to. */
hem_tls *pair_client(hem_tls_config config);
hem_tls *pair_server(const struct cert *cert, hem_tls_config config);

/* How a handshake is to be made, and what became of it. */
struct pair {
    hem_tls *client, *server;    /* NULL: usual ones, destroyed */
    hem_tls_options client_opts; /* host NULL: localhost */
    hem_tls_options server_opts;
    hem_stream a, b; /* the client's end, the server's */
    int client_rc, server_rc;
    char client_text[500], server_text[500]; /* of hem_failure() */
};

/* Connect and shake hands. In a task. */
void pair_open(struct pair *p);

/* The same, where both must succeed. */
void pair_open_well(struct pair *p);

/* The same with streams a and b that are open already. */
void pair_shake(struct pair *p);

/* Close what is open, destroy usual contexts. */
void pair_close(struct pair *p);

/* Write `size` bytes of a pattern from `from` on; read and compare them. */
int pair_send(hem_stream *s, size_t from, size_t size);
int pair_expect(hem_stream *s, size_t from, size_t size);
char pair_byte(size_t at);

#endif
