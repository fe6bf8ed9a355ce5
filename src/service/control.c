/* SPDX-License-Identifier: MIT */
/* Signals of operators, made into calls of the others. */
#include <signal.h>

#include "base/log.h"
#include "hem/error.h"
#include "hem/failure.h"
#include "service/service.h"

#define STOP_SIGNALS_MAX 64

/* Those that do something else, unless they are among the stop signals. */
static const int others[] = {SIGHUP, SIGUSR2, SIGTTIN, SIGTTOU};

#define OTHERS (sizeof(others) / sizeof(others[0]))

static bool stops(const hem__service *s, int signo)
{
    for (const int *stop = s->stop_signals; *stop; stop++) {
        if (*stop == signo)
            return true;
    }
    return false;
}

int hem__control_open(hem__service *s)
{
    int signals[STOP_SIGNALS_MAX + OTHERS + 1];
    size_t count = 0;
    for (const int *stop = s->stop_signals; *stop; stop++) {
        if (count == STOP_SIGNALS_MAX)
            return HEM_EINVAL;
        signals[count++] = *stop;
    }
    for (size_t k = 0; k < OTHERS; k++) {
        if (!stops(s, others[k]))
            signals[count++] = others[k];
    }
    signals[count] = 0;
    return hem_signal_open(&s->signal, signals);
}

/* Those that arrived with the last worker's end, or while it was stopping
 * already, would kill this process when it closes. */
void hem__control_close(hem__service *s)
{
    while (hem_signal_try_wait(&s->signal, NULL) > 0)
        continue;
    hem_signal_close(&s->signal);
}

/* Before there is anybody to stop: once is remembered, twice is meant. */
static void stop(hem__service *s, int signo)
{
    bool again = s->state > HEM__SERVICE_READY;
    hem__service_stop(s, signo, 0);
    if (again && !s->serving && s->main)
        (void)hem_task_cancel(s->main, "stop signal");
}

static void upgrade(hem__service *s)
{
    int rc = hem__upgrade_start(s);
    if (rc < 0)
        hem_log(HEM_LOG_ERROR, "%s: no upgrade: %s: %s", s->role.name,
                hem_errname(rc), hem_failure_text(rc));
}

static void obey(hem__service *s, int signo)
{
    if (stops(s, signo))
        stop(s, signo);
    else if (signo == SIGHUP)
        hem__service_reload(s);
    else if (signo == SIGUSR2)
        upgrade(s);
    else if (signo == SIGTTIN)
        hem__crew_grow(s);
    else if (signo == SIGTTOU)
        hem__crew_shrink(s);
}

int hem__control_task(void *arg)
{
    hem__service *s = arg;
    for (;;) {
        int signo = hem_signal_wait(&s->signal);
        if (signo == HEM_ECANCELED)
            return signo;
        if (signo < 0) {
            hem__service_stop(s, 0, signo);
            return 0;
        }
        obey(s, signo);
    }
}
