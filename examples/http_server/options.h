/* SPDX-License-Identifier: MIT */
/*
 * The command line of http_server.
 */
#ifndef HTTP_OPTIONS_H
#define HTTP_OPTIONS_H

#include <hem.h>

typedef struct http_options {
    const char *root;     /* directory to serve */
    const char *bind;     /* numeric address, or "unix:PATH" */
    uint64_t port;        /* 0: a free one */
    uint64_t connections; /* of each worker at once */
    hem_ns header_timeout;
    hem_ns idle_timeout;
    hem_ns write_timeout;
    /* Of the workers: see hem_prefork_options. */
    uint64_t workers; /* 0: as many as CPUs */
    bool threads;
    bool pin_cpus;
    uint64_t restart; /* hem_restart */
    hem_ns heartbeat; /* 0: none */
    uint64_t max_requests;
    uint64_t max_memory; /* bytes */
    /* Of the end. */
    hem_ns unready;
    hem_ns linger; /* for one more request */
    hem_ns grace;  /* for connections to finish */
    /* Of the process. */
    const char *pid_file, *user, *group;
    const char *admin, *agent;
    bool verbose; /* tell what happens to workers */
} http_options;

/* Parse the command line. Returns -1 to go on, else the status to exit with:
 * 0 after --help, 2 after a mistake, which has been explained. */
int http_options_parse(http_options *ret, int argc, char **argv);

#endif
