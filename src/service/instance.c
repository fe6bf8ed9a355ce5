/* SPDX-License-Identifier: MIT */
/*
 * One life of one worker. Its task starts the process, or thread, waits for
 * the end and judges it; beside it another listens to the channel. What happens
 * on the way comes from outside, or by its timer.
 *
 *     STARTING --said to be ready--> READY
 *     STARTING, READY --tell--> TOLD        by crew.c, stop.c
 *     any --finish--> ENDED
 *
 * `settled` is set when it leaves STARTING, whereto ever. The timer pushes: one
 * whose set up takes too long is killed; one that is told has its main task
 * cancelled when the grace period is nearly over, and is killed when it is. Its
 * place in the heap is reserved from the beginning: nothing of that can fail.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/sys.h"
#include "hem/clock.h"
#include "hem/error.h"
#include "service/service.h"
#include "service/worker.h"

#define DEFAULT_START (60 * HEM_SEC)

const char *hem__instance_name(const hem__instance *i, char *room)
{
    const char *name = i->role->name;
    if (i->service->threads)
        snprintf(room, HEM__INSTANCE_NAME, "%.40s %u (thread)", name, i->index);
    else if (i->pid)
        snprintf(room, HEM__INSTANCE_NAME, "%.40s %u (pid %d)", name, i->index,
                 (int)i->pid);
    else
        snprintf(room, HEM__INSTANCE_NAME, "%.40s %u", name, i->index);
    return room;
}

void hem__instance_release(hem__instance *i)
{
    if (--i->refs == 0)
        hem__free(i);
}

static void say(const hem__instance *i, hem_prefork_event_kind kind)
{
    hem__service_event(i->service, &(hem_prefork_event){
                                       .kind = kind,
                                       .index = i->index,
                                       .generation = i->generation,
                                       .pid = i->pid,
                                       .error = i->end.error,
                                       .end = i->end,
                                   });
}

/* ---- the steps that it is pushed to ---- */

static void push_in(hem__instance *i, enum hem__step step, hem_ns in)
{
    hem_loop *l = hem__loop;
    hem__timer_disarm(&l->timers, &i->timer);
    i->step = step;
    if (step != HEM__STEP_NONE)
        hem__loop_arm(l, &i->timer, hem__deadline(hem__loop_now(l), in));
}

static void send_to(hem__instance *i, hem__message_kind kind)
{
    hem__message m;
    hem__message_make(&m, kind, i->told, NULL);
    int rc = hem__channel_send(&i->channel, &m);
    if (rc < 0 && rc != HEM_EPIPE && !i->service->threads)
        (void)!hem_child_send_signal(&i->child, i->told);
}

static void end_grace(hem__instance *i)
{
    hem__service *s = i->service;
    char name[HEM__INSTANCE_NAME];
    hem_log(HEM_LOG_WARNING, "%s: grace period over",
            hem__instance_name(i, name));
    if (i->leave == HEM__LEAVE_SERVICE && !s->kills) {
        s->kills = true;
        hem__service_event(s, &(hem_prefork_event){.kind = HEM_SERVICE_KILLS});
    }
    hem__instance_kill(i);
}

static void limit_grace(hem__instance *i)
{
    const hem_prefork_options *o = i->service->options;
    hem_ns grace = hem__grace_of(o), cancel = hem__cancel_of(o);
    if (grace == HEM_NEVER)
        push_in(i, HEM__STEP_NONE, 0);
    else if (grace <= 0)
        end_grace(i);
    else if (cancel > 0 && i->role->fn)
        push_in(i, HEM__STEP_CANCEL, grace - cancel);
    else
        push_in(i, HEM__STEP_KILL, grace);
}

static void step(hem__timer *t)
{
    hem__instance *i = HEM__CONTAINER(t, hem__instance, timer);
    char name[HEM__INSTANCE_NAME];
    switch (i->step) {
    case HEM__STEP_START:
        hem_log(HEM_LOG_ERROR, "%s: set up takes too long",
                hem__instance_name(i, name));
        hem__instance_kill(i);
        break;
    case HEM__STEP_CANCEL:
        send_to(i, HEM__MESSAGE_CANCEL);
        push_in(i, HEM__STEP_KILL, hem__cancel_of(i->service->options));
        break;
    case HEM__STEP_KILL:
        end_grace(i);
        break;
    case HEM__STEP_NONE:
        break;
    }
}

