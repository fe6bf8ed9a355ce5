/* SPDX-License-Identifier: MIT */
/* Upgrades of services that succeed. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "files.h"
#include "net.h"
#include "notified.h"
#include "unix_net.h"
#include "upgraded.h"

static void check_pid_file(pid_t pid)
{
    char text[16];
    snprintf(text, sizeof(text), "%d\n", (int)pid);
    check_file("pid", text);
}

static void the_new_program_takes_the_place_of_the_old_one(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "pidfile");
    upgraded_answers(&u, u.pid);
    pid_t old = u.pid;
    upgraded_upgrade(&u);
    check(u.pid != old);
    upgraded_answers(&u, u.pid);
    check_pid_file(u.pid);
    upgraded_stop(&u);
    check_int(access(file_path("pid"), F_OK), -1);
}

static void ten_upgrades_in_a_row(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "pidfile two");
    upgraded_says(&u, u.pid, "has"); /* what the test's own parent has left */
    for (int i = 0; i < 10; i++) {
        upgraded_upgrade(&u);
        upgraded_answers(&u, u.pid);
        check_pid_file(u.pid);
        check_contains(upgraded_says(&u, u.pid, "has"), "has 0 1 2 3 4");
    }
    upgraded_stop(&u);
}

static void who_waits_in_the_queue_is_answered_by_the_new_one(void **state)
{
    struct upgraded u = {.name = NULL};
    char text[16];
    int peers[50];
    (void)state;
    upgraded_start(&u, NULL, "idle");
    close(u.listener);
    u.listener = -1;
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        peers[i] = net_connect(u.port);
    upgraded_set("serve");
    upgraded_upgrade(&u);
    snprintf(text, sizeof(text), "%d\n", (int)u.pid);
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        check(net_hears(peers[i], text));
        net_close(peers[i]);
    }
    upgraded_stop(&u);
}

static void nothing_else_is_inherited(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    int extra = open("/dev/null", O_RDONLY); /* and not closed by execve() */
    upgraded_start(&u, NULL, "admin");
    close(extra);
    check_contains(upgraded_says(&u, u.pid, "has"), "has 0 1 2 3");
    upgraded_upgrade(&u);
    const char *has = upgraded_says(&u, u.pid, "has");
    check_str(strstr(has, "has"), "has 0 1 2 3 4 5");
    upgraded_stop(&u);
}

static void the_name_of_the_socket_is_that_of_the_first(void **state)
{
    struct upgraded u = {.name = "http-1"};
    (void)state;
    upgraded_start(&u, NULL, "serve");
    check_contains(upgraded_says(&u, u.pid, "names"), "names http-1");
    for (int i = 0; i < 3; i++) {
        upgraded_upgrade(&u);
        check_contains(upgraded_says(&u, u.pid, "names"), "names http-1");
    }
    upgraded_stop(&u);
}

/* It is ready, in another process: balancers need not be told. */
static void the_old_one_does_not_wait_to_be_unready(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "patient context");
    pid_t old = u.pid;
    upgraded_set("context");
    upgraded_upgrade(&u);
    char want[32];
    snprintf(want, sizeof(want), "served %d", SIGUSR2);
    check_contains(upgraded_says(&u, old, "served"), want);
    upgraded_stop(&u);
}

/* Its worker has a connection, so to say; a stop signal is no second one. */
static void the_old_one_drains_while_the_new_one_serves(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "drain pidfile");
    upgraded_set("pidfile");
    pid_t old = u.pid, next = upgraded_begin(&u);
    upgraded_says(&u, next, "ready");
    upgraded_says(&u, old, "replaced");
    upgraded_logs(&u, "drains");
    u.pid = next;
    check_pid_file(next);
    upgraded_answers(&u, next);
    check_int(kill(old, SIGUSR2), 0);
    upgraded_logs(&u, "it is stopping");
    upgraded_open_gate(&u);
    upgraded_says(&u, old, "end 0");
    upgraded_ends(&u, old, 0);
    check_pid_file(next);
    upgraded_stop(&u);
}

static void threads_are_upgraded_as_processes_are(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "threads two");
    for (int i = 0; i < 3; i++) {
        upgraded_upgrade(&u);
        upgraded_answers(&u, u.pid);
    }
    upgraded_set("serve");
    upgraded_upgrade(&u);
    upgraded_answers(&u, u.pid);
    upgraded_stop(&u);
}

