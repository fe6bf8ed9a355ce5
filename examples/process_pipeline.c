/* SPDX-License-Identifier: MIT */
/*
 * A pipeline: what one program prints the next one reads, and we read, line by
 * line. Whatever fails on the way, both are killed with their block.
 */
#include <hem.h>
#include <stdio.h>
#include <unistd.h>

/* The lines of a stream, until it ends. */
static int show(hem_stream *s)
{
    char *line;
    ssize_t n;
    while ((n = hem_stream_read_line(s, &line)) > 0)
        printf("| %.*s", (int)n, line);
    return (int)n;
}

static int start_both(hem_subprocess *a, hem_subprocess *b, const int fds[2])
{
    char *seq[] = {"seq", "40", NULL};
    char *grep[] = {"grep", "7$", NULL};
    HEM_TRY(hem_subprocess_start(
        a, seq, &(hem_subprocess_options){.out = HEM_FD, .out_fd = fds[1]}));
    return hem_subprocess_start(b, grep,
                                &(hem_subprocess_options){.in = HEM_FD,
                                                          .in_fd = fds[0],
                                                          .out = HEM_PIPE});
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_SUBPROCESS(first);
    HEM_SUBPROCESS(second);
    int fds[2];
    if (pipe(fds) < 0)
        return -errno;
    int rc = start_both(&first, &second, fds);
    close(fds[0]); /* they have it now; the reader sees the end of it */
    close(fds[1]);
    HEM_TRY(rc);
    HEM_TRY(show(hem_subprocess_stdout(&second)));
    return hem_subprocess_wait(&second, NULL);
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     | 7
 *     | 17
 *     | 27
 *     | 37
 */
