/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP/1.1 server of files: prefork workers, deadlines, a graceful
 * end, and sockets that may be handed from one generation to the next.
 *
 *     http_server --root . --port 8080
 *
 *   http_server/request.c     the head of a request, strictly parsed
 *   http_server/path.c        no path leads out of the directory
 *   http_server/connection.c  a task for each connection, and its deadlines
 *   http_server/answer.c      files, directories, refusals
 *   http_server/response.c, listing.c, text.c, options.c
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <hem.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http_server/connection.h"
#include "http_server/options.h"

struct server {
    http_options options;
    int root; /* descriptor of the directory */
    /* That all workers accept from, and 0 behind them. */
    int sockets[HEM_LISTENER_SOCKETS + 1];
    size_t count; /* of them */
};

struct drain {
    hem_worker *process;
    http_worker *worker;
    hem_listener *listener;
};

/* On the signal to stop, tell the connections, and the listener's end lets
 * hem_serve() wait for those that have something to finish. */
static int drain_on_signal(void *arg)
{
    struct drain *d = arg;
    HEM_TRY(hem_worker_wait(d->process));
    http_worker_drain(d->worker);
    return hem_listener_close(d->listener);
}

static int run_worker(hem_worker *process, void *arg)
{
    const struct server *server = arg;
    const http_options *o = &server->options;
    hem_listener listener;
    HEM_TRY(hem_listen(&listener, NULL, 0,
                       &(hem_listen_options){.fds = server->sockets,
                                             .fd_count = server->count}));
    http_worker worker = {
        .root = server->root,
        .header_timeout = o->header_timeout,
        .idle_timeout = o->idle_timeout,
        .write_timeout = o->write_timeout,
        .linger = o->linger,
    };
    struct drain drain = {process, &worker, &listener};
    HEM_SCOPE(scope);
    int rc = hem_scope_spawn(&scope, NULL, drain_on_signal, &drain);
    if (rc == 0)
        rc = hem_serve(&listener, http_connection_serve, &worker,
                       &(hem_serve_options){
                           .max_connections = o->connections,
                           .grace = o->grace > 0 ? o->grace : -1,
                       });
    rc = hem_scope_close(&scope, rc);
    hem_listener_close(&listener);
    http_worker_deinit(&worker);
    return rc;
}

/* Use the descriptors that the system allows, and no more: a connection needs
 * one, and one more while a large file is sent. */
static void limit_connections(http_options *o)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        getrlimit(RLIMIT_NOFILE, &limit);
    rlim_t most = limit.rlim_cur - limit.rlim_cur / 8;
    if (most < o->connections)
        o->connections = (uint32_t)most;
}

static bool open_root(struct server *s)
{
    s->root = open(s->options.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->root >= 0)
        return true;
    fprintf(stderr, "http_server: cannot serve '%s': %s\n", s->options.root,
            strerror(errno));
    return false;
}

/* Take the sockets that this process was handed, or open one. */
static bool open_sockets(struct server *s)
{
    const http_options *o = &s->options;
    ssize_t n = hem_inherited_sockets(s->sockets, HEM_LISTENER_SOCKETS);
    if (n < 0)
        fprintf(stderr, "http_server: LISTEN_FDS: %s\n", hem_strerror((int)n));
    s->count = n > 0 ? (size_t)n : 1;
    if (n != 0)
        return n > 0;
    int rc = hem_listen_socket(&s->sockets[0], o->bind, o->port, NULL);
    if (rc == HEM_EINVAL)
        fprintf(stderr, "http_server: '%s' is no numeric address\n", o->bind);
    else if (rc < 0)
        fprintf(stderr, "http_server: cannot listen on %s, port %u: %s\n",
                o->bind, (unsigned)o->port, hem_strerror(rc));
    return rc == 0;
}

static bool announce(const struct server *s)
{
    printf("listening on");
    for (size_t i = 0; i < s->count; i++) {
        hem_address a;
        char text[HEM_ADDRESS_TEXT];
        int rc = hem_address_of_socket(&a, s->sockets[i]);
        if (rc < 0) {
            fprintf(stderr, "http_server: LISTEN_FDS, descriptor %d: %s\n",
                    s->sockets[i], hem_strerror(rc));
            return false;
        }
        printf(" http://%s/", hem_address_format(&a, text));
    }
    printf(" (%" PRIu32 " %s)\n", s->options.workers,
           s->options.workers == 1 ? "worker" : "workers");
    return fflush(stdout) == 0;
}

static uint32_t count_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return 1;
    return (uint32_t)CPU_COUNT(&set);
}

int main(int argc, char **argv)
{
    struct server server = {.count = 0};
    int status = http_options_parse(&server.options, argc, argv);
    if (status >= 0)
        return status;
    http_options *o = &server.options;
    if (o->workers == 0)
        o->workers = count_cpus();
    limit_connections(o);
    if (!open_root(&server) || !open_sockets(&server) || !announce(&server))
        return 1;
    int rc = hem_prefork(run_worker, &server,
                         &(hem_prefork_options){
                             .sockets = server.sockets,
                             .num_workers = o->workers,
                             .grace = o->grace + 2 * HEM_SEC,
                             .name = "http_server worker",
                         });
    if (rc < 0)
        fprintf(stderr, "http_server: %s\n", hem_strerror(rc));
    return rc < 0;
}
