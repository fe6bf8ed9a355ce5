/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a value is, and as what it is kept. */
enum kind {
    TEXT,    /* const char * */
    NUMBER,  /* uint64_t, up to `max` */
    SIZE,    /* uint64_t, of bytes */
    TIME,    /* hem_ns */
    RESTART, /* uint64_t: hem_restart */
    FLAG,    /* bool, without a value */
    HELP
};

struct item {
    enum kind kind;
    char letter; /* 0: none */
    size_t offset;
    uint64_t max;
    const char *name, *value, *help;
};

#define AT(member) offsetof(http_options, member)

static const struct item items[] = {
    {TEXT, 'r', AT(root), 0, "root", "DIR", "the directory (default: .)"},
    {NUMBER, 'p', AT(port), UINT16_MAX, "port", "PORT",
     "0: a free one (default: 8080)"},
    {TEXT, 'b', AT(bind), 0, "bind", "ADDRESS",
     "numeric, or unix:PATH (default: 127.0.0.1)"},
    {NUMBER, 0, AT(connections), 10000000, "connections", "N",
     "of each worker at once (default: 16384)"},
    {TIME, 0, AT(header_timeout), 0, "header-timeout", "TIME",
     "for the head of a request (default: 10s)"},
    {TIME, 0, AT(idle_timeout), 0, "idle-timeout", "TIME",
     "between two requests (default: 60s)"},
    {TIME, 0, AT(write_timeout), 0, "write-timeout", "TIME",
     "for a client to take 256 KiB (default: 30s)\n"},
    {NUMBER, 'w', AT(workers), 1024, "workers", "N",
     "0: one for each CPU (default: 0)"},
    {FLAG, 0, AT(threads), 0, "threads", NULL, "for workers, not processes"},
    {FLAG, 0, AT(pin_cpus), 0, "pin-cpus", NULL, "a CPU for each worker"},
    {RESTART, 0, AT(restart), 0, "restart", "POLICY",
     "when one fails: always, ignore, stop (default:\n"
     "always)"},
    {TIME, 0, AT(heartbeat), 0, "heartbeat", "TIME",
     "then a worker is stuck; 0: never (default: 0)"},
    {NUMBER, 0, AT(max_requests), UINT64_MAX, "max-requests", "N",
     "then one is replaced; 0: never (default: 0)"},
    {SIZE, 0, AT(max_memory), 0, "max-memory", "SIZE",
     "then one is replaced; 0: never (default: 0)\n"},
    {TIME, 0, AT(unready), 0, "unready", "TIME",
     "for balancers to notice the end (default: 0)"},
    {TIME, 0, AT(linger), 0, "linger", "TIME",
     "for a last request of each client (default: 2s)"},
    {TIME, 0, AT(grace), 0, "grace", "TIME",
     "for connections to finish (default: 5s)\n"},
    {TEXT, 0, AT(pid_file), 0, "pid-file", "FILE", "written, and locked"},
    {TEXT, 'u', AT(user), 0, "user", "NAME", "that workers become"},
    {TEXT, 'g', AT(group), 0, "group", "NAME", "of it (default: the user's)"},
    {TEXT, 0, AT(admin), 0, "admin", "ADDRESS",
     "of /livez, /readyz and /metrics"},
    {TEXT, 0, AT(agent), 0, "agent", "ADDRESS", "of HAProxy's agent-check"},
    {FLAG, 'v', AT(verbose), 0, "verbose", NULL, "say what happens to workers"},
    {HELP, 'h', 0, 0, "help", NULL, "this text"},
};

enum { ITEMS = sizeof(items) / sizeof(items[0]) };

static const char epilogue[] =
    "\n"
    "TIME is a number with ms, s or m behind it; without, of seconds. SIZE is\n"
    "one with K, M or G behind it; without, of bytes.\n"
    "\n"
    "The first line of the output says where it listens. Sockets handed over "
    "by\n"
    "LISTEN_FDS and LISTEN_PID, as systemd does, are used instead of --bind "
    "and\n"
    "--port. Names that begin with a dot are not served, nor anything that "
    "lies\n"
    "outside of the directory.\n"
    "\n"
    "SIGTERM or SIGINT ends it: /readyz says so for the time of --unready; "
    "then\n"
    "each connection is answered once more, and told to close; one that asks\n"
    "for nothing is closed after the time of --linger. What is under way\n"
    "finishes within the time of --grace, of which --linger is a part. SIGHUP\n"
    "opens the directory anew and replaces the workers one by one, SIGUSR2 "
    "the\n"
    "program; SIGTTIN and SIGTTOU make workers more and fewer.\n"
    "\n"
    "Exit status: 0 after a signal to stop, 1 after a failure (a worker that\n"
    "was killed is one), 2 after a mistake in the command line.\n";

/* Print `help`, and further lines of it beneath the first. */
static void print_item(const struct item *o)
{
    char left[32], letter[5] = "    ";
    if (o->letter != 0)
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    snprintf(left, sizeof(left), "--%s %s", o->name, o->value ? o->value : "");
    printf("  %s%-22s ", letter, left);
    for (const char *at = o->help; *at != '\0'; at++) {
        putchar(*at);
        if (*at == '\n' && at[1] != '\0')
            printf("%29s", "");
    }
    putchar('\n');
}

