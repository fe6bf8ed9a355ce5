/* SPDX-License-Identifier: MIT */
/*
 * Two generations of a service behind HAProxy, configured as in packaging/: one
 * takes over from the other under load, again and again, and nothing is lost,
 * nor had HAProxy to send anything twice.
 */
#include "balancer.h"

#define HAPROXY "/usr/sbin/haproxy"

/* HAProxy has gone round a generation before that ends, but keeps idle
 * connections to it. */
#define LINGER "200ms"

enum { SWAPS = 10, RESTARTS = 100 };

static char root[64], control[128], config[TEXT_MAX];
static struct program haproxy;
static struct place places[2] = {{.name = "blue"}, {.name = "green"}};

static void write_config(const char *path)
{
    read_packaged(config, "haproxy/hem-http.cfg");
    replace(config, "/run/haproxy/hem.sock", control);
    replace(config, "127.0.0.1:8080", "fd@3");
    replace_port(config, "127.0.0.1:8081", places[0].serves.port);
    replace_port(config, "check port 9101", places[0].admin.port);
    replace_port(config, "agent-port 9201", places[0].agent.port);
    replace_port(config, "127.0.0.1:8082", places[1].serves.port);
    replace_port(config, "check port 9102", places[1].admin.port);
    replace_port(config, "agent-port 9202", places[1].agent.port);
    /* One thread, so that what it says of itself is true when it says so. */
    replace(config, "global\n", "global\n    nbthread 1\n");
    /* Quick to notice, slow to give up: the machine may be busy. */
    replace(config, "nter 250ms", "nter 20ms");
    replace(config, "timeout check 1s", "timeout check 30s");
    replace(config, "timeout connect 1s", "timeout connect 30s");
    write_text(path, config);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/hem-haproxy-XXXXXX");
    assert_non_null(mkdtemp(root));
    load_make_files(root);
    place_reserve(&places[0]);
    place_reserve(&places[1]);
    char path[128];
    snprintf(control, sizeof(control), "%s/control", root);
    snprintf(path, sizeof(path), "%s/haproxy.cfg", root);
    write_config(path);
    const char *argv[] = {HAPROXY, "-db", "-f", path, NULL};
    balancer_start(&haproxy, open_front(&haproxy), argv);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stop(&haproxy, SIGTERM);
    place_release(&places[0]);
    place_release(&places[1]);
    remove_tree(root);
    return 0;
}

/* Have it answer a command; false: it does not listen yet. */
static bool command(const char *text, char *ret, size_t size)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strcpy(a.sun_path, control);
    struct peer p = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    size_t n = 0;
    bool is_open = connect(p.fd, (struct sockaddr *)&a, sizeof(a)) == 0;
    if (is_open) {
        ask(&p, text);
        ssize_t more = 1;
        while (more > 0 && n + 1 < size) {
            wait_for(p.fd, POLLIN);
            more = recv(p.fd, ret + n, size - 1 - n, 0);
            n += more > 0 ? (size_t)more : 0;
        }
    }
    ret[n] = '\0';
    close(p.fd);
    return is_open;
}

/* The value under `name` in HAProxy's statistics of a server. */
static bool find_value(char *ret, size_t size, const char *server,
                       const char *name)
{
    static char text[TEXT_MAX];
    if (!command("show stat hem 4 -1\n", text, sizeof(text)))
        return false;
    char *lines = text, *head = strsep(&lines, "\n"), *line;
    do {
        line = strsep(&lines, "\n");
        if (line == NULL)
            return false;
    } while (strncmp(line, "hem,", 4) != 0 ||
             strncmp(line + 4, server, strlen(server)) != 0);
    head += 2; /* "# " */
    for (char *key; (key = strsep(&head, ",")) != NULL;) {
        const char *value = strsep(&line, ",");
        if (value != NULL && strcmp(key, name) == 0) {
            snprintf(ret, size, "%s", value);
            return true;
        }
    }
    return false;
}

/* Whether HAProxy sees it so: how its status begins. */
static bool has_status(const struct place *p, const char *status)
{
    char now[64];
    return find_value(now, sizeof(now), p->name, "status") &&
           strncmp(now, status, strlen(status)) == 0;
}

