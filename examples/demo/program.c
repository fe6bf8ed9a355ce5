/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SOCKET_FD = 3, ACCOUNT_FD = 4, ABOVE = 10, LINE_TIME_MS = 10000 };

/* In the child: give it its descriptors and become the program. */
static int become(void *arg)
{
    program *p = arg;
    if (p->socket > 0) {
        char pid[16];
        snprintf(pid, sizeof(pid), "%ld", (long)getpid());
        if (dup2(p->socket, SOCKET_FD) < 0 ||
            setenv("LISTEN_FDS", "1", 1) < 0 ||
            setenv("LISTEN_PID", pid, 1) < 0)
            return -errno;
    }
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

int program_tell(program *p)
{
    p->told = hem_now();
    return hem_child_send_signal(&p->child, SIGTERM);
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

/* On a thread: a pipe is no stream, and this wait is a short one. */
static int read_line(void *arg)
{
    int fd = *(const int *)arg;
    char c = '\0';
    while (c != '\n') {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int n = poll(&p, 1, LINE_TIME_MS);
        if (n == 0)
            return HEM_ETIMEDOUT;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0 && read(fd, &c, 1) <= 0)
            return HEM_EINCOMPLETE;
    }
    return 0;
}

int program_wait_line(int fd)
{
    return hem_thread_call(read_line, &fd, NULL);
}
