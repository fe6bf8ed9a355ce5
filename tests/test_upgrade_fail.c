/* SPDX-License-Identifier: MIT */
/* Upgrades that fail, or are refused, or in whose midst something happens. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "files.h"
#include "notified.h"
#include "upgraded.h"

static void check_pid_file(pid_t pid)
{
    char text[16];
    snprintf(text, sizeof(text), "%d\n", (int)pid);
    check_file("pid", text);
}

/* All is as it was; and the next attempt is one more. */
static void check_goes_on(struct upgraded *u)
{
    upgraded_answers(u, u->pid);
    check_pid_file(u->pid);
}

static void check_succeeds(struct upgraded *u)
{
    upgraded_set("pidfile");
    upgraded_upgrade(u);
    check_goes_on(u);
    upgraded_stop(u);
}

/* An upgrade to a program with these settings fails so. */
static void fail_as(struct upgraded *u, const char *settings, const char *error)
{
    char want[64];
    upgraded_set(settings);
    upgraded_begin(u);
    snprintf(want, sizeof(want), "failed %s", error);
    upgraded_says(u, u->pid, want);
    upgraded_logs(u, "nothing has changed");
    check_goes_on(u);
}

static void a_new_program_that_does_not_come_up_changes_nothing(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "pidfile");
    fail_as(&u, "exit", "HEM_EEXITED");
    fail_as(&u, "nonsense", "HEM_EPROTO");
    fail_as(&u, "broken pidfile", "HEM_EEXITED");
    fail_as(&u, "nowhere", "HEM_EEXITED");
    upgraded_stop(&u);
}

static void one_that_is_not_ready_in_time_is_ended(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "hasty brief pidfile");
    fail_as(&u, "gate brief pidfile", "HEM_ETIMEDOUT");
    fail_as(&u, "stubborn pidfile", "HEM_ETIMEDOUT");
    upgraded_signal(&u, SIGKILL); /* more than it may need to stop */
    upgraded_ends(&u, u.pid, -SIGKILL);
    upgraded_end(&u);
}

/* One that fails has not spoken for the unit. */
static void systemd_does_not_hear_of_one_that_fails(void **state)
{
    struct upgraded u = {.name = NULL};
    char text[NOTIFIED_BYTES];
    (void)state;
    int fd = notified_begin(file_path("notify"));
    upgraded_start(&u, NULL, "pidfile");
    fail_as(&u, "broken pidfile", "HEM_EEXITED");
    while (notified_take(fd, text, NULL, NULL) >= 0)
        check(!strstr(text, "MAINPID=") && !strstr(text, "STOPPING=1"));
    upgraded_stop(&u);
    notified_end(fd);
}

static void after_a_failure_the_next_may_succeed(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "pidfile");
    fail_as(&u, "exit", "HEM_EEXITED");
    fail_as(&u, "broken pidfile", "HEM_EEXITED");
    check_succeeds(&u);
}

static void copy_self(const char *to)
{
    char command[4096 + 600] = "cp ";
    ssize_t n = readlink("/proc/self/exe", command + 3, 4000);
    check(n > 0);
    snprintf(command + 3 + n, sizeof(command) - 3 - (size_t)n, " %s", to);
    check_int(system(command), 0);
}

static void fail_to_start(struct upgraded *u, const char *error)
{
    char want[64];
    upgraded_signal(u, SIGUSR2);
    snprintf(want, sizeof(want), "failed %s", error);
    upgraded_says(u, u->pid, want);
    check_goes_on(u);
}

static void a_file_that_is_no_program_changes_nothing(void **state)
{
    struct upgraded u = {.name = NULL};
    char program[600];
    (void)state;
    snprintf(program, sizeof(program), "%s", file_path("program"));
    copy_self(program);
    upgraded_start(&u, program, "pidfile");
    check_int(unlink(program), 0);
    fail_to_start(&u, "HEM_ENOENT");
    file_make("program", 100);
    fail_to_start(&u, "HEM_EACCES");
    check_int(chmod(program, 0755), 0);
    fail_to_start(&u, "HEM_ENOEXEC");
    check_int(unlink(program), 0);
    copy_self(program);
    check_succeeds(&u);
}

