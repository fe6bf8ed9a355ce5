/* SPDX-License-Identifier: MIT */
/*
 * Subprocesses with `.whole_group`: signals and closing reach all that a child
 * has started. Who is alive holds the writing end of a pipe open: that it ends
 * tells that nobody is.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "forked.h"
#include "settle.h"
#include "shell.h"
#include "support.h"

#define PIPE  3 /* the child's */
#define START "sleep 1000 & sleep 1000 & echo on >&3; "

/* A child, and what is heard of it and its own children. */
struct group {
    hem_subprocess p;
    hem_stream heard;
};

static void group_start(struct group *g, const char *script,
                        hem_subprocess_options options)
{
    hem_stream theirs;
    char *line = NULL;
    memset(g, 0, sizeof(*g));
    check_int(hem_pipe(&g->heard, &theirs, NULL), 0);
    hem_subprocess_fd fd = {.from = theirs.fd.fd, .to = PIPE};
    options.fds = &fd;
    options.fd_count = 1;
    options.whole_group = true;
    if (!options.new_session)
        options.process_group = HEM_NEW_GROUP;
    check_int(hem_subprocess_shell(&g->p, script, &options), 0);
    check_int(hem_stream_close(&theirs), 0);
    check_int(hem_stream_read_line(&g->heard, &line), 3);
    check(line && memcmp(line, "on\n", 3) == 0);
}

/* Wait until nobody is alive. */
static void group_is_gone(struct group *g)
{
    char byte;
    check_int(hem_stream_read(&g->heard, &byte, 1), 0);
    check_int(hem_stream_close(&g->heard), 0);
}

static void check_signal(hem_subprocess_options options)
{
    struct group g;
    hem_child_status status;
    group_start(&g, START "wait", options);
    check_int(hem_subprocess_terminate(&g.p), 0);
    check_int(hem_subprocess_wait(&g.p, &status), 0);
    check_int(status.signal, SIGTERM);
    group_is_gone(&g);
    check_int(hem_subprocess_close(&g.p), 0);
}

VIRTUAL_TEST(a_signal_reaches_the_whole_group)
{
    check_signal((hem_subprocess_options){.nice = 0});
    check_signal((hem_subprocess_options){.new_session = true});
    return 0;
}

static void check_outlived(void)
{
    struct group g;
    hem_child_status status;
    group_start(&g, START "exit 7", (hem_subprocess_options){.nice = 0});
    check_int(hem_subprocess_wait(&g.p, &status), 0);
    check_int(status.exit_code, 7);
    check_int(hem_subprocess_send_signal(&g.p, 0), 0);
    check_int(hem_subprocess_kill(&g.p), 0);
    group_is_gone(&g);
    check_int(hem_subprocess_poll(&g.p, &status), 0);
    check_int(status.exit_code, 7);
    check_int(hem_subprocess_close(&g.p), 0);
}

VIRTUAL_TEST(a_signal_reaches_those_that_outlive_their_leader)
{
    check_outlived();
    return 0;
}

static void check_closed(const char *script)
{
    struct group g;
    group_start(&g, script, (hem_subprocess_options){.grace = 100 * HEM_MSEC});
    check_int(hem_subprocess_close(&g.p), 0);
    group_is_gone(&g);
    check_int(hem_subprocess_close(&g.p), HEM_EBADF);
    check_int(hem_subprocess_kill(&g.p), HEM_EBADF);
}

VIRTUAL_TEST(closing_ends_the_whole_group)
{
    check_closed(START "wait");
    check_closed(START "exit 0");
    check_closed("trap '' TERM; " START "wait");
    check_closed("trap '' TERM; " START "exit 0");
    return 0;
}

VIRTUAL_TEST(who_outlives_its_leader_has_its_grace)
{
    char *line = NULL;
    struct group g;
    if (getpid() == 1) /* nobody would reap it, and so it would not be gone */
        return 0;
    group_start(&g,
                "(trap 'echo bye >&3; exit' TERM; echo on >&3;"
                " while :; do sleep 0.01; done) & wait",
                (hem_subprocess_options){.grace = HEM_NEVER});
    check_int(hem_subprocess_close(&g.p), 0);
    check_int(hem_stream_read_line(&g.heard, &line), 4);
    check(line && memcmp(line, "bye\n", 4) == 0);
    group_is_gone(&g);
    return 0;
}

static int close_it(void *arg)
{
    return hem_subprocess_close(arg);
}

