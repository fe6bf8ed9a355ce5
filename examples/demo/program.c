/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "program.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ACCOUNT_FD = 4, ABOVE = 10 };

/* In the child: give it its descriptors and become the program. */
static int become(void *arg)
{
    program *p = arg;
    if (p->account > 0 && dup2(p->account, ACCOUNT_FD) < 0)
        return -errno;
    if (p->output > 0 && dup2(p->output, STDOUT_FILENO) < 0)
        return -errno;
    execvp(p->argv[0], (char *const *)p->argv);
    fprintf(stderr, "demo: cannot run %s: %s\n", p->argv[0], strerror(errno));
    return -errno;
}

static int watch(void *arg)
{
    program *p = arg;
    HEM_TRY(hem_child_wait(&p->child, &p->status));
    p->ended = hem_now();
    return 0;
}

int program_start(program *p, hem_scope *s)
{
    fflush(NULL); /* else the child inherits what is not yet written */
    HEM_TRY(hem_fork(&p->child, become, p, NULL));
    p->is_started = true;
    p->began = hem_now();
    return hem_scope_spawn(s, &p->watch, watch, p);
}

int program_wait(program *p)
{
    HEM_TRY(hem_await(p->watch));
    return p->status.exit_code == 0 ? 0 : HEM_EEXITED;
}

void program_close(program *p)
{
    if (p->is_started)
        hem_child_close(&p->child);
    p->is_started = false;
}

int program_move_up(int fd)
{
    int up = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE);
    int rc = up >= 0 ? up : -errno;
    close(fd);
    return rc;
}

int program_make_file(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    return fd >= 0 ? program_move_up(fd) : -errno;
}
