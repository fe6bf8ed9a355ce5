/* SPDX-License-Identifier: MIT */
/* Descriptors handed over at the start, found by their names, beside those
 * that hem_inherited_sockets() gives. Each test is a process of its own. */
#include "support.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "forked.h"

/* Have `kinds` from descriptor 3 on: s a socket, p an end of a pipe, x none;
 * for this process, with names. */
static void hand_over(const char *kinds, const char *names)
{
    char text[32];
    for (int i = 0; kinds[i]; i++) {
        int fds[2] = {-1, -1};
        if (kinds[i] == 's')
            fds[0] = socket(AF_INET, SOCK_STREAM, 0);
        else if (kinds[i] == 'p')
            check_int(pipe(fds), 0);
        if (fds[1] >= 0)
            close(fds[1]);
        if (fds[0] >= 0 && fds[0] != 3 + i) {
            check_int(dup2(fds[0], 3 + i), 3 + i);
            close(fds[0]);
        }
        if (kinds[i] == 'x')
            check_int(dup2(STDERR_FILENO, 3 + i), 3 + i); /* keeps its place */
    }
    for (int i = 0; kinds[i]; i++) {
        if (kinds[i] == 'x')
            close(3 + i);
    }
    snprintf(text, sizeof(text), "%d", (int)getpid());
    setenv("LISTEN_PID", text, 1);
    snprintf(text, sizeof(text), "%d", (int)strlen(kinds));
    setenv("LISTEN_FDS", text, 1);
    if (names)
        setenv("LISTEN_FDNAMES", names, 1);
    else
        unsetenv("LISTEN_FDNAMES");
}

/* Close what the parent has left from 3 on, and run fn. */
static int alone(void *arg)
{
    for (int fd = 3; fd < 100; fd++)
        close(fd);
    (*(void (**)(void))arg)();
    return check_failures_take();
}

static void apart(void (*fn)(void))
{
    forked_apart(alone, &fn);
}

static void take_by_name(void)
{
    hand_over("sppsp", "web:state:web:state");
    check(!(fcntl(4, F_GETFD) & FD_CLOEXEC));
    check_int(hem_inherited_fd("state", 0), 4);
    check(fcntl(4, F_GETFD) & FD_CLOEXEC);
    check(!(fcntl(6, F_GETFD) & FD_CLOEXEC));
    check_int(hem_inherited_fd("state", 0), HEM_ENOENT); /* taken */
    check_int(hem_inherited_fd("state", 1), 6);
    check_int(hem_inherited_fd("state", 2), HEM_ENOENT);
    check_int(hem_inherited_fd("web", 1), 5);
    check_int(hem_inherited_fd("web", 0), 3);
    check_int(hem_inherited_fd("we", 0), HEM_ENOENT);
    check_int(hem_inherited_fd("webs", 0), HEM_ENOENT);
    check_int(hem_inherited_fd("", 0), HEM_ENOENT);
    check_int(hem_inherited_fd("unknown", 0), 7); /* without a name */
}

static void each_is_found_by_its_name_and_taken_once(void **state)
{
    (void)state;
    apart(take_by_name);
}

static void take_without_names(void)
{
    hand_over("ss", NULL);
    check_int(hem_inherited_fd("unknown", 1), 4);
    check_int(hem_inherited_fd("unknown", 0), 3);
    hand_over("s", "");
    check_int(hem_inherited_fd("", 0), HEM_ENOENT); /* it was taken before */
}

static void those_without_names_are_called_unknown(void **state)
{
    (void)state;
    apart(take_without_names);
}

static void take_some_of_each(void)
{
    int fds[8];
    hand_over("sspss", "web:hem-admin:state:conn:web");
    check_int(hem_inherited_fd("conn", 0), 6);
    check_int(hem_inherited_sockets(fds, 1), HEM_ELIMIT);
    check_int(hem_inherited_sockets(fds, 8), 2);
    check_int(fds[0], 3);
    check_int(fds[1], 7);
    check(fcntl(7, F_GETFD) & FD_CLOEXEC);
    check(!(fcntl(4, F_GETFD) & FD_CLOEXEC));
    check_int(hem_inherited_sockets(fds, 8), 0);
    check_int(hem_inherited_fd("web", 0), HEM_ENOENT);
    check_int(hem_inherited_fd("state", 0), 5);
    check(getenv("LISTEN_PID") != NULL);
    check_int(hem_inherited_fd("hem-admin", 0), 4);
    check_int(hem_inherited_sockets(fds, 8), 0); /* nothing is left */
    check(!getenv("LISTEN_PID"));
    check(!getenv("LISTEN_FDNAMES"));
    check_int(hem_inherited_fd("web", 0), HEM_ENOENT);
    hand_over("s", "web"); /* as in a new program */
    check_int(hem_inherited_fd("web", 0), 3);
}

static void
sockets_are_those_that_nobody_took_and_hem_does_not_need(void **state)
{
    (void)state;
    apart(take_some_of_each);
}

static void take_nonsense(void)
{
    static const char *const counts[] = {"", "0", "-1", "1x", " 1"};
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        hand_over("s", "a");
        setenv("LISTEN_FDS", counts[i], 1);
        check_int(hem_inherited_fd("a", 0), HEM_EINVAL);
    }
    setenv("LISTEN_FDS", "4097", 1);
    check_int(hem_inherited_fd("a", 0), HEM_ELIMIT);
    hand_over("sx", "a:b");
    check_int(hem_inherited_fd("b", 0), HEM_EBADF);
    check_int(hem_inherited_fd("a", 0), 3);
    setenv("LISTEN_PID", "1", 1); /* another process */
    check_int(hem_inherited_fd("b", 0), HEM_ENOENT);
    unsetenv("LISTEN_PID");
    check_int(hem_inherited_fd("b", 0), HEM_ENOENT);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    apart(take_nonsense);
}

static int take_as_child(void *arg)
{
    (void)arg;
    check_int(hem_inherited_fd("web", 0), HEM_ENOENT);
    return check_failures_take();
}

static void fork_first(void)
{
    hand_over("s", "web");
    forked_apart(take_as_child, NULL);
    check_int(hem_inherited_fd("web", 0), 3);
}

static void they_are_not_those_of_a_child(void **state)
{
    (void)state;
    apart(fork_first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(each_is_found_by_its_name_and_taken_once),
        LEDGER_TEST(those_without_names_are_called_unknown),
        LEDGER_TEST(sockets_are_those_that_nobody_took_and_hem_does_not_need),
        LEDGER_TEST(what_makes_no_sense_is_refused),
        LEDGER_TEST(they_are_not_those_of_a_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
