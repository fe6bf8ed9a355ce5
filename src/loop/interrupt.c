/* SPDX-License-Identifier: MIT */
#include "loop/interrupt.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loop/post.h"

static _Atomic(hem_loop *) target; /* whose SIGINT it is; NULL: nobody's */
static atomic_uint arrived;        /* SIGINTs so far */
static atomic_uint handling;       /* threads in the handler */
static void (*on_interrupt_fn)(hem_loop *l);
static bool told; /* the loop was */

/* Tell the loop of the first. Returns false if there is no loop to tell, or it
 * has been told. */
static bool tell(void)
{
    hem_loop *l = atomic_load(&target);
    if (!l || atomic_fetch_add(&arrived, 1) > 0)
        return false;
    hem__loop_wake_up(l);
    return true;
}

static void handler(int signo)
{
    atomic_fetch_add(&handling, 1);
    bool was_told = tell();
    atomic_fetch_sub(&handling, 1);
    if (was_told)
        return;
    signal(signo, SIG_DFL);
    raise(signo);
}

static void on_wake(hem_loop *l)
{
    if (!atomic_load(&arrived) || told)
        return;
    told = true;
    on_interrupt_fn(l);
}

static bool is_default(void)
{
    struct sigaction now;
    sigaction(SIGINT, NULL, &now);
    return !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL;
}

void hem__interrupt_catch(hem_loop *l, void (*on_interrupt)(hem_loop *l))
{
    if (syscall(SYS_gettid) != getpid() || atomic_load(&target) ||
        !is_default())
        return;
    atomic_store(&arrived, 0);
    told = false;
    on_interrupt_fn = on_interrupt;
    l->on_wake = on_wake;
    atomic_store(&target, l);
    struct sigaction sa = {.sa_handler = handler,
                           .sa_flags = SA_ONSTACK | SA_RESTART};
    sigaction(SIGINT, &sa, NULL);
}

void hem__interrupt_release(hem_loop *l)
{
    if (atomic_load(&target) != l)
        return;
    struct sigaction sa = {.sa_handler = SIG_DFL};
    sigaction(SIGINT, &sa, NULL);
    atomic_store(&target, NULL);
}

void hem__interrupt_abandon(hem_loop *l)
{
    hem__interrupt_release(l);
    atomic_store(&handling, 0);
}

void hem__interrupt_finish(void)
{
    while (atomic_load(&handling) > 0)
        sched_yield();
}
