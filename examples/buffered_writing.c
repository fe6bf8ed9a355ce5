/* SPDX-License-Identifier: MIT */
/* Telling many at once: hem_stream_put() never waits, so that who does not read
 * holds up nobody, and is dropped. asyncio's writer.write() and drain(). */
#include <hem.h>
#include <stdio.h>
#include <string.h>

static hem_stream to[3], from[3];

static void broadcast(const char *text)
{
    for (int i = 0; i < 3; i++) {
        if (hem_stream_put(&to[i], text, strlen(text)) == HEM_ELIMIT) {
            printf("listener %d does not listen\n", i);
            hem_stream_abort(&to[i]); /* later puts: HEM_EBADF */
        }
    }
}

static int listen_to(void *arg)
{
    char *line;
    int lines = 0;
    while (hem_stream_read_line(arg, &line) > 0)
        lines++;
    return lines;
}

static int main_task(void *arg)
{
    (void)arg;
    hem_task *t[2]; /* number 2 never reads */
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_stream_pair(&to[i], &from[i], NULL));
    for (int i = 0; i < 2; i++)
        HEM_TRY(hem_spawn(&t[i], listen_to, &from[i]));
    for (int i = 0; i < 20000; i++) {
        broadcast("breaking news\n");
        for (int k = 0; k < 2; k++)
            HEM_TRY(hem_stream_drain(&to[k]));
    }
    for (int i = 0; i < 2; i++) {
        HEM_TRY(hem_stream_aclose(&to[i]));
        printf("listener %d heard %d lines\n", i, hem_await(t[i]));
        HEM_TRY(hem_stream_close(&from[i]));
    }
    return hem_stream_close(&from[2]);
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     listener 2 does not listen
 *     listener 0 heard 20000 lines
 *     listener 1 heard 20000 lines
 */
