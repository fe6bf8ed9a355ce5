/* SPDX-License-Identifier: MIT */
#include "loop/interrupt.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loop/post.h"

static hem_loop *volatile target; /* whose SIGINT it is; NULL: nobody's */
static void (*on_interrupt_fn)(hem_loop *l);
static volatile sig_atomic_t arrived; /* SIGINTs so far */
static bool told;                     /* the loop was */

static void handler(int signo)
{
    hem_loop *l = target;
    if (l && arrived++ == 0) {
        hem__loop_wake_up(l);
        return;
    }
    signal(signo, SIG_DFL);
    raise(signo);
}

static void on_wake(hem_loop *l)
{
    if (!arrived || told)
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
    if (syscall(SYS_gettid) != getpid() || target || !is_default())
        return;
    arrived = 0;
    told = false;
    on_interrupt_fn = on_interrupt;
    l->on_wake = on_wake;
    target = l;
    struct sigaction sa = {.sa_handler = handler,
                           .sa_flags = SA_ONSTACK | SA_RESTART};
    sigaction(SIGINT, &sa, NULL);
}

void hem__interrupt_release(hem_loop *l)
{
    if (target != l)
        return;
    struct sigaction sa = {.sa_handler = SIG_DFL};
    sigaction(SIGINT, &sa, NULL);
    target = NULL;
}
