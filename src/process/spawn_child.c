/* SPDX-License-Identifier: MIT */
/*
 * In the child, between the clone and the program. It may run in the parent's
 * memory, on a stack of some pages, as a second process with the parent's
 * thread-local storage: so no locks, no memory, no libc but wrappers of system
 * calls; and libc's setuid() and the like, which have all threads of the
 * process do it, are not among them (base/syscalls.h).
 *
 * Signals are blocked; they are unblocked after all handlers, which know the
 * parent's loop, were replaced by the default actions.
 *
 * HEM__CORO_BODY: sanitizers do not follow here. What instrumented code would
 * leave behind on the stack when execve() does not return, the parent would
 * stumble over.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/sys.h"
#include "coro/annotate.h"
#include "process/spawn.h"

#define SIGNAL_MAX 64
#define SET_BYTES  8 /* of the kernel's signal sets */

typedef int step(hem__spawn *s);

HEM__CORO_BODY static int own_pid(hem__spawn *s)
{
    if (s->pid_env)
        hem__spawn_set_pid(s->pid_env, syscall(SYS_getpid));
    return 0;
}

HEM__CORO_BODY static int session(hem__spawn *s)
{
    return s->options->new_session ? hem__sys_setsid() : 0;
}

HEM__CORO_BODY static int group_of_processes(hem__spawn *s)
{
    pid_t group = s->options->process_group;
    if (group == 0)
        return 0;
    return hem__sys_setpgid(0, group == HEM_NEW_GROUP ? 0 : group);
}

/* An entry of a directory, as the kernel gives it. */
struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short size;
    unsigned char type;
    char name[];
};

HEM__CORO_BODY static int number_of(const char *name)
{
    int n = 0;
    for (; *name >= '0' && *name <= '9'; name++)
        n = n * 10 + (*name - '0');
    return *name ? -1 : n;
}

