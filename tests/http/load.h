/* SPDX-License-Identifier: MIT */
/*
 * http_load, run by a test, and the account that it leaves. The files that it
 * asks for are those of load_make_files().
 */
#ifndef HTTP_LOAD_H
#define HTTP_LOAD_H

#include <sys/un.h>

#include "harness.h"

/* Words of an account that are counts of requests, each once. */
#define LOAD_LOSSES "refused", "reset", "partial", "timeout", "wrong"

enum { LOAD_CONNECTIONS = 32 };

static inline void load_make_files(const char *root)
{
    make_file(root, "a.txt", "hello\n", 6);
    make_file(root, "b.bin", NULL, 100000);
}

static inline const char *load_account(const char *root)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/account", root);
    return path;
}

/* Start it against a port, with further arguments ended by NULL. */
static inline void load_start(struct program *p, const char *root,
                              uint16_t port, const char *const *args)
{
    char number[8];
    snprintf(number, sizeof(number), "%u", (unsigned)port);
    const char *all[ARGS_MAX] = {"--root",           root,        "--account",
                                 load_account(root), "--timeout", "60"};
    size_t n = 6;
    while (args != NULL && *args != NULL && n < ARGS_MAX - 5)
        all[n++] = *args++;
    all[n++] = "127.0.0.1";
    all[n++] = number;
    all[n++] = "a.txt";
    all[n++] = "b.bin";
    start(p, "http_load", 0, all);
}

/* What it wrote under this name, once it has ended. */
static inline uint64_t load_counted(const char *root, const char *name)
{
    FILE *f = fopen(load_account(root), "r");
    assert_non_null(f);
    char key[32];
    unsigned long long value;
    bool found = false;
    while (!found && fscanf(f, "%31s %llu", key, &value) == 2)
        found = strcmp(key, name) == 0;
    fclose(f);
    assert_true(found);
    return value;
}

/* Wait for its end, and see that each request is accounted for. Returns its
 * exit status. */
static inline int load_wait(struct program *p, const char *root)
{
    static const char *const losses[] = {LOAD_LOSSES};
    int status = wait_end(p);
    uint64_t lost = 0;
    for (size_t i = 0; i < COUNT_OF(losses); i++)
        lost += load_counted(root, losses[i]);
    assert_int_equal(load_counted(root, "lost"), lost);
    assert_int_equal(load_counted(root, "sent"),
                     load_counted(root, "answered") + lost);
    if (status != 0)
        fprintf(stderr, "%s", errors_of(p));
    forget(p);
    return status;
}

/* Have it end after the requests under way, and expect that none was lost.
 * Returns how many there were. */
static inline uint64_t load_end(struct program *p, const char *root)
{
    kill(p->pid, SIGTERM);
    int status = load_wait(p, root);
    assert_int_equal(load_counted(root, "lost"), 0);
    assert_int_equal(status, 0);
    return load_counted(root, "answered");
}

/* Start a server with two workers, an option, and an admin listener. */
static inline void service_start_with(struct program *server, const char *root,
                                      const char *option, const char *value)
{
    char admin[128];
    snprintf(admin, sizeof(admin), "unix:%s/admin", root);
    const char *serve[] = {"--workers", "2",   "--grace",   "10m",
                           "--admin",   admin, "--verbose", option,
                           value,       NULL};
    start_server(server, root, 0, serve);
    wait_line(server, "service ready");
}

/* Start one, and a load on it for as long as it is wanted. */
static inline void service_start(struct program *server, struct program *load,
                                 const char *root, const char *option)
{
    const char *args[] = {
        "--seconds", "3600", "--connections", "32", "--strict", option, NULL};
    service_start_with(server, root, NULL, NULL);
    load_start(load, root, server->port, args);
}

/* The value of a metric of the service's, of the series that begins so. */
static inline uint64_t service_metric(const char *root, const char *series)
{
    static struct peer p;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/admin", root);
    assert_true(n > 0 && (size_t)n < sizeof(a.sun_path));
    p.used = 0;
    p.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(p.fd, (struct sockaddr *)&a, sizeof(a)), 0);
    ask(&p, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    while (receive(&p))
        ;
    peer_close(&p);
    char name[96];
    snprintf(name, sizeof(name), "\n%s ", series);
    const char *at = strstr(p.received, name);
    if (at == NULL)
        fail_msg("no %s in '%s'", series, p.received);
    return strtoull(at + strlen(name), NULL, 10);
}

/* Wait until it has this value: a response is counted when it has been sent, a
 * moment after it was received. */
static inline void service_wait_metric(const char *root, const char *series,
                                       uint64_t value)
{
    uint64_t now = 0;
    for (int i = 0; i < PATIENCE_MS; i++) {
        now = service_metric(root, series);
        if (now == value)
            return;
        poll(NULL, 0, 1);
    }
    fail_msg("%s is %lu, not %lu", series, (unsigned long)now,
             (unsigned long)value);
}

/* Stop it, and expect that all is well. */
static inline void service_stop(struct program *server)
{
    kill(server->pid, SIGTERM);
    int status = wait_end(server);
    if (status != 0)
        fail_msg("%d: %s", status, errors_of(server));
    forget(server);
}

#endif
