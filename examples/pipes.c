/* SPDX-License-Identifier: MIT */
/*
 * A pipe between two tasks, and standard output: streams like any other.
 */
#include <hem.h>
#include <stdio.h>

static int count(void *arg)
{
    hem_stream *to = arg;
    for (int i = 1; i <= 3; i++) {
        char line[32];
        int n = snprintf(line, sizeof(line), "line %d\n", i);
        HEM_TRY(hem_stream_write(to, line, (size_t)n));
    }
    return hem_stream_aclose(to);
}

static int print(void *arg)
{
    hem_stream *from = arg;
    HEM_STREAM(out);
    HEM_TRY(hem_stream_open_stdout(&out));
    char *line;
    ssize_t n;
    while ((n = hem_stream_read_line(from, &line)) > 0) {
        struct iovec both[] = {{(char[]){"got "}, 4}, {line, (size_t)n}};
        HEM_TRY(hem_stream_writev(&out, both, 2));
    }
    return (int)n;
}

static int main_task(void *arg)
{
    HEM_STREAM(from); /* closed however this block is left */
    HEM_STREAM(to);
    (void)arg;
    HEM_TRY(hem_pipe(&from, &to, NULL));
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    HEM_TRY(hem_scope_spawn(&s, NULL, count, &to));
    HEM_TRY(hem_scope_spawn(&s, NULL, print, &from));
    return hem_scope_close(&s, 0);
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     got line 1
 *     got line 2
 *     got line 3
 */
