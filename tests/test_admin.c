/* SPDX-License-Identifier: MIT */
/* The pages for operators: who may listen where, what they say, and to whom. */
#include "support.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "fake_service.h"
#include "net.h"
#include "service/request.h"
#include "unix_net.h"

/* A service that listens at `address`, in a scope. */
struct admin {
    struct fake_service fake;
    hem_scope scope;
    uint16_t port;
};

static int begin(struct admin *a, const char *address)
{
    fake_service_init(&a->fake);
    a->fake.options.admin = address;
    check_int(hem_scope_open(&a->scope, NULL), 0);
    int rc = hem__admin_start(&a->fake.s, &a->scope);
    hem_address its;
    if (rc == 0 && strncmp(address, "unix:", 5) != 0) {
        check_int(hem_address_of_socket(&its, hem__admin_socket(&a->fake.s)),
                  0);
        a->port = hem_address_port(&its);
    }
    return rc;
}

static void end(struct admin *a)
{
    hem_scope_abort(&a->scope, "the service ends");
    check_int(hem_scope_close(&a->scope, 0), 0);
    check(a->fake.s.admin == NULL);
    fake_service_deinit(&a->fake);
}

/* All that the server sends until it has no more to say. */
static void hear_all(int peer, char *ret, size_t size)
{
    size_t n = 0;
    ssize_t rc;
    net_settle();
    while ((rc = recv(peer, ret + n, size - 1 - n, MSG_DONTWAIT)) > 0)
        n += (size_t)rc;
    check_int(rc, 0);
    ret[n] = '\0';
}

/* What it answers to a text. Valid until the next call. */
static const char *ask(const struct admin *a, const char *text)
{
    static char answer[32768];
    int peer = net_connect(a->port);
    net_say(peer, text);
    hear_all(peer, answer, sizeof(answer));
    net_close(peer);
    return answer;
}

static const char *get(const struct admin *a, const char *path)
{
    char text[128];
    snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    return ask(a, text);
}

#define check_status(answer, want)                                             \
    check_int(strncmp((answer), "HTTP/1.1 " want, strlen("HTTP/1.1 " want)), 0)

/* ---- addresses ---- */

static void check_refused(const char *text)
{
    hem_address a;
    if (!check_int(hem__admin_address(&a, text), HEM_EINVAL))
        check_str(text, "refused");
}

static void addresses_of_this_machine_alone_are_right(void **state)
{
    (void)state;
    static const char *const right[] = {
        "127.0.0.1:0", "127.255.1.2:65535", "127.0.0.1:9100",
        "[::1]:9100",  "unix:/run/x.sock",  "unix:@name",
    };
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        hem_address a;
        char text[HEM_ADDRESS_TEXT];
        check_int(hem__admin_address(&a, right[i]), 0);
        check_str(hem_address_format(&a, text), right[i]);
    }
    run_assert_checks();
}

static void other_addresses_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        ":",
        "9100",
        ":9100",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:65536",
        "127.0.0.1:100000",
        "127.0.0.1:+1",
        "127.0.0.1: 1",
        "127.0.0.1:1 ",
        "127.0.0.1:0x50",
        "127.0.0.1:080",
        "127.1:80",
        "127.0.0.01:80",
        "[127.0.0.1]:80",
        "::1:80",
        "[::1]",
        "[::1]80",
        "[::1:80",
        "[]:80",
        "::1]:80",
        "[[::1]]:80",
        "[::]:80",
        "[::2]:80",
        "[::ffff:127.0.0.1]:80",
        "0.0.0.0:80",
        "192.0.2.1:80",
        "128.0.0.1:80",
        "localhost:80",
        "example.org:80",
        "unix:",
        "tcp:127.0.0.1:80",
        "/run/x.sock",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        check_refused(wrong[i]);
    hem_address a;
    char path[200] = "unix:";
    memset(path + 5, 'x', 108);
    check_int(hem__admin_address(&a, path), HEM_ENAMETOOLONG);
    memset(path, '1', 190);
    check_refused(path);
    run_assert_checks();
}

VIRTUAL_TEST(a_wrong_address_is_an_error_of_the_start)
{
    struct admin a;
    check_int(begin(&a, "0.0.0.0:9100"), HEM_EINVAL);
    check_logged("\"0.0.0.0:9100\": not a port of loopback");
    end(&a);
    return 0;
}

VIRTUAL_TEST(an_address_that_is_taken_is_an_error_of_the_start)
{
    struct admin a;
    hem_listener l;
    char address[32];
    snprintf(address, sizeof(address), "127.0.0.1:%u",
             (unsigned)net_listen(&l));
    check_int(begin(&a, address), HEM_EADDRINUSE);
    check_logged(address);
    end(&a);
    return hem_listener_close(&l);
}

