/* SPDX-License-Identifier: MIT */
/*
 * Debug mode: a step that holds the loop for too long is logged, with the task
 * that took it. (HEM_DEBUG=100 in the environment does it for any program.)
 */
#include <hem.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>

static int hash_password(void *arg)
{
    (void)arg; /* computes for 0.3 s */
    return thrd_sleep(&(struct timespec){.tv_nsec = 300 * 1000 * 1000}, NULL);
}

static int login_badly(void *arg)
{
    return hash_password(arg); /* nobody else runs meanwhile */
}

static int login_well(void *arg)
{
    return hem_thread_call(hash_password, arg, NULL);
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, login_badly, NULL));
    HEM_TRY(hem_scope_spawn(&s, NULL, login_well, NULL));
    return hem_scope_close(&s, 0);
}

static void show(void *arg, hem_log_level level, const char *line)
{
    (void)arg, (void)level;
    /* Without the time, which varies. */
    printf("log: %.*s\n", (int)(strstr(line, " for ") - line), line);
}

int main(void)
{
    hem_log_set(show, NULL);
    return hem_run(main_task, NULL,
                   &(hem_run_options){.slow_step = 250 * HEM_MSEC}) < 0;
}

/*
 * Output:
 *     log: task "login_badly", spawned at examples/debug_mode.c:31, held the loop
 */
