/* SPDX-License-Identifier: MIT */
/* Starting a program: what the parent prepares, and hears of its failure. */
#include "process/spawn.h"

#include <string.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "hem/failure.h"

#define DEFAULT_PATH "/bin:/usr/bin"

/* Descriptors of the child: how far they go, and that none is given twice. */
static int check_descriptors(hem__spawn *s)
{
    const hem_subprocess_options *o = s->options;
    s->beyond = STDERR_FILENO + 1;
    for (size_t i = 0; i < o->fd_count; i++) {
        int to = o->fds[i].to;
        if (to <= STDERR_FILENO || to == INT32_MAX)
            return HEM_EINVAL;
        for (size_t j = 0; j < i; j++) {
            if (o->fds[j].to == to)
                return HEM_EINVAL;
        }
        if (to >= s->beyond)
            s->beyond = to + 1;
    }
    return 0;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* What the start itself opens would get the numbers of those that are closed. */
static bool passed_are_open(const hem_subprocess_options *o)
{
    const hem_subprocess_io how[] = {o->in, o->out, o->err};
    const int given[] = {o->in_fd, o->out_fd, o->err_fd};
    for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
        if (how[i] == HEM_FD && !is_open(given[i]))
            return false;
    }
    for (size_t i = 0; i < o->fd_count; i++) {
        if (!is_open(o->fds[i].from))
            return false;
    }
    return true;
}

static int prepare_env(hem__spawn *s)
{
    const hem_subprocess_options *o = s->options;
    static char *const none[] = {NULL};
    s->env = o->env ? o->env : environ;
    if (!o->env_add && !o->env_pid)
        return 0;
    s->pid_env = hem__spawn_pid_env(o->env_pid ? o->env_pid : none);
    if (!s->pid_env)
        return HEM_ENOMEM;
    s->merged_env = hem__spawn_merge_env(s->env, o->env_add ? o->env_add : none,
                                         s->pid_env);
    s->env = s->merged_env;
    return s->env ? 0 : HEM_ENOMEM;
}

static int prepare_search(hem__spawn *s)
{
    if (s->options->no_path_search || strchr(s->program, '/') || !*s->program)
        return 0;
    s->path = hem__spawn_getenv(s->env, "PATH");
    if (!s->path)
        s->path = DEFAULT_PATH;
    s->candidate = hem__alloc(strlen(s->path) + strlen(s->program) + 2);
    return s->candidate ? 0 : HEM_ENOMEM;
}

static int prepare_map(hem__spawn *s)
{
    const hem_subprocess_options *o = s->options;
    s->map = hem__alloc((o->fd_count + 3) * sizeof(s->map[0]));
    if (!s->map)
        return HEM_ENOMEM;
    for (size_t i = 0; i < o->fd_count; i++)
        hem__spawn_add(s, o->fds[i].from, o->fds[i].to);
    return 0;
}

/* What the step that failed was about, or NULL. */
static const char *subject(const hem__spawn *s)
{
    switch (s->failure.step) {
    case HEM__SPAWN_directory:
        return s->options->cwd;
    case HEM__SPAWN_program:
        return s->program;
    default:
        return NULL;
    }
}

static int fail(const hem__spawn *s)
{
    static const char *const texts[] = {
#define TEXT(name, text) text,
        HEM__SPAWN_STEPS(TEXT)
#undef TEXT
    };
    const char *about = subject(s);
    int error = s->failure.error;
    return hem_fail(error, "%s%s%s%s: %s", texts[s->failure.step],
                    about ? " \"" : "", about ? about : "", about ? "\"" : "",
                    hem_strerror(error));
}

int hem__spawn_init(hem__spawn *s, const char *program, char *const argv[],
                    const hem_subprocess_options *opts)
{
    *s = (hem__spawn){.options = opts,
                      .program = opts->program ? opts->program : program,
                      .argv = argv,
                      .ours = {-1, -1, -1, -1},
                      .null = -1,
                      .leave_groups = !opts->groups && geteuid() != 0,
                      .parent = getpid()};
    HEM_TRY(check_descriptors(s));
    if (!passed_are_open(opts)) {
        s->failure = (hem__spawn_failure){HEM__SPAWN_descriptors, HEM_EBADF};
        return fail(s);
    }
    int rc = prepare_env(s);
    if (rc == 0)
        rc = prepare_search(s);
    if (rc == 0)
        rc = prepare_map(s);
    if (rc < 0)
        hem__spawn_deinit(s);
    return rc;
}

void hem__spawn_deinit(hem__spawn *s)
{
    for (size_t i = 0; i < sizeof(s->ours) / sizeof(s->ours[0]); i++) {
        if (s->ours[i] >= 0)
            close(s->ours[i]);
    }
    hem__free(s->map);
    hem__free(s->candidate);
    hem__free(s->merged_env);
    hem__free(s->pid_env);
}

void hem__spawn_add(hem__spawn *s, int from, int to)
{
    s->map[s->map_count++] = (hem__spawn_map){from, to};
}

void hem__spawn_own(hem__spawn *s, int fd)
{
    int i = 0;
    while (s->ours[i] >= 0)
        i++;
    s->ours[i] = fd;
}

/* The child ends by itself. Somebody else may have reaped it already. */
static void reap(pid_t pid, int pidfd)
{
    siginfo_t info;
    int rc;
    do {
        rc = pidfd >= 0 ? hem__sys_wait_pidfd(pidfd, &info, WEXITED)
                        : hem__sys_wait_pid(pid, &info, WEXITED);
    } while (rc == HEM_EINTR);
    if (pidfd >= 0)
        close(pidfd);
}

int hem__spawn_run(hem_loop *l, hem__spawn *s, pid_t *ret_pid, int *ret_pidfd)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = hem__spawn_make(l, s, ret_pid, ret_pidfd);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc < 0)
        return hem_fail(rc, "cannot make a process: %s", hem_strerror(rc));
    if (s->failure.error == 0)
        return 0;
    reap(*ret_pid, *ret_pidfd);
    return fail(s);
}
