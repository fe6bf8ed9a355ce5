/* SPDX-License-Identifier: MIT */
/*
 * A library with an event loop of its own kind, in hem's: it has a descriptor,
 * and wants to be told when it is readable, or has not been for a while.
 */
#include <hem.h>
#include <stdio.h>
#include <unistd.h>

/* The library. */
static int library_fd, library_size;

static void library_read(void)
{
    char text[64];
    library_size = (int)read(library_fd, text, sizeof(text));
    printf("it says %.*s\n", library_size, text);
}

static void library_idle(void *arg)
{
    printf("nothing since those %d bytes%s\n", library_size, (char *)arg);
}

/* The program. */
static void on_readable(void *idle, int events)
{
    hem_callback_cancel(idle);
    if (events & HEM_READABLE && hem_call_later(idle, 1500 * HEM_MSEC) == 0)
        library_read();
}

static int main_task(void *end)
{
    hem_callback idle;
    hem_fd_watch watch;
    hem_callback_init(&idle, library_idle, ".");
    hem_fd_watch_init(&watch, on_readable, &idle);
    HEM_TRY(hem_fd_watch_start(&watch, library_fd, HEM_READABLE));
    for (int i = 1; i < 3; i++) {
        dprintf(*(int *)end, "%d", i * i * i);
        HEM_TRY(hem_sleep(i * HEM_SEC));
    }
    return hem_fd_watch_stop(&watch) ? 0 : HEM_ESTATE;
}

int main(void)
{
    int ends[2];
    hem_virtual_clock c = {0};
    library_fd = pipe(ends) < 0 ? -1 : ends[0];
    return hem_run(main_task, &ends[1], &(hem_run_options){.clock = &c}) < 0;
}
/*
 * Output:
 *     it says 1
 *     it says 8
 *     nothing since those 1 bytes.
 */
