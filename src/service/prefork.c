/* SPDX-License-Identifier: MIT */
/*
 * The parent of a prefork server: a loop with a task for each worker, which
 * forks it and waits for its end, a task that takes the stop signals, and one
 * that kills what is left when the grace period is over.
 *
 *     serving --stop signal, or a worker failed: tell_all--> stopping
 *     stopping --grace over: SIGKILL--> stopping --the last worker ended--> end
 *     serving --the last worker ended--> end
 *
 * `told` is the signal that the workers were told last. A worker whose fork was
 * under way at that moment is told when the fork is done; one not forked yet
 * never is.
 */
#include "hem/prefork.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "hem/scope.h"
#include "hem/signal.h"
#include "loop/fd.h"
#include "process/child.h"
#include "service/worker.h"

#define DEFAULT_GRACE (15 * HEM_SEC)

struct server;

struct worker { /* as the parent sees it */
    struct server *server;
    hem__role role;
    hem__worker_start start;
    hem_child child; /* open while it runs */
};

struct server {
    const hem_prefork_options *options;
    hem__scoreboard scoreboard;
    hem_ns grace;
    const int *sockets; /* to be closed, ended by 0; NULL: none are left */
    uint32_t forking;   /* forks under way */
    hem_signal signal;
    hem_future stopping; /* done once the workers were told to stop */
    int told;            /* the latest signal that they were told; 0: none */
    int result;          /* error of the first worker that failed */
    uint32_t count;
    struct worker workers[];
};

static void tell(struct worker *w, int signo)
{
    if (hem__fd_is_open(&w->child.fd))
        (void)!hem_child_send_signal(&w->child, signo);
}

static void close_all(const int *fds)
{
    for (; fds && *fds; fds++)
        close(*fds);
}

/* Nobody is to connect to a server that is going. Forks under way still need
 * the sockets. */
static void close_sockets(struct server *s)
{
    if (s->forking > 0)
        return;
    close_all(s->sockets);
    s->sockets = NULL;
}

static void tell_all(struct server *s, int signo)
{
    s->told = signo;
    close_sockets(s);
    for (uint32_t i = 0; i < s->count; i++)
        tell(&s->workers[i], signo);
    if (!hem_future_done(&s->stopping))
        (void)!hem_future_set_result(&s->stopping, signo);
}

static void fail(struct server *s, int error)
{
    if (s->result == 0)
        s->result = error;
    if (!s->told)
        tell_all(s, SIGTERM);
}

static void say(const struct worker *w, const char *what, int error)
{
    hem_log(HEM_LOG_ERROR, "%s %u %s: %s: %s", w->role.name, w->start.index,
            what, hem_errname(error), hem_strerror(error));
}

/* Log how a worker failed and return its error; 0: it has not. */
static int judge(const struct worker *w, const hem_child_status *status)
{
    if (status->exit_code == 0)
        return 0;
    char who[100];
    snprintf(who, sizeof(who), "%.60s %u (pid %d)", w->role.name,
             w->start.index, (int)hem_child_pid(&w->child));
    if (!status->signal) {
        hem_log(HEM_LOG_ERROR, "%s exited with status %d", who,
                status->exit_code);
        return HEM_EEXITED;
    }
    const char *name = sigabbrev_np(status->signal);
    if (name)
        hem_log(HEM_LOG_ERROR, "%s killed by SIG%s", who, name);
    else
        hem_log(HEM_LOG_ERROR, "%s killed by signal %d", who, status->signal);
    return HEM_ESIGNALED;
}

static int be_worker(void *arg, int channel)
{
    const struct worker *w = arg;
    return hem__worker_main(&w->start, channel);
}

/* Fork a worker and wait for its end; returns how that was. */
static int run_worker(struct worker *w)
{
    sigset_t keep;
    struct server *s = w->server;
    hem__worker_blocked(&keep, &w->role, s->options);
    s->forking++;
    int rc = hem__fork(
        &w->child,
        &(hem__fork_call){.fn = be_worker, .arg = w, .blocked = &keep});
    s->forking--;
    if (s->told)
        close_sockets(s);
    if (rc < 0) {
        say(w, "could not be started", rc);
        return rc;
    }
    if (s->told)
        tell(w, s->told);
    hem_child_status status;
    rc = hem_child_wait(&w->child, &status);
    if (rc < 0)
        say(w, "is lost", rc);
    else
        rc = judge(w, &status);
    hem_child_close(&w->child);
    return rc;
}

