/* SPDX-License-Identifier: MIT */
/*
 * The command line of http_server.
 */
#ifndef HTTP_OPTIONS_H
#define HTTP_OPTIONS_H

#include <hem.h>

typedef struct http_options {
    const char *root;     /* directory to serve */
    const char *bind;     /* numeric address */
    uint16_t port;        /* 0: a free one */
    uint32_t workers;     /* 0: as many as CPUs */
    uint32_t connections; /* of each worker at once */
    hem_ns header_timeout;
    hem_ns idle_timeout;
    hem_ns write_timeout;
    hem_ns linger; /* for one more request when told to stop */
    hem_ns grace;  /* for connections to finish when told to stop */
} http_options;

/* Parse the command line. Returns -1 to go on, else the status to exit with:
 * 0 after --help, 2 after a mistake, which has been explained. */
int http_options_parse(http_options *ret, int argc, char **argv);

#endif
