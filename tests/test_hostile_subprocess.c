/* SPDX-License-Identifier: MIT */
/* Hostile cases 16 to 22: children that do not die, pids that are used again,
 * others who reap, starts that fail, descriptors and signals that leak. */
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "forked.h"
#include "shell.h"
#include "support.h"

#define OPTIONS(...) (&(hem_subprocess_options){__VA_ARGS__})

/* Start a script and wait until it says something. */
static int start_saying(hem_subprocess *p, const char *script)
{
    char *line;
    HEM_TRY(hem_subprocess_shell(
        p, script,
        OPTIONS(.out = HEM_PIPE, .err = HEM_NULL, .pdeathsig = SIGKILL)));
    ssize_t n = hem_stream_read_line(hem_subprocess_stdout(p), &line);
    return n > 0 ? 0 : HEM_EINCOMPLETE;
}

VIRTUAL_TEST(hostile_16_what_ignores_sigterm_is_killed)
{
    HEM_SUBPROCESS(p);
    HEM_TRY(start_saying(&p, "trap '' TERM; echo; exec sleep 1000"));
    check_int(hem_subprocess_close(&p), 0);
    check_int(hem_now(), 5 * HEM_SEC);
    check(!forked_any());
    return 0;
}

/* The pid of the grandchild is what the child says. */
static int start_with_grandchild(hem_subprocess *p, pid_t *ret)
{
    char *line;
    HEM_TRY(hem_subprocess_shell(p, "sleep 1000 & echo $!; exit 3",
                                 OPTIONS(.out = HEM_PIPE, .err = HEM_NULL)));
    ssize_t n = hem_stream_read_line(hem_subprocess_stdout(p), &line);
    if (n <= 0)
        return HEM_EINCOMPLETE;
    *ret = (pid_t)strtol(line, NULL, 10);
    return check(*ret > 1) ? 0 : HEM_EINVAL;
}

VIRTUAL_TEST(hostile_16_a_grandchild_that_holds_a_pipe_is_not_waited_for)
{
    HEM_SUBPROCESS(p);
    hem_child_status status;
    pid_t grandchild;
    HEM_TRY(start_with_grandchild(&p, &grandchild));
    check_int(hem_subprocess_wait(&p, &status), 0);
    check_int(status.exit_code, 3);
    check_int(hem_subprocess_close(&p), 0);
    check_int(kill(grandchild, 0), 0);
    kill(grandchild, SIGKILL);
    return 0;
}

VIRTUAL_TEST(hostile_16_a_talk_with_a_grandchild_ends_in_time)
{
    hem_subprocess_output o;
    HEM_SUBPROCESS(p);
    pid_t grandchild;
    HEM_TRY(start_with_grandchild(&p, &grandchild));
    check_int(hem_subprocess_communicate(
                  &p, NULL, 0, &o,
                  &(hem_subprocess_communicate_options){.timeout = HEM_SEC}),
              HEM_ETIMEDOUT);
    hem_subprocess_output_free(&o);
    kill(grandchild, SIGKILL);
    return 0;
}

VIRTUAL_TEST(hostile_17_a_signal_never_reaches_the_next_owner_of_the_pid)
{
    HEM_SUBPROCESS(p);
    HEM_TRY(hem_subprocess_shell(&p, "exit 0", NULL));
    pid_t pid = hem_subprocess_pid(&p);
    check_int(waitpid(-1, NULL, 0), pid); /* somebody else's */
    check_int(hem_subprocess_kill(&p), HEM_ESRCH);
    pid_t innocent = forked_as(pid);
    if (innocent < 0)
        print_message("pid %d cannot be had again: by the pidfd alone\n", pid);
    check_int(hem_subprocess_kill(&p), HEM_ESRCH);
    check_int(hem_subprocess_close(&p), 0);
    if (innocent > 0) {
        check_int(waitpid(innocent, NULL, WNOHANG), 0); /* it lives */
        kill(innocent, SIGKILL);
        waitpid(innocent, NULL, 0);
    }
    return 0;
}

static int wait_for(void *arg)
{
    return hem_subprocess_wait(arg, NULL);
}

