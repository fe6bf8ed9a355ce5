/* SPDX-License-Identifier: MIT */
/* Operators' pages on a socket that the process was started with, as a service
 * gets it from the one that it succeeds. */
#include "support.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fake_service.h"
#include "net.h"

#define FIRST_FD 3

/* Listen on descriptor 3, and say so in the environment. Its port. */
static uint16_t inherit(const char *name)
{
    int fd;
    hem_address a;
    char pid[16];
    check_int(hem_listen_socket(&fd, "127.0.0.1", 0, NULL), 0);
    check_int(hem_address_of_socket(&a, fd), 0);
    if (fd != FIRST_FD) {
        check_int(dup2(fd, FIRST_FD), FIRST_FD);
        close(fd);
    }
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_FDNAMES", name, 1);
    return hem_address_port(&a);
}

static uint64_t inode_of(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

static char address[32];
static uint64_t inherited; /* which socket */

/* Returns whether the service listens on that one. */
static int listens_on_it(void *arg)
{
    struct fake_service f;
    (void)arg;
    fake_service_init(&f);
    f.options.admin = address;
    HEM_SCOPE(s);
    check_int(hem__admin_start(&f.s, &s), 0);
    int fd = hem__admin_socket(&f.s);
    int same = inode_of(fd) == inherited;
    check_int(fcntl(fd, F_GETFD), FD_CLOEXEC);
    hem_scope_abort(&s, "the service ends");
    check_int(hem_scope_close(&s, 0), 0);
    fake_service_deinit(&f);
    return same;
}

/* In a process of its own, which has the descriptor where it is to be. */
static int run(const char *name, bool same_port, bool want)
{
    uint16_t port = inherit(name);
    snprintf(address, sizeof(address), "127.0.0.1:%u",
             same_port ? (unsigned)port : 0);
    inherited = inode_of(FIRST_FD);
    check_int(hem_run(listens_on_it, NULL, NULL), want);
    return check_failures_take() != 0;
}

static int its_own(void *arg)
{
    (void)arg;
    return run("hem-admin", true, true);
}

static int of_another_address(void *arg)
{
    (void)arg;
    return run("hem-admin", false, false);
}

static int of_another_name(void *arg)
{
    (void)arg;
    return run("hem-agent", false, false);
}

static void check_run(int (*fn)(void *arg))
{
    struct ending e;
    process_run(fn, NULL, &e);
    check_str(e.text, "");
    check_int(e.signo, 0);
    check_int(e.status, 0);
    run_assert_checks();
}

static void a_socket_of_its_name_and_address_is_taken(void **state)
{
    (void)state;
    check_run(its_own);
}

static void a_socket_of_another_address_is_not(void **state)
{
    (void)state;
    check_run(of_another_address);
}

static void a_socket_of_another_name_is_not(void **state)
{
    (void)state;
    check_run(of_another_name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_socket_of_its_name_and_address_is_taken),
        LEDGER_TEST(a_socket_of_another_address_is_not),
        LEDGER_TEST(a_socket_of_another_name_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
