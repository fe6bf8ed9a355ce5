/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "forked.h"
#include "support.h"

void server_init(struct server *s)
{
    s->shared = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s->shared == MAP_FAILED || pipe(s->gate) < 0)
        abort();
}

void server_open_gate(struct server *s)
{
    if (s->gate[1] >= 0)
        close(s->gate[1]);
    s->gate[1] = -1;
}

void server_deinit(struct server *s)
{
    munmap(s->shared, sizeof(*s->shared));
    close(s->gate[0]);
    server_open_gate(s);
}

void worker_pass_gate(const struct server *s)
{
    char byte;
    check_int(read(s->gate[0], &byte, 1), 0);
}

int worker_verdict(void)
{
    return check_failures_take() ? HEM_ESTATE : 0;
}

int server_run(void *arg)
{
    struct server *s = arg;
    server_open_gate(s);
    if (!s->options.num_workers)
        s->options.num_workers = WORKERS;
    size_t count = ledger_descriptors();
    for (const int *fd = s->options.sockets; fd && *fd; fd++)
        count--;
    check_int(hem_prefork(s->worker, s, &s->options), s->expected);
    check_int(ledger_descriptors(), count);
    check(waitpid(-1, NULL, WNOHANG) < 0);
    check_int(errno, ECHILD);
    return forked_verdict();
}

void server_hear(struct process *process, char want, int count)
{
    while (count-- > 0) {
        char got = '?';
        if (!check(process_hear(process, &got)) || !check_int(got, want))
            return;
    }
}

void server_check_end(struct process *process, struct ending *ret)
{
    process_end(process, ret);
    check_int(ret->signo, 0);
    if (!check_int(ret->status, 0))
        print_error("%s", ret->text);
}

void server_check_silent_end(struct process *process)
{
    struct ending e;
    server_check_end(process, &e);
    check_str(e.text, "");
}

void server_check_signals(const struct server *s, int want)
{
    for (int i = 0; i < WORKERS; i++) {
        check_int(s->shared->signals[i], want);
        check_int(s->shared->again[i], want);
    }
}

int worker_until_stopped(hem_worker *w, void *arg)
{
    struct server *s = arg;
    uint32_t i = hem_worker_index(w);
    s->shared->pids[i] = getpid();
    hem_worker_ready(w);
    process_say('r');
    s->shared->signals[i] = hem_worker_wait(w);
    s->shared->again[i] = hem_worker_wait(w);
    return worker_verdict();
}