static int mind_worker(void *arg)
{
    struct worker *w = arg;
    if (w->server->told)
        return 0;
    int rc = run_worker(w);
    if (rc < 0)
        fail(w->server, rc);
    return 0;
}

static int take_signals(void *arg)
{
    struct server *s = arg;
    for (;;) {
        int signo = hem_signal_wait(&s->signal);
        if (signo < 0) {
            if (signo != HEM_ECANCELED)
                fail(s, signo);
            return 0;
        }
        tell_all(s, signo);
    }
}

static int limit_grace(void *arg)
{
    struct server *s = arg;
    HEM_TRY(hem_future_wait(&s->stopping));
    HEM_TRY(hem_sleep(s->grace));
    hem_log(HEM_LOG_WARNING, "%s: grace period over, killing what is left",
            s->workers[0].role.name);
    tell_all(s, SIGKILL);
    return 0;
}

static int run_workers(struct server *s)
{
    HEM_SCOPE(workers);
    for (uint32_t i = 0; i < s->count; i++) {
        int rc = hem_scope_spawn(&workers, NULL, mind_worker, &s->workers[i]);
        if (rc < 0) {
            fail(s, rc);
            break;
        }
    }
    return hem_scope_close(&workers, 0);
}

static int serve(struct server *s)
{
    HEM_SCOPE(helpers);
    HEM_TRY(hem_scope_spawn(&helpers, NULL, take_signals, s));
    HEM_TRY(hem_scope_spawn(&helpers, NULL, limit_grace, s));
    int rc = run_workers(s);
    hem_scope_abort(&helpers, "workers ended");
    return hem_scope_close(&helpers, rc);
}

/* Take the stop signals that arrived with the last worker's end, or while the
 * server was stopping already: they would kill this process when it closes. */
static void drain_signals(struct server *s)
{
    while (hem_signal_try_wait(&s->signal, NULL) > 0)
        ;
}

static int supervise(void *arg)
{
    struct server *s = arg;
    HEM_TRY(hem_signal_open(&s->signal, hem__stop_signals(s->options)));
    int rc = serve(s);
    drain_signals(s);
    hem_signal_close(&s->signal);
    return s->result ? s->result : rc;
}

static uint32_t count_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        return (uint32_t)CPU_COUNT(&set);
    long count = sysconf(_SC_NPROCESSORS_ONLN); /* more than a set can hold */
    return count > 0 ? (uint32_t)count : 1;
}

static struct server *server_create(hem_worker_fn *fn, void *arg,
                                    const hem_prefork_options *o)
{
    uint32_t count = o->num_workers ? o->num_workers : count_cpus();
    struct server *s = hem__calloc(sizeof(*s) + count * sizeof(s->workers[0]));
    if (!s)
        return NULL;
    if (hem__scoreboard_init(&s->scoreboard, count) < 0) {
        hem__free(s);
        return NULL;
    }
    s->options = o;
    s->grace = o->grace ? o->grace : DEFAULT_GRACE;
    s->sockets = o->sockets;
    s->count = count;
    hem_future_init(&s->stopping);
    for (uint32_t i = 0; i < count; i++) {
        struct worker *w = &s->workers[i];
        w->server = s;
        w->role = (hem__role){
            .fn = fn, .arg = arg, .name = o->name ? o->name : "worker"};
        w->start =
            (hem__worker_start){.role = &w->role,
                                .options = o,
                                .slot = hem__scoreboard_take(&s->scoreboard),
                                .index = i,
                                .parent = getpid()};
    }
    return s;
}

int hem_prefork(hem_worker_fn *worker, void *arg,
                const hem_prefork_options *opts)
{
    static const hem_prefork_options defaults;
    if (hem__loop || syscall(SYS_gettid) != getpid())
        return HEM_EREFUSED;
    const hem_prefork_options *o = opts ? opts : &defaults;
    struct server *s = server_create(worker, arg, o);
    if (!s) {
        close_all(o->sockets);
        return HEM_ENOMEM;
    }
    int rc =
        hem_run(supervise, s,
                &(hem_run_options){.name = "prefork", .keep_sigint = true});
    close_sockets(s);
    hem__scoreboard_deinit(&s->scoreboard);
    hem__free(s);
    return rc;
}
