/* SPDX-License-Identifier: MIT */
/*
 * A protocol tested without a socket: two streams connected in memory, on a
 * virtual clock, so that a client that says nothing is a test of no time.
 */
#include <ctype.h>
#include <hem.h>
#include <stdio.h>

/* A server for one client: answers lines in capitals, for 10 s of patience. */
static int shout(void *arg)
{
    hem_stream *s = arg;
    for (;;) {
        hem_timeout patience;
        char *line;
        HEM_TRY(hem_timeout_open(&patience, 10 * HEM_SEC));
        int n = (int)hem_stream_read_line(s, &line);
        n = hem_timeout_close(&patience, n);
        if (n <= 0)
            return n;
        for (int i = 0; i < n; i++)
            line[i] = (char)toupper(line[i]);
        HEM_TRY(hem_stream_write(s, line, (size_t)n));
    }
}

static int main_task(void *arg)
{
    HEM_STREAM(client);
    HEM_STREAM(server);
    hem_task *t;
    char *line;
    (void)arg;
    HEM_TRY(hem_stream_pair(&client, &server, NULL));
    HEM_TRY(hem_spawn(&t, shout, &server));
    HEM_TRY(hem_stream_write(&client, "hel", 3));
    HEM_TRY(hem_sleep(HEM_SEC)); /* a line may come in pieces */
    HEM_TRY(hem_stream_write(&client, "lo\n", 3));
    HEM_TRY(hem_stream_read_line(&client, &line));
    printf("%.6s", line);
    int rc = hem_await(t);
    printf("%s after %d s\n", hem_errname(rc), (int)(hem_now() / HEM_SEC));
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     HELLO
 *     HEM_ETIMEDOUT after 11 s
 */
