/* SPDX-License-Identifier: MIT */
/*
 * An upgrade, as the services on both sides of it see it.
 *
 * The old one starts the new one, which sets up and serves beside it, on the
 * same sockets. Nothing of the old one changes until the new one says that it is
 * ready; from then on nothing can bring it back: it stops. So there is one that
 * is ready at any time, and a failure is one of the new one alone.
 *
 * The new one says so when all its workers are ready and it has the pid file.
 */
#include "service/upgrade.h"

#include <signal.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "hem/error.h"
#include "hem/failure.h"
#include "io/inherited.h"
#include "loop/fd.h"
#include "service/admin.h"
#include "service/pid_file.h"
#include "service/service.h"

#define DEFAULT_TIMEOUT (60 * HEM_SEC)
#define DEFAULT_GRACE   (15 * HEM_SEC)
#define LONGER          HEM_SEC /* than its own grace period */

struct hem__upgrade {
    hem__fd own[HEM__UPGRADE_FD_COUNT]; /* from the old one; not open: none */
    pid_t from; /* who started this one for an upgrade; 0: nobody did */
    bool runs;  /* one of this service is under way */
};

/* ---- the new one ---- */

static void close_own(struct hem__upgrade *u)
{
    for (int i = 0; i < HEM__UPGRADE_FD_COUNT; i++) {
        if (hem__fd_is_open(&u->own[i]))
            hem__fd_close(hem__loop, &u->own[i]);
    }
}

/* Descriptors that are the loop's are closed in workers. */
static int take(struct hem__upgrade *u)
{
    int fds[HEM__UPGRADE_FD_COUNT], rc = 0;
    hem__upgrade_take(fds);
    for (int i = 0; i < HEM__UPGRADE_FD_COUNT; i++) {
        if (fds[i] >= 0 && rc == 0)
            rc = hem__fd_init(hem__loop, &u->own[i], fds[i]);
        if (fds[i] >= 0 && rc < 0)
            close(fds[i]);
    }
    if (hem__fd_is_open(&u->own[HEM__UPGRADE_REPORT]))
        u->from = getppid();
    return rc;
}

int hem__upgrade_open(hem__service *s)
{
    s->upgrade = hem__calloc(sizeof(*s->upgrade));
    if (!s->upgrade)
        return HEM_ENOMEM;
    int rc = take(s->upgrade);
    if (rc < 0)
        hem__upgrade_close(s);
    return rc;
}

void hem__upgrade_close(hem__service *s)
{
    close_own(s->upgrade);
    hem__free(s->upgrade);
    s->upgrade = NULL;
}

bool hem__upgrade_succeeds(const hem__service *s)
{
    return s->upgrade && s->upgrade->from != 0;
}

static int take_fd(hem__fd *own)
{
    if (!hem__fd_is_open(own))
        return -1;
    int fd = own->fd;
    hem__fd_give_back(hem__loop, own);
    return fd;
}

int hem__upgrade_inherited(hem__service *s, enum hem__upgrade_fd which)
{
    return s->upgrade ? take_fd(&s->upgrade->own[which]) : -1;
}

static int take_pid_file(hem__service *s)
{
    const char *path = s->options->pid_file;
    if (!path)
        return 0;
    int rc = hem__pid_file_take_over(&s->pid_file, path, s->upgrade->from);
    if (rc < 0)
        hem_log(HEM_LOG_ERROR, "%s: upgrade: no pid file: %s: %s", s->role.name,
                hem_errname(rc), hem_failure_text(rc));
    return rc;
}

int hem__upgrade_report(hem__service *s)
{
    struct hem__upgrade *u = s->upgrade;
    if (!u->from)
        return 0;
    int rc = take_pid_file(s);
    if (rc < 0) {
        hem__service_stop(s, 0, rc);
        return rc;
    }
    hem__admin_take_over(s);
    hem__upgrade_say_ready(take_fd(&u->own[HEM__UPGRADE_REPORT]));
    close_own(u);
    return 0;
}

/* ---- the old one ---- */

