/* SPDX-License-Identifier: MIT */
/* http_server from outside: what it answers, byte by byte. */
#include "harness.h"

#define HOST        "Host: x\r\n"
#define GET(target) "GET " target " HTTP/1.1\r\n" HOST "\r\n"

static struct program server;
static char root[64];
static struct reply reply;
static struct peer peer;

/* The root is a directory beside which lies a file that nobody may see. */
static int set_up(void **state)
{
    (void)state;
    char top[48] = "/tmp/hem-http-XXXXXX", path[128];
    assert_non_null(mkdtemp(top));
    snprintf(root, sizeof(root), "%s/root", top);
    make_file(top, "secret", "secret", 6);
    const char *dirs[] = {"", "/d", "/d/e", "/with", "/with/index.html.d"};
    for (size_t i = 0; i < COUNT_OF(dirs); i++) {
        snprintf(path, sizeof(path), "%s%s", root, dirs[i]);
        assert_int_equal(mkdir(path, 0755), 0);
    }
    make_file(root, "a.txt", "hello\n", 6);
    make_file(root, "empty.css", "", 0);
    make_file(root, "big.png", NULL, 300000);
    make_file(root, "d/<&\">.html", "x", 1);
    make_file(root, "with/index.html", "<p>index", 8);
    make_file(root, ".hidden", "no", 2);
    snprintf(path, sizeof(path), "%s/out", root);
    assert_int_equal(symlink("../secret", path), 0);
    snprintf(path, sizeof(path), "%s/up", root);
    assert_int_equal(symlink("..", path), 0);
    snprintf(path, sizeof(path), "%s/fifo", root);
    assert_int_equal(mkfifo(path, 0644), 0);
    const char *args[] = {"--workers", "2", NULL};
    start_server(&server, root, 0, args);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    int status = stop(&server, SIGTERM);
    *strrchr(root, '/') = '\0';
    remove_tree(root);
    return status;
}

static bool has(const char *line)
{
    return strstr(reply.head, line) != NULL;
}

static void a_file_is_served(void **state)
{
    (void)state;
    assert_int_equal(ask_once(server.port, GET("/a.txt"), &reply), 200);
    assert_string_equal(reply.body, "hello\n");
    assert_int_equal(reply.length, 6);
    assert_false(reply.close);
    assert_true(has("\r\nContent-Type: text/plain; charset=utf-8\r\n"));
    assert_true(has("\r\nDate: ") && has("\r\nLast-Modified: "));
    assert_int_equal(ask_once(server.port, GET("/empty.css"), &reply), 200);
    assert_int_equal(reply.length, 0);
    assert_true(has("\r\nContent-Length: 0\r\n"));
}

static void a_large_file_arrives_whole(void **state)
{
    (void)state;
    peer_open(&peer, server.port);
    ask(&peer, GET("/big.png"));
    answer(&peer, &reply, false);
    assert_int_equal(reply.length, 300000);
    assert_true(has("\r\nContent-Type: image/png\r\n"));
    size_t got = 0;
    while (got < reply.length) {
        if (peer.used == 0)
            assert_true(receive(&peer));
        for (size_t i = 0; i < peer.used; i++, got++)
            assert_int_equal(peer.received[i] & 0xff,
                             (got * 7 + got / 251) & 0xff);
        drop(&peer, peer.used);
    }
    assert_int_equal(got, 300000);
    ask(&peer, GET("/a.txt")); /* and the connection goes on */
    answer(&peer, &reply, false);
    assert_string_equal(reply.body, "hello\n");
    peer_close(&peer);
}