VIRTUAL_TEST(hostile_18_who_is_reaped_by_others_has_no_status)
{
    HEM_SUBPROCESS(p);
    hem_task *waiter;
    HEM_TRY(shell_linger(&p, NULL));
    HEM_TRY(hem_spawn(&waiter, wait_for, &p));
    HEM_TRY(hem_yield());
    kill(hem_subprocess_pid(&p), SIGKILL);
    check_int(waitpid(-1, NULL, 0), hem_subprocess_pid(&p));
    check_int(hem_await(waiter), HEM_ECHILD);
    check_int(hem_subprocess_wait(&p, NULL), HEM_ECHILD);
    check_int(hem_subprocess_poll(&p, NULL), HEM_ECHILD);
    check_int(hem_subprocess_close(&p), 0);
    return 0;
}

static void check_ignored(void)
{
    HEM_SUBPROCESS(p);
    check_int(hem_subprocess_shell(&p, "exit 1", NULL), 0);
    check_int(hem_subprocess_wait(&p, NULL), HEM_ECHILD);
    HEM_SUBPROCESS(q);
    check_int(shell_linger(&q, NULL), 0);
    check_int(hem_subprocess_close(&q), 0);
    char *none[] = {"/no/such", NULL};
    HEM_SUBPROCESS(r);
    check_int(hem_subprocess_start(&r, none, NULL), HEM_ENOENT);
}

VIRTUAL_TEST(hostile_18_where_sigchld_is_ignored_nothing_hangs)
{
    signal(SIGCHLD, SIG_IGN);
    EACH_WAY(check_ignored());
    signal(SIGCHLD, SIG_DFL);
    return 0;
}

/* 19: starts that fail. */

static char dir[] = "/tmp/hem-hostile-XXXXXX";

static void make_file(const char *name, const char *text, mode_t mode)
{
    char path[80];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    if (check(f != NULL)) {
        fputs(text, f);
        fclose(f);
        chmod(path, mode);
    }
}

/* Start this file of the directory; NULL: that name. */
static int start_file(const char *file, const char *name)
{
    char path[80];
    snprintf(path, sizeof(path), "%s/%s", dir, file ? file : "");
    char *argv[] = {file ? path : (char *)(uintptr_t)name, NULL};
    HEM_SUBPROCESS(p);
    return hem_subprocess_start(&p, argv,
                                OPTIONS(.in = HEM_PIPE, .out = HEM_PIPE));
}

static char long_name[5000];

static void check_bad_files(void)
{
    check_int(start_file("missing", NULL), HEM_ENOENT);
    check_int(start_file("plain", NULL), HEM_EACCES);
    check_int(start_file("bare", NULL), HEM_ENOEXEC);
    check_int(start_file("lost", NULL), HEM_ENOENT); /* its interpreter */
    check_int(start_file("good", NULL), 0);
    check_int(start_file(".", NULL), HEM_EACCES);
    check_int(start_file("plain/x", NULL), HEM_ENOTDIR);
    long_name[0] = '/';
    check_int(start_file(NULL, long_name), HEM_ENAMETOOLONG);
    check_int(start_file(NULL, long_name + 1), HEM_ENAMETOOLONG);
    check(!forked_any());
}

static void check_shell_runs_bare(void)
{
    char command[100];
    snprintf(command, sizeof(command), "%s/bare", dir);
    check_int(shell_ends(command, NULL), 6);
    snprintf(command, sizeof(command), "%s/plain 2>&-", dir);
    check_int(shell_ends(command, NULL), 126);
}

VIRTUAL_TEST(hostile_19_the_true_error_of_a_bad_program_is_told)
{
    check(mkdtemp(dir) != NULL);
    memset(long_name, 'x', sizeof(long_name) - 1);
    make_file("plain", "x", 0644);
    make_file("bare", "exit 6\n", 0755);
    make_file("lost", "#!/no/such/interpreter\n", 0755);
    make_file("good", "#!/bin/sh\nexit 0\n", 0755);
    EACH_WAY(check_bad_files());
    EACH_WAY(check_shell_runs_bare());
    char command[60];
    snprintf(command, sizeof(command), "rm -r %s", dir);
    return shell_ends(command, NULL);
}