void hem__instance_kill(hem__instance *i)
{
    push_in(i, HEM__STEP_NONE, 0);
    if (!i->alive || i->killed)
        return;
    i->killed = true;
    char name[HEM__INSTANCE_NAME];
    int rc = i->service->threads ? HEM_ENOSYS
                                 : hem_child_send_signal(&i->child, SIGKILL);
    if (rc < 0 && rc != HEM_ESRCH && rc != HEM_EBADF)
        hem_log(HEM_LOG_ERROR, "%s cannot be killed, and is waited for",
                hem__instance_name(i, name));
}

static void pass_on(hem__instance *i)
{
    if (i->role->fn)
        send_to(i, HEM__MESSAGE_STOP);
    else
        (void)!hem_child_send_signal(&i->child, i->told);
    limit_grace(i);
}

void hem__instance_tell(hem__instance *i, int signo, hem__leaving why)
{
    if (i->state >= HEM__INSTANCE_TOLD)
        return;
    i->state = HEM__INSTANCE_TOLD;
    i->leave = why;
    i->told = i->role->stop_signal ? i->role->stop_signal : signo;
    hem_event_set(&i->settled);
    if (i->alive)
        pass_on(i);
}

/* ---- what it says ---- */

static void become_ready(hem__instance *i)
{
    if (i->state != HEM__INSTANCE_STARTING)
        return;
    i->state = HEM__INSTANCE_READY;
    i->ready_at = hem_now();
    push_in(i, HEM__STEP_NONE, 0);
    say(i, HEM_WORKER_IS_READY);
    hem_event_set(&i->settled);
    hem__crew_ready(i);
}

static void take_failure(hem__instance *i, const hem__message *m)
{
    if (m->code >= 0 || i->said)
        return;
    i->said = m->code;
    i->said_phase = m->phase <= HEM_WORKER_ENDED ? (hem_worker_phase)m->phase
                                                 : HEM_WORKER_ENDED;
    memcpy(i->text, m->text, sizeof(i->text));
}

static void hear(hem__instance *i, const hem__message *m)
{
    switch (m->kind) {
    case HEM__MESSAGE_READY:
        become_ready(i);
        break;
    case HEM__MESSAGE_FAILED:
    case HEM__MESSAGE_DONE:
        take_failure(i, m);
        break;
    case HEM__MESSAGE_REPLACE:
        hem__instance_replace(i, m->text);
        break;
    default: /* of another version: nothing that we know */
        break;
    }
}

/* To its end, or a thread's last word. */
static int listen_to(void *arg)
{
    hem__instance *i = arg;
    hem__message m;
    while (hem__channel_receive(&i->channel, &m) > 0) {
        hear(i, &m);
        if (m.kind == HEM__MESSAGE_DONE)
            break;
    }
    return 0;
}

/* What it said last, when it is there no more: the end of the channel is not
 * waited for, as its own children may have it. */
static void hear_rest(hem__instance *i)
{
    hem__message m;
    while (hem__channel_try_receive(&i->channel, &m) > 0)
        hear(i, &m);
}

/* ---- its life ---- */

static int be_worker(void *arg, int channel)
{
    return hem__worker_main(arg, channel);
}

static int start_process(hem__instance *i, hem__worker_start *start)
{
    hem__service *s = i->service;
    sigset_t blocked;
    hem__worker_blocked(&blocked, i->role, s->options);
    int channel = -1;
    s->forking++;
    int rc = hem__fork(&i->child, &(hem__fork_call){.fn = be_worker,
                                                    .arg = start,
                                                    .blocked = &blocked,
                                                    .channel = true,
                                                    .ret_channel = &channel});
    s->forking--;
    hem__service_close_sockets(s);
    if (rc < 0)
        return rc;
    rc = hem__channel_open(&i->channel, channel);
    if (rc < 0)
        hem_child_close(&i->child); /* it is killed */
    else
        i->pid = hem_child_pid(&i->child);
    return rc;
}

