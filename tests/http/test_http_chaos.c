/* SPDX-License-Identifier: MIT */
/*
 * Workers of http_server are killed and stopped under load. What is lost are
 * requests that were under way in the worker that died, one for each of its
 * connections; nobody else notices, and nobody is refused.
 */
#include "load.h"

#include <dirent.h>

enum { WORKERS = 4, KILLS = 2 * WORKERS, STORM = 1000 };

static char root[64];
static pid_t pids[WORKERS]; /* of those that are ready */

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/hem-chaos-XXXXXX");
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

/* Read events until one of a worker is `what`, and note who it is. */
static void wait_worker(const struct program *server, const char *what)
{
    unsigned index, generation;
    long pid;
    char text[32];
    do {
        const char *line = wait_begin(server, "worker ");
        if (sscanf(line, "%u.%u (%ld) %31[a-z ]", &index, &generation, &pid,
                   text) != 4)
            fail_msg("'worker %s'", line);
        assert_true(index < WORKERS);
    } while (strcmp(text, what) != 0);
    pids[index] = (pid_t)pid;
}

static int count_descriptors(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/fd", (long)pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    int n = 0;
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

/* Wait until a worker has a connection, and return its index. */
static int wait_under_way(const int *before)
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        int w = i % WORKERS;
        if (count_descriptors(pids[w]) > before[w])
            return w;
        poll(NULL, 0, 1);
    }
    fail_msg("nobody connects");
    return -1;
}

/* Returns the index of a worker that has a connection. */
static int begin(struct program *server, struct program *load,
                 const char *heartbeat, const char *option)
{
    const char *serve[] = {"--workers", "4",           "--verbose", "--grace",
                           "10m",       "--heartbeat", heartbeat,   NULL};
    const char *args[] = {
        "--seconds", "3600", "--connections", "32", "--strict", option, NULL};
    start_server(server, root, 0, serve);
    for (int i = 0; i < WORKERS; i++)
        wait_worker(server, "is ready");
    int before[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        before[i] = count_descriptors(pids[i]);
    load_start(load, root, server->port, args);
    return wait_under_way(before);
}

/* End the load. At most `deaths` times all connections have lost a request. */
static void end(struct program *server, struct program *load, uint64_t deaths)
{
    kill(load->pid, SIGTERM);
    load_wait(load, root);
    assert_int_equal(load_counted(root, "refused"), 0);
    assert_int_equal(load_counted(root, "timeout"), 0);
    assert_int_equal(load_counted(root, "wrong"), 0);
    assert_true(load_counted(root, "lost") <= deaths * LOAD_CONNECTIONS);
    assert_true(load_counted(root, "answered") > 0);
    service_stop(server);
}

static void kill_workers(const char *option)
{
    struct program server, load;
    begin(&server, &load, "0", option);
    for (int i = 0; i < KILLS; i++) {
        kill(pids[i % WORKERS], SIGKILL);
        wait_worker(&server, "is ready");
    }
    end(&server, &load, KILLS);
}

static void hostile_30_killed_workers_lose_what_was_under_way(void **state)
{
    (void)state;
    kill_workers(NULL);
}

static void hostile_30_killed_workers_refuse_nobody(void **state)
{
    (void)state;
    kill_workers("--close");
}

static void hostile_30_a_stopped_worker_loses_what_was_under_way(void **state)
{
    (void)state;
    struct program server, load;
    int busy = begin(&server, &load, "3s", NULL);
    kill(pids[busy], SIGSTOP);
    wait_worker(&server, "is stuck");
    wait_worker(&server, "is ready");
    end(&server, &load, 1);
}

static void hostile_30_a_thousand_sighups_lose_nothing(void **state)
{
    (void)state;
    struct program server, load;
    begin(&server, &load, "0", NULL);
    for (int i = 0; i < STORM; i++)
        kill(server.pid, SIGHUP);
    wait_line(&server, "service reloaded");
    end(&server, &load, 0);
}

int main(void)
{
    char path[4096];
    if (!find_program(path, sizeof(path), "http_server") ||
        !find_program(path, sizeof(path), "http_load"))
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_30_killed_workers_lose_what_was_under_way),
        cmocka_unit_test(hostile_30_killed_workers_refuse_nobody),
        cmocka_unit_test(hostile_30_a_stopped_worker_loses_what_was_under_way),
        cmocka_unit_test(hostile_30_a_thousand_sighups_lose_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
