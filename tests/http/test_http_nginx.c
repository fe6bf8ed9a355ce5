/* SPDX-License-Identifier: MIT */
/*
 * Two generations of a service behind nginx, configured as in packaging/: one
 * takes over from the other under load, again and again, and nothing is lost.
 */
#include "balancer.h"

#define NGINX "/usr/sbin/nginx"

enum { SWAPS = 10 };

static char root[64], config[TEXT_MAX];
static struct program nginx;
static struct place places[2] = {{.name = "blue"}, {.name = "green"}};

/* What surrounds the packaged part. */
static void write_config(void)
{
    char path[128], all[1024];
    read_packaged(config, "nginx/hem-http.conf");
    replace_port(config, "127.0.0.1:8080", nginx.port);
    replace_port(config, "127.0.0.1:8081", places[0].serves.port);
    replace_port(config, "127.0.0.1:8082", places[1].serves.port);
    replace(config, "proxy_connect_timeout 1s", "proxy_connect_timeout 30s");
    snprintf(path, sizeof(path), "%s/part.conf", root);
    write_text(path, config);
    snprintf(all, sizeof(all),
             "daemon off; user root; pid %s/pid; error_log stderr crit;\n"
             "worker_processes 2; events {}\n"
             "http { access_log off; keepalive_requests 1000000000;\n"
             "client_body_temp_path %s/body; proxy_temp_path %s/proxy;\n"
             "fastcgi_temp_path %s/fastcgi; uwsgi_temp_path %s/uwsgi;\n"
             "scgi_temp_path %s/scgi; include %s; }\n",
             root, root, root, root, root, root, path);
    snprintf(path, sizeof(path), "%s/nginx.conf", root);
    write_text(path, all);
}

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/hem-nginx-XXXXXX");
    assert_non_null(mkdtemp(root));
    load_make_files(root);
    place_reserve(&places[0]);
    place_reserve(&places[1]);
    int front = open_front(&nginx);
    char path[128];
    snprintf(path, sizeof(path), "%s/nginx.conf", root);
    write_config();
    assert_int_equal(setenv("NGINX", "3;", 1), 0); /* FRONT_FD */
    const char *argv[] = {NGINX, "-c", path, "-p", root, NULL};
    balancer_start(&nginx, front, argv);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    stop(&nginx, SIGTERM);
    place_release(&places[0]);
    place_release(&places[1]);
    remove_tree(root);
    return 0;
}

static int end_places(void **state)
{
    (void)state;
    place_kill(&places[0]);
    place_kill(&places[1]);
    return 0;
}

/* Start the next one, and then end the one that serves. */
static void swap(struct place *old, struct place *next)
{
    place_start(next, root, "0", "2s");
    assert_int_equal(stop(&old->program, SIGTERM), 0);
}

static void swap_under_load(const char *option)
{
    const char *args[] = {
        "--seconds", "3600", "--connections", "16", "--strict", option, NULL};
    struct program load;
    place_start(&places[0], root, "0", "2s");
    load_start(&load, root, nginx.port, args);
    for (size_t i = 0; i < SWAPS; i++)
        swap(&places[i % 2], &places[(i + 1) % 2]);
    uint64_t answered = load_end(&load, root);
    if (answered < SWAPS)
        fail_msg("only %lu requests", (unsigned long)answered);
    assert_int_equal(stop(&places[SWAPS % 2].program, SIGINT), 0);
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

int main(void)
{
    char path[4096];
    if (!find_program(path, sizeof(path), "http_server") ||
        !find_program(path, sizeof(path), "http_load") ||
        access(NGINX, X_OK) < 0)
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(generations_take_over_from_kept_connections,
                                  end_places),
        cmocka_unit_test_teardown(
            generations_take_over_from_connections_of_one_request, end_places),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