static void there_is_one_upgrade_at_a_time(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "pidfile");
    upgraded_set("gate pidfile");
    pid_t next = upgraded_begin(&u);
    for (int i = 0; i < 3; i++) {
        upgraded_signal(&u, SIGUSR2);
        upgraded_logs(&u, "one is under way");
    }
    upgraded_open_gate(&u);
    upgraded_finish(&u, next);
    check_goes_on(&u);
    upgraded_stop(&u);
}

static void one_that_is_not_ready_is_not_upgraded(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "serve");
    upgraded_set("gate");
    pid_t next = upgraded_begin(&u);
    upgraded_logs(&u, "set up");
    check_int(kill(next, SIGUSR2), 0);
    upgraded_logs(&u, "it is not ready yet");
    upgraded_open_gate(&u);
    upgraded_finish(&u, next);
    upgraded_stop(&u);
}

static void a_stop_signal_meanwhile_stops_both(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "pidfile");
    upgraded_set("gate brief pidfile");
    pid_t next = upgraded_begin(&u);
    upgraded_logs(&u, "set up");
    upgraded_signal(&u, SIGTERM);
    upgraded_says(&u, next, "end");
    upgraded_says(&u, u.pid, "failed HEM_ECANCELED");
    upgraded_says(&u, u.pid, "end 0");
    upgraded_ends(&u, u.pid, 0);
    upgraded_end(&u);
    check_int(access(file_path("pid"), F_OK), -1);
}

static void the_old_one_may_be_killed_meanwhile(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "pidfile");
    upgraded_set("gate pidfile");
    pid_t next = upgraded_begin(&u);
    upgraded_logs(&u, "set up");
    upgraded_signal(&u, SIGKILL);
    upgraded_ends(&u, u.pid, -SIGKILL);
    upgraded_open_gate(&u);
    upgraded_says(&u, next, "ready");
    u.pid = next;
    check_pid_file(next);
    upgraded_upgrade(&u);
    upgraded_answers(&u, u.pid);
    upgraded_stop(&u);
}

static void the_new_one_may_be_killed_meanwhile(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "pidfile");
    upgraded_set("gate brief pidfile");
    pid_t next = upgraded_begin(&u);
    upgraded_logs(&u, "set up");
    check_int(kill(next, SIGKILL), 0);
    upgraded_says(&u, u.pid, "failed HEM_ESIGNALED");
    check_goes_on(&u);
    check_succeeds(&u);
}

/* As in a container: the end of process 1 is that of all. */
static void process_1_is_not_upgraded(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    if (!upgraded_start_contained(&u, "pidfile")) {
        print_message("skipped: namespaces are refused\n");
        return;
    }
    check_file("pid", "1\n");
    upgraded_signal(&u, SIGUSR2);
    upgraded_logs(&u, "the end of process 1");
    upgraded_answers(&u, 1);
    upgraded_signal(&u, SIGTERM);
    upgraded_says(&u, 1, "end 0");
    upgraded_ends(&u, u.pid, 0);
    upgraded_end(&u);
}

int main(void)
{
    upgraded_role();
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_new_program_that_does_not_come_up_changes_nothing),
        FILE_TEST(one_that_is_not_ready_in_time_is_ended),
        FILE_TEST(systemd_does_not_hear_of_one_that_fails),
        FILE_TEST(after_a_failure_the_next_may_succeed),
        FILE_TEST(a_file_that_is_no_program_changes_nothing),
        FILE_TEST(there_is_one_upgrade_at_a_time),
        FILE_TEST(one_that_is_not_ready_is_not_upgraded),
        FILE_TEST(a_stop_signal_meanwhile_stops_both),
        FILE_TEST(the_old_one_may_be_killed_meanwhile),
        FILE_TEST(the_new_one_may_be_killed_meanwhile),
        FILE_TEST(process_1_is_not_upgraded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
