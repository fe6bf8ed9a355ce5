/* SPDX-License-Identifier: MIT */
/* Sockets handed over by systemd, and those opened before there is a loop. Each
 * test is a process of its own, for descriptors and the environment are its
 * subject. */
#include "support.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "forked.h"
#include "net.h"

/* Have `count` descriptors from 3 on, listening at 127.0.0.1, and say so. */
static void hand_over(int count)
{
    char text[32];
    for (int i = 0; i < count; i++) {
        int fd;
        check_int(hem_listen_socket(&fd, "127.0.0.1", 0, NULL), 0);
        if (fd != 3 + i) {
            check_int(dup2(fd, 3 + i), 3 + i); /* without FD_CLOEXEC */
            close(fd);
        }
        check_int(fcntl(3 + i, F_SETFD, 0), 0);
    }
    snprintf(text, sizeof(text), "%d", (int)getpid());
    setenv("LISTEN_PID", text, 1);
    snprintf(text, sizeof(text), "%d", count);
    setenv("LISTEN_FDS", text, 1);
    setenv("LISTEN_FDNAMES", "a:b", 1);
}

static void check_environment_is_clean(void)
{
    check(!getenv("LISTEN_PID"));
    check(!getenv("LISTEN_FDS"));
    check(!getenv("LISTEN_FDNAMES"));
}

/* Close what the parent has left from 3 on, and run fn. */
static int apart(hem_fn *fn)
{
    for (int fd = 3; fd < 100; fd++)
        close(fd);
    check_int(fn(NULL), 0);
    return check_failures_take();
}

static int accept_at_each(void *arg)
{
    hem_listener l;
    hem_address a[3];
    (void)arg;
    check_int(hem_listen_inherited(&l, NULL), 0);
    check_int(hem_listener_addresses(&l, a, 3), 3);
    for (int i = 0; i < 3; i++) {
        hem_stream s;
        int peer = net_connect(hem_address_port(&a[i]));
        check_int(hem_accept(&l, &s), 0);
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
        check(fcntl(3 + i, F_GETFD) & FD_CLOEXEC);
    }
    check_environment_is_clean();
    check_int(hem_listener_close(&l), 0);
    check_int(hem_listen_inherited(&l, NULL), HEM_ENOENT);
    return 0;
}

static int listen_on_all(void *arg)
{
    (void)arg;
    hand_over(3);
    return hem_run(accept_at_each, NULL, NULL);
}

static int listen_on_all_apart(void *arg)
{
    (void)arg;
    return apart(listen_on_all);
}

static void all_that_were_handed_over_are_listened_on(void **state)
{
    (void)state;
    forked_apart(listen_on_all_apart, NULL);
}

static int take_them(void *arg)
{
    int fds[8] = {77, 77, 77};
    (void)arg;
    hand_over(2);
    check_int(hem_inherited_sockets(fds, 1), HEM_ELIMIT);
    check_int(fds[0], 77);
    check(getenv("LISTEN_PID") != NULL);
    check(!(fcntl(3, F_GETFD) & FD_CLOEXEC));
    check_int(hem_inherited_sockets(fds, 8), 2);
    check_int(fds[0], 3);
    check_int(fds[1], 4);
    check_int(fds[2], 77);
    check(fcntl(3, F_GETFD) & FD_CLOEXEC);
    check_environment_is_clean();
    check_int(hem_inherited_sockets(fds, 8), 0);
    return 0;
}

static int take_them_apart(void *arg)
{
    (void)arg;
    return apart(take_them);
}

static void descriptors_can_be_taken_without_a_loop(void **state)
{
    (void)state;
    forked_apart(take_them_apart, NULL);
}

static int be_given_nonsense(void *arg)
{
    static const char *const counts[] = {"",  "0", "-1", "1x", "99999999999999",
                                         " 1"};
    int fds[8];
    (void)arg;
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        hand_over(1);
        setenv("LISTEN_FDS", counts[i], 1);
        check_int(hem_inherited_sockets(fds, 8), HEM_EINVAL);
    }
    hand_over(1);
    setenv("LISTEN_FDS", "9", 1);
    check_int(hem_inherited_sockets(fds, 8), HEM_ELIMIT);
    setenv("LISTEN_FDS", "2", 1); /* one of which is not there */
    check_int(hem_inherited_sockets(fds, 8), HEM_EBADF);
    setenv("LISTEN_PID", "1", 1); /* meant for another process */
    check_int(hem_inherited_sockets(fds, 8), 0);
    setenv("LISTEN_PID", "x", 1);
    check_int(hem_inherited_sockets(fds, 8), 0);
    unsetenv("LISTEN_PID");
    check_int(hem_inherited_sockets(fds, 8), 0);
    return 0;
}

static int be_given_nonsense_apart(void *arg)
{
    (void)arg;
    return apart(be_given_nonsense);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    forked_apart(be_given_nonsense_apart, NULL);
}

/* Each of 0, 1 and 2 is /dev/null, for good. */
static void check_standard_is_safe(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        struct stat st;
        check_int(fstat(fd, &st), 0);
        check(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
        check_int(fcntl(fd, F_GETFD), 0);
    }
}

static int open_without_standard(void *arg)
{
    int fds[2];
    char name[32] = "";
    hem_address a;
    (void)arg;
    int length = snprintf(name + 1, sizeof(name) - 1, "hem-%d", (int)getpid());
    check_int(hem_address_unix(&a, name, 1 + (size_t)length), 0);
    for (int i = 0; i < 2; i++) {
        for (int fd = 0; fd <= STDERR_FILENO; fd++)
            close(fd);
        check_int(i == 0 ? hem_listen_socket(&fds[i], "127.0.0.1", 0, NULL)
                         : hem_listen_address_socket(&fds[i], &a, NULL),
                  0);
        check(fds[i] > STDERR_FILENO);
        check_standard_is_safe();
        close(fds[i]);
    }
    return 0;
}

static int open_without_standard_apart(void *arg)
{
    (void)arg;
    return apart(open_without_standard);
}

static void no_socket_is_standard_input_or_output(void **state)
{
    (void)state;
    forked_apart(open_without_standard_apart, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(all_that_were_handed_over_are_listened_on),
        LEDGER_TEST(descriptors_can_be_taken_without_a_loop),
        LEDGER_TEST(what_makes_no_sense_is_refused),
        LEDGER_TEST(no_socket_is_standard_input_or_output),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
