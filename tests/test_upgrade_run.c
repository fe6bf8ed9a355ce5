/* SPDX-License-Identifier: MIT */
/*
 * The start of a new program, in each way of making a process. The new program is
 * this one: with $HEM_TEST_ROLE it is what that says, and not the tests.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "forked.h"
#include "net.h"
#include "service/upgrade.h"
#include "shell.h"
#include "support.h"

#define ROLE "HEM_TEST_ROLE"

/* ---- what the new program does ---- */

static void list_descriptors(char *text, size_t room)
{
    size_t used = 0;
    DIR *dir = opendir("/proc/self/fd");
    for (int fd = 0; fd < 100; fd++) {
        if (fd != dirfd(dir) && fcntl(fd, F_GETFD) >= 0)
            used += (size_t)snprintf(text + used, room - used, " %d", fd);
    }
    closedir(dir);
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "-";
}

/* One word for each thing that must be right, and what is to be compared. */
static void describe(char *text, size_t room, const int own[])
{
    char fds[512] = "", names[128];
    int sockets[8];
    snprintf(names, sizeof(names), "%s", variable("LISTEN_FDNAMES"));
    list_descriptors(fds, sizeof(fds));
    int pid = atoi(variable("WATCHDOG_PID"));
    ssize_t n = hem_inherited_sockets(sockets, 8);
    snprintf(text, room,
             "sockets %zd names %s own %d %d %d%s watchdog %s fds%s\n", n,
             names, own[0], own[1], own[2],
             getenv(HEM__UPGRADE_FDS) || getenv(HEM__UPGRADE_PID) ? "!" : "",
             pid == getpid() ? "mine" : variable("WATCHDOG_PID"), fds);
}

/* Tell whoever connects to the first socket, for ever. */
_Noreturn static void serve(const char *text)
{
    for (;;) {
        fcntl(3, F_SETFL, 0);
        int peer = accept(3, NULL, NULL);
        if (peer < 0)
            continue;
        (void)!write(peer, text, strlen(text));
        close(peer);
    }
}

_Noreturn static void play_server(const int own[], bool sockets)
{
    char text[1024];
    describe(text, sizeof(text), own);
    hem__upgrade_say_ready(own[HEM__UPGRADE_REPORT]);
    if (sockets)
        serve(text);
    for (;;)
        pause();
}

static int play(const char *role)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int own[HEM__UPGRADE_FD_COUNT];
    hem__upgrade_take(own);
    int report = own[HEM__UPGRADE_REPORT];
    if (strcmp(role, "serve") == 0)
        play_server(own, true);
    if (strcmp(role, "linger") == 0)
        play_server(own, false);
    if (strcmp(role, "exit 3") == 0)
        return 3;
    if (strcmp(role, "crash") == 0)
        raise(SIGKILL);
    if (strcmp(role, "garbage") == 0)
        (void)!write(report, "ready, I think\n", 15);
    if (strcmp(role, "stubborn") == 0)
        signal(SIGTERM, SIG_IGN);
    if (strcmp(role, "close") == 0)
        close(report);
    while (strcmp(role, "exit 0") != 0)
        pause();
    return 0;
}

/* ---- the tests ---- */

static struct {
    hem__upgrade_call call;
    pid_t started;
} up;

static void note_start(void *arg, pid_t pid)
{
    (void)arg;
    up.started = pid;
}

static int run_role(const char *role, pid_t *ret_pid)
{
    setenv(ROLE, role, 1);
    up.started = 0;
    int rc = hem__upgrade_run(&up.call, ret_pid);
    unsetenv(ROLE);
    return rc;
}

static void prepare(void)
{
    up.call = (hem__upgrade_call){.timeout = HEM_NEVER, .started = note_start};
}

