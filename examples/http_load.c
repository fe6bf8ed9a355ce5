/* SPDX-License-Identifier: MIT */
/*
 * A client of many connections, each a task, that checks every byte of every
 * response against the file it asked for.
 *
 *     http_load --connections 200 --seconds 5 --root . 127.0.0.1 8080 README.md
 *
 *   http_load/client.c      one connection: ask, compare, count
 *   http_load/histogram.c   latencies and their picture
 *   http_load/report.c, files.c
 */
#define _GNU_SOURCE 1
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "http_load/load.h"

static const char help[] =
    "Usage: http_load [OPTION]... HOST PORT PATH...\n"
    "Ask an HTTP/1.1 server for files and check each byte that comes.\n"
    "\n"
    "  -c, --connections N  open at once (default: 50)\n"
    "  -s, --seconds S      for so long (default: 5)\n"
    "  -n, --requests N     so many, instead\n"
    "  -1, --close          a connection for each request\n"
    "  -p, --pause S        before the next request of a connection\n"
    "  -t, --timeout S      for a request (default: 10)\n"
    "      --strict         send nothing again: else a request that crossed\n"
    "                       the end of a connection kept open is, once\n"
    "  -r, --root DIR       where the files lie (default: .)\n"
    "  -a, --account FILE   write what was counted, for programs\n"
    "  -h, --help           this text\n"
    "\n"
    "SIGTERM ends it when the requests under way are answered, SIGINT at "
    "once.\n"
    "Prints the rate, latencies and an account of all requests. Exit status:\n"
    "0 if each was answered, and rightly; 1 otherwise; 2 after a mistake in\n"
    "the command line.\n";

enum { STRICT = 256 };

static const struct option table[] = {
    {"connections", required_argument, NULL, 'c'},
    {"seconds", required_argument, NULL, 's'},
    {"requests", required_argument, NULL, 'n'},
    {"close", no_argument, NULL, '1'},
    {"pause", required_argument, NULL, 'p'},
    {"timeout", required_argument, NULL, 't'},
    {"strict", no_argument, NULL, STRICT},
    {"root", required_argument, NULL, 'r'},
    {"account", required_argument, NULL, 'a'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool parse_number(double *ret, const char *text, double min, double max)
{
    char *end;
    double n = strtod(text, &end);
    if (end != text && *end == '\0' && n >= min && n <= max) {
        *ret = n;
        return true;
    }
    fprintf(stderr, "http_load: '%s' is not a number from %g to %.0f\n", text,
            min, max);
    return false;
}

static bool parse_seconds(hem_ns *ret, const char *text, double min)
{
    double n;
    if (!parse_number(&n, text, min, 1e6))
        return false;
    *ret = (hem_ns)(n * (double)HEM_SEC);
    return true;
}

static bool apply(load_options *o, int option, const char *value)
{
    double n = 0;
    switch (option) {
    case 'c':
        if (!parse_number(&n, value, 1, 1e6))
            return false;
        o->connections = (uint32_t)n;
        return true;
    case 's':
        return parse_seconds(&o->duration, value, 0.001);
    case 'p':
        return parse_seconds(&o->pause, value, 0);
    case 't':
        return parse_seconds(&o->timeout, value, 0.001);
    case '1':
        o->close = true;
        return true;
    case STRICT:
        o->strict = true;
        return true;
    case 'n':
        if (!parse_number(&n, value, 1, 1e15))
            return false;
        o->requests = (uint64_t)n;
        o->duration = 0;
        return true;
    case 'r':
        o->root = value;
        return true;
    case 'a':
        o->account = value;
        return true;
    default: /* getopt has explained */
        return false;
    }
}

/* Returns -1 to go on, else the status to exit with. */
static int parse(load_options *ret, int argc, char **argv)
{
    *ret = (load_options){.connections = 50,
                          .duration = 5 * HEM_SEC,
                          .timeout = 10 * HEM_SEC,
                          .root = "."};
    int option;
    double port;
    while ((option = getopt_long(argc, argv, "c:s:n:1p:t:r:a:h", table,
                                 NULL)) >= 0) {
        if (option == 'h')
            return fputs(help, stdout) < 0;
        if (!apply(ret, option, optarg))
            goto fail;
    }
    if (argc - optind < 3) {
        fprintf(stderr, "http_load: HOST, PORT and PATH are needed\n");
        goto fail;
    }
    if (!parse_number(&port, argv[optind + 1], 1, UINT16_MAX))
        goto fail;
    ret->host = argv[optind];
    ret->port = (uint16_t)port;
    ret->paths = (const char *const *)(argv + optind + 2);
    ret->path_count = (size_t)(argc - optind - 2);
    return -1;
fail:
    fprintf(stderr, "Try 'http_load --help'.\n");
    return 2;
}

/* All connections in one scope, which ends when the last of them does. */
static int run_clients(load *l)
{
    HEM_SCOPE(clients);
    for (uint32_t i = 0; i < l->options.connections; i++)
        HEM_TRY(hem_scope_spawn(&clients, NULL, load_client, l));
    return hem_scope_close(&clients, 0);
}

/* End early, but not within a request. */
static int end_on_signal(void *arg)
{
    load *l = arg;
    hem_signal s;
    HEM_TRY(hem_signal_open(&s, (const int[]){SIGTERM, 0}));
    int rc = hem_signal_wait(&s);
    hem_signal_close(&s);
    l->end = hem_now();
    return rc < 0 ? rc : 0;
}

static int run(void *arg)
{
    load *l = arg;
    l->begin = hem_now();
    l->end =
        l->options.duration > 0 ? l->begin + l->options.duration : HEM_NEVER;
    HEM_SCOPE(watch);
    int rc = hem_scope_spawn(&watch, NULL, load_progress, l);
    if (rc >= 0)
        rc = hem_scope_spawn(&watch, NULL, end_on_signal, l);
    if (rc >= 0)
        rc = run_clients(l);
    hem_scope_abort(&watch, "the load has ended");
    rc = hem_scope_close(&watch, rc);
    hem_ns elapsed = hem_now() - l->begin;
    load_report(l, elapsed);
    if (l->options.account != NULL && !load_write_account(l, elapsed))
        return hem_fail(HEM_EIO, "no account");
    return rc;
}

static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    static load l;
    int status = parse(&l.options, argc, argv);
    if (status >= 0)
        return status;
    allow_descriptors();
    int rc = HEM_EIO;
    if (load_files_open(&l)) {
        rc = hem_run(run, &l, NULL);
        if (rc < 0)
            fprintf(stderr, "http_load: %s\n", hem_strerror(rc));
    }
    load_files_close(&l);
    return !(rc == 0 && load_balances(&l) && load_lost(&l) == 0 &&
             l.account.answered > 0);
}