VIRTUAL_TEST(without_addresses_nothing_listens)
{
    struct admin a;
    fake_service_init(&a.fake);
    check_int(hem_scope_open(&a.scope, NULL), 0);
    size_t before = ledger_descriptors();
    check_int(hem__admin_start(&a.fake.s, &a.scope), 0);
    check_int(ledger_descriptors(), before);
    check_int(hem__admin_socket(&a.fake.s), -1);
    check_int(hem__agent_socket(&a.fake.s), -1);
    hem__admin_hand_over(&a.fake.s);
    end(&a);
    return 0;
}

VIRTUAL_TEST(when_the_agent_cannot_listen_nothing_does)
{
    struct admin a;
    fake_service_init(&a.fake);
    a.fake.options.admin = "127.0.0.1:0";
    a.fake.options.agent = "127.0.0.1";
    check_int(hem_scope_open(&a.scope, NULL), 0);
    check_int(hem__admin_start(&a.fake.s, &a.scope), HEM_EINVAL);
    check_logged("hem-agent \"127.0.0.1\"");
    check_int(hem__admin_socket(&a.fake.s), -1);
    end(&a);
    return 0;
}

VIRTUAL_TEST(memory_that_lacks_is_an_error_of_the_start)
{
    int rc = HEM_ENOMEM;
    for (size_t n = 1; rc == HEM_ENOMEM && n < 100; n++) {
        struct admin a;
        fake_service_init(&a.fake);
        a.fake.options.admin = "127.0.0.1:0";
        a.fake.options.agent = "127.0.0.1:0";
        check_int(hem_scope_open(&a.scope, NULL), 0);
        ledger_fail_at(n);
        rc = hem__admin_start(&a.fake.s, &a.scope);
        ledger_fail_at(0);
        if (rc < 0)
            check_logged("");
        end(&a);
    }
    check_int(rc, 0);
    return 0;
}

/* ---- pages ---- */

VIRTUAL_TEST(livez_is_200_whatever_the_state)
{
    struct admin a;
    check_int(begin(&a, "127.0.0.1:0"), 0);
    for (int state = 0; state <= HEM__SERVICE_STOPPING; state++) {
        a.fake.s.state = (hem__service_state)state;
        check_status(get(&a, "/livez"), "200 OK\r\n");
    }
    a.fake.s.state = HEM__SERVICE_READY;
    for (size_t i = 0; i < FAKE_WORKERS; i++)
        a.fake.seats[i].now = NULL;
    check_status(get(&a, "/livez"), "200 OK\r\n");
    end(&a);
    return 0;
}

VIRTUAL_TEST(readyz_says_why_it_is_not)
{
    struct admin a;
    check_int(begin(&a, "127.0.0.1:0"), 0);
    a.fake.s.state = HEM__SERVICE_STARTING;
    check_status(get(&a, "/readyz"), "503 Service Unavailable\r\n");
    check_contains(get(&a, "/readyz"), "\r\n\r\nstarting\n");
    a.fake.s.state = HEM__SERVICE_READY;
    check_status(get(&a, "/readyz"), "200 OK\r\n");
    check_contains(get(&a, "/readyz"), "\r\n\r\nready\n");
    a.fake.s.state = HEM__SERVICE_UNREADY;
    check_status(get(&a, "/readyz"), "503 ");
    check_contains(get(&a, "/readyz"), "\r\n\r\nstopping\n");
    a.fake.s.state = HEM__SERVICE_STOPPING;
    check_status(get(&a, "/readyz"), "503 ");
    end(&a);
    return 0;
}

VIRTUAL_TEST(readyz_needs_one_ready_worker)
{
    struct admin a;
    check_int(begin(&a, "127.0.0.1:0"), 0);
    a.fake.instances[0].state = HEM__INSTANCE_STARTING;
    a.fake.seats[1].now = NULL;
    check_status(get(&a, "/readyz"), "200 ");
    a.fake.instances[2].state = HEM__INSTANCE_STARTING;
    check_status(get(&a, "/readyz"), "503 ");
    check_contains(get(&a, "/readyz"), "\r\n\r\nno worker is ready\n");
    end(&a);
    return 0;
}

VIRTUAL_TEST(an_answer_is_whole_and_the_last)
{
    struct admin a;
    check_int(begin(&a, "127.0.0.1:0"), 0);
    check_str(ask(&a, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
                      "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"),
              "HTTP/1.1 200 OK\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Length: 6\r\n"
              "Cache-Control: no-store\r\n"
              "Connection: close\r\n\r\nalive\n");
    end(&a);
    return 0;
}

VIRTUAL_TEST(head_is_get_without_the_body)
{
    struct admin a;
    check_int(begin(&a, "127.0.0.1:0"), 0);
    check_str(ask(&a, "HEAD /livez HTTP/1.0\r\n\r\n"),
              "HTTP/1.1 200 OK\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Length: 6\r\n"
              "Cache-Control: no-store\r\n"
              "Connection: close\r\n\r\n");
    end(&a);
    return 0;
}