static void wait_status(const struct place *p, const char *status)
{
    for (int i = 0; !has_status(p, status); i++) {
        if (i == PATIENCE_MS / 2)
            fail_msg("%s is not %s: %s", p->name, status, errors_of(&haproxy));
        poll(NULL, 0, 2);
    }
}

/* Wait until HAProxy goes round it, and none of its requests is left there or
 * on the way. */
static void wait_drained(const struct place *p)
{
    char sessions[64] = "";
    for (int i = 0; has_status(p, "UP") ||
                    !find_value(sessions, sizeof(sessions), p->name, "scur") ||
                    strcmp(sessions, "0") != 0;
         i++) {
        if (i == PATIENCE_MS / 2)
            fail_msg("%s has %s: %s", p->name, sessions, errors_of(&haproxy));
        poll(NULL, 0, 2);
    }
}

/* A count that is to be 0, of both. */
static void expect_none(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        char value[64];
        assert_true(find_value(value, sizeof(value), places[i].name, name));
        if (strcmp(value, "0") != 0)
            fail_msg("%s of %s: %s", name, places[i].name, value);
    }
}

/* Start the next one, and end the one that serves: the second signal says that
 * HAProxy has noticed. */
static void swap(struct place *old, struct place *next)
{
    place_start(next, root, "10m", LINGER);
    wait_status(next, "UP");
    kill(old->program.pid, SIGTERM);
    wait_drained(old);
    assert_int_equal(stop(&old->program, SIGTERM), 0);
}

static int end_places(void **state)
{
    (void)state;
    place_kill(&places[0]);
    place_kill(&places[1]);
    return 0;
}

/* A load that HAProxy passes on to the first place, and its counters at 0. */
static void begin(struct program *load, const char *option, const char *linger)
{
    const char *args[] = {
        "--seconds", "3600", "--connections", "16", "--strict", option, NULL};
    char text[64];
    place_start(&places[0], root, "10m", linger);
    wait_status(&places[0], "UP");
    wait_status(&places[1], "DOWN");
    assert_true(command("clear counters all\n", text, sizeof(text)));
    load_start(load, root, haproxy.port, args);
}

static void expect_exit(struct place *p)
{
    kill(p->program.pid, SIGINT); /* and not the same again */
    assert_int_equal(stop(&p->program, SIGTERM), 0);
}

static void swap_under_load(const char *option)
{
    struct program load;
    begin(&load, option, LINGER);
    for (size_t i = 0; i < SWAPS; i++)
        swap(&places[i % 2], &places[(i + 1) % 2]);
    assert_true(load_end(&load, root) > 0);
    expect_none("wretr");  /* sent again to the same, */
    expect_none("wredis"); /* to the other */
    expect_none("econ");
    expect_none("eresp");
    expect_exit(&places[SWAPS % 2]);
}

static void generations_take_over_from_kept_connections(void **state)
{
    (void)state;
    swap_under_load(NULL);
}

static void generations_take_over_from_connections_of_one_request(void **state)
{
    (void)state;
    swap_under_load("--close");
}

/* Here HAProxy does not know: it may use an idle connection in the instant in
 * which that ends, and then it sends the request again. Nothing is lost. */
static void two_generations_are_restarted_a_hundred_times(void **state)
{
    (void)state;
    struct program load;
    begin(&load, NULL, "2s");
    place_start(&places[1], root, "10m", "2s");
    wait_status(&places[1], "UP");
    for (size_t i = 0; i < RESTARTS; i++) {
        const struct program *p = &places[i % 2].program;
        kill(p->pid, SIGHUP);
        wait_line(p, "service reloaded");
    }
    assert_true(load_end(&load, root) > 0);
    expect_exit(&places[0]);
    expect_exit(&places[1]);
}

int main(void)
{
    char path[4096];
    if (!find_program(path, sizeof(path), "http_server") ||
        !find_program(path, sizeof(path), "http_load") ||
        access(HAPROXY, X_OK) < 0)
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(generations_take_over_from_kept_connections,
                                  end_places),
        cmocka_unit_test_teardown(
            generations_take_over_from_connections_of_one_request, end_places),
        cmocka_unit_test_teardown(two_generations_are_restarted_a_hundred_times,
                                  end_places),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