VIRTUAL_TEST(a_cancelled_close_kills_the_whole_group)
{
    struct group g;
    group_start(&g, "trap '' TERM; " START "exit 0",
                (hem_subprocess_options){.grace = HEM_NEVER});
    check_int(hem_subprocess_wait(&g.p, NULL), 0);
    hem_task *t = spawn_settled(close_it, &g.p);
    check(hem_task_cancel(t, NULL) || hem_task_done(t));
    int rc = hem_await(t); /* 0: before Linux 6.9 */
    check(rc == HEM_ECANCELED || rc == 0);
    group_is_gone(&g);
    return 0;
}

VIRTUAL_TEST(a_block_that_is_left_kills_the_whole_group)
{
    struct group g;
    group_start(&g, "trap '' TERM; " START "wait",
                (hem_subprocess_options){.nice = 0});
    hem__subprocess_cleanup(&g.p);
    group_is_gone(&g);
    return 0;
}

VIRTUAL_TEST(who_has_left_the_group_is_left_alone)
{
    struct group g;
    char *line = NULL;
    group_start(&g,
                "setsid sh -c 'echo on >&3; echo $$ >&3; exec sleep 1000' &"
                " wait",
                (hem_subprocess_options){.grace = HEM_MSEC});
    check(hem_stream_read_line(&g.heard, &line) > 0);
    pid_t other = line ? (pid_t)strtol(line, NULL, 10) : 0;
    check(other > 1);
    check_int(hem_subprocess_close(&g.p), 0);
    check_int(other > 1 ? kill(other, SIGKILL) : -1, 0);
    group_is_gone(&g);
    return 0;
}

VIRTUAL_TEST(a_whole_group_must_be_its_own)
{
    hem_subprocess p;
    hem_subprocess_options o = {.whole_group = true};
    check_int(hem_subprocess_shell(&p, "exit 0", &o), HEM_EINVAL);
    o.process_group = getpgrp();
    check_int(hem_subprocess_shell(&p, "exit 0", &o), HEM_EINVAL);
    check_int(hem_subprocess_close(&p), HEM_EBADF);
    check(!forked_any());
    return 0;
}

static void check_taken_away(int signalled)
{
    struct group g;
    group_start(&g, "echo on >&3; exit 0", (hem_subprocess_options){.nice = 0});
    check_int(hem_subprocess_wait(&g.p, NULL), 0);
    check_int(waitpid(hem_subprocess_pid(&g.p), NULL, 0),
              hem_subprocess_pid(&g.p)); /* somebody else's */
    check_int(hem_subprocess_kill(&g.p), signalled);
    group_is_gone(&g);
    check_int(hem_subprocess_close(&g.p), 0);
}

VIRTUAL_TEST(hostile_17_no_signal_for_a_group_whose_leader_was_reaped)
{
    check_taken_away(HEM_ESRCH);
    return 0;
}

/* Have the kernel be one before 6.9: it knows no flags of this call. */
static void be_old(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_send_signal, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
                 offsetof(struct seccomp_data, args[3])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = COUNT_OF(code), .filter = code};
    check_int(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    check_int(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static int try_old(void *arg)
{
    (void)arg;
    check_signal((hem_subprocess_options){.nice = 0});
    check_outlived();
    check_closed(START "wait");
    check_closed(START "exit 0");
    check_closed("trap '' TERM; " START "exit 0");
    check_taken_away(HEM_ESRCH);
    return 0;
}

static int run_old(void *arg)
{
    (void)arg;
    be_old();
    check_int(run_virtual(try_old, NULL), 0);
    return forked_verdict();
}

static void the_same_where_the_kernel_is_old(void **state)
{
    (void)state;
    forked_apart(run_old, NULL);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_signal_reaches_the_whole_group),
        LEDGER_TEST(a_signal_reaches_those_that_outlive_their_leader),
        LEDGER_TEST(closing_ends_the_whole_group),
        LEDGER_TEST(who_outlives_its_leader_has_its_grace),
        LEDGER_TEST(a_cancelled_close_kills_the_whole_group),
        LEDGER_TEST(a_block_that_is_left_kills_the_whole_group),
        LEDGER_TEST(who_has_left_the_group_is_left_alone),
        LEDGER_TEST(a_whole_group_must_be_its_own),
        LEDGER_TEST(hostile_17_no_signal_for_a_group_whose_leader_was_reaped),
        LEDGER_TEST(the_same_where_the_kernel_is_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
