/* SPDX-License-Identifier: MIT */
/*
 * Errors are numbers; hem_fail() adds why and where, which travels with the
 * number to whoever awaits the task.
 */
#include <hem.h>
#include <stdio.h>
#include <string.h>

static int parse_port(const char *text)
{
    int port = 0;
    if (sscanf(text, "%d", &port) != 1 || port < 1 || port > 65535)
        return hem_fail(HEM_EINVAL, "'%s' is no port", text);
    return port;
}

static int start_server(void *arg)
{
    HEM_TRY(hem_sleep(HEM_MSEC));
    return parse_port(arg); /* a result, or an error */
}

static int start(char *port)
{
    hem_task *t;
    HEM_TRY(hem_spawn(&t, start_server, port));
    int rc = hem_await(t);
    const hem_error *e = hem_task_error(t); /* valid as long as the handle */
    if (rc < 0 && e)
        printf("%s in %s: %s\n", hem_errname(rc), e->task, e->message);
    else
        printf("listening on %d\n", rc);
    hem_task_forget(t);
    return rc < 0 ? rc : 0;
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_TRY(start("8080"));
    int rc = start("eighty"); /* the record is this task's too now */
    printf("the latest: %s\n", hem_failure_text(rc));
    return rc == HEM_EINVAL ? 0 : rc;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     listening on 8080
 *     HEM_EINVAL in start_server: 'eighty' is no port
 *     the latest: 'eighty' is no port
 */
