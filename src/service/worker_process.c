/* SPDX-License-Identifier: MIT */
/* What a process does to itself before it is a worker; who it is. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/sys.h"
#include "service/worker.h"

static int process_index = -1; /* set while there is one thread */
static _Thread_local int thread_index = -1;

/* A forked child is not the worker that its parent is. */
static void forget(void)
{
    process_index = thread_index = -1;
}

static void watch_forks(void)
{
    /* Without memory for this, children have their parents' index. */
    (void)pthread_atfork(NULL, NULL, forget);
}

static int remember(int index)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, watch_forks);
    return index;
}

void hem__process_index_set(int index)
{
    process_index = remember(index);
}

void hem__thread_index_set(int index)
{
    thread_index = remember(index);
}

int hem_process_index(void)
{
    return thread_index >= 0 ? thread_index : process_index;
}

/* One that is told to stop by SIGINT hears it all the same. */
static void ignore_interrupts(const hem__worker_start *start)
{
    bool told_so = !start->role->fn && start->role->stop_signal == SIGINT;
    if (start->options->ignore_child_interrupts && !told_so)
        (void)signal(SIGINT, SIG_IGN);
}

static bool is_stop_signal(int signo, const hem_prefork_options *o)
{
    for (const int *s = hem__stop_signals(o); *s; s++) {
        if (*s == signo)
            return true;
    }
    return false;
}

/*
 * Die with the parent: a worker with a loop knows by its channel, and by SIGTERM
 * if that asks it to stop and does not kill it; a plain process by its signal.
 * A change of user takes the wish back, so it comes after it.
 */
static int follow_parent(const hem__worker_start *start)
{
    const hem__role *role = start->role;
    int signo = SIGTERM;
    if (role->stop_signal)
        signo = role->stop_signal;
    else if (role->fn && !is_stop_signal(SIGTERM, start->options))
        return 0;
    HEM_TRY(hem__sys_set_pdeathsig(signo));
    return getppid() == start->parent ? 0 : HEM_ESRCH;
}

int hem__worker_pin(const hem__worker_start *start)
{
    bool pins = start->options->pin_cpus && !start->role->extra;
    return pins ? hem_cpu_pin(start->index) : 0;
}

int hem__worker_become(const hem__worker_start *start)
{
    const hem_prefork_options *o = start->options;
    ignore_interrupts(start);
    HEM_TRY(hem__worker_pin(start));
    if (start->user)
        HEM_TRY(hem_user_become(start->user));
    HEM_TRY(follow_parent(start));
    if (!o->prestart || start->role->extra)
        return 0;
    return o->prestart(start->index, start->role->arg);
}
