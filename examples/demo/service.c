/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "service.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A process begins that the picture is to show. */
static void begin(service *s, pid_t pid, const char *format, unsigned a,
                  unsigned b)
{
    if (s->life_count == LIVES_MAX)
        return;
    life *l = &s->lives[s->life_count];
    s->pids[s->life_count++] = pid;
    snprintf(l->name, sizeof(l->name), format, a, b);
    l->began = hem_now();
}

static life *find(service *s, pid_t pid)
{
    for (size_t i = s->life_count; i-- > 0;)
        if (s->pids[i] == pid && s->lives[i].ended == 0)
            return &s->lives[i];
    return NULL;
}

static void program_begins(service *s, const char *line)
{
    unsigned port = 0;
    sscanf(line, "http://127.0.0.1:%u/", &port);
    s->port = (uint16_t)port;
    s->programs++;
    begin(s, 0, "generation %u", s->programs, 0);
}

static void worker_says(service *s, const char *line)
{
    unsigned index, generation;
    long pid;
    char what[16];
    if (sscanf(line, "worker %u.%u (%ld) %15[^\n]", &index, &generation, &pid,
               what) != 4)
        return;
    if (strcmp(what, "starts") == 0)
        begin(s, (pid_t)pid, "  worker %u.%u", index, generation);
    life *l = find(s, (pid_t)pid);
    if (l != NULL && strncmp(what, "has ended", 9) == 0)
        l->ended = hem_now();
}

static void hear(service *s, const char *line)
{
    static const char listening[] = "listening on ",
                      upgrades[] = "service upgrades to ";
    if (strncmp(line, listening, sizeof(listening) - 1) == 0)
        program_begins(s, line + sizeof(listening) - 1);
    else if (strncmp(line, upgrades, sizeof(upgrades) - 1) == 0)
        s->pid = (pid_t)atol(line + sizeof(upgrades) - 1);
    else if (strcmp(line, "service ready") == 0)
        s->is_ready = true;
    else if (strcmp(line, "service reloaded") == 0)
        s->rolls++;
    else
        worker_says(s, line);
}

/* Until no process is left that could print something. */
static int listen_to(void *arg)
{
    service *s = arg;
    HEM_STREAM(events);
    HEM_TRY(hem_stream_open_fd(&events, s->events, NULL));
    s->events = -1;
    char *line;
    ssize_t n;
    while ((n = hem_stream_read_line(&events, &line)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        hear(s, line);
        hem_event_set(&s->changed);
    }
    for (size_t i = 0; i < s->life_count; i++)
        if (s->lives[i].ended == 0)
            s->lives[i].ended = hem_now();
    s->has_ended = true;
    hem_event_set(&s->changed);
    return (int)n;
}

/* Wait for the next thing that it prints. */
static int wait_change(service *s)
{
    hem_event_clear(&s->changed);
    HEM_TRY(hem_event_wait(&s->changed));
    return s->has_ended ? hem_fail(HEM_EEXITED, "the server has ended") : 0;
}

int service_start(service *s, const char *path, hem_scope *scope)
{
    const char *argv[] = {path,     "--workers", "2",         "--root", ".",
                          "--port", "0",         "--verbose", NULL};
    memcpy(s->program.argv, argv, sizeof(argv));
    hem_event_init(&s->changed);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    s->events = ends[0];
    s->program.output = program_move_up(ends[1]);
    int rc = s->program.output < 0 ? s->program.output
                                   : program_start(&s->program, scope);
    close(s->program.output);
    HEM_TRY(rc);
    s->pid = hem_child_pid(&s->program.child);
    HEM_TRY(hem_scope_spawn(scope, NULL, listen_to, s));
    while (!s->is_ready)
        HEM_TRY(wait_change(s));
    return 0;
}

int service_roll(service *s)
{
    uint32_t before = s->rolls;
    if (kill(s->pid, SIGHUP) < 0)
        return -errno;
    while (s->rolls == before)
        HEM_TRY(wait_change(s));
    return 0;
}

int service_upgrade(service *s)
{
    s->is_ready = false;
    life *old = find(s, 0);
    pid_t before = s->pid;
    if (kill(s->pid, SIGUSR2) < 0)
        return -errno;
    while (!s->is_ready || s->pid == before)
        HEM_TRY(wait_change(s));
    old->told = hem_now();
    HEM_TRY(program_wait(&s->program));
    old->ended = s->program.ended;
    return 0;
}

int service_stop(service *s)
{
    life *l = find(s, 0);
    l->told = hem_now();
    if (kill(s->pid, SIGTERM) < 0)
        return -errno;
    int rc = 0;
    while (rc == 0)
        rc = wait_change(s);
    return s->has_ended ? 0 : rc;
}

void service_close(service *s)
{
    if (s->pid > 0 && !s->has_ended)
        kill(s->pid, SIGKILL);
    program_close(&s->program);
}
