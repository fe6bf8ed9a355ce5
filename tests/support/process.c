/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

static int saying = -1; /* in a child */

/* cmocka catches faults, to report them; a child shall die of them. */
static void set_defaults(void)
{
    static const int caught[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
    for (size_t i = 0; i < COUNT_OF(caught); i++)
        signal(caught[i], SIG_DFL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void process_start(struct process *p, int (*fn)(void *arg), void *arg)
{
    int said[2], errors[2];
    if (pipe(said) < 0 || pipe(errors) < 0)
        abort();
    fflush(NULL);
    p->pid = fork();
    if (p->pid < 0)
        abort();
    if (p->pid == 0) {
        close(said[0]);
        close(errors[0]);
        dup2(errors[1], STDERR_FILENO);
        close(errors[1]);
        saying = said[1];
        set_defaults();
        ledger_in_child();
        int status = fn(arg);
        fflush(NULL);
        _exit(status);
    }
    close(said[1]);
    close(errors[1]);
    p->said = said[0];
    p->errors = errors[0];
}

static void read_all(int fd, char *text, size_t room)
{
    size_t used = 0;
    ssize_t n;
    while ((n = read(fd, text + used, room - 1 - used)) != 0) {
        if (n > 0)
            used += (size_t)n;
        else if (errno != EINTR)
            break;
    }
    text[used] = '\0';
}

/* What qemu itself adds when a signal ends the process. */
static void drop_emulator_line(char *text)
{
    char *line = strstr(text, "qemu: uncaught target signal");
    if (in_emulator() && line)
        *line = '\0';
}

void process_end(struct process *p, struct ending *ret)
{
    read_all(p->errors, ret->text, sizeof(ret->text));
    drop_emulator_line(ret->text);
    close(p->errors);
    close(p->said);
    int status = 0;
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    ret->signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    ret->status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

void process_run(int (*fn)(void *arg), void *arg, struct ending *ret)
{
    struct process p;
    process_start(&p, fn, arg);
    process_end(&p, ret);
}

void process_say(char byte)
{
    if (write(saying, &byte, 1) != 1)
        abort();
}

bool process_hear(struct process *p, char *ret)
{
    ssize_t n;
    while ((n = read(p->said, ret, 1)) < 0 && errno == EINTR)
        continue;
    return n == 1;
}

void process_check_aborts(int (*fn)(void *arg), void *arg, const char *part,
                          const char *file, int line)
{
    struct ending e;
    process_run(fn, arg, &e);
    check_equal(e.signo, SIGABRT, "the signal that ended it", file, line);
    check_part(e.text, part, "what it wrote", file, line);
    check_part(e.text, "hem: fatal: ", "what it wrote", file, line);
    const char *newline = strchr(e.text, '\n');
    check_that(newline && !newline[1], "it wrote one line", file, line);
}
