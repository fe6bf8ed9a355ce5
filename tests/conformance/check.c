/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compare.h"
#include "differences.h"
#include "exec.h"
#include "problem.h"

/* Of one program: it is killed, if it deadlocks. */
#define SECONDS_MAX 20

bool check_open(struct check *c)
{
    c->output = tmpfile();
    c->errors = tmpfile();
    if (c->output && c->errors)
        return true;
    fprintf(stderr, "hem-trace: no temporary file: %s\n", strerror(errno));
    return false;
}

/* Run the program in this process, which ends with it. */
_Noreturn static void run(const struct check *c, const struct sample *s)
{
    alarm(SECONDS_MAX);
    if (dup2(fileno(c->output), STDOUT_FILENO) < 0 ||
        dup2(fileno(c->errors), STDERR_FILENO) < 0)
        _exit(EXIT_BAD);
    exec_run(program_parse(&s->source), c->seed);
    fflush(stdout);
    _exit(EXIT_PASSED);
}

static bool clear(FILE *f)
{
    int fd = fileno(f);
    return lseek(fd, 0, SEEK_SET) == 0 && ftruncate(fd, 0) == 0;
}

/* All that a program wrote, to be freed. */
static char *contents(FILE *f)
{
    struct stat st;
    if (fstat(fileno(f), &st) < 0)
        abort();
    char *text = calloc(1, (size_t)st.st_size + 1);
    if (!text)
        abort();
    if (pread(fileno(f), text, (size_t)st.st_size, 0) != st.st_size)
        text[0] = '\0';
    return text;
}

static void say_failed(struct check *c, const struct sample *s,
                       const char *errors)
{
    c->failed++;
    printf("FAILED %s\n%s", s->name, errors);
}

static void say_passed(struct check *c, const struct sample *s, const char *how)
{
    c->passed++;
    if (c->verbose)
        printf("passed %s%s\n", s->name, how);
}

static void say_different(struct check *c, const struct sample *s,
                          const struct difference *d)
{
    say_failed(c, s, "");
    printf("  expected: %s\n", d->expected ? d->expected : "(nothing)");
    printf("  got:      %s\n", d->got ? d->got : "(nothing)");
}

static void compare(struct check *c, const struct sample *s, const char *trace)
{
    /* The order of tasks is what a seed draws. */
    bool strict = s->strict && !c->seed;
    const char *own = differences_find(s);
    struct difference d = {0};
    bool obsolete = own && traces_equal(s->trace, trace, strict, &d);
    difference_free(&d);
    if (obsolete)
        say_failed(c, s, "  does not differ from the recorded trace\n");
    else if (traces_equal(own ? own : s->trace, trace, strict, &d))
        say_passed(c, s, own ? ", in its own way" : "");
    else
        say_different(c, s, &d);
    difference_free(&d);
}

static void judge(struct check *c, const struct sample *s, int status)
{
    char *trace = contents(c->output);
    char *errors = contents(c->errors);
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PASSED) {
        compare(c, s, trace);
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_YET) {
        c->not_yet++;
        if (c->verbose)
            printf("not yet %s\n%s", s->name, errors);
    } else {
        say_failed(c, s, errors);
        if (WIFSIGNALED(status))
            printf("  %s\n", WTERMSIG(status) == SIGALRM
                                 ? "took too long, or waits for nothing"
                                 : strsignal(WTERMSIG(status)));
    }
    free(errors);
    free(trace);
}

static bool left_out(const struct check *c, const struct sample *s)
{
    if (c->seed)
        return s->order_class != CLASS_ANY;
    return s->order_class == CLASS_EXACT && !c->exact;
}

void check_sample(void *arg, const struct sample *s)
{
    struct check *c = arg;
    if (!s->trace) {
        say_failed(c, s, "  there is no expected trace\n");
        return;
    }
    if (left_out(c, s))
        return;
    fflush(NULL);
    pid_t pid = clear(c->output) && clear(c->errors) ? fork() : -1;
    if (pid == 0)
        run(c, s);
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) < 0)
        say_failed(c, s, "  could not be run\n");
    else
        judge(c, s, status);
}
