/* SPDX-License-Identifier: MIT */
/* Certificates for tests, made when they are first asked for, with OpenSSL's
 * API: an authority, and what it has signed. */
#ifndef TESTS_TLS_CERTS_H
#define TESTS_TLS_CERTS_H

struct cert {
    char *cert; /* PEM, with the intermediate one if there is one */
    char *key;  /* PEM */
};

struct certs {
    struct cert ca;       /* signs all but `alone` and `stranger` */
    struct cert server;   /* localhost, 127.0.0.1, ::1, *.wild.test */
    struct cert other;    /* other.test */
    struct cert chained;  /* localhost, by an intermediate authority */
    struct cert expired;  /* localhost, until yesterday */
    struct cert future;   /* localhost, from tomorrow on */
    struct cert alone;    /* localhost, signed by itself */
    struct cert client;   /* of a client, "tester" */
    struct cert stranger; /* localhost, by an authority nobody knows */
    char *encrypted;      /* key of `server`, with the password "secret" */
};

const struct certs *certs(void);

/* A directory with ca.pem, server.pem, server.key, client.pem, client.key,
 * stranger.pem, stranger.key; it is gone when the process has ended. */
const char *certs_directory(void);

/* The path of a file in it; valid until the 16th next call. */
const char *certs_path(const char *name);

#endif
