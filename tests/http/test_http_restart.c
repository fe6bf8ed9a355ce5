/* SPDX-License-Identifier: MIT */
/*
 * The workers of http_server are replaced a hundred times under load, and no
 * request is lost: each that http_load has sent was answered, rightly, and at
 * the first attempt.
 */
#include "load.h"

enum { RESTARTS = 100 };

static char root[64];

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

/* Replace all workers, one after the other. */
static void roll(const struct program *server)
{
    kill(server->pid, SIGHUP);
    wait_line(server, "service reloaded");
}

static void rolling_restarts_lose_nothing_of_kept_connections(void **state)
{
    (void)state;
    struct program server, load;
    service_start(&server, &load, root, NULL);
    for (int i = 0; i < RESTARTS; i++)
        roll(&server);
    load_end(&load, root);
    /* All workers were replaced, so all connections were told to end, again
     * and again; and none ended otherwise. */
    assert_true(load_counted(root, "announced") >= RESTARTS);
    assert_true(load_counted(root, "opened") <=
                load_counted(root, "announced") + LOAD_CONNECTIONS);
    service_stop(&server);
}

static void
rolling_restarts_lose_nothing_of_connections_of_one_request(void **state)
{
    (void)state;
    struct program server, load;
    service_start(&server, &load, root, "--close");
    for (int i = 0; i < RESTARTS; i++)
        roll(&server);
    assert_true(load_end(&load, root) >= RESTARTS);
    assert_int_equal(load_counted(root, "opened"),
                     load_counted(root, "answered"));
    service_stop(&server);
}

int main(void)
{
    char path[4096];
    if (!find_program(path, sizeof(path), "http_server") ||
        !find_program(path, sizeof(path), "http_load"))
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rolling_restarts_lose_nothing_of_kept_connections),
        cmocka_unit_test(
            rolling_restarts_lose_nothing_of_connections_of_one_request),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
