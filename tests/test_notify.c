/* SPDX-License-Identifier: MIT */
/* Telling systemd: what goes through the socket, and what becomes of it where
 * there is none, or not a good one. */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "files.h"
#include "forked.h"
#include "notified.h"

static const char *abstract_name(void)
{
    static char name[64];
    snprintf(name, sizeof(name), "@hem-test-notify-%d", (int)getpid());
    return name;
}

static void a_state_is_one_datagram(void **state)
{
    const char *names[] = {file_path("notify"), abstract_name()};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        int fd = notified_begin(names[i]);
        check_int(hem_notify("READY=1\nSTATUS=serving"), 1);
        check_int(hem_notify("STOPPING=1"), 1);
        check_notified(fd, "READY=1\nSTATUS=serving");
        check_notified(fd, "STOPPING=1");
        notified_end(fd);
    }
}

static void where_nobody_asked_nothing_is_sent(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    check_int(hem_notify("READY=1"), 0);
    check_int(hem_fd_store("a", 0), 0);
    check_int(hem_fd_store_remove("a"), 0);
    setenv("NOTIFY_SOCKET", "", 1);
    check_int(hem_notify("READY=1"), 0);
    unsetenv("NOTIFY_SOCKET");
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {"notify", "./notify",     "@",
                                      "/",      "vsock:2:1234", "\n"};
    char longest[200];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        setenv("NOTIFY_SOCKET", bad[i], 1);
        check_int(hem_notify("READY=1"), HEM_EINVAL);
    }
    memset(longest, 'x', sizeof(longest));
    longest[108] = '\0';
    for (int i = 0; i < 2; i++) {
        longest[0] = "/@"[i];
        setenv("NOTIFY_SOCKET", longest, 1);
        check_int(hem_notify("READY=1"), HEM_ENAMETOOLONG);
    }
    longest[107] = '\0';
    longest[0] = '/';
    setenv("NOTIFY_SOCKET", longest, 1);
    check_int(hem_notify("READY=1"), HEM_ENOENT);
    check_int(hem_notify(""), HEM_EINVAL);
    check_int(hem_notify(NULL), HEM_EINVAL);
    unsetenv("NOTIFY_SOCKET");
}

static void where_nobody_is_there_the_error_says_so(void **state)
{
    (void)state;
    int fd = notified_begin(file_path("notify"));
    close(fd);
    check_int(hem_notify("READY=1"), HEM_ECONNREFUSED);
    check_int(unlink(file_path("notify")), 0);
    check_int(hem_notify("READY=1"), HEM_ENOENT);
    file_make("notify", 1);
    check_int(hem_notify("READY=1"), HEM_ECONNREFUSED);
    setenv("NOTIFY_SOCKET", abstract_name(), 1);
    check_int(hem_notify("READY=1"), HEM_ECONNREFUSED);
    unsetenv("NOTIFY_SOCKET");
}

static void a_receiver_that_is_slow_holds_nobody_up(void **state)
{
    char text[NOTIFIED_BYTES];
    int rc = 1, sent = 0;
    (void)state;
    int fd = notified_begin(file_path("notify"));
    while (rc == 1 && sent < 100000) {
        rc = hem_notify("WATCHDOG=1");
        sent += rc == 1;
    }
    check_int(rc, HEM_EAGAIN);
    while (notified_take(fd, text, NULL, NULL) > 0)
        sent--;
    check_int(sent, 0);
    check_int(hem_notify("READY=1"), 1);
    check_notified(fd, "READY=1");
    notified_end(fd);
}

static void what_is_longer_than_a_datagram_is_refused(void **state)
{
    size_t size = (size_t)64 << 20;
    char *text = malloc(size);
    (void)state;
    if (!text)
        abort();
    memset(text, 'x', size);
    text[size - 1] = '\0';
    int fd = notified_begin(file_path("notify"));
    check_int(hem_notify(text), HEM_EMSGSIZE);
    notified_end(fd);
    free(text);
}

static bool is_same_file(int a, int b)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
           x.st_dev == y.st_dev;
}

static void descriptors_are_stored_by_their_names(void **state)
{
    char text[NOTIFIED_BYTES];
    int got[4], fds[2];
    size_t count = 4;
    (void)state;
    int fd = notified_begin(file_path("notify"));
    check_int(pipe(fds), 0);
    check_int(hem_fd_store("my.conn-1_A", fds[0]), 1);
    check(notified_take(fd, text, got, &count) > 0);
    check_str(text, "FDSTORE=1\nFDNAME=my.conn-1_A");
    if (check_int(count, 1)) {
        check(is_same_file(got[0], fds[0]));
        close(got[0]);
    }
    check_int(hem_fd_store_remove("my.conn-1_A"), 1);
    check_notified(fd, "FDSTOREREMOVE=1\nFDNAME=my.conn-1_A");
    close(fds[0]);
    check_int(hem_fd_store("a", fds[0]), HEM_EBADF);
    check_int(hem_fd_store("a", -1), HEM_EBADF);
    close(fds[1]);
    notified_end(fd);
}

