/* SPDX-License-Identifier: MIT */
/* Calls on threads, posts, and signals. */
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

#include "torture.h"

#define CALLS 12

/* Threads. */

static atomic_int sent; /* posts */
static int arrived;
static int abandoned;
static sem_t left; /* the long call: nobody waits for it any more */

static void post_arrives(void *arg)
{
    (void)arg;
    arrived++;
}

static int post_one(void *arg)
{
    int rc = hem_post(arg, post_arrives, NULL);
    if (check_success(rc))
        atomic_fetch_add(&sent, 1);
    return 5;
}

static int call_one(void *arg)
{
    (void)arg;
    int rc = hem_thread_call(post_one, hem_loop_current(), NULL);
    if (check_success(rc, HEM_EAGAIN))
        check_int(rc, 5);
    return 0;
}

static int take_long(void *arg)
{
    (void)arg;
    while (sem_wait(&left) < 0)
        continue;
    return 6;
}

static void abandon(void *arg)
{
    (void)arg;
    abandoned++;
}

static int call_long(void *arg)
{
    int *result = arg;
    *result = hem_thread_call(take_long, NULL,
                              &(hem_thread_options){.abandon = abandon});
    return *result;
}

/* `*ret_call` is the result of the call that is cancelled, if it is made. */
static int call_and_leave(hem_scope *s, int *ret_call)
{
    hem_task *t;
    HEM_TRY(hem_scope_spawn(s, &t, call_long, ret_call));
    HEM_TRY(hem_yield());
    bool cancelled = hem_task_cancel(t, "too long");
    int rc = hem_await(t);
    check_int(rc == HEM_ECANCELED, cancelled);
    return cancelled ? 0 : rc;
}

static int threads_main(void *arg)
{
    HEM_SCOPE(s);
    for (int i = 0; i < CALLS; i++)
        check_success(hem_scope_spawn(&s, NULL, call_one, NULL));
    check_success(call_and_leave(&s, arg));
    sem_post(&left);
    check_int(hem_scope_close(&s, 0), 0);
    for (int turns = 0; turns < 1000 && arrived < sent; turns++)
        check_int(hem_yield(), 0);
    check_int(arrived, sent);
    return 0;
}

void scenario_threads(void)
{
    int call = 0;
    sent = arrived = abandoned = 0;
    sem_init(&left, 0, 0);
    check_success(hem_run(threads_main, &call, NULL));
    sem_destroy(&left);
    check_int(abandoned, call == HEM_ECANCELED);
}

/* Signals. */

static int send_both(void *arg)
{
    (void)arg;
    raise(SIGUSR1);
    HEM_TRY(hem_yield());
    raise(SIGUSR2);
    return 0;
}

static int receive_both(void *arg)
{
    hem_signal *sig = arg;
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, send_both, NULL));
    int got = 0;
    for (int i = 0; i < 2; i++) {
        int signo = hem_signal_wait(sig);
        HEM_TRY(signo);
        check(signo == SIGUSR1 || signo == SIGUSR2);
        got += signo;
    }
    check_int(got, SIGUSR1 + SIGUSR2);
    return hem_scope_close(&s, 0);
}

static int signals_main(void *arg)
{
    (void)arg;
    hem_signal sig;
    int rc = hem_signal_open(&sig, (int[]){SIGUSR1, SIGUSR2, 0});
    if (check_success(rc)) {
        check_success(in_time(receive_both, &sig));
        hem_signal_close(&sig);
    }
    raise(SIGINT); /* of hem_run's own */
    check_int(hem_sleep(HEM_NEVER), HEM_ECANCELED);
    check_str(hem_task_reason(hem_self()), "SIGINT");
    return HEM_ECANCELED;
}

void scenario_signals(void)
{
    /* Those that are not received are pending at the end. */
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    int rc = hem_run(signals_main, NULL, NULL);
    if (rc != HEM_EINTR)
        check(!check_success(rc));
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
}