static void check_admin(int status)
{
    static const char ask[] = "GET /readyz HTTP/1.0\r\n\r\n";
    char want[32];
    snprintf(want, sizeof(want), "HTTP/1.1 %d ", status);
    int peer = unix_connect(file_path("admin.sock"));
    net_say(peer, ask);
    check(net_hears(peer, want));
    net_close(peer);
}

/* Those who ask meanwhile are answered by the one that is ready. */
static void operators_see_one_service_that_is_ready(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "admin");
    for (int i = 0; i < 3; i++) {
        upgraded_set("admin gate");
        pid_t next = upgraded_begin(&u);
        upgraded_says(&u, next, "has");
        for (int k = 0; k < 20; k++)
            check_admin(200);
        upgraded_open_gate(&u);
        upgraded_finish(&u, next);
        upgraded_close_gate(&u);
        check_admin(200);
    }
    upgraded_stop(&u);
    check_int(access(file_path("admin.sock"), F_OK), -1);
}

/* Whether a datagram that has come has this in it. */
static bool is_told(int fd, const char *want, bool *ret_stopping)
{
    char text[NOTIFIED_BYTES];
    bool told = false;
    while (notified_take(fd, text, NULL, NULL) >= 0) {
        told |= strstr(text, want) != NULL;
        *ret_stopping |= strstr(text, "STOPPING=1") != NULL;
    }
    return told;
}

/* And nothing of its own end, which is not that of the unit. */
static void systemd_is_told_who_is_the_main_process_now(void **state)
{
    struct upgraded u = {.name = NULL};
    char want[32];
    (void)state;
    int fd = notified_begin(file_path("notify"));
    upgraded_start(&u, NULL, "serve");
    bool stopping = false;
    for (int i = 0; i < 3; i++) {
        upgraded_upgrade(&u);
        snprintf(want, sizeof(want), "MAINPID=%d", (int)u.pid);
        check(is_told(fd, want, &stopping));
        check(!stopping);
    }
    upgraded_signal(&u, SIGTERM);
    upgraded_says(&u, u.pid, "end 0");
    check(is_told(fd, "STOPPING=1", &stopping));
    upgraded_ends(&u, u.pid, 0);
    upgraded_end(&u);
    notified_end(fd);
}

static void a_link_leads_to_the_new_program(void **state)
{
    struct upgraded u = {.name = NULL};
    char self[4096] = "";
    (void)state;
    check(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    check_int(symlink(self, file_path("one")), 0);
    check_int(symlink("one", file_path("program")), 0);
    upgraded_start(&u, file_path("program"), "serve");
    check_int(symlink(self, file_path("two")), 0);
    check_int(unlink(file_path("one")), 0);
    check_int(unlink(file_path("program")), 0);
    check_int(symlink("two", file_path("program")), 0);
    upgraded_upgrade(&u);
    upgraded_answers(&u, u.pid);
    upgraded_stop(&u);
}

static void a_rolling_restart_meanwhile_is_no_matter(void **state)
{
    struct upgraded u = {.name = NULL};
    (void)state;
    upgraded_start(&u, NULL, "serve");
    upgraded_set("gate");
    pid_t next = upgraded_begin(&u);
    upgraded_signal(&u, SIGHUP);
    upgraded_says(&u, u.pid, "reloaded 0");
    upgraded_answers(&u, u.pid);
    upgraded_open_gate(&u);
    upgraded_finish(&u, next);
    upgraded_answers(&u, u.pid);
    upgraded_stop(&u);
}

int main(void)
{
    upgraded_role();
    const struct CMUnitTest tests[] = {
        FILE_TEST(the_new_program_takes_the_place_of_the_old_one),
        FILE_TEST(ten_upgrades_in_a_row),
        FILE_TEST(who_waits_in_the_queue_is_answered_by_the_new_one),
        FILE_TEST(nothing_else_is_inherited),
        FILE_TEST(the_name_of_the_socket_is_that_of_the_first),
        FILE_TEST(the_old_one_does_not_wait_to_be_unready),
        FILE_TEST(the_old_one_drains_while_the_new_one_serves),
        FILE_TEST(threads_are_upgraded_as_processes_are),
        FILE_TEST(operators_see_one_service_that_is_ready),
        FILE_TEST(systemd_is_told_who_is_the_main_process_now),
        FILE_TEST(a_link_leads_to_the_new_program),
        FILE_TEST(a_rolling_restart_meanwhile_is_no_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
