/* SPDX-License-Identifier: MIT */
/* What a child gets, by each option, in each way of making it: it tells. */
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "forked.h"
#include "process/spawn.h"
#include "shell.h"
#include "support.h"

#define OPTIONS(...) (&(hem_subprocess_options){__VA_ARGS__})

/* A test whose body is done in each way of making a child. */
#define WAYS_TEST(name)                                                        \
    static void name##_check(void);                                            \
    VIRTUAL_TEST(name)                                                         \
    {                                                                          \
        EACH_WAY(name##_check());                                              \
        return 0;                                                              \
    }                                                                          \
    static void name##_check(void)

/* A value of /proc/self/status. */
#define STATUS(key) "sed -n 's/^" key ":[ \t]*//p' /proc/self/status"

static int as_root(void **state)
{
    if (geteuid() != 0) {
        print_message("skipped: only root may change users and groups\n");
        skip();
    }
    return ledger_begin(state);
}

#define ROOT_TEST(name)                                                        \
    cmocka_unit_test_setup_teardown(name, as_root, ledger_end)

static void memory_is_shared_where_it_can(void **state)
{
    (void)state;
    int way = atomic_load(&hem__spawn_way);
    if (in_valgrind() || in_emulator())
        check_int(way, HEM__SPAWN_COPIES);
    else if (!SANITIZED)
        check_int(way, HEM__SPAWN_SHARES);
    run_assert_checks();
}

WAYS_TEST(the_directory)
{
    check_str(shell_says("pwd -P", OPTIONS(.cwd = "/")), "/");
    check_str(shell_says("pwd -P", OPTIONS(.cwd = "/proc")), "/proc");
}

WAYS_TEST(a_program_by_relative_name_is_looked_for_in_its_directory)
{
    check_str(
        shell_says("echo here", OPTIONS(.cwd = "/bin", .program = "./sh")),
        "here");
    check_str(shell_says("echo here", OPTIONS(.cwd = "/bin", .program = "sh",
                                              .no_path_search = true)),
              "here");
}

WAYS_TEST(the_environment)
{
    char *env[] = {"A=1", "B=2", "PATH=/bin:/usr/bin", NULL};
    char *add[] = {"B=3", "C=4", "A", "C=5", NULL};
    setenv("HEM_TEST_INHERITED", "yes", 1);
    check_str(shell_says("echo $HEM_TEST_INHERITED", NULL), "yes");
    check_str(shell_says("echo $A $B $HEM_TEST_INHERITED", OPTIONS(.env = env)),
              "1 2");
    check_str(shell_says("env | grep '^[ABC]=' | sort | tr '\\n' ' '",
                         OPTIONS(.env = env, .env_add = add)),
              "B=3 C=5");
    char *without[] = {"HEM_TEST_INHERITED", NULL};
    check_str(shell_says("echo ${HEM_TEST_INHERITED-no}",
                         OPTIONS(.env_add = without)),
              "no");
    unsetenv("HEM_TEST_INHERITED");
}

WAYS_TEST(variables_that_tell_the_child_its_own_pid)
{
    char *base[] = {"LISTEN_PID=1", "PATH=/bin:/usr/bin", NULL};
    char *add[] = {"LISTEN_FDS=2", "OTHER_PID=x", "LISTEN_PID=2", NULL};
    char *names[] = {"LISTEN_PID", "OTHER_PID", NULL};
    check_str(
        shell_says("test $LISTEN_PID = $$ && test $OTHER_PID = $$ && "
                   "echo $LISTEN_FDS $(env | grep -c ^LISTEN_PID=)",
                   OPTIONS(.env = base, .env_add = add, .env_pid = names)),
        "2 1");
    check_str(shell_says("test $LISTEN_PID = $$ && test $OTHER_PID = $$ && "
                         "echo $PATH",
                         OPTIONS(.env_pid = names)),
              getenv("PATH"));
}

static int status_of(char *const argv[], const hem_subprocess_options *opts)
{
    HEM_SUBPROCESS(p);
    hem_child_status status;
    HEM_TRY(hem_subprocess_start(&p, argv, opts));
    HEM_TRY(hem_subprocess_wait(&p, &status));
    return status.exit_code;
}

WAYS_TEST(programs_are_looked_for_in_the_path_of_the_child)
{
    char *argv[] = {"sh", "-c", "exit 3", NULL};
    char *nowhere[] = {"PATH=/no/such:/dev/null", NULL};
    char *somewhere[] = {"PATH=/no/such:/dev/null:/root/x:/bin", NULL};
    char *here[] = {"PATH=/no/such:", NULL};
    char *none[] = {"X=1", NULL};
    check_int(status_of(argv, OPTIONS(.env = nowhere)), HEM_ENOENT);
    check_int(status_of(argv, OPTIONS(.env = somewhere)), 3);
    check_int(status_of(argv, OPTIONS(.env = here, .cwd = "/bin")), 3);
    check_int(status_of(argv, OPTIONS(.env = none)), 3);
    check_int(status_of(argv, OPTIONS(.no_path_search = true)), HEM_ENOENT);
}

WAYS_TEST(the_umask)
{
    check_str(shell_says("umask", OPTIONS(.umask = &(mode_t){0})), "0000");
    check_str(shell_says("umask", OPTIONS(.umask = &(mode_t){027})), "0027");
    mode_t ours = umask(022);
    check_str(shell_says("umask", NULL), "0022");
    umask(ours);
}

WAYS_TEST(limits)
{
    hem_subprocess_limit some[] = {{RLIMIT_NOFILE, 50, 60},
                                   {RLIMIT_CORE, 0, 0}};
    check_str(shell_says("ulimit -n; ulimit -Hn; ulimit -c",
                         OPTIONS(.limits = some, .limit_count = 2)),
              "50\n60\n0");
    struct rlimit ours;
    check_int(getrlimit(RLIMIT_NOFILE, &ours), 0);
    check(ours.rlim_cur != 50);
}

WAYS_TEST(the_niceness)
{
    int ours = getpriority(PRIO_PROCESS, 0);
    char want[16];
    snprintf(want, sizeof(want), "%d", ours + 3 > 19 ? 19 : ours + 3);
    check_str(shell_says("nice", OPTIONS(.nice = 3)), want);
    check_int(getpriority(PRIO_PROCESS, 0), ours);
}

/* Process, group and session of a shell are fields 1, 5 and 6. */
#define IDS "cut -d' ' -f1,5,6 /proc/$$/stat"

static bool ids(const hem_subprocess_options *opts, int *pid, int *group,
                int *session)
{
    return check_int(
        sscanf(shell_says(IDS, opts), "%d %d %d", pid, group, session), 3);
}

WAYS_TEST(groups_of_processes_and_sessions)
{
    int pid, group, session;
    check(ids(NULL, &pid, &group, &session));
    check_int(group, getpgid(0));
    check_int(session, getsid(0));
    check(ids(OPTIONS(.process_group = HEM_NEW_GROUP), &pid, &group, &session));
    check_int(group, pid);
    check_int(session, getsid(0));
    check(ids(OPTIONS(.new_session = true), &pid, &group, &session));
    check_int(group, pid);
    check_int(session, pid);
}

WAYS_TEST(a_group_of_processes_that_exists)
{
    HEM_SUBPROCESS(p);
    check_int(shell_linger(&p, OPTIONS(.process_group = HEM_NEW_GROUP)), 0);
    pid_t leader = hem_subprocess_pid(&p);
    int pid, group, session;
    check(ids(OPTIONS(.process_group = leader), &pid, &group, &session));
    check_int(group, leader);
    check(pid != leader);
}

static int start_and_leave(void *arg)
{
    (void)arg;
    static hem_subprocess p;
    HEM_TRY(shell_linger(&p, NULL));
    printf("%d\n", (int)hem_subprocess_pid(&p));
    fflush(stdout);
    _exit(0);
}

static int be_parent(void *arg)
{
    dup2(*(int *)arg, STDOUT_FILENO);
    return hem_run(start_and_leave, NULL, NULL);
}

VIRTUAL_TEST(a_child_may_die_with_its_parent)
{
    int fds[2];
    check_int(pipe(fds), 0);
    check_int(forked_status(be_parent, &fds[1]).exit_code, 0);
    close(fds[1]);
    char text[16] = "";
    check(read(fds[0], text, sizeof(text) - 1) > 0);
    close(fds[0]);
    pid_t pid = (pid_t)strtol(text, NULL, 10);
    check(pid > 1);
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0) {
        check_int(errno, ESRCH); /* it has ended, and was reaped */
        return 0;
    }
    struct pollfd end = {.fd = fd, .events = POLLIN};
    check_int(poll(&end, 1, 30000), 1);
    close(fd);
    return 0;
}