VIRTUAL_TEST(hostile_19_arguments_may_be_too_long)
{
    size_t size = (size_t)4 << 20;
    char *big = calloc(1, size + 1);
    memset(big, 'x', size);
    char *argv[] = {"true", big, NULL};
    HEM_SUBPROCESS(p);
    EACH_WAY(check_int(hem_subprocess_start(&p, argv, NULL), HEM_E2BIG));
    free(big);
    return 0;
}

static int fail_in_a_way(int i)
{
    static const char *const names[] = {"/no/such", "/dev/null", "no-such"};
    char *argv[] = {(char *)(uintptr_t)names[i % 3], NULL};
    HEM_SUBPROCESS(p);
    int rc = hem_subprocess_start(&p, argv,
                                  OPTIONS(.in = HEM_PIPE, .out = HEM_PIPE,
                                          .err = HEM_PIPE,
                                          .cwd = i % 4 ? NULL : "/no/such"));
    return rc < 0 ? 0 : HEM_EINVAL;
}

VIRTUAL_TEST(hostile_19_thousands_of_failures_leave_nothing)
{
    int all = (int)scaled(3000);
    HEM_TRY(fail_in_a_way(0));
    size_t descriptors = ledger_descriptors(), live = ledger_live();
    size_t mappings = ledger_mappings();
    for (int i = 0; i < all; i++)
        HEM_TRY(fail_in_a_way(i));
    check_int(ledger_descriptors(), descriptors);
    check_int(ledger_live(), live);
    check_int(ledger_mappings(), mappings);
    check(!forked_any());
    return 0;
}

/* 20: descriptors that leak. */

static atomic_bool opening;

static void *open_all_the_time(void *arg)
{
    (void)arg;
    while (atomic_load(&opening)) {
        int fd = dup(0);
        int other = open("/dev/null", O_RDONLY);
        close(fd);
        close(other);
    }
    return NULL;
}

static void check_few(void)
{
    hem_subprocess_fd fd = {0, 77};
    for (int i = 0; i < (int)scaled(50) + 2; i++)
        check_str(
            shell_says(shell_lists_descriptors,
                       OPTIONS(.in = HEM_PIPE, .fds = &fd, .fd_count = 1)),
            "0 1 2 77");
}

VIRTUAL_TEST(hostile_20_no_descriptor_leaks_into_a_child)
{
    int fds[100];
    for (int i = 0; i < 100; i++)
        fds[i] = open("/dev/null", O_RDONLY | (i % 2 ? O_CLOEXEC : 0));
    pthread_t threads[2];
    atomic_store(&opening, true);
    for (int i = 0; i < 2; i++)
        check_int(pthread_create(&threads[i], NULL, open_all_the_time, NULL),
                  0);
    EACH_WAY(check_few());
    atomic_store(&opening, false);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 100; i++)
        close(fds[i]);
    return 0;
}