static int print_help(void)
{
    puts("Usage: http_server [OPTION]...\n"
         "Serve the files of a directory by HTTP/1.1.\n");
    for (size_t i = 0; i < ITEMS; i++)
        print_item(&items[i]);
    fputs(epilogue, stdout);
    return fflush(stdout) < 0;
}

struct unit {
    const char *name;
    int64_t value;
};

/* Parse a number with one of four units behind it. */
static bool parse_unit(int64_t *ret, const char *text, const struct unit *units)
{
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    uint64_t n = strtoull(text, &end, 10);
    for (size_t i = 0; errno == 0 && i < 4; i++)
        if (strcmp(end, units[i].name) == 0)
            return !__builtin_mul_overflow(n, units[i].value, ret);
    return false;
}

static bool parse_time(hem_ns *ret, const char *text)
{
    static const struct unit units[] = {
        {"", HEM_SEC}, {"s", HEM_SEC}, {"ms", HEM_MSEC}, {"m", 60 * HEM_SEC}};
    if (parse_unit(ret, text, units) && *ret <= 100000000 * HEM_SEC)
        return true;
    fprintf(stderr, "http_server: '%s' is not a time: 500ms, 10s, 2m\n", text);
    return false;
}

static bool parse_size(uint64_t *ret, const char *text)
{
    static const struct unit units[] = {
        {"", 1}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}};
    int64_t n;
    if (parse_unit(&n, text, units)) {
        *ret = (uint64_t)n;
        return true;
    }
    fprintf(stderr, "http_server: '%s' is not a size: 500K, 100M, 1G\n", text);
    return false;
}

static bool parse_number(uint64_t *ret, const char *text, uint64_t max)
{
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 &&
        n <= max) {
        *ret = n;
        return true;
    }
    fprintf(stderr, "http_server: '%s' is not a number from 0 to %" PRIu64 "\n",
            text, max);
    return false;
}

static bool parse_restart(uint64_t *ret, const char *text)
{
    static const char *const names[] = {[HEM_RESTART_STOP] = "stop",
                                        [HEM_RESTART_IGNORE] = "ignore",
                                        [HEM_RESTART_ALWAYS] = "always"};
    for (*ret = 0; *ret < 3; ++*ret)
        if (strcmp(text, names[*ret]) == 0)
            return true;
    fprintf(stderr, "http_server: '%s' is not always, ignore or stop\n", text);
    return false;
}

static bool apply(http_options *o, const struct item *item, const char *value)
{
    void *at = (char *)o + item->offset;
    switch (item->kind) {
    case TEXT:
        *(const char **)at = value;
        return true;
    case NUMBER:
        return parse_number(at, value, item->max);
    case SIZE:
        return parse_size(at, value);
    case TIME:
        return parse_time(at, value);
    case RESTART:
        return parse_restart(at, value);
    default:
        *(bool *)at = true;
        return true;
    }
}

/* Fill in getopt's tables. An option's number is that of its item, from 256 on,
 * so that it is no letter. */
static void make_tables(struct option *table, char *letters)
{
    for (size_t i = 0; i < ITEMS; i++) {
        int takes = items[i].value != NULL ? required_argument : no_argument;
        table[i] = (struct option){items[i].name, takes, NULL, 256 + (int)i};
        if (items[i].letter != 0)
            *letters++ = items[i].letter;
        if (items[i].letter != 0 && items[i].value != NULL)
            *letters++ = ':';
    }
}

static const struct item *item_of(int option)
{
    if (option >= 256)
        return &items[option - 256];
    for (size_t i = 0; i < ITEMS; i++)
        if (items[i].letter == option)
            return &items[i];
    return NULL;
}

int http_options_parse(http_options *ret, int argc, char **argv)
{
    struct option table[ITEMS + 1] = {{NULL, 0, NULL, 0}};
    char letters[2 * ITEMS + 1] = "";
    make_tables(table, letters);
    *ret = (http_options){
        .root = ".",
        .bind = "127.0.0.1",
        .port = 8080,
        .connections = 16384,
        .header_timeout = 10 * HEM_SEC,
        .idle_timeout = 60 * HEM_SEC,
        .write_timeout = 30 * HEM_SEC,
        .restart = HEM_RESTART_ALWAYS,
        .linger = 2 * HEM_SEC,
        .grace = 5 * HEM_SEC,
    };
    int option;
    while ((option = getopt_long(argc, argv, letters, table, NULL)) >= 0) {
        const struct item *item = option == '?' ? NULL : item_of(option);
        if (item != NULL && item->kind == HELP)
            return print_help();
        if (item == NULL || !apply(ret, item, optarg))
            goto fail; /* getopt has explained, or apply() */
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "http_server: '%s' is no option\n", argv[optind]);
fail:
    fprintf(stderr, "Try 'http_server --help'.\n");
    return 2;
}