/* Users and groups. */

static gid_t *no_groups = (gid_t[]){0};

#define IDENTITY STATUS("Uid") "; " STATUS("Gid") "; " STATUS("Groups")

WAYS_TEST(a_user_has_no_groups_of_the_parent)
{
    check_str(shell_says(IDENTITY, OPTIONS(.user = &(uid_t){1234},
                                           .group = &(gid_t){2345})),
              "1234\t1234\t1234\t1234\n2345\t2345\t2345\t2345\n");
    check_str(shell_says(IDENTITY, OPTIONS(.user = &(uid_t){1234})),
              "1234\t1234\t1234\t1234\n0\t0\t0\t0\n");
}

WAYS_TEST(other_groups_are_those_that_are_given)
{
    gid_t some[] = {31, 32, 33};
    check_str(
        shell_says(STATUS("Groups"), OPTIONS(.groups = some, .group_count = 3)),
        "31 32 33 ");
    check_str(shell_says(STATUS("Groups") "; " STATUS("Uid"),
                         OPTIONS(.user = &(uid_t){1234}, .groups = some,
                                 .group_count = 2)),
              "31 32 \n1234\t1234\t1234\t1234");
}

static int say_groups(void *arg)
{
    (void)arg;
    EACH_WAY(check_str(shell_says(STATUS("Groups"), NULL), "41 42 "));
    EACH_WAY(check_str(
        shell_says(STATUS("Groups"), OPTIONS(.groups = no_groups)), ""));
    EACH_WAY(check_str(
        shell_says(STATUS("Groups"), OPTIONS(.group = &(gid_t){7})), ""));
    return 0;
}