static int start_thread(hem__instance *i, hem__worker_start *start)
{
    int fds[2];
    HEM_TRY(hem__sys_socketpair(
        AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
    int rc = hem__channel_open(&i->channel, fds[0]);
    if (rc < 0) {
        close(fds[1]);
        return rc;
    }
    rc = hem__thread_worker_start(&i->thread, start, fds[1]);
    if (rc < 0)
        hem__channel_close(&i->channel);
    else
        i->pid = i->service->pid;
    return rc;
}

static int begin(hem__instance *i)
{
    const hem__service *s = i->service;
    hem__worker_start start = {.role = i->role,
                               .options = s->options,
                               .slot = i->slot,
                               .index = i->index,
                               .generation = i->generation,
                               .value = s->value,
                               .parent = s->pid,
                               .user = s->user,
                               .pulse = s->pulse};
    HEM_TRY(s->threads ? start_thread(i, &start) : start_process(i, &start));
    i->alive = true;
    say(i, HEM_WORKER_IS_STARTED);
    if (i->state == HEM__INSTANCE_TOLD)
        pass_on(i); /* it was told meanwhile */
    return 0;
}

/* ---- its end ---- */

static int watch_process(hem__instance *i, hem_child_status *ret)
{
    HEM_SCOPE(listening);
    int rc = hem_scope_spawn(&listening, NULL, listen_to, i);
    if (rc == 0)
        rc = hem_child_wait(&i->child, ret);
    hem_scope_abort(&listening, "it has ended");
    (void)!hem_scope_close(&listening, 0); /* nobody cancels this task */
    return rc;
}

/* Wait for its end; `end` gets what can be seen from outside. */
static void watch(hem__instance *i)
{
    hem_worker_end *end = &i->end;
    hem_child_status status = {.exit_code = -1};
    if (i->service->threads) {
        (void)listen_to(i);
        pthread_join(i->thread, NULL);
    } else {
        end->error = watch_process(i, &status);
        hem_child_close(&i->child); /* killed, if that failed */
        hear_rest(i);
    }
    i->alive = false;
    end->signal = status.signal;
    end->exit_code = status.exit_code;
    end->core = status.core;
}

static void finish(hem__instance *i)
{
    hem__service *s = i->service;
    const hem_prefork_options *o = s->options;
    push_in(i, HEM__STEP_NONE, 0);
    hem__timers_release(&hem__loop->timers);
    hem__channel_close(&i->channel);
    hem__scoreboard_give_back(&s->scoreboard, i->slot, o->metrics,
                              o->metric_count);
    i->slot = NULL;
    hem__list_remove(&i->link);
    i->seat->living--;
    i->state = HEM__INSTANCE_ENDED;
    hem_event_set(&i->settled);
    hem_event_set(&i->ended);
}

/* Its task. One that was told before it began never does. */
static int live(void *arg)
{
    hem__instance *i = arg;
    bool began = i->state == HEM__INSTANCE_STARTING;
    if (began) {
        i->end.exit_code = -1;
        i->end.error = begin(i);
        if (i->alive)
            watch(i);
        hem__instance_judge(i);
    }
    finish(i);
    if (began)
        say(i, HEM_WORKER_HAS_ENDED);
    hem__crew_ended(i);
    hem__instance_release(i);
    return 0;
}

/* The rest of it is to be set where nothing can fail any more. */
static int spawn(hem__instance *i)
{
    hem__service *s = i->service;
    hem__timers *timers = &hem__loop->timers;
    HEM_TRY(hem__timers_reserve(timers));
    int rc = HEM_ENOMEM;
    i->slot = hem__scoreboard_take(&s->scoreboard);
    if (i->slot)
        rc = hem_scope_spawn_with(s->scope, NULL, live, i,
                                  .name = i->role->name);
    if (rc == 0)
        return 0;
    if (i->slot)
        hem__scoreboard_give_back(&s->scoreboard, i->slot, NULL, 0);
    hem__timers_release(timers);
    return rc;
}

hem__instance *hem__instance_start(hem__seat *seat, int *ret_error)
{
    hem__service *s = seat->service;
    const hem_prefork_options *o = s->options;
    hem__instance *i = hem__calloc(sizeof(*i));
    *ret_error = HEM_ENOMEM;
    if (!i)
        return NULL;
    i->service = s;
    i->seat = seat;
    i->role = seat->role;
    i->index = seat->index;
    i->refs = 1;
    i->timer.fire = step;
    hem_event_init(&i->settled);
    hem_event_init(&i->ended);
    *ret_error = spawn(i);
    if (*ret_error < 0) {
        hem__free(i);
        return NULL;
    }
    i->generation = seat->generation++;
    i->epoch = s->epoch;
    i->started_at = hem_now();
    hem__list_insert(&s->instances, &i->link);
    seat->living++;
    push_in(i, HEM__STEP_START,
            o->start_timeout ? o->start_timeout : DEFAULT_START);
    return i;
}
