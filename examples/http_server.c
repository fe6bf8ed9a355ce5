/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP/1.1 server of files, and a whole service: prefork workers that
 * are watched, replaced and upgraded under load, deadlines, a graceful end,
 * metrics. docs/services.md says how to run it.
 *
 *     http_server --root . --port 8080 --admin 127.0.0.1:9100
 *
 *   http_server/request.c     the head of a request, strictly parsed
 *   http_server/path.c        no path leads out of the directory
 *   http_server/connection.c  a task for each connection, and its deadlines
 *   http_server/answer.c      files, directories, refusals
 *   http_server/response.c, listing.c, text.c
 *   http_server/options.c, sockets.c, metrics.c, events.c
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <hem.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "http_server/connection.h"
#include "http_server/events.h"
#include "http_server/metrics.h"
#include "http_server/options.h"
#include "http_server/sockets.h"

struct server {
    http_options options;
    http_sockets sockets;
    int root; /* descriptor of the directory */
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

static int serve(hem_listener *l, http_worker *w, const http_options *o)
{
    struct drain drain = {w->process, w, l};
    HEM_SCOPE(scope);
    HEM_TRY(hem_scope_spawn(&scope, NULL, drain_on_signal, &drain));
    int rc = hem_serve(l, http_connection_serve, w,
                       &(hem_serve_options){
                           .max_connections = (uint32_t)o->connections,
                           .grace = o->grace > 0 ? o->grace : -1,
                       });
    return hem_scope_close(&scope, rc);
}

static int run_worker(hem_worker *process, void *arg)
{
    const struct server *server = arg;
    const http_options *o = &server->options;
    HEM_LISTENER(listener);
    HEM_TRY(http_sockets_listen(&server->sockets, &listener, o->threads));
    /* Its own: the parent's becomes another one when it reloads. */
    int root = fcntl(server->root, F_DUPFD_CLOEXEC, 3);
    if (root < 0)
        return hem_fail(-errno, "no descriptor for the directory");
    http_worker worker = {
        .process = process,
        .root = root,
        .header_timeout = o->header_timeout,
        .idle_timeout = o->idle_timeout,
        .write_timeout = o->write_timeout,
        .linger = o->linger,
    };
    int rc = serve(&listener, &worker, o);
    http_worker_deinit(&worker);
    close(root);
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
        o->connections = most;
}

static int open_root(const http_options *o)
{
    int fd = open(o->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    int rc = -errno;
    fprintf(stderr, "http_server: cannot serve '%s': %s\n", o->root,
            hem_strerror(rc));
    return rc;
}

/* The directory may be a link to the latest of several: it is opened anew, and
 * the workers that are started next serve it. */
static int reload(void *arg)
{
    struct server *s = arg;
    int fd = open_root(&s->options);
    HEM_TRY(fd);
    int rc = dup3(fd, s->root, O_CLOEXEC) < 0 ? -errno : 0;
    close(fd);
    return rc;
}

/* The steps of the end: `unready`; then connections have `grace`; a second
 * later the main tasks of workers are cancelled, one more and they are
 * killed. */
static hem_prefork_options service_of(struct server *s)
{
    const http_options *o = &s->options;
    return (hem_prefork_options){
        .sockets = s->sockets.fds,
        .num_workers = (uint32_t)o->workers,
        .threads = o->threads,
        .pin_cpus = o->pin_cpus,
        .name = "http_server worker",
        .unready = o->unready,
        .grace = o->grace + 2 * HEM_SEC,
        .cancel = HEM_SEC,
        .restart = (hem_restart)o->restart,
        .heartbeat = o->heartbeat,
        .max_requests = o->max_requests,
        .max_requests_jitter = o->max_requests / 8,
        .max_memory = o->max_memory,
        .max_memory_jitter = o->max_memory / 8,
        .reload = reload,
        .reload_arg = s,
        .pid_file = o->pid_file,
        .user = o->user,
        .group = o->group,
        .admin = o->admin,
        .agent = o->agent,
        .metrics = http_metrics,
        .metric_count = HTTP_METRICS,
        .on_event = o->verbose ? http_events_tell : NULL,
    };
}

int main(int argc, char **argv)
{
    static struct server server;
    http_options *o = &server.options;
    int status = http_options_parse(o, argc, argv);
    if (status >= 0)
        return status;
    if (o->workers == 0)
        o->workers = hem_cpu_count();
    limit_connections(o);
    server.root = open_root(o);
    if (server.root < 0 || !http_sockets_open(&server.sockets, o) ||
        !http_sockets_announce(&server.sockets, o->workers))
        return 1;
    hem_prefork_options service = service_of(&server);
    int rc = hem_prefork(run_worker, &server, &service);
    if (rc < 0)
        fprintf(stderr, "http_server: %s\n", hem_strerror(rc));
    return rc < 0;
}
