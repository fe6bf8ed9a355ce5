/* SPDX-License-Identifier: MIT */
/*
 * SIGCHLD says that some child has ended. Those that are hem's are reaped by
 * their own descriptors. Which of the others were adopted, and which a library
 * has forked and waits for by itself, as system() does, nothing tells; but who
 * waits does so at once. So there are two looks, a pause apart: who is dead in
 * both, and nobody's, is reaped.
 *
 *     waiting --SIGCHLD--> pausing --> looking --dead ones are left--> pausing
 *         ^-----------------------------------'
 */
#include "service/orphans.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/sys.h"
#include "hem/clock.h"
#include "hem/error.h"
#include "hem/signal.h"

#define SEEN_MAX 64 /* in a look; more are for the next */

hem_ns hem__orphans_pause = HEM_SEC;

struct look {
    pid_t seen[SEEN_MAX]; /* dead, and nobody's */
    size_t count;
};

static bool has_seen(const struct look *l, pid_t pid)
{
    for (size_t i = 0; i < l->count; i++) {
        if (l->seen[i] == pid)
            return true;
    }
    return false;
}

static bool is_dead(pid_t pid)
{
    siginfo_t info = {0};
    const int flags = WEXITED | WNOHANG | WNOWAIT;
    return hem__sys_wait_pid(pid, &info, flags) == 0 && info.si_pid == pid;
}

static void look_at(pid_t pid, const struct look *last, struct look *now)
{
    siginfo_t info;
    if (hem__child_is_of(hem__loop, pid) || !is_dead(pid))
        return;
    if (has_seen(last, pid))
        (void)!hem__sys_wait_pid(pid, &info, WEXITED | WNOHANG);
    else if (now->count < SEEN_MAX)
        now->seen[now->count++] = pid;
}

/* The pids of all children, as far as there is room for them. "": it is not to
 * be found out. */
static void read_children(char *ret, size_t room, pid_t self)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)self,
                   (int)self);
    *ret = '\0';
    int fd = hem__sys_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return;
    ssize_t n = hem__sys_read(fd, ret, room - 1);
    close(fd);
    while (n > 0 && ret[n - 1] != ' ') /* the last may be there in part */
        n--;
    ret[n > 0 ? n : 0] = '\0';
}

static void look_round(const hem__service *s, struct look *l)
{
    char children[8192];
    struct look now = {.count = 0};
    read_children(children, sizeof(children), s->pid);
    char *at = children, *end;
    for (;;) {
        long pid = strtol(at, &end, 10);
        if (end == at)
            break;
        look_at((pid_t)pid, l, &now);
        at = end;
    }
    *l = now;
}

static int reap(void *arg)
{
    const hem__service *s = arg;
    struct look l = {.count = 0};
    const int signals[] = {SIGCHLD, 0};
    HEM_SIGNAL(ended);
    HEM_TRY(hem_signal_open(&ended, signals));
    for (;;) {
        if (l.count == 0)
            HEM_TRY(hem_signal_wait(&ended));
        HEM_TRY(hem_sleep(hem__orphans_pause));
        look_round(s, &l);
    }
}

int hem__orphans_start(hem__service *s, hem_scope *scope)
{
    if (s->pid != 1)
        return 0;
    return hem_scope_spawn(scope, NULL, reap, s);
}
