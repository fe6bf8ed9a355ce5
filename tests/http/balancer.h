/* SPDX-License-Identifier: MIT */
/*
 * For tests of services behind a balancer: generations of http_server, each at
 * ports of its own, and a balancer whose configuration is that of packaging/,
 * with these ports, and times that suit a test, in it.
 *
 * A port of a generation is reserved by a socket that is bound to it and never
 * listens: nobody else gets it by chance, and while the generation does not run
 * connections are refused.
 */
#ifndef HTTP_BALANCER_H
#define HTTP_BALANCER_H

#include "load.h"

enum { FRONT_FD = 3, TEXT_MAX = 16 * 1024 };

/* A port that nobody else uses, and that nobody listens at. */
struct reserved {
    int fd;
    uint16_t port;
};

static inline void reserve(struct reserved *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(a);
    int on = 1;
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(r->fd >= 0);
    assert_int_equal(
        setsockopt(r->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(r->fd, (struct sockaddr *)&a, size), 0);
    assert_int_equal(getsockname(r->fd, (struct sockaddr *)&a, &size), 0);
    r->port = ntohs(a.sin_port);
}

/* The place of a generation: one after the other lives there. */
struct place {
    const char *name; /* in the configuration */
    struct reserved serves, admin, agent;
    struct program program;
};

static inline void place_reserve(struct place *p)
{
    reserve(&p->serves);
    reserve(&p->admin);
    reserve(&p->agent);
}

static inline void place_release(struct place *p)
{
    close(p->serves.fd);
    close(p->admin.fd);
    close(p->agent.fd);
}

/* Start a generation there, and wait until it is ready. */
static inline void place_start(struct place *p, const char *root,
                               const char *unready, const char *linger)
{
    char port[8], admin[32], agent[32];
    snprintf(port, sizeof(port), "%u", (unsigned)p->serves.port);
    snprintf(admin, sizeof(admin), "127.0.0.1:%u", (unsigned)p->admin.port);
    snprintf(agent, sizeof(agent), "127.0.0.1:%u", (unsigned)p->agent.port);
    const char *args[] = {
        "--root",    root,    "--port",   port,   "--workers", "2",
        "--admin",   admin,   "--agent",  agent,  "--grace",   "10m",
        "--unready", unready, "--linger", linger, "--verbose", NULL};
    start(&p->program, "http_server", 0, args);
    wait_line(&p->program, "service ready");
}

/* End what a failed test has left there. */
static inline void place_kill(struct place *p)
{
    if (p->program.pid > 0) {
        kill(p->program.pid, SIGKILL);
        wait_end(&p->program);
        forget(&p->program);
    }
}

/* Read a file beneath packaging/ into `ret` of TEXT_MAX bytes. */
static inline void read_packaged(char *ret, const char *name)
{
    const char *source = getenv("HEM_SOURCE_DIR");
    char path[4096];
    snprintf(path, sizeof(path), "%s/packaging/%s", source ? source : ".",
             name);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        fail_msg("%s: %s", path, strerror(errno));
    size_t n = fread(ret, 1, TEXT_MAX - 1, f);
    assert_true(n < TEXT_MAX - 1);
    ret[n] = '\0';
    fclose(f);
}

/* Put `by` in the place of `text`, wherever it is; it must be there. */
static inline void replace(char *config, const char *text, const char *by)
{
    static char copy[TEXT_MAX];
    char *at = strstr(config, text);
    if (at == NULL)
        fail_msg("the configuration has no '%s'", text);
    for (; at != NULL; at = strstr(at + strlen(by), text)) {
        strcpy(copy, at + strlen(text));
        size_t room = TEXT_MAX - (size_t)(at - config);
        int n = snprintf(at, room, "%s%s", by, copy);
        assert_true(n >= 0 && (size_t)n < room);
    }
}

static inline void replace_port(char *config, const char *text, uint16_t port)
{
    char by[64];
    size_t n = strlen(text) - 4; /* its last four are the port in packaging */
    snprintf(by, sizeof(by), "%.*s%u", (int)n, text, (unsigned)port);
    replace(config, text, by);
}

/* In the child: become a balancer, whose listening socket is FRONT_FD. */
static inline void become_balancer(const char *const *argv, int front,
                                   int errors)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    hold_child_signal(SIG_UNBLOCK);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(errors, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    if (dup2(front, FRONT_FD) == FRONT_FD && fcntl(FRONT_FD, F_SETFD, 0) == 0)
        execv(argv[0], (char *const *)argv);
    _exit(127);
}

/* Open the socket at which clients find the balancer, and keep its port. */
static inline int open_front(struct program *p)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(fd, 1024), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    p->port = ntohs(a.sin_port);
    return fd;
}

/* Start a balancer, argv[0] is its path, with this socket as FRONT_FD. */
static inline void balancer_start(struct program *p, int front,
                                  const char *const *argv)
{
    p->errors = memfd_create("errors", MFD_CLOEXEC);
    p->out = open("/dev/null", O_RDONLY | O_CLOEXEC);
    hold_child_signal(SIG_BLOCK);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0)
        become_balancer(argv, front, p->errors);
    close(front);
}

static inline void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

#endif
