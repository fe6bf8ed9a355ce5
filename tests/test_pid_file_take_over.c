/* SPDX-License-Identifier: MIT */
/* Pid files in an upgrade: the successor's replaces that of who started it. */
#include <signal.h>
#include <sys/stat.h>

#include "files.h"
#include "forked.h"
#include "service/pid_file.h"

static const char *pid_line(pid_t pid)
{
    static char text[32];
    snprintf(text, sizeof(text), "%d\n", (int)pid);
    return text;
}

static int take(hem_pid_file *p, pid_t from)
{
    return hem__pid_file_take_over(p, file_path("pid"), from);
}

/* Have the file, say so, remove it when told to, and say that. */
static int hold_one(void *arg)
{
    hem_pid_file p;
    sigset_t told;
    int signo;
    sigemptyset(&told);
    sigaddset(&told, SIGTERM);
    sigprocmask(SIG_BLOCK, &told, NULL);
    process_say(hem_pid_file_create(&p, arg) == 0 ? 'y' : 'n');
    sigwait(&told, &signo);
    hem_pid_file_remove(&p);
    return 0;
}

static void start_holder(struct process *p)
{
    char c = 0;
    process_start(p, hold_one, (void *)(uintptr_t)file_path("pid"));
    check(process_hear(p, &c));
    check_int(c, 'y');
}

static void end_holder(struct process *p)
{
    struct ending e;
    kill(p->pid, SIGTERM);
    process_end(p, &e);
    check_int(e.signo, 0);
    check_int(e.status, 0);
}

static void the_file_of_the_old_one_is_taken_over(void **state)
{
    struct process holder;
    hem_pid_file p, q;
    (void)state;
    start_holder(&holder);
    check_int(take(&p, holder.pid), 0);
    check_file("pid", pid_line(getpid()));
    end_holder(&holder);
    check_file("pid", pid_line(getpid()));
    check_int(hem_pid_file_create(&q, file_path("pid")), HEM_EEXIST);
    check_logged("is held by process");
    hem_pid_file_remove(&p);
    struct stat st;
    check_int(lstat(file_path("pid"), &st), -1);
}

static void that_of_anybody_else_is_not(void **state)
{
    struct process holder;
    hem_pid_file p;
    (void)state;
    start_holder(&holder);
    const pid_t others[] = {0, 1, -1, getpid(), holder.pid + 1};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        check_int(take(&p, others[i]), HEM_EEXIST);
        check_logged("is held by process");
        check_file("pid", pid_line(holder.pid));
    }
    end_holder(&holder);
}

static void where_nobody_has_one_it_is_a_new_one(void **state)
{
    struct process holder;
    hem_pid_file p;
    (void)state;
    check_int(take(&p, 17), 0);
    check_file("pid", pid_line(getpid()));
    hem_pid_file_remove(&p);
    start_holder(&holder);
    end_holder(&holder);
    check_int(take(&p, holder.pid), 0);
    hem_pid_file_remove(&p);
}

static void what_is_no_regular_file_is_left(void **state)
{
    hem_pid_file p;
    (void)state;
    check_int(mkdir(file_path("pid"), 0700), 0);
    check_int(take(&p, getppid()), HEM_EEXIST);
    check_logged("no regular file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(the_file_of_the_old_one_is_taken_over),
        FILE_TEST(that_of_anybody_else_is_not),
        FILE_TEST(where_nobody_has_one_it_is_a_new_one),
        FILE_TEST(what_is_no_regular_file_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
