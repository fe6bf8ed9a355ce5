/* SPDX-License-Identifier: MIT */
/*
 * What a new program is given: arguments, environment, descriptors.
 *
 * Started as this one was: the file that execve() was called with (AT_EXECFN),
 * not the one that runs (/proc/self/exe): a symbolic link may lead to another
 * by now, and a file that was replaced is "(deleted)" there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "service/upgrade.h"

#define FIRST_FD       3
#define ARGUMENTS_MAX  ((size_t)4 << 20) /* more than the kernel takes */
#define ARGUMENTS_STEP ((size_t)4096)

/* Variables of the old program that are not the new one's. */
static const char *const dropped[] = {"LISTEN_FDS", "LISTEN_PID",
                                      "LISTEN_PIDFDID", "LISTEN_FDNAMES"};

/* Those that have the pid of the process they are meant for. */
static const char *const with_pid[] = {"WATCHDOG_PID", "SYSTEMD_EXEC_PID"};

/* Read what is left of a file; one NUL more than it has. */
static int read_rest(int fd, char **ret, size_t *ret_size)
{
    char *text = NULL;
    size_t size = 0, room = 0;
    for (;;) {
        if (room - size < 2) {
            char *more = room < ARGUMENTS_MAX
                             ? hem__realloc(text, room + ARGUMENTS_STEP)
                             : NULL;
            if (!more) {
                hem__free(text);
                return room < ARGUMENTS_MAX ? HEM_ENOMEM : HEM_E2BIG;
            }
            text = more;
            room += ARGUMENTS_STEP;
        }
        ssize_t n = hem__sys_read(fd, text + size, room - size - 1);
        if (n > 0)
            size += (size_t)n;
        if (n == 0 || (n < 0 && n != HEM_EINTR)) {
            text[size] = '\0';
            *ret = text;
            *ret_size = size;
            return (int)n;
        }
    }
}

/* Arguments that follow each other, each ended by a NUL. */
static int split(hem__upgrade_gift *g, size_t size)
{
    size_t count = 0;
    for (size_t at = 0; at < size; at += strlen(g->text + at) + 1)
        count++;
    if (count == 0)
        return HEM_EINVAL;
    g->argv = hem__alloc((count + 1) * sizeof(g->argv[0]));
    if (!g->argv)
        return HEM_ENOMEM;
    char *at = g->text;
    for (size_t i = 0; i < count; i++, at += strlen(at) + 1)
        g->argv[i] = at;
    g->argv[count] = NULL;
    return 0;
}

static int read_arguments(hem__upgrade_gift *g)
{
    size_t size = 0;
    int fd = hem__sys_open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int rc = read_rest(fd, &g->text, &size);
    close(fd);
    return rc < 0 ? rc : split(g, size);
}

/* One that was started by its descriptor has no name. */
static const char *own_program(void)
{
    const char *name = (const char *)(uintptr_t)getauxval(AT_EXECFN);
    if (!name || !*name || strncmp(name, "/dev/fd/", 8) == 0 ||
        strncmp(name, "/proc/", 6) == 0)
        return "/proc/self/exe";
    return name;
}

static int choose_program(hem__upgrade_gift *g, const hem__upgrade_call *call)
{
    if (call->argv) {
        g->argv = (char **)(uintptr_t)call->argv;
        return g->argv[0] ? 0 : HEM_EINVAL;
    }
    g->options.program = own_program();
    g->options.no_path_search = true;
    return read_arguments(g);
}

/* None has a name mostly: then none is told. */
static int list_names(hem__upgrade_gift *g, const hem__upgrade_call *call)
{
    static const char variable[] = "LISTEN_FDNAMES=", unknown[] = "unknown";
    size_t bytes = sizeof(variable), named = 0;
    for (size_t i = 0; i < call->count; i++) {
        const char *name = call->sockets[i].name;
        named += name != NULL;
        bytes += strlen(name ? name : unknown) + 1;
    }
    if (named == 0)
        return 0;
    g->names = hem__alloc(bytes);
    if (!g->names)
        return HEM_ENOMEM;
    char *at = stpcpy(g->names, variable);
    for (size_t i = 0; i < call->count; i++) {
        const char *name = call->sockets[i].name;
        if (i > 0)
            *at++ = ':';
        at = stpcpy(at, name ? name : unknown);
    }
    return 0;
}

/* Add `from`, as the next of the new program's. */
static int add_descriptor(hem__upgrade_gift *g, int from)
{
    int to = FIRST_FD + (int)g->options.fd_count;
    g->fds[g->options.fd_count++] = (hem_subprocess_fd){from, to};
    return to;
}

/* The program's first, as $LISTEN_FDS has them. */
static int list_descriptors(hem__upgrade_gift *g, const hem__upgrade_call *call,
                            int report)
{
    g->fds =
        hem__alloc((call->count + HEM__UPGRADE_FD_COUNT) * sizeof(g->fds[0]));
    if (!g->fds)
        return HEM_ENOMEM;
    g->options.fds = g->fds;
    for (size_t i = 0; i < call->count; i++)
        (void)add_descriptor(g, call->sockets[i].fd);
    snprintf(g->count, sizeof(g->count), "LISTEN_FDS=%zu", call->count);
    char *at = stpcpy(g->own, HEM__UPGRADE_FDS);
    for (int i = 0; i < HEM__UPGRADE_FD_COUNT; i++) {
        int fd = i == HEM__UPGRADE_REPORT ? report : call->own[i];
        if (fd > 0)
            at += sprintf(at, "%c%s=%d", i == 0 ? '=' : ':',
                          hem__upgrade_fd_names[i], add_descriptor(g, fd));
    }
    return 0;
}

static bool is_our_pid(const char *text)
{
    return text && strtol(text, NULL, 10) == getpid();
}

static void list_variables(hem__upgrade_gift *g, bool sockets)
{
    size_t add = 0, own = 0;
    for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
        g->add[add++] = (char *)(uintptr_t)dropped[i];
    g->add[add++] = g->own;
    g->own_pid[own++] = (char *)(uintptr_t)HEM__UPGRADE_PID;
    if (g->names)
        g->add[add++] = g->names;
    if (sockets) {
        g->add[add++] = g->count;
        g->own_pid[own++] = (char *)(uintptr_t) "LISTEN_PID";
    }
    for (size_t i = 0; i < sizeof(with_pid) / sizeof(with_pid[0]); i++) {
        if (is_our_pid(getenv(with_pid[i])))
            g->own_pid[own++] = (char *)(uintptr_t)with_pid[i];
    }
    g->options.env_add = g->add;
    g->options.env_pid = g->own_pid;
}

int hem__upgrade_gift_init(hem__upgrade_gift *g, const hem__upgrade_call *call,
                           int report)
{
    *g = (hem__upgrade_gift){.options = {.grace = call->grace}};
    int rc = choose_program(g, call);
    if (rc == 0)
        rc = list_names(g, call);
    if (rc == 0)
        rc = list_descriptors(g, call, report);
    if (rc < 0) {
        hem__upgrade_gift_deinit(g);
        return rc;
    }
    list_variables(g, call->count > 0);
    return 0;
}

void hem__upgrade_gift_deinit(hem__upgrade_gift *g)
{
    hem__free(g->fds);
    hem__free(g->names);
    if (g->text)
        hem__free(g->argv);
    hem__free(g->text);
}