static void many_descriptors_go_at_once_but_not_too_many(void **state)
{
    static int fds[254], got[254];
    char text[NOTIFIED_BYTES];
    size_t count = 254;
    (void)state;
    int fd = notified_begin(file_path("notify"));
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        fds[i] = fd;
    check_int(hem_notify_fds("FDSTORE=1", fds, 254), HEM_EINVAL);
    check_int(hem_notify_fds("FDSTORE=1", fds, 253), 1);
    check_int(notified_take(fd, text, got, &count), 9);
    check_int(count, 253);
    for (size_t i = 0; i < count; i++)
        close(got[i]);
    notified_end(fd);
}

static void names_that_would_change_the_message_are_refused(void **state)
{
    static const char *const bad[] = {
        NULL, "", "a b", "a\nREADY=1", "a:b", "a/b", "\x7f", "\xc3\xa9", "a=b"};
    char longest[300];
    (void)state;
    int fd = notified_begin(file_path("notify"));
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        check_int(hem_fd_store(bad[i], 0), HEM_EINVAL);
        check_int(hem_fd_store_remove(bad[i]), HEM_EINVAL);
    }
    memset(longest, 'x', sizeof(longest));
    longest[256] = '\0';
    check_int(hem_fd_store_remove(longest), HEM_EINVAL);
    longest[255] = '\0';
    check_int(hem_fd_store_remove(longest), 1);
    notified_end(fd);
}

static int notify_without_standard(void *arg)
{
    struct stat st;
    int fd = notified_begin(arg);
    for (int i = 0; i <= STDERR_FILENO; i++)
        close(i);
    check_int(hem_notify("READY=1"), 1);
    check_notified(fd, "READY=1");
    for (int i = 0; i <= STDERR_FILENO; i++)
        check(fstat(i, &st) == 0 && S_ISCHR(st.st_mode));
    return check_failures_take();
}

static void its_socket_is_no_standard_output(void **state)
{
    (void)state;
    forked_apart(notify_without_standard,
                 (void *)(uintptr_t)file_path("notify"));
}

static void the_watchdog_says_how_often_and_whom_it_means(void **state)
{
    static const struct {
        const char *us;
        hem_ns interval;
    } cases[] = {
        {"30000000", 30 * HEM_SEC},
        {"1", HEM_USEC},
        {NULL, HEM_NEVER},
        {"", HEM_NEVER},
        {"0", HEM_NEVER},
        {"-1", HEM_NEVER},
        {" 1", HEM_NEVER},
        {"1s", HEM_NEVER},
        {"9223372036854775", INT64_C(9223372036854775000)},
        {"9223372036854776", HEM_NEVER},
        {"18446744073709551615", HEM_NEVER},
        {"99999999999999999999999", HEM_NEVER},
    };
    char pid[32];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (cases[i].us)
            setenv("WATCHDOG_USEC", cases[i].us, 1);
        else
            unsetenv("WATCHDOG_USEC");
        check_int(hem_watchdog_interval(), cases[i].interval);
    }
    setenv("WATCHDOG_USEC", "2000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    check_int(hem_watchdog_interval(),
              getpid() == 1 ? 2 * HEM_MSEC : HEM_NEVER);
    setenv("WATCHDOG_PID", "", 1);
    check_int(hem_watchdog_interval(), HEM_NEVER);
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("WATCHDOG_PID", pid, 1);
    check_int(hem_watchdog_interval(), 2 * HEM_MSEC);
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_state_is_one_datagram),
        FILE_TEST(where_nobody_asked_nothing_is_sent),
        FILE_TEST(what_is_no_address_is_refused),
        FILE_TEST(where_nobody_is_there_the_error_says_so),
        FILE_TEST(a_receiver_that_is_slow_holds_nobody_up),
        FILE_TEST(what_is_longer_than_a_datagram_is_refused),
        FILE_TEST(descriptors_are_stored_by_their_names),
        FILE_TEST(many_descriptors_go_at_once_but_not_too_many),
        FILE_TEST(names_that_would_change_the_message_are_refused),
        FILE_TEST(its_socket_is_no_standard_output),
        FILE_TEST(the_watchdog_says_how_often_and_whom_it_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