/* Where there is no close_range(), before Linux 5.11. */
HEM__CORO_BODY static int mark_each(int first)
{
    union {
        struct entry entry; /* the first */
        char bytes[1024];
    } some;
    long all = syscall(SYS_openat, AT_FDCWD, "/proc/self/fd",
                       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (all < 0)
        return -errno;
    long size;
    while ((size = syscall(SYS_getdents64, all, &some, sizeof(some))) > 0) {
        for (long at = 0; at < size;) {
            const struct entry *e = (const void *)(some.bytes + at);
            int fd = number_of(e->name);
            if (fd >= first)
                (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
            at += e->size;
        }
    }
    return size < 0 ? -errno : 0;
}

HEM__CORO_BODY static int mark_all(int first)
{
    return hem__sys_close_range_on_exec(first) < 0 ? mark_each(first) : 0;
}

/* Whether another entry than `i` of the map overwrites its source. */
HEM__CORO_BODY static bool in_the_way(const hem__spawn *s, size_t i)
{
    for (size_t j = 0; j < s->map_count; j++) {
        if (j != i && s->map[j].to == s->map[i].from)
            return true;
    }
    return false;
}

/* Sources that are in the way move above all; then all that is open is to be
 * closed by execve(), and each is put in its place. */
HEM__CORO_BODY static int descriptors(hem__spawn *s)
{
    for (size_t i = 0; i < s->map_count; i++) {
        if (!in_the_way(s, i))
            continue;
        s->map[i].from = hem__sys_fcntl_dup(s->map[i].from, s->beyond);
        if (s->map[i].from < 0)
            return s->map[i].from;
    }
    HEM_TRY(mark_all(STDERR_FILENO + 1));
    for (size_t i = 0; i < s->map_count; i++) {
        const hem__spawn_map *m = &s->map[i];
        int rc = m->from == m->to ? hem__sys_fcntl_set_fd(m->to, 0)
                                  : hem__sys_dup2(m->from, m->to);
        if (rc < 0)
            return rc;
    }
    return 0;
}

HEM__CORO_BODY static int directory(hem__spawn *s)
{
    return s->options->cwd ? hem__sys_chdir(s->options->cwd) : 0;
}

HEM__CORO_BODY static int mask_of_files(hem__spawn *s)
{
    if (s->options->umask)
        (void)umask(*s->options->umask);
    return 0;
}

HEM__CORO_BODY static int limits(hem__spawn *s)
{
    for (size_t i = 0; i < s->options->limit_count; i++) {
        const hem_subprocess_limit *l = &s->options->limits[i];
        const uint64_t soft_and_hard[2] = {l->soft, l->hard};
        HEM_TRY(hem__sys_set_rlimit(l->resource, soft_and_hard));
    }
    return 0;
}

HEM__CORO_BODY static int niceness(hem__spawn *s)
{
    return s->options->nice ? hem__sys_nice(s->options->nice) : 0;
}

/* Before the group and the user, who could not set them any more. */
HEM__CORO_BODY static int other_groups(hem__spawn *s)
{
    const hem_subprocess_options *o = s->options;
    if (!o->groups && !o->user && !o->group)
        return 0;
    size_t count = o->groups ? o->group_count : 0;
    int rc = hem__sys_set_groups(count, o->groups);
    if (rc < 0)
        return s->leave_groups ? 0 : rc;
    return syscall(SYS_getgroups, 0, (void *)0) == (long)count ? 0 : HEM_EPERM;
}

HEM__CORO_BODY static int group(hem__spawn *s)
{
    if (!s->options->group)
        return 0;
    gid_t want = *s->options->group;
    HEM_TRY(hem__sys_set_gid(want));
    gid_t real, effective, saved;
    syscall(SYS_getresgid, &real, &effective, &saved);
    bool done = real == want && effective == want && saved == want;
    return done ? 0 : HEM_EPERM;
}

HEM__CORO_BODY static int user(hem__spawn *s)
{
    if (!s->options->user)
        return 0;
    uid_t want = *s->options->user;
    HEM_TRY(hem__sys_set_uid(want));
    uid_t real, effective, saved;
    syscall(SYS_getresuid, &real, &effective, &saved);
    bool done = real == want && effective == want && saved == want;
    return done ? 0 : HEM_EPERM;
}

/* After the user, for setuid() takes it back. */
HEM__CORO_BODY static int death(hem__spawn *s)
{
    if (!s->options->pdeathsig)
        return 0;
    HEM_TRY(hem__sys_set_pdeathsig(s->options->pdeathsig));
    return syscall(SYS_getppid) == s->parent ? 0 : HEM_ESRCH;
}

HEM__CORO_BODY static int signals(hem__spawn *s)
{
    (void)s;
    unsigned long action[8] = {0}; /* the kernel's struct, all of it default */
    for (int signo = 1; signo <= SIGNAL_MAX; signo++)
        syscall(SYS_rt_sigaction, signo, action, (void *)0, SET_BYTES);
    unsigned long none[2] = {0};
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, (void *)0, SET_BYTES);
    return 0;
}

HEM__CORO_BODY static int execute(hem__spawn *s, const char *file)
{
    return hem__sys_execve(file, s->argv, s->env);
}

/* Put DIRECTORY/PROGRAM, or PROGRAM if that is empty, into the candidate. */
HEM__CORO_BODY static void compose(hem__spawn *s, const char *begin,
                                   const char *end)
{
    char *at = s->candidate;
    while (begin < end)
        *at++ = *begin++;
    if (at > s->candidate)
        *at++ = '/';
    for (const char *p = s->program; *p; p++)
        *at++ = *p;
    *at = '\0';
}

/* As execvp(), but a file that is no program is not given to the shell. */
HEM__CORO_BODY static int program(hem__spawn *s)
{
    if (!s->path)
        return execute(s, s->program);
    int rc = HEM_ENOENT;
    for (const char *begin = s->path, *end = begin;; begin = ++end) {
        while (*end && *end != ':')
            end++;
        compose(s, begin, end);
        int error = execute(s, s->candidate);
        if (error == HEM_EACCES || error == HEM_ENAMETOOLONG)
            rc = error; /* unless it is found behind */
        else if (error != HEM_ENOENT && error != HEM_ENOTDIR)
            return error;
        if (!*end)
            return rc;
    }
}

HEM__CORO_BODY void hem__spawn_child(hem__spawn *s)
{
    static step *const steps[] = {
#define STEP(name, text) name,
        HEM__SPAWN_STEPS(STEP)
#undef STEP
    };
    for (int i = 0; i < HEM__SPAWN_STEP_COUNT; i++) {
        int rc = steps[i](s);
        if (rc < 0) {
            s->failure.step = i;
            s->failure.error = rc;
            return;
        }
    }
}
