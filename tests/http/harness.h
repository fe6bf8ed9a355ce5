/* SPDX-License-Identifier: MIT */
/*
 * For tests of programs that speak HTTP: start one, talk to it through raw
 * sockets, stop it. Whatever waits gives up after PATIENCE_MS and fails the
 * test; what was started dies with the test.
 */
#ifndef HTTP_HARNESS_H
#define HTTP_HARNESS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { PATIENCE_MS = 30000, ARGS_MAX = 32, RECEIVED_MAX = 64 * 1024 };

/* A program under test. */
struct program {
    pid_t pid;
    int out;       /* what it prints: a pipe */
    int errors;    /* and its standard error: a file in memory */
    uint16_t port; /* of a server */
};

/* One end of a connection, with what was received and not yet looked at. */
struct peer {
    int fd;
    size_t used;
    char received[RECEIVED_MAX + 1]; /* a string, for its heads */
};

struct reply {
    int status;
    bool close;
    size_t length; /* Content-Length */
    char head[4096];
    char body[RECEIVED_MAX + 1];
};

/* Write the path of the program `name` into `buf`. False: it was not built. */
static inline bool find_program(char *buf, size_t size, const char *name)
{
    const char *build = getenv("HEM_BUILD_DIR");
    if (build != NULL) {
        snprintf(buf, size, "%s/bin/%s", build, name);
    } else {
        ssize_t n = readlink("/proc/self/exe", buf, size - 1);
        buf[n > 0 ? n : 0] = '\0';
        char *slash = strrchr(buf, '/');
        if (slash != NULL)
            snprintf(slash + 1, size - (size_t)(slash + 1 - buf), "%s", name);
    }
    return access(buf, X_OK) == 0;
}

static inline void wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    int n;
    do
        n = poll(&p, 1, PATIENCE_MS);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        fail_msg("nothing happened for %d ms", PATIENCE_MS);
}

/* Block or unblock the signal that tells of the ends of children. */
static inline sigset_t hold_child_signal(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(how, &set, NULL);
    return set;
}

/* Execute the program, by the emulator where the tests have one. */
static inline void execute(const char *path, const char *const *argv)
{
    const char *words[2 * ARGS_MAX] = {NULL};
    char emulator[256];
    size_t n = 0;
    const char *command = getenv("HEM_TEST_EMULATOR");
    snprintf(emulator, sizeof(emulator), "%s", command ? command : "");
    for (char *word = strtok(emulator, " "); word && n < ARGS_MAX;
         word = strtok(NULL, " "))
        words[n++] = word;
    words[n] = n > 0 ? path : argv[0];
    for (size_t i = 1; argv[i] != NULL; i++)
        words[n + i] = argv[i];
    execvp(n > 0 ? words[0] : path, (char *const *)words);
}

/* In the child: become the program. `socket` above 0 is handed over as
 * systemd does. */
static inline void become(const char *path, const char *const *argv, int out,
                          int errors, int socket)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    hold_child_signal(SIG_UNBLOCK);
    if (dup2(out, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0)
        _exit(126);
    if (socket > 0) {
        char pid[16];
        snprintf(pid, sizeof(pid), "%ld", (long)getpid());
        setenv("LISTEN_FDS", "1", 1);
        setenv("LISTEN_PID", pid, 1);
        if (dup2(socket, 3) < 0 || fcntl(3, F_SETFD, 0) < 0)
            _exit(126);
    }
    execute(path, argv);
    _exit(127);
}

/* Start the program `name` with arguments ended by NULL. */
static inline void start(struct program *p, const char *name, int socket,
                         const char *const *args)
{
    char path[4096];
    assert_true(find_program(path, sizeof(path), name));
    const char *argv[ARGS_MAX] = {name};
    for (size_t i = 0; args[i] != NULL && i < ARGS_MAX - 2; i++)
        argv[i + 1] = args[i];
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    p->errors = memfd_create("errors", MFD_CLOEXEC);
    assert_true(p->errors >= 0);
    hold_child_signal(SIG_BLOCK);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0)
        become(path, argv, ends[1], p->errors, socket);
    close(ends[1]);
    p->out = ends[0];
    p->port = 0;
}

/* Read a line of what it prints. */
static inline void read_line(const struct program *p, char *buf, size_t size)
{
    size_t n = 0;
    while (n + 1 < size) {
        wait_for(p->out, POLLIN);
        if (read(p->out, buf + n, 1) != 1 || buf[n] == '\n')
            break;
        n++;
    }
    buf[n] = '\0';
}

static inline const char *errors_of(const struct program *p);

/* Read lines of what it prints until one begins so. Returns what follows, valid
 * until the next call. */
static inline const char *wait_begin(const struct program *p, const char *text)
{
    static char line[256];
    do {
        read_line(p, line, sizeof(line));
        if (line[0] == '\0')
            fail_msg("no '%s'; %s", text, errors_of(p));
    } while (strncmp(line, text, strlen(text)) != 0);
    return line + strlen(text);
}

/* The same, and nothing follows. */
static inline void wait_line(const struct program *p, const char *text)
{
    const char *rest = wait_begin(p, text);
    if (rest[0] != '\0')
        fail_msg("'%s' with '%s'; %s", text, rest, errors_of(p));
}

