/* SPDX-License-Identifier: MIT */
/* Descriptors that nobody closed: the loop does, at its end. */
#include "support.h"

#include <signal.h>

#include "net.h"

static hem_listener kept;

static int leave_open(void *arg)
{
    (void)arg;
    hem_stream client, server;
    hem_address a;
    hem_signal signal;
    check_int(hem_listen(&kept, "127.0.0.1", 0, NULL), 0);
    check_int(hem_listener_address(&kept, &a), 0);
    check_int(hem_connect(&client, "127.0.0.1", hem_address_port(&a), NULL), 0);
    check_int(hem_accept(&kept, &server), 0);
    check_int(hem_signal_open(&signal, (int[]){SIGUSR1, 0}), 0);
    hem_signal_close(&signal);
    return 0; /* the streams go away with this frame, open */
}

static int use_again(void *arg)
{
    (void)arg;
    hem_address a;
    hem_stream s = {0};
    check_int(hem_listener_address(&kept, &a), HEM_EBADF);
    check_int(hem_accept(&kept, &s), HEM_EBADF);
    check_int(hem_listener_close(&kept), HEM_EBADF);
    check_int(hem_listen(&kept, "127.0.0.1", 0, NULL), 0);
    return hem_listener_close(&kept);
}

/* The ledger counts descriptors before and after. */
static void
what_is_left_open_is_closed_with_the_loop_and_by_nobody_else(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        check_int(hem_run(leave_open, NULL, NULL), 0);
        check_int(hem_run(use_again, NULL, NULL), 0);
    }
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(
            what_is_left_open_is_closed_with_the_loop_and_by_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