static void head_has_no_body(void **state)
{
    (void)state;
    peer_open(&peer, server.port);
    const char *targets[] = {"/a.txt", "/big.png", "/", "/nothing", "/d"};
    const int statuses[] = {200, 200, 200, 404, 301};
    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        char text[128];
        snprintf(text, sizeof(text), "HEAD %s HTTP/1.1\r\n" HOST "\r\n",
                 targets[i]);
        ask(&peer, text);
        answer(&peer, &reply, true);
        assert_int_equal(reply.status, statuses[i]);
        assert_true(reply.length > 0);
        ask(&peer, GET("/a.txt")); /* would fail on a body before it */
        answer(&peer, &reply, false);
        assert_string_equal(reply.body, "hello\n");
    }
    peer_close(&peer);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    peer_open(&peer, server.port);
    for (int i = 0; i < 300; i++)
        ask(&peer, i % 3 == 0 ? GET("/a.txt") : GET("/nothing"));
    ask(&peer, "GET /a.txt HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    ask(&peer, GET("/a.txt")); /* not answered */
    for (int i = 0; i < 300; i++) {
        answer(&peer, &reply, false);
        assert_int_equal(reply.status, i % 3 == 0 ? 200 : 404);
    }
    answer(&peer, &reply, false);
    assert_int_equal(reply.status, 200);
    assert_true(reply.close);
    ends(&peer);
    peer_close(&peer);
}

static void http_1_0_closes_unless_asked_not_to(void **state)
{
    (void)state;
    peer_open(&peer, server.port);
    ask(&peer, "GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    answer(&peer, &reply, false);
    assert_true(has("\r\nConnection: keep-alive\r\n"));
    ask(&peer, "GET /a.txt HTTP/1.0\r\n\r\n");
    answer(&peer, &reply, false);
    assert_true(reply.close);
    ends(&peer);
    peer_close(&peer);
}

static void directories_are_listed_or_have_an_index(void **state)
{
    (void)state;
    assert_int_equal(ask_once(server.port, GET("/"), &reply), 200);
    assert_non_null(strstr(reply.body, "<a href=\"./a.txt\">a.txt</a>"));
    assert_non_null(strstr(reply.body, "<a href=\"./d/\">d/</a>"));
    assert_null(strstr(reply.body, "hidden"));
    assert_int_equal(ask_once(server.port, GET("/d/"), &reply), 200);
    assert_non_null(strstr(reply.body, "<a href=\"./%3C%26%22%3E.html\">"
                                       "&lt;&amp;&quot;&gt;.html</a>"));
    assert_int_equal(ask_once(server.port, GET("/d?q"), &reply), 301);
    assert_true(has("\r\nLocation: /d/\r\n"));
    assert_int_equal(ask_once(server.port, GET("//d"), &reply), 301);
    assert_true(has("\r\nLocation: /d/\r\n")); /* no other host */
    assert_int_equal(ask_once(server.port, GET("/with/"), &reply), 200);
    assert_string_equal(reply.body, "<p>index");
    assert_true(has("\r\nContent-Type: text/html; charset=utf-8\r\n"));
}

static void what_has_not_changed_is_not_sent_again(void **state)
{
    (void)state;
    assert_int_equal(ask_once(server.port, GET("/a.txt"), &reply), 200);
    char date[64], text[256];
    assert_int_equal(
        sscanf(strstr(reply.head, "Last-Modified: ") + 15, "%63[^\r]", date),
        1);
    peer_open(&peer, server.port);
    snprintf(text, sizeof(text),
             "GET /a.txt HTTP/1.1\r\n" HOST "If-Modified-Since: %s\r\n\r\n",
             date);
    ask(&peer, text);
    ask(&peer, GET("/a.txt"));
    answer(&peer, &reply, false);
    assert_int_equal(reply.status, 304);
    answer(&peer, &reply, false);
    assert_int_equal(reply.status, 200);
    peer_close(&peer);
}

static const struct {
    const char *text;
    int status;
} kept_open[] = {
    {GET("/nothing"), 404},
    {GET("/a.txt/"), 404},
    {GET("/a.txt/b"), 404},
    {GET("/.."), 404},
    {GET("/../secret"), 404},
    {GET("/d/../../secret"), 404},
    {GET("/%2e%2e/secret"), 404},
    {GET("/..%2fsecret"), 404},
    {GET("/%2e%2e%2fsecret"), 404},
    {GET("//../secret"), 404},
    {GET("http://x/../secret"), 404},
    {GET("/..\\secret"), 404},
    {GET("/out"), 404},
    {GET("/up/secret"), 404},
    {GET("/up/root/a.txt"), 404},
    {GET("/.hidden"), 404},
    {GET("/fifo"), 404},
    {GET("/%00"), 400},
    {GET("/a.txt%00.png"), 400},
    {GET("/%zz"), 400},
    {GET("//a.txt"), 200},
    {GET("/./a.txt"), 200},
    {GET("/%61.txt"), 200},
    {GET("/a.txt?x=../.."), 200},
    {GET("http://x/a.txt"), 200},
    {"DELETE /a.txt HTTP/1.1\r\n" HOST "\r\n", 405},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 405},
};

