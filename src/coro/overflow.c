/* SPDX-License-Identifier: MIT */
#include "coro/overflow.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/sys.h"
#include "coro/annotate.h"
#include "hem/error.h"

#define ALTERNATE_BYTES ((size_t)32 << 10)
#define CHAIN_MAX       8

#if defined(HEM__ASAN) || defined(HEM__TSAN)
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint32_t watchers; /* threads that watch, under the mutex */

/*
 * The handlers that were there when ours was installed, the latest last. There
 * are several where a program installs its own during a run, which hands on to
 * ours, and starts another run: then ours is called again by the one that it
 * hands a signal to, and hands it to the one before.
 */
struct chain {
    struct sigaction before[CHAIN_MAX];
    int count;
};

static struct chain segv_chain, bus_chain; /* under the mutex */

/* Where the calls of our handler are that hand on a signal: addresses in their
 * frames, the outermost first. */
static _Thread_local const char *passing[CHAIN_MAX];
static _Thread_local int passing_count;

static _Thread_local hem__overflow_who *who;
static _Thread_local void *alternate; /* the stack that we provided */

static bool in_guard(const hem__stack *s, const char *address)
{
    return address < s->bottom && address >= s->bottom - HEM__STACK_GUARD_BYTES;
}

static void report(const hem__overflow_victim *v)
{
    char line[500];
    int n =
        snprintf(line, sizeof(line),
                 "hem: fatal: stack overflow in %s whose stack has %zu KiB. "
                 "Raise stack_bytes, or find the recursion or the large "
                 "local variables.\n",
                 hem__title(v->name, v->file, v->line),
                 hem__stack_bytes(v->stack) >> 10);
    ssize_t rc = write(STDERR_FILENO, line, (size_t)n);
    (void)rc;
}

/* How often our handler hands on this signal already; calls that were left by
 * longjmp do not count: their frames are not below the stack's top. */
static int depth_of(const char *frame)
{
    while (passing_count > 0 && frame >= passing[passing_count - 1])
        passing_count--;
    return passing_count;
}

static void hand_to(const struct sigaction *before, int signo, siginfo_t *info,
                    void *context)
{
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

/* Hand the signal to whoever had it before. */
static void pass_on(int signo, siginfo_t *info, void *context)
{
    static const struct sigaction none = {.sa_handler = SIG_DFL};
    const struct chain *c = signo == SIGSEGV ? &segv_chain : &bus_chain;
    char frame = 0;
    int depth = depth_of(&frame);
    if (depth < c->count)
        passing[passing_count++] = &frame;
    hand_to(depth < c->count ? &c->before[c->count - 1 - depth] : &none, signo,
            info, context);
    passing_count = depth;
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

static bool is_same(const struct sigaction *a, const struct sigaction *b)
{
    if ((a->sa_flags ^ b->sa_flags) & SA_SIGINFO)
        return false;
    return a->sa_flags & SA_SIGINFO ? a->sa_sigaction == b->sa_sigaction
                                    : a->sa_handler == b->sa_handler;
}

/* Install ours. What is there goes to the end of the chain; if it is there
 * already, it is the end again. */
static void put_over(int signo, struct chain *c)
{
    struct sigaction ours = {.sa_sigaction = handler,
                             .sa_flags = SA_ONSTACK | SA_SIGINFO};
    struct sigaction now;
    sigaction(signo, &ours, &now);
    if (is_same(&ours, &now))
        return; /* by a program that gave back what it had found */
    int at = 0;
    while (at < c->count && !is_same(&c->before[at], &now))
        at++;
    if (at == CHAIN_MAX)
        at--;
    c->before[at] = now;
    c->count = at + 1;
}

/* Install the handlers with the first watcher. */
static void install(void)
{
    pthread_mutex_lock(&mutex);
    if (watchers++ == 0) {
        put_over(SIGSEGV, &segv_chain);
        put_over(SIGBUS, &bus_chain);
    }
    pthread_mutex_unlock(&mutex);
}

/* Where the program put its own over ours, that stays, and ours is called by
 * it, perhaps. */
static void restore(int signo, struct chain *c)
{
    struct sigaction now;
    sigaction(signo, NULL, &now);
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == handler)
        sigaction(signo, &c->before[--c->count], NULL);
}

static void uninstall(void)
{
    pthread_mutex_lock(&mutex);
    if (--watchers == 0) {
        restore(SIGSEGV, &segv_chain);
        restore(SIGBUS, &bus_chain);
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
