/* SPDX-License-Identifier: MIT */
/*
 * http_server is replaced as a whole, a hundred times under load: each program
 * starts the next one, hands it the listening socket, and ends. No request is
 * lost.
 */
#include "load.h"

enum { UPGRADES = 100 };

static char root[64];
static struct program server;

/* Each program is a child of the one before, and this one's from its end on. */
static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/hem-upgrade-XXXXXX");
    assert_non_null(mkdtemp(root));
    load_make_files(root);
    return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int tear_down(void **state)
{
    (void)state;
    if (server.pid > 0) /* a failed test has left it */
        kill(server.pid, SIGKILL);
    remove_tree(root);
    return 0;
}

static void upgrade(void)
{
    kill(server.pid, SIGUSR2);
    pid_t next = (pid_t)atol(wait_begin(&server, "service upgrades to "));
    assert_true(next > 0);
    wait_line(&server, "service upgraded");
    int status = wait_end(&server);
    if (status != 0)
        fail_msg("%d: %s", status, errors_of(&server));
    server.pid = next;
}

static void upgrade_under_load(const char *option)
{
    struct program load;
    service_start(&server, &load, root, option);
    for (int i = 0; i < UPGRADES; i++)
        upgrade();
    assert_true(load_end(&load, root) >= UPGRADES);
    assert_int_equal(load_counted(root, "retried"), 0);
    assert_true(load_counted(root, "announced") >= UPGRADES);
    service_stop(&server);
    server.pid = 0;
}

static void upgrades_lose_nothing_of_kept_connections(void **state)
{
    (void)state;
    upgrade_under_load(NULL);
}

static void upgrades_lose_nothing_of_connections_of_one_request(void **state)
{
    (void)state;
    upgrade_under_load("--close");
}

int main(void)
{
    char path[4096];
    if (!find_program(path, sizeof(path), "http_server") ||
        !find_program(path, sizeof(path), "http_load"))
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upgrades_lose_nothing_of_kept_connections),
        cmocka_unit_test(upgrades_lose_nothing_of_connections_of_one_request),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
