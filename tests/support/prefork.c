/* SPDX-License-Identifier: MIT */
#include "prefork.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "forked.h"
#include "support.h"

static void keep_event(void *arg, const hem_prefork_event *e)
{
    const struct prefork *p = arg;
    size_t n = atomic_load(&p->shared->count);
    if (n == PREFORK_EVENTS)
        abort();
    p->shared->events[n] = *e;
    atomic_store(&p->shared->count, n + 1);
    process_say((char)PREFORK_BYTE(e->kind));
}

static int run(void *arg)
{
    struct prefork *p = arg;
    close(p->gate[1]);
    size_t count = ledger_descriptors();
    for (const int *fd = p->options.sockets; fd && *fd; fd++)
        count--;
    check_int(hem_prefork(p->worker, p, &p->options), p->expected);
    check_int(ledger_descriptors(), count);
    check(waitpid(-1, NULL, WNOHANG) < 0);
    check_int(errno, ECHILD);
    return forked_verdict();
}

void prefork_start(struct prefork *p)
{
    if (!p->options.num_workers)
        p->options.num_workers = 2;
    memset(p->seen, 0, sizeof(p->seen));
    p->options.on_event = keep_event;
    p->options.on_event_arg = p;
    p->shared = mmap(NULL, sizeof(*p->shared), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p->shared == MAP_FAILED || pipe(p->gate) < 0)
        abort();
    process_start(&p->process, run, p);
    close(p->gate[0]);
}

void prefork_open_gate(struct prefork *p)
{
    if (p->gate[1] >= 0)
        close(p->gate[1]);
    p->gate[1] = -1;
}

void prefork_pass_gate(const struct prefork *p)
{
    char byte;
    check_int(read(p->gate[0], &byte, 1), 0);
}

void prefork_start_ready(struct prefork *p)
{
    prefork_start(p);
    prefork_await(p, PREFORK_SERVICE_READY, 1);
}

void prefork_await(struct prefork *p, int byte, unsigned total)
{
    char got;
    while (p->seen[byte] < total) {
        if (!check(process_hear(&p->process, &got)))
            return;
        p->seen[(unsigned char)got]++;
    }
}

void prefork_signal(const struct prefork *p, int signo)
{
    check_int(kill(p->process.pid, signo), 0);
}

/* What is still said must not block who says it. */
void prefork_end(struct prefork *p, struct ending *ret)
{
    char got;
    prefork_open_gate(p);
    while (process_hear(&p->process, &got))
        p->seen[(unsigned char)got]++;
    process_end(&p->process, ret);
    check_int(ret->signo, 0);
    if (!check_int(ret->status, 0))
        print_error("%s", ret->text);
}

void prefork_end_silently(struct prefork *p)
{
    struct ending e;
    prefork_end(p, &e);
    check_str(e.text, "");
}

void prefork_free(struct prefork *p)
{
    munmap(p->shared, sizeof(*p->shared));
}

void prefork_stop(struct prefork *p)
{
    prefork_signal(p, SIGTERM);
    prefork_end_silently(p);
    prefork_free(p);
}

int prefork_place(const struct prefork *p, hem_prefork_event_kind kind,
                  int index, size_t n)
{
    size_t count = atomic_load(&p->shared->count);
    for (size_t k = 0; k < count; k++) {
        const hem_prefork_event *e = &p->shared->events[k];
        if (e->kind == kind && (index < 0 || e->index == (uint32_t)index) &&
            n-- == 0)
            return (int)k;
    }
    return -1;
}

const hem_prefork_event *prefork_event(const struct prefork *p,
                                       hem_prefork_event_kind kind, int index,
                                       size_t n)
{
    int place = prefork_place(p, kind, index, n);
    return place < 0 ? NULL : &p->shared->events[place];
}

size_t prefork_count(const struct prefork *p, hem_prefork_event_kind kind,
                     int index)
{
    size_t n = 0;
    while (prefork_place(p, kind, index, n) >= 0)
        n++;
    return n;
}

pid_t prefork_pid(const struct prefork *p, uint32_t index)
{
    size_t n = prefork_count(p, HEM_WORKER_IS_STARTED, (int)index);
    return n ? prefork_event(p, HEM_WORKER_IS_STARTED, (int)index, n - 1)->pid
             : INT32_MAX;
}

int prefork_verdict(void)
{
    return check_failures_take() ? HEM_ESTATE : 0;
}

int prefork_serve(hem_worker *w, void *arg)
{
    (void)arg;
    int signo = hem_worker_wait(w);
    check(signo > 0);
    return prefork_verdict();
}
