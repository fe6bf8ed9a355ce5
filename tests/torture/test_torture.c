/* SPDX-License-Identifier: MIT */
/*
 * test_torture [--full | --shallow N] [--seed N] [SCENARIO...]
 *
 * The scenarios named, or all. Of the calls from one place in the code, N are
 * made to fail for each error and mode, or all. Prints what goes wrong, with
 * the HEM_FAULT that shows it again: with that in the environment the scenario
 * runs here, in this process, fit for a debugger.
 */
#include "runner.h"

/* The sanitizers take their time. */
#define SHALLOW   (SANITIZED ? 1 : 4)
#define CALLS_MAX 400000

/* clang-format off */
const struct scenario scenarios[] = {
    {"tasks",   scenario_tasks},
    {"spawns",  scenario_spawns},
    {"flow",    scenario_flow},
    {"threads", scenario_threads},
    {"disk", scenario_disk},
    {"signals", scenario_signals},
    {"serve",   scenario_serve},
    {"crowded", scenario_crowded},
    {"drain",   scenario_drain},
    {"addresses", scenario_addresses},
    {"names",   scenario_names},
    {"files",   scenario_files},
    {"datagrams", scenario_datagrams},
    {"pipes",   scenario_pipes},
    {"fork",    scenario_fork},
    {"subprocess", scenario_subprocess},
    {"upgrade", scenario_upgrade},
    {"prefork", scenario_prefork},
    {"daemon",  scenario_daemon},
};
/* clang-format on */
const size_t scenario_count = COUNT_OF(scenarios);

struct options {
    size_t each; /* runs of a place, error and mode; 0: all */
    uint64_t seed;
    char **names; /* ended by NULL; none: all */
};

static const struct scenario *find(const char *name)
{
    for (size_t i = 0; i < scenario_count; i++) {
        if (strcmp(scenarios[i].name, name) == 0)
            return &scenarios[i];
    }
    return NULL;
}

static void usage(void)
{
    fprintf(stderr, "usage: test_torture [--full | --shallow N] [--seed N] "
                    "[SCENARIO...]\nscenarios:");
    for (size_t i = 0; i < scenario_count; i++)
        fprintf(stderr, " %s", scenarios[i].name);
    fputc('\n', stderr);
    exit(2);
}

static void parse(struct options *o, char **argv)
{
    *o = (struct options){.each = SHALLOW, .seed = 1};
    for (; *argv && **argv == '-'; argv++) {
        if (strcmp(*argv, "--full") == 0)
            o->each = 0;
        else if (strcmp(*argv, "--shallow") == 0 && argv[1])
            o->each = strtoull(*++argv, NULL, 10);
        else if (strcmp(*argv, "--seed") == 0 && argv[1])
            o->seed = strtoull(*++argv, NULL, 0);
        else
            usage();
    }
    o->names = argv;
    for (; *argv; argv++) {
        if (!find(*argv))
            usage();
    }
}

static bool wanted(const struct options *o, const struct scenario *s)
{
    for (char **name = o->names; *name; name++) {
        if (find(*name) == s)
            return true;
    }
    return !*o->names;
}

static void print_tally(const char *name, const struct tally *t)
{
    printf("%-8s %6zu runs, %6zu with failures, %6zu clean", name, t->runs,
           t->fired, t->by_outcome[RUN_CLEAN]);
    for (int o = RUN_CLEAN + 1; o < RUN_OUTCOMES; o++) {
        if (t->by_outcome[o])
            printf(", %zu %s", t->by_outcome[o], outcome_name((enum outcome)o));
    }
}

static void torture(const struct options *o, const struct scenario *s,
                    struct tally *total)
{
    struct record *calls = record_create(CALLS_MAX);
    struct tally t = {0};
    struct plan p = {0};
    if (runner_count(s, calls)) {
        plan_make(&p, s, calls, o->each, o->seed);
        runner_run(&p, &t);
    } else {
        t.by_outcome[RUN_WRONG] = t.runs = 1;
    }
    print_tally(s->name, &t);
    printf("; %u calls from %zu places\n", calls->call_count, p.sites);
    fflush(stdout);
    total->runs += t.runs;
    total->fired += t.fired;
    for (int i = 0; i < RUN_OUTCOMES; i++)
        total->by_outcome[i] += t.by_outcome[i];
    plan_free(&p);
    record_destroy(calls);
}

int main(int argc, char **argv)
{
    (void)argc;
    struct options o;
    parse(&o, argv + 1);
    if (getenv("HEM_FAULT")) {
        if (!*o.names || o.names[1])
            usage();
        return runner_replay(find(*o.names));
    }
    struct tally total = {0};
    for (size_t i = 0; i < scenario_count; i++) {
        if (wanted(&o, &scenarios[i]))
            torture(&o, &scenarios[i], &total);
    }
    print_tally("all", &total);
    putchar('\n');
    return total.by_outcome[RUN_CLEAN] != total.runs;
}