static int with_groups(void *arg)
{
    (void)arg;
    check_int(setgroups(2, (gid_t[]){41, 42}), 0);
    check_int(hem_run(say_groups, NULL, NULL), 0);
    return forked_verdict();
}

/* CPython's CVE-2023-6507: an empty list was the same as none, after vfork. */
static void an_empty_list_of_groups_leaves_all(void **state)
{
    (void)state;
    forked_apart(with_groups, NULL);
    run_assert_checks();
}

static int be_nobody(void *arg)
{
    char *argv[] = {"true", NULL};
    (void)arg;
    uid_t own = geteuid(), root = 0;
    check_int(status_of(argv, OPTIONS(.user = &root)), HEM_EPERM);
    check_contains(hem_failure()->message, "cannot set the user");
    check_int(status_of(argv, OPTIONS(.groups = no_groups)), HEM_EPERM);
    check_contains(hem_failure()->message, "cannot set the other groups");
    check_int(status_of(argv, OPTIONS(.group = &(gid_t){3})), HEM_EPERM);
    check_contains(hem_failure()->message, "cannot set the group");
    check_int(status_of(argv, OPTIONS(.user = &own)), 0);
    return 0;
}

static int as_nobody(void *arg)
{
    if (setgid(65534) < 0 || setuid(65534) < 0)
        return 2;
    check_int(hem_run(be_nobody, arg, NULL), 0);
    return forked_verdict();
}

static void who_is_not_root_cannot_become_another(void **state)
{
    (void)state;
    forked_apart(as_nobody, NULL);
    run_assert_checks();
}

static int lose_control(void *arg)
{
    (void)arg;
    hem_subprocess p; /* which ends with its input */
    HEM_TRY(hem_subprocess_shell(
        &p, "exec cat",
        OPTIONS(.in = HEM_PIPE, .err = HEM_NULL, .user = &(uid_t){1234})));
    check_int(setresuid(65534, 65534, 65534), 0);
    check_int(hem_subprocess_kill(&p), HEM_EPERM);
    check_int(hem_subprocess_close(&p), HEM_EPERM);
    check_int(hem_subprocess_close(&p), HEM_EBADF);
    return 0;
}

static int run_lose_control(void *arg)
{
    check_int(hem_run(lose_control, arg, NULL), 0);
    return forked_verdict();
}

static void who_cannot_be_killed_is_left(void **state)
{
    (void)state;
    forked_apart(run_lose_control, NULL);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_directory),
        LEDGER_TEST(memory_is_shared_where_it_can),
        LEDGER_TEST(a_program_by_relative_name_is_looked_for_in_its_directory),
        LEDGER_TEST(the_environment),
        LEDGER_TEST(variables_that_tell_the_child_its_own_pid),
        LEDGER_TEST(programs_are_looked_for_in_the_path_of_the_child),
        LEDGER_TEST(the_umask),
        LEDGER_TEST(limits),
        LEDGER_TEST(the_niceness),
        LEDGER_TEST(groups_of_processes_and_sessions),
        LEDGER_TEST(a_group_of_processes_that_exists),
        LEDGER_TEST(a_child_may_die_with_its_parent),
        ROOT_TEST(a_user_has_no_groups_of_the_parent),
        ROOT_TEST(other_groups_are_those_that_are_given),
        ROOT_TEST(an_empty_list_of_groups_leaves_all),
        ROOT_TEST(who_is_not_root_cannot_become_another),
        ROOT_TEST(who_cannot_be_killed_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
