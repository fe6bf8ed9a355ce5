/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: http_server [OPTION]...\n"
    "Serve the files of a directory by HTTP/1.1.\n"
    "\n"
    "  -r, --root DIR             the directory (default: .)\n"
    "  -p, --port PORT            0: a free one (default: 8080)\n"
    "  -b, --bind ADDRESS         numeric, IPv4 or IPv6 (default: 127.0.0.1)\n"
    "  -w, --workers N            processes; 0: one for each CPU (default: 0)\n"
    "      --connections N        of each worker at once (default: 16384)\n"
    "      --header-timeout TIME  for the head of a request (default: 10s)\n"
    "      --idle-timeout TIME    between two requests (default: 60s)\n"
    "      --write-timeout TIME   for a client to take 256 KiB (default: 30s)\n"
    "      --grace TIME           for connections to finish (default: 5s)\n"
    "      --linger TIME          for a last request of each (default: 2s)\n"
    "  -h, --help                 this text\n"
    "\n"
    "TIME is a number with ms, s or m behind it; without, of seconds.\n"
    "\n"
    "The first line of the output says where it listens. SIGTERM or SIGINT\n"
    "ends it: each connection is answered once more, and told to close; one\n"
    "that asks for nothing is closed after the time of --linger. What is "
    "under\n"
    "way finishes within the time of --grace, of which --linger is a part.\n"
    "\n"
    "Sockets handed over by LISTEN_FDS and LISTEN_PID, as systemd\n"
    "does, are used instead of --bind and --port. Names that begin with a dot\n"
    "are not served, nor anything that lies outside of the directory.\n"
    "\n"
    "Exit status: 0 after a signal to stop, 1 after a failure (a worker that\n"
    "was killed is one), 2 after a mistake in the command line.\n";

enum {
    CONNECTIONS = 256,
    HEADER_TIMEOUT,
    IDLE_TIMEOUT,
    WRITE_TIMEOUT,
    GRACE,
    LINGER
};

static const struct option table[] = {
    {"root", required_argument, NULL, 'r'},
    {"port", required_argument, NULL, 'p'},
    {"bind", required_argument, NULL, 'b'},
    {"workers", required_argument, NULL, 'w'},
    {"connections", required_argument, NULL, CONNECTIONS},
    {"header-timeout", required_argument, NULL, HEADER_TIMEOUT},
    {"idle-timeout", required_argument, NULL, IDLE_TIMEOUT},
    {"write-timeout", required_argument, NULL, WRITE_TIMEOUT},
    {"grace", required_argument, NULL, GRACE},
    {"linger", required_argument, NULL, LINGER},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool parse_digits(uint64_t *ret, const char *text, char **end)
{
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *ret = strtoull(text, end, 10);
    return errno == 0;
}

static bool parse_number(uint64_t *ret, const char *text, uint64_t max)
{
    char *end;
    uint64_t n;
    if (parse_digits(&n, text, &end) && *end == '\0' && n <= max) {
        *ret = n;
        return true;
    }
    fprintf(stderr, "http_server: '%s' is not a number from 0 to %" PRIu64 "\n",
            text, max);
    return false;
}

static bool parse_time(hem_ns *ret, const char *text)
{
    static const struct {
        const char *name;
        hem_ns value;
    } units[] = {
        {"", HEM_SEC}, {"s", HEM_SEC}, {"ms", HEM_MSEC}, {"m", 60 * HEM_SEC}};
    char *end;
    uint64_t n;
    if (parse_digits(&n, text, &end) && n <= 1000000) {
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
            if (strcmp(end, units[i].name) == 0) {
                *ret = (hem_ns)n * units[i].value;
                return true;
            }
        }
    }
    fprintf(stderr, "http_server: '%s' is not a time: 500ms, 10s, 2m\n", text);
    return false;
}

static bool apply(http_options *o, int option, const char *value)
{
    uint64_t n = 0;
    switch (option) {
    case 'r':
        o->root = value;
        return true;
    case 'b':
        o->bind = value;
        return true;
    case 'p':
        if (!parse_number(&n, value, UINT16_MAX))
            return false;
        o->port = (uint16_t)n;
        return true;
    case 'w':
        if (!parse_number(&n, value, 1024))
            return false;
        o->workers = (uint32_t)n;
        return true;
    case CONNECTIONS:
        if (!parse_number(&n, value, 10000000))
            return false;
        o->connections = n > 0 ? (uint32_t)n : 1;
        return true;
    case HEADER_TIMEOUT:
        return parse_time(&o->header_timeout, value);
    case IDLE_TIMEOUT:
        return parse_time(&o->idle_timeout, value);
    case WRITE_TIMEOUT:
        return parse_time(&o->write_timeout, value);
    case GRACE:
        return parse_time(&o->grace, value);
    case LINGER:
        return parse_time(&o->linger, value);
    default: /* getopt has explained */
        return false;
    }
}

int http_options_parse(http_options *ret, int argc, char **argv)
{
    *ret = (http_options){
        .root = ".",
        .bind = "127.0.0.1",
        .port = 8080,
        .connections = 16384,
        .header_timeout = 10 * HEM_SEC,
        .idle_timeout = 60 * HEM_SEC,
        .write_timeout = 30 * HEM_SEC,
        .grace = 5 * HEM_SEC,
        .linger = 2 * HEM_SEC,
    };
    int option;
    while ((option = getopt_long(argc, argv, "r:p:b:w:h", table, NULL)) >= 0) {
        if (option == 'h')
            return fputs(help, stdout) < 0;
        if (!apply(ret, option, optarg))
            goto fail;
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "http_server: '%s' is no option\n", argv[optind]);
fail:
    fprintf(stderr, "Try 'http_server --help'.\n");
    return 2;
}
