/* SPDX-License-Identifier: MIT */
/*
 * hem-trace: runs programs of the .prog language on hem, to see that hem
 * behaves as asyncio and aiotools do.
 *
 *     hem-trace [--seed N] FILE
 *     hem-trace --check [--seed N] [--exact] [--verbose] PATH...
 *
 * The first prints the trace of a program, FILE.prog or FILE.pack:NAME. The
 * second compares the traces of many with the expected ones, as recorded from
 * Python, or, where hem differs deliberately (differences.h), with its own; a
 * PATH is a .prog file with its .trace beside it, a .pack file or one program
 * of it, or a folder. Programs of class
 * `exact`, whose traces depend on the turns of asyncio's loop, are left out
 * without --exact. With --seed, or HEM_SEED in the environment, ready tasks
 * run in an order drawn from the seed, and only programs of class `any` are
 * checked. The language, the traces and the classes: corpus/SPEC.md.
 *
 * Exit status: 0, or 1 if a program failed, 2 if it cannot be run, 3 (of the
 * first form) if it uses what hem does not have yet, 4 if it does not end.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "differences.h"
#include "exec.h"
#include "problem.h"

static int usage(void)
{
    fputs("usage: hem-trace [--seed N] FILE\n"
          "       hem-trace --check [--seed N] [--exact] [--verbose] PATH...\n",
          stderr);
    return EXIT_BAD;
}

/* Run the first program there is; what follows is not reached. */
static void print_trace(void *arg, const struct sample *s)
{
    const struct check *c = arg;
    exec_run(program_parse(&s->source), c->seed);
    exit(EXIT_PASSED);
}

static int check(struct check *c, char **paths, int count)
{
    bool good = check_open(c) && differences_read(HEM_DIFFERENCES);
    for (int i = 0; good && i < count; i++)
        good = corpus_each(paths[i], check_sample, c);
    printf("%d passed, %d failed", c->passed, c->failed);
    if (c->not_yet)
        printf(", %d not in hem yet", c->not_yet);
    putchar('\n');
    if (!good)
        return EXIT_BAD;
    return c->failed ? EXIT_FAILED : EXIT_PASSED;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"check", no_argument, NULL, 'c'},
        {"exact", no_argument, NULL, 'e'},
        {"seed", required_argument, NULL, 's'},
        {"verbose", no_argument, NULL, 'v'},
        {0},
    };
    struct check c = {0};
    bool checking = false;
    const char *seed = getenv("HEM_SEED");
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == '?')
            return usage();
        checking |= o == 'c';
        c.exact |= o == 'e';
        c.verbose |= o == 'v';
        if (o == 's')
            seed = optarg;
    }
    c.seed = seed ? strtoull(seed, NULL, 0) : 0;
    if (checking && optind < argc)
        return check(&c, argv + optind, argc - optind);
    if (checking || optind + 1 != argc)
        return usage();
    (void)corpus_each(argv[optind], print_trace, &c);
    return EXIT_BAD;
}