/* A kernel without close_range(). */
static int forget_close_range(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 436, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {4, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static int list_descriptors(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++)
        check(dup(0) > 0);
    EACH_WAY(check_str(shell_says(shell_lists_descriptors, NULL), "0 1 2"));
    return 0;
}

static int run_on_old_kernel(void *arg)
{
    if (forget_close_range() < 0)
        return 0;
    check_int(hem_run(list_descriptors, arg, NULL), 0);
    return forked_verdict();
}

VIRTUAL_TEST(hostile_20_nor_where_the_kernel_is_old)
{
    check_int(forked_status(run_on_old_kernel, NULL).exit_code, 0);
    return 0;
}

/* 21: a child that writes to both while it reads. */

VIRTUAL_TEST(hostile_21_nobody_waits_for_each_other)
{
    size_t size = scaled((size_t)20 << 20);
    char *input = calloc(1, size);
    char *argv[] = {"sh", "-c", "tee /dev/stderr", NULL};
    hem_subprocess_output o;
    hem_subprocess_run_options r = {
        .start = {.in = HEM_PIPE, .out = HEM_PIPE, .err = HEM_PIPE},
        .input = input,
        .input_size = size};
    check_int(hem_subprocess_run(argv, &r, &o), 0);
    check_int(o.out_size, size);
    check_int(o.err_size, size);
    hem_subprocess_output_free(&o);
    r.communicate.limit = size / 2;
    check_int(hem_subprocess_run(argv, &r, &o), HEM_ELIMIT);
    check(o.out_size <= size / 2 && o.err_size <= size / 2);
    hem_subprocess_output_free(&o);
    free(input);
    return 0;
}

/* 22: signals. */

static void check_signals(void)
{
    check_str(shell_says("sed -n 's/^Sig[BI].*\t//p' /proc/self/status", NULL),
              "0000000000000000\n0000000000000000");
}

static void catch (int signo)
{
    (void)signo;
}

VIRTUAL_TEST(hostile_22_a_child_has_default_signals)
{
    sigset_t all, before;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGRTMIN + 3, SIG_IGN);
    signal(SIGUSR2, catch);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    EACH_WAY(check_signals());
    sigset_t after;
    pthread_sigmask(SIG_SETMASK, &before, &after);
    check_int(sigismember(&after, SIGUSR1), 1);
    struct sigaction sa;
    sigaction(SIGUSR2, NULL, &sa);
    check(sa.sa_handler == catch);
    sigaction(SIGPIPE, NULL, &sa);
    check(sa.sa_handler == SIG_IGN);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    signal(SIGRTMIN + 3, SIG_DFL);
    return 0;
}

/* A handler of the parent must not run in a child that has its memory. */
static volatile pid_t handled_by, fired_at;

static void note(int signo)
{
    (void)signo;
    handled_by = (pid_t)syscall(SYS_getpid);
    if (handled_by != fired_at)
        abort();
}

/* A process of its own that signals the group all the time. */
static pid_t shoot_at_the_group(void)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGURG, SIG_IGN);
    for (;;) {
        kill(0, SIGURG); /* which others ignore */
        sched_yield();
    }
}

static int start_under_fire(void *arg)
{
    (void)arg;
    for (int i = 0; i < (int)scaled(200) + 2; i++)
        check_int(shell_ends("exit 0", NULL), 0);
    return 0;
}

static int run_under_fire(void *arg)
{
    setpgid(0, 0);
    fired_at = getpid();
    struct sigaction sa = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigaction(SIGURG, &sa, NULL);
    pid_t shooter = shoot_at_the_group();
    check_int(hem_run(start_under_fire, arg, NULL), 0);
    kill(shooter, SIGKILL);
    waitpid(shooter, NULL, 0);
    check_int(handled_by, getpid());
    return forked_verdict();
}

VIRTUAL_TEST(hostile_22_signals_at_any_moment_reach_the_parent_alone)
{
    check_int(forked_status(run_under_fire, NULL).exit_code, 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(hostile_16_what_ignores_sigterm_is_killed),
        LEDGER_TEST(
            hostile_16_a_grandchild_that_holds_a_pipe_is_not_waited_for),
        LEDGER_TEST(hostile_16_a_talk_with_a_grandchild_ends_in_time),
        LEDGER_TEST(
            hostile_17_a_signal_never_reaches_the_next_owner_of_the_pid),
        LEDGER_TEST(hostile_18_who_is_reaped_by_others_has_no_status),
        LEDGER_TEST(hostile_18_where_sigchld_is_ignored_nothing_hangs),
        LEDGER_TEST(hostile_19_the_true_error_of_a_bad_program_is_told),
        LEDGER_TEST(hostile_19_arguments_may_be_too_long),
        LEDGER_TEST(hostile_19_thousands_of_failures_leave_nothing),
        LEDGER_TEST(hostile_20_no_descriptor_leaks_into_a_child),
        LEDGER_TEST(hostile_20_nor_where_the_kernel_is_old),
        LEDGER_TEST(hostile_21_nobody_waits_for_each_other),
        LEDGER_TEST(hostile_22_a_child_has_default_signals),
        LEDGER_TEST(hostile_22_signals_at_any_moment_reach_the_parent_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
