/* SPDX-License-Identifier: MIT */
/* A service as systemd sees it: a real one, told to reload and to stop. */
#include <poll.h>
#include <signal.h>

#include "forked.h"
#include "notified.h"
#include "support.h"

static int wait_told(hem_worker *w, void *arg)
{
    (void)arg;
    int rc = hem_worker_wait(w);
    return rc < 0 ? rc : 0;
}

static int serve(void *arg)
{
    return hem_prefork(wait_told, NULL, arg) < 0;
}

/* The next datagram, but for those of the status alone and for more time, which
 * must begin so. */
static void expect(int fd, const char *start)
{
    char text[NOTIFIED_BYTES];
    do {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (!check(poll(&p, 1, 60000) > 0))
            return;
        notified_take(fd, text, NULL, NULL);
    } while (strncmp(text, "STATUS=", 7) == 0 ||
             strncmp(text, "EXTEND_", 7) == 0);
    text[strnlen(text, strlen(start))] = '\0';
    check_str(text, start);
}

static void expect_status(int fd, const char *status)
{
    char text[NOTIFIED_BYTES] = "";
    while (strcmp(text, status) != 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (!check(poll(&p, 1, 60000) > 0))
            return;
        notified_take(fd, text, NULL, NULL);
    }
}

static int begin(struct process *p, hem_prefork_options *o)
{
    char name[64];
    snprintf(name, sizeof(name), "@hem-test-prefork-%d", (int)getpid());
    int fd = notified_begin(name);
    process_start(p, serve, o);
    return fd;
}

static void end(struct process *p, int fd)
{
    struct ending e;
    process_end(p, &e);
    check_int(e.signo, 0);
    check_int(e.status, 0);
    check_str(e.text, "");
    notified_end(fd);
}

static void it_says_that_it_is_ready_reloads_and_stops(void **state)
{
    hem_prefork_options o = {.num_workers = 2};
    struct process p;
    (void)state;
    int fd = begin(&p, &o);
    expect(fd, "READY=1\nSTATUS=serving, 2 of 2 workers ready");
    for (int i = 0; i < 3; i++) {
        kill(p.pid, SIGHUP);
        expect(fd, "RELOADING=1\nMONOTONIC_USEC=");
        expect(fd, "READY=1\nSTATUS=serving, 2 of 2 workers ready");
    }
    kill(p.pid, SIGTERM);
    expect(fd, "STOPPING=1\nSTATUS=stopping, ");
    end(&p, fd);
}

static void its_status_says_how_many_workers_there_are(void **state)
{
    hem_prefork_options o = {.num_workers = 1, .max_workers = 2};
    struct process p;
    (void)state;
    int fd = begin(&p, &o);
    expect(fd, "READY=1\nSTATUS=serving, 1 of 1 workers ready");
    kill(p.pid, SIGTTIN);
    expect_status(fd, "STATUS=serving, 2 of 2 workers ready");
    kill(p.pid, SIGTTOU);
    expect_status(fd, "STATUS=serving, 1 of 1 workers ready");
    kill(p.pid, SIGTERM);
    expect(fd, "STOPPING=1\n");
    end(&p, fd);
}

/* An interval so long that no machine is too slow for it: it is fed at once,
 * and what makes no progress is not waited for. */
static void the_watchdog_is_fed_from_the_beginning(void **state)
{
    hem_prefork_options o = {.num_workers = 2};
    struct process p;
    (void)state;
    setenv("WATCHDOG_USEC", "3600000000", 1);
    int fd = begin(&p, &o);
    expect(fd, "WATCHDOG=1");
    expect(fd, "READY=1\n");
    kill(p.pid, SIGTERM);
    expect(fd, "STOPPING=1\n");
    end(&p, fd);
    unsetenv("WATCHDOG_USEC");
}

static int fail_to_start(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    return HEM_EADDRINUSE;
}

static int serve_in_vain(void *arg)
{
    (void)arg;
    return hem_prefork(fail_to_start, NULL,
                       &(hem_prefork_options){.num_workers = 1}) !=
           HEM_EADDRINUSE;
}

static void one_that_cannot_start_says_why(void **state)
{
    struct process p;
    struct ending e;
    char name[64], want[64];
    (void)state;
    snprintf(name, sizeof(name), "@hem-test-prefork-%d", (int)getpid());
    int fd = notified_begin(name);
    process_start(&p, serve_in_vain, NULL);
    snprintf(want, sizeof(want), "STOPPING=1\nERRNO=%d\n", EADDRINUSE);
    expect(fd, want);
    process_end(&p, &e);
    check_int(e.status, 0);
    check_contains(e.text, "failed in set up");
    notified_end(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(it_says_that_it_is_ready_reloads_and_stops),
        LEDGER_TEST(its_status_says_how_many_workers_there_are),
        LEDGER_TEST(the_watchdog_is_fed_from_the_beginning),
        LEDGER_TEST(one_that_cannot_start_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