static void refusals_keep_the_connection_where_they_can(void **state)
{
    (void)state;
    peer_open(&peer, server.port);
    for (size_t i = 0; i < COUNT_OF(kept_open); i++) {
        ask(&peer, kept_open[i].text);
        answer(&peer, &reply, false);
        if (reply.status != kept_open[i].status || reply.close)
            fail_msg("%s: %d", kept_open[i].text, reply.status);
        assert_null(strstr(reply.body, "secret"));
        assert_true(reply.status != 405 || has("\r\nAllow: GET, HEAD\r\n"));
    }
    peer_close(&peer);
}

/* Each is followed by what must not be taken for a request. */
#define SMUGGLED "GET /a.txt HTTP/1.1\r\n" HOST "\r\n"

static const struct {
    const char *text;
    int status;
} refused[] = {
    {"GET / HTTP/1.1\r\n\r\n" SMUGGLED, 400},
    {"GET / HTTP/1.1\n" HOST "\n" SMUGGLED, 400},
    {"GET / HTTP/1.1\r\n" HOST "A: b\n\r\n" SMUGGLED, 400},
    {"GET / HTTP/1.1\r\n" HOST " folded\r\n\r\n" SMUGGLED, 400},
    {"GET / HTTP/2.0\r\n" HOST "\r\n" SMUGGLED, 505},
    {"GET /\r\n\r\n" SMUGGLED, 400},
    {"hello\r\n\r\n" SMUGGLED, 400},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n"
     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED,
     400},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n"
     "Content-Length: 40\r\n\r\n" SMUGGLED,
     400},
    {"GET / HTTP/1.1\r\n" HOST "Content-Length: 40\r\n\r\n" SMUGGLED, 413},
    {"GET / HTTP/1.1\r\n" HOST
     "Content-Length: 18446744073709551616\r\n\r\n" SMUGGLED,
     400},
    {"POST / HTTP/1.1\r\n" HOST "Content-Length: 40\r\n\r\n" SMUGGLED, 405},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
     "0;ext=1\r\n\r\n" SMUGGLED,
     413},
    {"GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n" SMUGGLED,
     400},
};

static void hostile_27_nothing_is_smuggled(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        peer_open(&peer, server.port);
        ask(&peer, refused[i].text);
        answer(&peer, &reply, false);
        if (reply.status != refused[i].status || !reply.close)
            fail_msg("%s: %d", refused[i].text, reply.status);
        ends(&peer);
        peer_close(&peer);
    }
}

static void hostile_27_a_nul_is_refused(void **state)
{
    (void)state;
    static const char text[] = "GET /a\0b HTTP/1.1\r\n" HOST "\r\n";
    peer_open(&peer, server.port);
    assert_true(peer_send(&peer, text, sizeof(text) - 1));
    answer(&peer, &reply, false);
    assert_int_equal(reply.status, 400);
    ends(&peer);
    peer_close(&peer);
}

/* Send `count` times `text` behind `first`: much more than is ever read. */
static void flood(const char *first, const char *text, size_t count, int status)
{
    peer_open(&peer, server.port);
    ask(&peer, first);
    for (size_t i = 0; i < count; i++) {
        struct pollfd p = {.fd = peer.fd, .events = POLLIN};
        if (poll(&p, 1, 0) != 0 || !peer_send(&peer, text, strlen(text)))
            break; /* it has answered, or is gone */
    }
    answer(&peer, &reply, false);
    assert_int_equal(reply.status, status);
    assert_true(reply.close);
    ends(&peer);
    peer_close(&peer);
}

