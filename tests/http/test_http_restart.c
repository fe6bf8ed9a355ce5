/* SPDX-License-Identifier: MIT */
/*
 * The workers of http_server are replaced a hundred times under load, and no
 * request is lost: each that http_load has sent was answered, rightly, and at
 * the first attempt.
 */
#include "load.h"

enum { RESTARTS = 100 };

static char root[64];
static struct program server, load;

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/hem-restart-XXXXXX");
    assert_non_null(mkdtemp(root));
    load_make_files(root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_tree(root);
    return 0;
}

/* A failed test leaves them. */
static int end_programs(void **state)
{
    (void)state;
    if (load.pid > 0)
        stop(&load, SIGKILL);
    if (server.pid > 0)
        stop(&server, SIGKILL);
    return 0;
}

/* Replace all workers, one after the other. */
static void roll(void)
{
    kill(server.pid, SIGHUP);
    wait_line(&server, "service reloaded");
}

static void restart(void)
{
    for (int i = 0; i < RESTARTS; i++)
        roll();
}

/* Both sides have counted the same: of what was sent nothing was lost, and
 * nothing was served twice, nor counted by a worker and forgotten with it. */
static void expect_same_counts(void)
{
    uint64_t answered = load_counted(root, "answered");
    service_wait_metric(root, "hem_requests_total", answered);
    service_wait_metric(root, "http_responses_2xx_total", answered);
    service_wait_metric(root, "http_connections_total",
                        load_counted(root, "opened"));
    service_wait_metric(root, "http_connections_open", 0);
}

static void rolling_restarts_lose_nothing_of_kept_connections(void **state)
{
    (void)state;
    service_start(&server, &load, root, NULL);
    restart();
    load_end(&load, root);
    /* All workers were replaced, so all connections were told to end, again
     * and again; and none ended otherwise. */
    assert_true(load_counted(root, "announced") >= RESTARTS);
    assert_true(load_counted(root, "opened") <=
                load_counted(root, "announced") + LOAD_CONNECTIONS);
    assert_int_equal(service_metric(root, "hem_reloads_total"), RESTARTS);
    expect_same_counts();
    service_stop(&server);
}

static void
rolling_restarts_lose_nothing_of_connections_of_one_request(void **state)
{
    (void)state;
    service_start(&server, &load, root, "--close");
    restart();
    assert_true(load_end(&load, root) >= RESTARTS);
    assert_int_equal(load_counted(root, "opened"),
                     load_counted(root, "answered"));
    expect_same_counts();
    service_stop(&server);
}

/* With pauses there are always connections on which nothing is under way. */
static void rolling_restarts_lose_nothing_of_idle_connections(void **state)
{
    (void)state;
    const char *args[] = {"--seconds",     "3600", "--pause",  "0.005",
                          "--connections", "64",   "--strict", NULL};
    service_start_with(&server, root, NULL, NULL);
    load_start(&load, root, server.port, args);
    restart();
    load_end(&load, root);
    expect_same_counts();
    service_stop(&server);
}

static void workers_that_are_threads_lose_nothing_either(void **state)
{
    (void)state;
    const char *args[] = {"--seconds", "3600",     "--connections",
                          "32",        "--strict", NULL};
    service_start_with(&server, root, "--threads", NULL);
    load_start(&load, root, server.port, args);
    restart();
    load_end(&load, root);
    expect_same_counts();
    service_stop(&server);
}

static void workers_that_have_served_enough_are_replaced(void **state)
{
    (void)state;
    const char *args[] = {"--requests", "20000",    "--connections",
                          "32",         "--strict", NULL};
    service_start_with(&server, root, "--max-requests", "500");
    load_start(&load, root, server.port, args);
    assert_int_equal(load_wait(&load, root), 0);
    assert_int_equal(load_counted(root, "answered"), 20000);
    assert_true(service_metric(root, "hem_worker_generation{index=\"0\",name="
                                     "\"http_server worker\"}") > 0);
    assert_int_equal(service_metric(root, "hem_restarts_total"), 0);
    expect_same_counts();
    service_stop(&server);
}

int main(void)
{
    char path[4096];
    if (!find_program(path, sizeof(path), "http_server") ||
        !find_program(path, sizeof(path), "http_load"))
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            rolling_restarts_lose_nothing_of_kept_connections, end_programs),
        cmocka_unit_test_teardown(
            rolling_restarts_lose_nothing_of_connections_of_one_request,
            end_programs),
        cmocka_unit_test_teardown(
            rolling_restarts_lose_nothing_of_idle_connections, end_programs),
        cmocka_unit_test_teardown(workers_that_are_threads_lose_nothing_either,
                                  end_programs),
        cmocka_unit_test_teardown(workers_that_have_served_enough_are_replaced,
                                  end_programs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
