/* SPDX-License-Identifier: MIT */
/*
 * A worker process: a loop whose main task is the user's function. A task
 * beside it takes the first stop signal and tells all who wait; those that
 * follow stay pending, so that SIGINT from a terminal, which comes from the
 * parent as well, counts once.
 */
#include "service/worker.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "hem/error.h"
#include "hem/log.h"
#include "hem/signal.h"
#include "hem/task.h"
#include "loop/fd.h"
#include "task/outcome.h"

#define NAME_MAX_BYTES 32

struct hem_worker {
    const hem__worker_start *start;
    hem_signal signal; /* the stop signals */
    hem__outcome stop; /* the first of them; HEM_EBADF: the worker is over */
};

const int hem__stop_signals[] = {SIGINT, SIGTERM, 0};

static void tell(hem_worker *w, int status)
{
    if (w->stop.state == HEM__PENDING)
        hem__outcome_settle(hem__loop, &w->stop, HEM__DONE, status);
}

static int take_signal(void *arg)
{
    hem_worker *w = arg;
    tell(w, hem_signal_wait(&w->signal));
    return 0;
}

static int worker_task(void *arg)
{
    hem_worker *w = arg;
    HEM_TRY(hem_signal_open(&w->signal, hem__stop_signals));
    int rc = hem_spawn_with(NULL, take_signal, w, .name = "stop signals");
    if (rc == 0)
        rc = w->start->fn(w, w->start->arg);
    hem_signal_close(&w->signal);
    tell(w, HEM_EBADF);
    return rc;
}

static int run(hem_worker *w)
{
    const hem__worker_start *start = w->start;
    hem_run_options opts = {0};
    if (start->run)
        opts = *start->run;
    char name[NAME_MAX_BYTES];
    snprintf(name, sizeof(name), "%s %u", start->name, start->index);
    if (!opts.name)
        opts.name = name;
    opts.keep_sigint = true;
    return hem_run(worker_task, w, &opts);
}

int hem__worker_main(void *arg, int channel)
{
    (void)channel;
    const hem__worker_start *start = arg;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != start->parent)
        return 0; /* it had died before */
    hem_worker w = {.start = start};
    hem__outcome_init(&w.stop);
    int rc = run(&w);
    if (rc >= 0)
        return 0;
    hem_log(HEM_LOG_ERROR, "%s %u (pid %d) failed: %s: %s", start->name,
            start->index, (int)getpid(), hem_errname(rc), hem_strerror(rc));
    return 1;
}

static bool cancel_wait(hem_loop *l, hem__fiber *f, const char *why)
{
    hem__list_remove(&f->waiter.link);
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_stop = {"stop signal", cancel_wait};

int hem_worker_wait(hem_worker *w)
{
    hem_loop *l = hem__loop_need("hem_worker_wait");
    hem__fiber *f = hem__fiber_need(l, "hem_worker_wait");
    HEM_TRY(hem__io_checkpoint(l, f));
    if (w->stop.state != HEM__PENDING)
        return w->stop.status;
    return hem__outcome_wait(l, f, &w->stop, &wait_stop);
}

uint32_t hem_worker_index(const hem_worker *w)
{
    return w->start->index;
}