static void end(pid_t pid)
{
    int status = -1;
    check_int(kill(pid, SIGTERM), 0);
    check_int(waitpid(pid, &status, 0), pid);
    check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

/* A test of which each way of making the child is tried, in real time. */
#define RUN_TEST(name)                                                         \
    static void name##_check(void);                                            \
    static int name##_task(void *arg)                                          \
    {                                                                          \
        (void)arg;                                                             \
        prepare();                                                             \
        EACH_WAY(name##_check());                                              \
        check(!forked_any());                                                  \
        return 0;                                                              \
    }                                                                          \
    static void name(void **state)                                             \
    {                                                                          \
        (void)state;                                                           \
        hem_run_options o = {.on_report = report_record};                      \
        check_int(hem_run(name##_task, NULL, &o), 0);                          \
        run_assert_checks();                                                   \
    }                                                                          \
    static void name##_check(void)

static int listen_somewhere(uint16_t *ret_port)
{
    int fd = -1;
    hem_address a = {.length = 0};
    check_int(hem_listen_socket(&fd, "127.0.0.1", 0, NULL), 0);
    check_int(hem_address_of_socket(&a, fd), 0);
    *ret_port = hem_address_port(&a);
    return fd;
}

/* The sockets have one order for us and numbers of their own there; a client
 * that was in the queue before is answered. */
RUN_TEST(the_new_program_has_the_sockets_and_nothing_else)
{
    uint16_t port;
    int leak = open("/dev/null", O_RDONLY); /* not close-on-exec */
    int second = listen_somewhere(&port);
    int first = listen_somewhere(&port);
    hem__upgrade_socket sockets[] = {{first, "http"}, {second, "x.y-z_1"}};
    up.call.sockets = sockets;
    up.call.count = 2;
    up.call.own[HEM__UPGRADE_AGENT] = second;
    int early = net_connect(port);
    pid_t pid = 0;
    setenv("LISTEN_PID", "17", 1);
    setenv("LISTEN_FDNAMES", "old", 1);
    setenv("WATCHDOG_PID", "17", 1);
    check_int(run_role("serve", &pid), 0);
    check(pid > 0 && up.started == pid);
    int late = net_connect(port);
    const char *want = "sockets 2 names http:x.y-z_1 own 5 -1 6 watchdog 17 "
                       "fds 0 1 2 3 4 5 6\n";
    check(net_hears(early, want));
    check(net_hears(late, want));
    net_close(early);
    net_close(late);
    end(pid);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDNAMES");
    unsetenv("WATCHDOG_PID");
    close(first);
    close(second);
    close(leak);
}

RUN_TEST(variables_of_our_pid_become_those_of_the_new_one)
{
    uint16_t port;
    int fd = listen_somewhere(&port);
    up.call.sockets = &(hem__upgrade_socket){fd, NULL};
    up.call.count = 1;
    char text[16];
    snprintf(text, sizeof(text), "%d", (int)getpid());
    setenv("WATCHDOG_PID", text, 1);
    pid_t pid = 0;
    check_int(run_role("serve", &pid), 0);
    int peer = net_connect(port);
    check(net_hears(peer, "sockets 1 names - own 4 -1 -1 watchdog mine "
                          "fds 0 1 2 3 4\n"));
    net_close(peer);
    end(pid);
    unsetenv("WATCHDOG_PID");
    close(fd);
}

RUN_TEST(a_program_without_sockets)
{
    pid_t pid = 0;
    check_int(run_role("linger", &pid), 0);
    end(pid);
}

static const char *self(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    check(n > 0);
    return path;
}

RUN_TEST(another_program_than_this_one)
{
    char *argv[] = {(char *)(uintptr_t)self(), "x", NULL};
    up.call.argv = argv;
    pid_t pid = 0;
    check_int(run_role("linger", &pid), 0);
    char path[32], args[4096] = "";
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    int fd = open(path, O_RDONLY);
    check(read(fd, args, sizeof(args) - 1) > 0);
    close(fd);
    check_str(args, argv[0]);
    check_str(args + strlen(args) + 1, "x");
    end(pid);
}

/* It is in no hurry, and its parent does not care for how it ends. */
RUN_TEST(a_program_that_is_ready_outlives_the_call)
{
    pid_t pid = 0;
    check_int(run_role("linger", &pid), 0);
    check_int(kill(pid, 0), 0);
    check_int(waitpid(pid, NULL, WNOHANG), 0);
    end(pid);
}

static void check_fails(const char *role, int error, const char *text)
{
    pid_t pid = -7;
    check_int(run_role(role, &pid), error);
    check_int(pid, -7);
    check_contains(hem_failure_text(error), text);
    check(!forked_any());
}

RUN_TEST(one_that_ends_before_it_is_ready)
{
    check_fails("exit 0", HEM_EEXITED, "exit code 0");
    check_fails("exit 3", HEM_EEXITED, "exit code 3");
    check_fails("crash", HEM_ESIGNALED, "signal 9");
}

RUN_TEST(one_that_says_something_else)
{
    check_fails("garbage", HEM_EPROTO, "something else");
}

RUN_TEST(one_that_will_never_say_anything)
{
    check_fails("close", HEM_EINCOMPLETE, "closed");
}

RUN_TEST(one_that_is_not_ready_in_time)
{
    up.call.timeout = HEM_MSEC;
    check_fails("hang", HEM_ETIMEDOUT, "");
    up.call.timeout = 20 * HEM_MSEC;
    up.call.grace = HEM_MSEC;
    check_fails("stubborn", HEM_ETIMEDOUT, "");
    prepare();
}

RUN_TEST(a_program_that_is_not_there)
{
    char *missing[] = {"/no/such/program", NULL}, *none[] = {NULL};
    up.call.argv = missing;
    check_fails("serve", HEM_ENOENT, "/no/such/program");
    missing[0] = "/etc/passwd";
    check_fails("serve", HEM_EACCES, "/etc/passwd");
    missing[0] = "hem-no-such-program";
    check_fails("serve", HEM_ENOENT, "hem-no-such-program");
    check_int(up.started, 0);
    up.call.argv = none;
    check_fails("serve", HEM_EINVAL, "");
}

RUN_TEST(a_socket_that_is_closed)
{
    hem__upgrade_socket sockets[] = {{99, "http"}};
    up.call.sockets = sockets;
    up.call.count = 1;
    check_fails("serve", HEM_EBADF, "descriptors");
}

static void cancel_it(void *arg, pid_t pid)
{
    (void)pid;
    hem_task_cancel(arg, "not any more");
}

RUN_TEST(a_call_that_is_cancelled_leaves_no_program)
{
    pid_t pid;
    up.call.arg = hem_self();
    up.call.started = cancel_it;
    check_int(run_role("hang", &pid), HEM_ECANCELED);
    check(!forked_any());
    prepare();
}

RUN_TEST(memory_that_lacks)
{
    pid_t pid = 0;
    int fds[2], rc = HEM_ENOMEM;
    check_int(pipe(fds), 0);
    up.call.sockets = &(hem__upgrade_socket){fds[0], "a"};
    up.call.count = 1;
    for (size_t n = 1; n < 100 && rc == HEM_ENOMEM; n++) {
        ledger_fail_at(n);
        rc = run_role("linger", &pid);
        ledger_fail_at(0);
        check(rc == 0 || !forked_any());
    }
    check_int(rc, 0);
    end(pid);
    close(fds[0]);
    close(fds[1]);
}

/* ---- who reports ---- */

static bool take_nothing(void)
{
    int own[HEM__UPGRADE_FD_COUNT];
    hem__upgrade_take(own);
    return own[0] == -1 && own[1] == -1 && own[2] == -1;
}

static void be_meant(void)
{
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv(HEM__UPGRADE_PID, pid, 1);
}

static int be_nobody(void *arg)
{
    (void)arg;
    check(take_nothing());
    setenv(HEM__UPGRADE_FDS, "report=0", 1);
    check(take_nothing());
    setenv(HEM__UPGRADE_PID, "1", 1); /* another */
    check(take_nothing());
    check(getenv(HEM__UPGRADE_FDS) != NULL);
    static const char *const fds[] = {"",  "x",       "=",
                                      ":", "repor=3", "reportx=3"};
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        be_meant();
        setenv(HEM__UPGRADE_FDS, fds[i], 1);
        check(take_nothing());
        check(!getenv(HEM__UPGRADE_FDS) && !getenv(HEM__UPGRADE_PID));
    }
    return check_failures_take();
}

static void nobody_reports_who_was_not_asked(void **state)
{
    (void)state;
    forked_apart(be_nobody, NULL);
    run_assert_checks();
}

static int be_misled(void *arg)
{
    static const char *const fds[] = {
        "report=0",  "report=",   "report=-1",
        "report=3x", "report=99", "report=99999999999",
        "report=0:x"};
    (void)arg;
    close(0);
    check_int(open("/dev/null", O_RDWR), 0);
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        be_meant();
        setenv(HEM__UPGRADE_FDS, fds[i], 1);
        check(take_nothing());
    }
    return check_failures_take();
}

static void what_is_no_socket_is_left_alone(void **state)
{
    (void)state;
    struct ending e;
    process_run(be_misled, NULL, &e);
    check_int(e.status, 0);
    check_contains(e.text, "report in $HEM_UPGRADE_FDS is no socket");
    run_assert_checks();
}

static int outlive_the_old_one(void *arg)
{
    (void)arg;
    int fds[2];
    check_int(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    close(fds[0]);
    hem__upgrade_say_ready(fds[1]); /* and no SIGPIPE */
    check_int(fcntl(fds[1], F_GETFD), -1);
    return check_failures_take();
}

static void that_nobody_hears_it_is_no_error(void **state)
{
    (void)state;
    struct ending e;
    process_run(outlive_the_old_one, NULL, &e);
    check_int(e.signo, 0);
    check_int(e.status, 0);
    run_assert_checks();
}

int main(void)
{
    if (getenv(ROLE))
        return play(getenv(ROLE));
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_new_program_has_the_sockets_and_nothing_else),
        LEDGER_TEST(variables_of_our_pid_become_those_of_the_new_one),
        LEDGER_TEST(a_program_without_sockets),
        LEDGER_TEST(another_program_than_this_one),
        LEDGER_TEST(a_program_that_is_ready_outlives_the_call),
        LEDGER_TEST(one_that_ends_before_it_is_ready),
        LEDGER_TEST(one_that_says_something_else),
        LEDGER_TEST(one_that_will_never_say_anything),
        LEDGER_TEST(one_that_is_not_ready_in_time),
        LEDGER_TEST(a_program_that_is_not_there),
        LEDGER_TEST(a_socket_that_is_closed),
        LEDGER_TEST(a_call_that_is_cancelled_leaves_no_program),
        LEDGER_TEST(memory_that_lacks),
        LEDGER_TEST(nobody_reports_who_was_not_asked),
        LEDGER_TEST(what_is_no_socket_is_left_alone),
        LEDGER_TEST(that_nobody_hears_it_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
