/* SPDX-License-Identifier: MIT */
#include "peer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "io/stream.h"
#include "support.h"

void peer_need(const char *const *programs)
{
    for (; *programs; programs++) {
        if (access(*programs, X_OK) == 0)
            continue;
        fprintf(stderr, "skipped: there is no %s\n", *programs);
        exit(77);
    }
}

struct body {
    hem_fn *fn;
};

static int run_body(void *arg)
{
    struct body *b = arg;
    return hem_wait_for(b->fn, NULL, 60 * HEM_SEC);
}

int peer_run(hem_fn *fn)
{
    struct body b = {fn};
    return hem_run(run_body, &b,
                   &(hem_run_options){.on_report = report_record});
}

static int become(void *arg)
{
    struct peer *p = arg;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int waste = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (!getenv("HEM_TEST_PEERS"))
        dup2(waste, STDERR_FILENO);
    dup2(p->socket, STDIN_FILENO);
    dup2(p->socket, STDOUT_FILENO);
    execv(p->argv[0], (char *const *)(uintptr_t)p->argv);
    return 127;
}

void peer_start(struct peer *p, const char *const *argv)
{
    int ends[2];
    *p = (struct peer){.argv = argv};
    check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    check_int(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    check_int(hem__stream_init(hem_loop_current(), &p->io, ends[0], 0), 0);
    p->socket = ends[1];
    check_int(hem_fork(&p->child, become, p, NULL), 0);
    close(p->socket);
}

void peer_line(struct peer *p, char *ret, size_t size)
{
    char *line = NULL;
    ssize_t n = hem_stream_read_line(&p->io, &line);
    check(n >= 0 && (size_t)n < size);
    if (n > 0 && line[n - 1] == '\n')
        n--;
    snprintf(ret, size, "%.*s", n > 0 ? (int)n : 0, line ? line : "");
}

void peer_say(struct peer *p, const char *text)
{
    check_int(hem_stream_write(&p->io, text, strlen(text)),
              (long long)strlen(text));
}

void peer_finish(struct peer *p)
{
    check_int(hem_stream_shutdown_write(&p->io), 0);
}

int peer_end(struct peer *p)
{
    hem_child_status status = {.exit_code = -1};
    check_int(hem_child_wait(&p->child, &status), 0);
    hem_child_close(&p->child);
    check_int(hem_stream_close(&p->io), 0);
    return status.exit_code;
}

const char *peer_port(uint16_t port)
{
    static char text[8];
    snprintf(text, sizeof(text), "%u", port);
    return text;
}
