/* SPDX-License-Identifier: MIT */
/*
 * A descriptor that hem has no calls for: inotify tells of new files in a
 * directory. One task waits for it, another makes one.
 */
#include <hem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

static char directory[] = "/tmp/hem-example-XXXXXX";
static char path[64];

static int make_file(void *arg)
{
    (void)arg;
    HEM_TRY(hem_sleep(10 * HEM_MSEC));
    FILE *file = fopen(path, "w");
    return file ? fclose(file) : HEM_EIO;
}

static int wait_for_file(int fd)
{
    char event[4096];
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, make_file, NULL));
    HEM_TRY(hem_fd_wait(fd, HEM_READABLE));
    if (read(fd, event, sizeof(event)) < 0)
        return -errno;
    printf("new: %s\n", event + offsetof(struct inotify_event, name));
    return hem_scope_close(&s, 0);
}

static int main_task(void *arg)
{
    (void)arg;
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0 || !mkdtemp(directory))
        return -errno;
    snprintf(path, sizeof(path), "%s/letter", directory);
    inotify_add_watch(fd, directory, IN_CREATE);
    int rc = wait_for_file(fd);
    hem_fd_close(fd);
    unlink(path);
    rmdir(directory);
    return rc;
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     new: letter
 */