static void hostile_27_what_is_too_long_is_refused(void **state)
{
    (void)state;
    flood("GET / HTTP/1.1\r\n" HOST, "Name: value\r\n", 1000000, 431);
    flood("GET / HTTP/1.1\r\n" HOST "A: ", "aaaaaaaaaaaaaaaa", 1000000, 431);
    flood("GET /", "aaaaaaaaaaaaaaaa", 1000000, 414);
    flood("GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n1;x=",
          "aaaaaaaaaaaaaaaa", 1000000, 413);
    flood("POST / HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n",
          "aaaaaaaaaaaaaaaa", 62500, 405);
}

static void a_long_target_is_414(void **state)
{
    (void)state;
    char text[4200];
    memset(text, 'a', sizeof(text));
    memcpy(text, "GET /", 5);
    strcpy(text + 5 + 4096, " HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(ask_once(server.port, text, &reply), 414);
    strcpy(text + 5 + 4095, " HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(ask_once(server.port, text, &reply), 404);
}

/* A server in a hurry, for tests of what happens when its time is up. */
static struct program quick;

static int start_quick(void **state)
{
    (void)state;
    const char *args[] = {"--header-timeout", "300ms", "--idle-timeout",
                          "400ms", NULL};
    start_server(&quick, root, 0, args);
    return 0;
}

static int stop_quick(void **state)
{
    (void)state;
    return stop(&quick, SIGTERM);
}

static void a_head_has_a_deadline(void **state)
{
    (void)state;
    peer_open(&peer, quick.port);
    ask(&peer, "G");
    answer(&peer, &reply, false);
    assert_int_equal(reply.status, 408);
    assert_true(reply.close);
    ends(&peer);
    peer_close(&peer);
}

static void hostile_01_a_byte_now_and_then_buys_no_time(void **state)
{
    (void)state;
    peer_open(&peer, quick.port);
    ask(&peer, GET("/a.txt"));
    answer(&peer, &reply, false);
    ask(&peer, "GET /a.txt HTTP/1.1\r\nA: ");
    struct pollfd p = {.fd = peer.fd, .events = POLLIN};
    int bytes = 0;
    while (poll(&p, 1, 20) == 0 && bytes++ < 1000)
        if (!peer_send(&peer, "a", 1))
            break;
    assert_true(bytes < 1000);
    answer(&peer, &reply, false);
    assert_int_equal(reply.status, 408);
    peer_close(&peer);
}

static void silence_ends_without_a_word(void **state)
{
    (void)state;
    peer_open(&peer, quick.port);
    ends(&peer);
    peer_close(&peer);
    peer_open(&peer, quick.port);
    ask(&peer, GET("/a.txt"));
    answer(&peer, &reply, false);
    ends(&peer);
    peer_close(&peer);
}

static void a_head_cut_short_is_refused(void **state)
{
    (void)state;
    peer_open(&peer, server.port);
    ask(&peer, "GET / HTTP/1.1\r\n");
    shutdown(peer.fd, SHUT_WR);
    answer(&peer, &reply, false);
    assert_int_equal(reply.status, 400);
    ends(&peer);
    peer_close(&peer);
}

int main(void)
{
    char path[4096];
    if (!find_program(path, sizeof(path), "http_server"))
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_served),
        cmocka_unit_test(a_large_file_arrives_whole),
        cmocka_unit_test(head_has_no_body),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(http_1_0_closes_unless_asked_not_to),
        cmocka_unit_test(directories_are_listed_or_have_an_index),
        cmocka_unit_test(what_has_not_changed_is_not_sent_again),
        cmocka_unit_test(refusals_keep_the_connection_where_they_can),
        cmocka_unit_test(hostile_27_nothing_is_smuggled),
        cmocka_unit_test(hostile_27_a_nul_is_refused),
        cmocka_unit_test(hostile_27_what_is_too_long_is_refused),
        cmocka_unit_test(a_long_target_is_414),
        cmocka_unit_test_setup_teardown(a_head_has_a_deadline, start_quick,
                                        stop_quick),
        cmocka_unit_test_setup_teardown(
            hostile_01_a_byte_now_and_then_buys_no_time, start_quick,
            stop_quick),
        cmocka_unit_test_setup_teardown(silence_ends_without_a_word,
                                        start_quick, stop_quick),
        cmocka_unit_test(a_head_cut_short_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
