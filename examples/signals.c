/* SPDX-License-Identifier: MIT */
/*
 * Signals: callbacks for SIGINT and SIGTERM, as in asyncio's "Set signal
 * handlers for SIGINT and SIGTERM", while main waits for SIGHUP. The program
 * sends itself what a user would.
 */
#include <hem.h>
#include <signal.h>
#include <stdio.h>

static void ask_exit(void *arg, const hem_signal_info *info)
{
    printf("got signal %s\n", info->signo == SIGINT ? "SIGINT" : "SIGTERM");
    if (info->signo == SIGTERM)
        hem_task_cancel(arg, "SIGTERM");
}

static int send_some(void *arg)
{
    static const int signals[] = {SIGHUP, SIGINT, SIGHUP, SIGTERM};
    (void)arg;
    for (int i = 0; i < 4; i++) {
        HEM_TRY(hem_sleep(20 * HEM_MSEC));
        raise(signals[i]);
    }
    return 0;
}

static int main_task(void *arg)
{
    HEM_SIGNAL(hup);
    hem_signal_handler on_int, on_term;
    hem_signal_handler_init(&on_int, ask_exit, hem_self());
    hem_signal_handler_init(&on_term, ask_exit, hem_self());
    HEM_TRY(hem_signal_open(&hup, (int[]){SIGHUP, 0}));
    HEM_TRY(hem_signal_handler_start(&on_int, SIGINT));
    HEM_TRY(hem_signal_handler_start(&on_term, SIGTERM));
    HEM_TRY(hem_spawn(NULL, send_some, arg));
    while (hem_signal_wait(&hup) > 0)
        puts("reload the configuration");
    printf("exit: %s\n", hem_task_reason(hem_self()));
    hem_signal_handler_stop(&on_term);
    hem_signal_handler_stop(&on_int);
    return 0;
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     reload the configuration
 *     got signal SIGINT
 *     reload the configuration
 *     got signal SIGTERM
 *     exit: SIGTERM
 */