VIRTUAL_TEST(other_paths_are_not_found)
{
    static const char *const paths[] = {
        "/",      "/livez/", "/live",     "/livezz",
        "/LIVEZ", "//livez", "/../livez", "/%6civez",
    };
    struct admin a;
    check_int(begin(&a, "127.0.0.1:0"), 0);
    for (size_t i = 0; i < COUNT_OF(paths); i++)
        check_status(get(&a, paths[i]), "404 Not Found\r\n");
    check_status(get(&a, "/livez?verbose"), "200 ");
    end(&a);
    return 0;
}

VIRTUAL_TEST(other_methods_are_not_allowed)
{
    struct admin a;
    check_int(begin(&a, "127.0.0.1:0"), 0);
    const char *answer = ask(&a, "POST /livez HTTP/1.1\r\nHost: x\r\n"
                                 "Content-Length: 5\r\n\r\nhello");
    check_status(answer, "405 Method Not Allowed\r\n");
    check_contains(answer, "\r\nAllow: GET, HEAD\r\n");
    check_status(ask(&a, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "505 ");
    end(&a);
    return 0;
}

VIRTUAL_TEST(bad_requests_are_told_so_at_once)
{
    static const char *const bad[] = {
        "\r\n",
        "GET /livez HTTP/1.1\nHost: x\n\n",
        "GET /livez\r\n\r\n",
        "GET /livez HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\n",
    };
    struct admin a;
    check_int(begin(&a, "127.0.0.1:0"), 0);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        check_status(ask(&a, bad[i]), "400 Bad Request\r\n");
    end(&a);
    return 0;
}

VIRTUAL_TEST(a_head_that_is_too_long_is_refused_at_its_limit)
{
    static char head[3 * HEM__HEAD_MAX];
    struct admin a;
    check_int(begin(&a, "127.0.0.1:0"), 0);
    memset(head, 'x', sizeof(head) - 1);
    check_status(ask(&a, head), "431 Request Header Fields Too Large\r\n");
    end(&a);
    return 0;
}

/* A byte every 100 ms, until the server has something to say; how long. */
static hem_ns drip(int peer)
{
    hem_ns begun = hem_now();
    char byte;
    do {
        (void)!send(peer, "G", 1, MSG_NOSIGNAL);
        check_int(hem_sleep(100 * HEM_MSEC), 0);
    } while (recv(peer, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
             hem_now() - begun < 60 * HEM_SEC);
    return hem_now() - begun;
}

VIRTUAL_TEST(hostile_01_a_slow_client_is_cut_off)
{
    struct admin a;
    char answer[1024];
    check_int(begin(&a, "127.0.0.1:0"), 0);
    int peer = net_connect(a.port);
    hem_ns dripped = drip(peer);
    check(dripped >= HEM__ADMIN_PATIENCE);
    check(dripped <= HEM__ADMIN_PATIENCE + 100 * HEM_MSEC);
    hear_all(peer, answer, sizeof(answer));
    check_status(answer, "408 Request Timeout\r\n");
    size_t before = ledger_descriptors(); /* it stays, and says nothing */
    check_int(hem_sleep(HEM__ADMIN_PATIENCE), 0);
    net_settle();
    check_int(ledger_descriptors(), before - 1);
    net_close(peer);
    end(&a);
    return 0;
}

VIRTUAL_TEST(a_client_that_says_nothing_and_one_that_leaves_are_dropped)
{
    struct admin a;
    check_int(begin(&a, "127.0.0.1:0"), 0);
    size_t before = ledger_descriptors();
    int silent = net_connect(a.port), gone = net_connect(a.port),
        reset = net_connect(a.port);
    net_say(gone, "GET /liv");
    net_settle();
    net_close(gone);
    net_reset(reset);
    net_settle();
    check_int(ledger_descriptors(), before + 2);
    check_int(hem_sleep(2 * HEM__ADMIN_PATIENCE), 0);
    net_settle();
    check_int(ledger_descriptors(), before + 1);
    net_close(silent);
    end(&a);
    return 0;
}

VIRTUAL_TEST(hostile_01_sixteen_are_served_at_once_and_the_next_in_its_turn)
{
    struct admin a;
    int peers[HEM__ADMIN_CLIENTS + 1];
    char answer[1024];
    check_int(begin(&a, "127.0.0.1:0"), 0);
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        peers[i] = net_connect(a.port);
    net_settle();
    check_int(hem_listener_connections(&a.fake.s.admin->http),
              HEM__ADMIN_CLIENTS);
    int last = peers[HEM__ADMIN_CLIENTS];
    net_say(last, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
    net_settle();
    check(recv(last, answer, 1, MSG_DONTWAIT) < 0);
    net_close(peers[0]);
    hear_all(last, answer, sizeof(answer));
    check_status(answer, "200 ");
    for (size_t i = 1; i < COUNT_OF(peers); i++)
        net_close(peers[i]);
    end(&a);
    return 0;
}

VIRTUAL_TEST(without_memory_the_answer_is_503)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    struct admin a;
    char answer[1024];
    check_int(begin(&a, "127.0.0.1:0"), 0);
    int peer = net_connect(a.port);
    net_send(peer, request, strlen(request) - 1);
    net_settle();
    net_send(peer, "\n", 1);
    ledger_fail_from(1);
    net_settle();
    ledger_fail_at(0);
    hear_all(peer, answer, sizeof(answer));
    check_status(answer, "503 ");
    check_contains(answer, "Content-Length: 0\r\n");
    net_close(peer);
    end(&a);
    return 0;
}

/* ---- sockets ---- */

VIRTUAL_TEST(a_unix_socket_does_as_well_and_is_removed)
{
    struct admin a;
    char path[64], address[80], answer[1024];
    unix_begin(path);
    snprintf(address, sizeof(address), "unix:%s", path);
    check_int(begin(&a, address), 0);
    int peer = unix_connect(path);
    net_say(peer, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
    hear_all(peer, answer, sizeof(answer));
    check_status(answer, "200 ");
    net_close(peer);
    end(&a);
    check_int(access(path, F_OK), -1);
    unix_end();
    return 0;
}

VIRTUAL_TEST(a_hand_over_answers_who_is_there_and_leaves_the_file)
{
    struct admin a;
    char path[64], address[80], answer[1024];
    unix_begin(path);
    snprintf(address, sizeof(address), "unix:%s", path);
    check_int(begin(&a, address), 0);
    int fd = fcntl(hem__admin_socket(&a.fake.s), F_DUPFD_CLOEXEC, 3);
    int peer = unix_connect(path);
    net_settle();
    hem__admin_hand_over(&a.fake.s);
    check_int(hem__admin_socket(&a.fake.s), -1);
    net_say(peer, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
    hear_all(peer, answer, sizeof(answer));
    check_status(answer, "200 ");
    net_close(peer);
    int next = unix_connect(path); /* the other's, from now on */
    check(next >= 0);
    net_settle();
    check(recv(next, answer, 1, MSG_DONTWAIT) < 0);
    net_close(next);
    close(fd);
    net_settle();
    check(a.fake.s.admin == NULL);
    end(&a);
    check_int(unlink(path), 0);
    unix_end();
    return 0;
}

VIRTUAL_TEST(the_end_of_the_service_ends_what_is_under_way)
{
    struct admin a;
    check_int(begin(&a, "127.0.0.1:0"), 0);
    int peer = net_connect(a.port);
    net_say(peer, "GET /");
    net_settle();
    end(&a);
    char byte;
    check(recv(peer, &byte, 1, 0) <= 0);
    net_close(peer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(addresses_of_this_machine_alone_are_right),
        LEDGER_TEST(other_addresses_are_refused),
        LEDGER_TEST(a_wrong_address_is_an_error_of_the_start),
        LEDGER_TEST(an_address_that_is_taken_is_an_error_of_the_start),
        LEDGER_TEST(without_addresses_nothing_listens),
        LEDGER_TEST(when_the_agent_cannot_listen_nothing_does),
        LEDGER_TEST(memory_that_lacks_is_an_error_of_the_start),
        LEDGER_TEST(livez_is_200_whatever_the_state),
        LEDGER_TEST(readyz_says_why_it_is_not),
        LEDGER_TEST(readyz_needs_one_ready_worker),
        LEDGER_TEST(an_answer_is_whole_and_the_last),
        LEDGER_TEST(head_is_get_without_the_body),
        LEDGER_TEST(other_paths_are_not_found),
        LEDGER_TEST(other_methods_are_not_allowed),
        LEDGER_TEST(bad_requests_are_told_so_at_once),
        LEDGER_TEST(a_head_that_is_too_long_is_refused_at_its_limit),
        LEDGER_TEST(hostile_01_a_slow_client_is_cut_off),
        LEDGER_TEST(a_client_that_says_nothing_and_one_that_leaves_are_dropped),
        LEDGER_TEST(
            hostile_01_sixteen_are_served_at_once_and_the_next_in_its_turn),
        LEDGER_TEST(without_memory_the_answer_is_503),
        LEDGER_TEST(a_unix_socket_does_as_well_and_is_removed),
        LEDGER_TEST(a_hand_over_answers_who_is_there_and_leaves_the_file),
        LEDGER_TEST(the_end_of_the_service_ends_what_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
