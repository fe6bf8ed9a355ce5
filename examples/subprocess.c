/* SPDX-License-Identifier: MIT */
/* Subprocesses: programs, commands for the shell, and what they print. */
#include <hem.h>
#include <stdio.h>

#define PIPES .out = HEM_PIPE, .err = HEM_PIPE

static int list(void)
{
    char *argv[] = {"ls", "-d", "/dev/null", "/", NULL};
    hem_subprocess_output o;
    hem_subprocess_run_options r = {.start = {PIPES}, .check = true};
    int rc = hem_subprocess_run(argv, &r, &o);
    if (rc == 0)
        printf("%s", o.out);
    hem_subprocess_output_free(&o);
    return rc;
}

/* The same, step by step, by the shell. */
static int shell(const char *command)
{
    HEM_SUBPROCESS(p); /* killed if the block is left early */
    HEM_TRY(
        hem_subprocess_shell(&p, command, &(hem_subprocess_options){PIPES}));
    hem_subprocess_output o;
    int rc = hem_subprocess_communicate(&p, NULL, 0, &o, NULL);
    if (rc == 0)
        printf("[%s] exited with %d: %s", command, o.status.exit_code,
               o.out ? o.out : o.err);
    hem_subprocess_output_free(&o);
    return rc;
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_TRY(list());
    HEM_TRY(shell("TZ=UTC date -d @0 +%F"));
    HEM_TRY(shell("echo 'out of paper' >&2; exit 3"));
    char *argv[] = {"/no/such/program", NULL};
    if (hem_subprocess_run(argv, NULL, NULL) < 0)
        puts(hem_failure()->message);
    return 0;
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     /
 *     /dev/null
 *     [TZ=UTC date -d @0 +%F] exited with 0: 1970-01-01
 *     [echo 'out of paper' >&2; exit 3] exited with 3: out of paper
 *     cannot execute the program "/no/such/program": No such file or directory
 */