static void tell(hem__service *s, hem_prefork_event_kind kind, pid_t pid,
                 int error)
{
    hem__service_event(
        s, &(hem_prefork_event){.kind = kind, .pid = pid, .error = error});
}

static void started(void *arg, pid_t pid)
{
    hem__service *s = arg;
    hem_log(HEM_LOG_INFO, "%s: upgrade: started process %d", s->role.name,
            (int)pid);
    tell(s, HEM_SERVICE_UPGRADES, pid, 0);
}

static size_t count_sockets(const int *sockets)
{
    size_t n = 0;
    while (sockets && sockets[n])
        n++;
    return n;
}

static hem_ns grace(const hem_prefork_options *o)
{
    hem_ns grace = o->grace ? o->grace : DEFAULT_GRACE;
    if (grace < 0)
        return 1;
    return grace < HEM_NEVER - LONGER ? grace + LONGER : HEM_NEVER;
}

static int run(hem__service *s, pid_t *ret_pid)
{
    const hem_prefork_options *o = s->options;
    size_t count = count_sockets(o->sockets);
    hem__upgrade_socket *sockets = hem__alloc((count + 1) * sizeof(sockets[0]));
    if (!sockets)
        return HEM_ENOMEM;
    for (size_t i = 0; i < count; i++)
        sockets[i] = (hem__upgrade_socket){
            .fd = o->sockets[i], .name = hem__inherited_name(o->sockets[i])};
    hem__upgrade_call call = {
        .argv = o->upgrade_argv,
        .sockets = sockets,
        .count = count,
        .own = {[HEM__UPGRADE_ADMIN] = hem__admin_socket(s),
                [HEM__UPGRADE_AGENT] = hem__agent_socket(s)},
        .timeout = o->upgrade_timeout ? o->upgrade_timeout : DEFAULT_TIMEOUT,
        .grace = grace(o),
        .started = started,
        .arg = s,
    };
    int rc = hem__upgrade_run(&call, ret_pid);
    hem__free(sockets);
    return rc;
}

/* It is ready. Whoever watches is told whom to watch, before this one is seen
 * to stop. */
static void make_way(hem__service *s, pid_t pid)
{
    char state[64];
    hem_log(HEM_LOG_INFO, "%s: upgrade: process %d is ready, this one stops",
            s->role.name, (int)pid);
    tell(s, HEM_SERVICE_UPGRADED, pid, 0);
    snprintf(state, sizeof(state), "MAINPID=%d", (int)pid);
    hem__service_notify(s, state);
    s->upgraded = true;
    hem__admin_hand_over(s);
    hem__service_stop(s, SIGUSR2, 0);
}

static int upgrade_task(void *arg)
{
    hem__service *s = arg;
    pid_t pid = 0;
    int rc = run(s, &pid);
    s->upgrade->runs = false;
    if (rc == 0) {
        make_way(s, pid);
        return 0;
    }
    if (rc == HEM_ECANCELED)
        hem_log(HEM_LOG_INFO, "%s: upgrade called off", s->role.name);
    else
        hem_log(HEM_LOG_ERROR,
                "%s: upgrade failed, nothing has changed: %s: %s", s->role.name,
                hem_errname(rc), hem_failure_text(rc));
    tell(s, HEM_SERVICE_UPGRADED, 0, rc);
    return rc == HEM_ECANCELED ? rc : 0;
}

int hem__upgrade_start(hem__service *s)
{
    struct hem__upgrade *u = s->upgrade;
    if (s->pid == 1)
        return hem_fail(HEM_EREFUSED, "the end of process 1 is that of the "
                                      "container, and of the new program");
    if (s->state != HEM__SERVICE_READY)
        return hem_fail(HEM_EREFUSED, s->state == HEM__SERVICE_STARTING
                                          ? "it is not ready yet"
                                          : "it is stopping");
    if (u->runs)
        return hem_fail(HEM_EALREADY, "one is under way");
    u->runs = true;
    int rc = hem_scope_spawn(s->work, NULL, upgrade_task, s);
    if (rc < 0)
        u->runs = false;
    return rc;
}