/* Return its standard error so far, valid until the next call. */
static inline const char *errors_of(const struct program *p)
{
    static char text[8192];
    ssize_t n = pread(p->errors, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

/* Wait until its standard error has this text. */
static inline void wait_errors(const struct program *p, const char *text)
{
    for (int i = 0; strstr(errors_of(p), text) == NULL; i++) {
        if (i == PATIENCE_MS)
            fail_msg("no '%s' in '%s'", text, errors_of(p));
        poll(NULL, 0, 1);
    }
}

/* Start http_server on a free port, with further arguments. */
static inline void start_server(struct program *p, const char *root, int socket,
                                const char *const *args)
{
    const char *all[ARGS_MAX] = {"--root", root, "--port", "0"};
    for (size_t i = 0; args != NULL && args[i] != NULL; i++)
        all[4 + i] = args[i];
    start(p, "http_server", socket, all);
    char line[256];
    read_line(p, line, sizeof(line));
    unsigned port;
    if (sscanf(line, "listening on http://127.0.0.1:%u/ (", &port) != 1)
        fail_msg("'%s', %s", line, errors_of(p));
    p->port = (uint16_t)port;
}

/* Wait for its end and return its exit status, -signal if it was killed. */
static inline int wait_end(struct program *p)
{
    const struct timespec patience = {.tv_sec = PATIENCE_MS / 1000};
    sigset_t signals = hold_child_signal(SIG_BLOCK);
    int status;
    pid_t pid;
    do /* the signal may be of another child */
        pid = waitpid(p->pid, &status, WNOHANG);
    while (pid == 0 &&
           (sigtimedwait(&signals, NULL, &patience) > 0 || errno == EINTR));
    if (pid != p->pid) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, &status, 0);
        p->pid = 0;
        fail_msg("it does not end: %s", errors_of(p));
    }
    p->pid = 0;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static inline void forget(struct program *p)
{
    close(p->out);
    close(p->errors);
}

/* Send a signal, wait for the end, and return the status as wait_end(). */
static inline int stop(struct program *p, int signo)
{
    kill(p->pid, signo);
    int status = wait_end(p);
    forget(p);
    return status;
}

static inline void peer_open(struct peer *p, uint16_t port)
{
    p->used = 0;
    p->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(p->fd >= 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    assert_int_equal(connect(p->fd, (struct sockaddr *)&a, sizeof(a)), 0);
}

static inline void peer_close(struct peer *p)
{
    close(p->fd);
}

/* Send bytes; the other end may be gone already. */
static inline bool peer_send(struct peer *p, const void *data, size_t n)
{
    const char *at = data;
    while (n > 0) {
        ssize_t sent = send(p->fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN) {
            wait_for(p->fd, POLLOUT);
            continue;
        }
        if (sent < 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

static inline void ask(struct peer *p, const char *text)
{
    assert_true(peer_send(p, text, strlen(text)));
}

/* Receive what has come. False: the end, or a reset. */
static inline bool receive(struct peer *p)
{
    wait_for(p->fd, POLLIN);
    ssize_t n = recv(p->fd, p->received + p->used, RECEIVED_MAX - p->used, 0);
    if (n <= 0)
        return false;
    p->used += (size_t)n;
    p->received[p->used] = '\0';
    return true;
}

static inline void drop(struct peer *p, size_t n)
{
    memmove(p->received, p->received + n, p->used - n + 1);
    p->used -= n;
}

/* Read a response; of one to HEAD the head alone. Bodies of more than
 * RECEIVED_MAX are left to be received. */
static inline void answer(struct peer *p, struct reply *r, bool to_head)
{
    char *end = NULL;
    p->received[p->used] = '\0';
    while ((end = strstr(p->received, "\r\n\r\n")) == NULL)
        if (!receive(p))
            fail_msg("no response, but '%s'", p->received);
    size_t n = (size_t)(end - p->received) + 4;
    assert_true(n < sizeof(r->head));
    memcpy(r->head, p->received, n);
    r->head[n] = '\0';
    drop(p, n);
    r->length = 0;
    assert_int_equal(sscanf(r->head, "HTTP/1.1 %d ", &r->status), 1);
    const char *length = strstr(r->head, "\r\nContent-Length: ");
    if (length != NULL)
        r->length = strtoull(length + 18, NULL, 10);
    r->close = strstr(r->head, "\r\nConnection: close\r\n") != NULL;
    r->body[0] = '\0';
    if (to_head || r->length > RECEIVED_MAX)
        return;
    while (p->used < r->length)
        assert_true(receive(p));
    memcpy(r->body, p->received, r->length);
    r->body[r->length] = '\0';
    drop(p, r->length);
}

/* Nothing more comes, and the connection ends. */
static inline void ends(struct peer *p)
{
    bool more = p->used > 0 || receive(p);
    if (more)
        fail_msg("more came: '%.200s'", p->received);
}

/* One request on a connection of its own; returns the status. */
static inline int ask_once(uint16_t port, const char *text, struct reply *r)
{
    static struct peer p;
    peer_open(&p, port);
    ask(&p, text);
    answer(&p, r, strncmp(text, "HEAD", 4) == 0);
    peer_close(&p);
    return r->status;
}

/* Make a file of `n` bytes out of `data`, or of a pattern if that is NULL. */
static inline void make_file(const char *dir, const char *name,
                             const char *data, size_t n)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++)
        fputc(data != NULL ? data[i] : (int)(i * 7 + i / 251) & 0xff, f);
    assert_int_equal(fclose(f), 0);
}

static inline void remove_tree(const char *dir)
{
    char command[512];
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    if (system(command) != 0)
        fprintf(stderr, "%s is left\n", dir);
}

#endif
