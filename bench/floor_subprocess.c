/* SPDX-License-Identifier: MIT */
/*
 * The floor of starting programs: vfork(), execve() and waitpid(), one after
 * the other and up to 16 at a time, in a process that has touched so much
 * memory before. No pipes, no signals, no descriptors to close.
 *
 *     floor_subprocess [MIB]
 *
 *     sequential 431.70 us
 *     wide_16 254.11 us
 */
#define _GNU_SOURCE 1

#include "floor_subprocess.h"

#include <sys/wait.h>
#include <unistd.h>

static pid_t start(void)
{
    char *const argv[] = {SUBPROCESS_PROGRAM, NULL};
    pid_t pid = vfork();
    if (pid == 0) {
        execve(argv[0], argv, environ);
        _exit(127);
    }
    return pid;
}

static int sequential(void *arg)
{
    (void)arg;
    for (int i = 0; i < SUBPROCESS_RUNS; i++) {
        pid_t pid = start();
        if (pid < 0 || waitpid(pid, NULL, 0) != pid)
            return -1;
    }
    return 0;
}

static int wide(void *arg)
{
    (void)arg;
    int running = 0;
    for (int i = 0; i < SUBPROCESS_RUNS; i++) {
        if (running == SUBPROCESS_WIDTH && waitpid(-1, NULL, 0) < 0)
            return -1;
        running += running < SUBPROCESS_WIDTH;
        if (start() < 0)
            return -1;
    }
    while (waitpid(-1, NULL, 0) > 0)
        continue;
    return 0;
}

int main(int argc, char **argv)
{
    if (subprocess_touch(argc > 1 ? argv[1] : "0") < 0 ||
        subprocess_measure("sequential", sequential, NULL) < 0 ||
        subprocess_measure("wide_16", wide, NULL) < 0)
        return 1;
    return 0;
}
