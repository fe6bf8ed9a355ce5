/* SPDX-License-Identifier: MIT */
#include "coro/overflow.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "coro/annotate.h"
#include "hem/error.h"

#define ALTERNATE_BYTES ((size_t)32 << 10)

#if defined(HEM__ASAN) || defined(HEM__TSAN)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint32_t watchers; /* threads that watch, under the mutex */
static struct sigaction before_segv;
static struct sigaction before_bus;

static _Thread_local hem__overflow_who *who;
static _Thread_local void *alternate; /* the stack that we provided */

static bool in_guard(const hem__stack *s, const char *address)
{
    return address < s->bottom && address >= s->bottom - HEM__STACK_GUARD_BYTES;
}

static void report(const hem__overflow_victim *v)
{
    char line[400];
    int n =
        snprintf(line, sizeof(line),
                 "hem: fatal: stack overflow in task \"%.100s\", spawned "
                 "at %.150s:%d: its stack has %zu KiB. Raise stack_bytes, "
                 "or find the recursion.\n",
                 v->name, v->file, v->line, hem__stack_bytes(v->stack) >> 10);
    ssize_t rc = write(STDERR_FILENO, line, (size_t)n);
    (void)rc;
}

/* Hand the signal to whoever had it before. */
static void pass_on(int signo, siginfo_t *info, void *context)
{
    const struct sigaction *before =
        signo == SIGSEGV ? &before_segv : &before_bus;
    if (before->sa_flags & SA_SIGINFO) {
        before->sa_sigaction(signo, info, context);
    } else if (before->sa_handler == SIG_IGN && info->si_code <= 0) {
        return; /* sent; a fault cannot be ignored */
    } else if (before->sa_handler == SIG_DFL || before->sa_handler == SIG_IGN) {
        signal(signo, SIG_DFL);
        if (info->si_code <= 0) /* sent: it will not come again by itself */
            raise(signo);
    } else {
        before->sa_handler(signo);
    }
}

static void handler(int signo, siginfo_t *info, void *context)
{
    hem__overflow_victim v = {0};
    if (who && info->si_code > 0)
        who(&v);
    if (v.stack && in_guard(v.stack, info->si_addr)) {
        report(&v);
        signal(signo, SIG_DFL); /* the access faults again, and ends it */
        return;
    }
    pass_on(signo, info, context);
}

/* Install the handlers with the first watcher. */
static void install(void)
{
    pthread_mutex_lock(&mutex);
    if (watchers++ == 0) {
        struct sigaction sa = {.sa_sigaction = handler,
                               .sa_flags = SA_ONSTACK | SA_SIGINFO};
        sigaction(SIGSEGV, &sa, &before_segv);
        sigaction(SIGBUS, &sa, &before_bus);
    }
    pthread_mutex_unlock(&mutex);
}

static void restore(int signo, const struct sigaction *before)
{
    struct sigaction now;
    sigaction(signo, NULL, &now);
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == handler)
        sigaction(signo, before, NULL);
}

static void uninstall(void)
{
    pthread_mutex_lock(&mutex);
    if (--watchers == 0) {
        restore(SIGSEGV, &before_segv);
        restore(SIGBUS, &before_bus);
    }
    pthread_mutex_unlock(&mutex);
}

int hem__overflow_watch(hem__overflow_who *fn)
{
    if (sanitized)
        return 0;
    stack_t now;
    int rc = hem__sys_sigaltstack(NULL, &now);
    if (rc == 0 && (now.ss_flags & SS_DISABLE)) {
        alternate = hem__alloc(ALTERNATE_BYTES);
        if (!alternate)
            return HEM_ENOMEM;
        stack_t ours = {.ss_sp = alternate, .ss_size = ALTERNATE_BYTES};
        rc = hem__sys_sigaltstack(&ours, NULL);
    }
    if (rc < 0) {
        hem__free(alternate);
        alternate = NULL;
        return HEM_ENOMEM;
    }
    who = fn;
    install();
    return 0;
}

static void give_up(void)
{
    who = NULL;
    if (alternate) {
        stack_t off = {.ss_flags = SS_DISABLE};
        sigaltstack(&off, NULL);
        hem__free(alternate);
        alternate = NULL;
    }
}

void hem__overflow_unwatch(void)
{
    if (sanitized)
        return;
    uninstall();
    give_up();
}

void hem__overflow_abandon(void)
{
    pthread_mutex_init(&mutex, NULL); /* another thread may have held it */
    watchers = 0;
    give_up();
}
