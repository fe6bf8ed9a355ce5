/* SPDX-License-Identifier: MIT */
/* The head of a request: what is served, what is refused, and with what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http_server/request.h"

#define HOST            "Host: x\r\n"
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct head_case {
    const char *name;
    const char *head;
    int status;
    bool keep_alive;
    const char *target; /* NULL: not looked at */
};

static const struct head_case heads[] = {
    /* what is served */
    {"plain", "GET / HTTP/1.1\r\n" HOST "\r\n", 200, true, "/"},
    {"HEAD", "HEAD /a HTTP/1.1\r\n" HOST "\r\n", 200, true, "/a"},
    {"name of a field in any case", "GET / HTTP/1.1\r\nhOsT:x\r\n\r\n", 200,
     true, "/"},
    {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 200, true, "/"},
    {"Host with port", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200, true,
     "/"},
    {"value with bytes over 127", "GET / HTTP/1.1\r\n" HOST "A: \xff\r\n\r\n",
     200, true, "/"},
    {"query", "GET /a?b=/.. HTTP/1.1\r\n" HOST "\r\n", 200, true, "/a?b=/.."},
    {"absolute form", "GET http://h:80/a HTTP/1.1\r\n" HOST "\r\n", 200, true,
     "/a"},
    {"absolute form without path", "GET HTTP://h HTTP/1.1\r\n" HOST "\r\n", 200,
     true, "/"},
    {"absolute form with query", "GET http://h?q HTTP/1.1\r\n" HOST "\r\n", 200,
     true, "/"},
    {"close", "GET / HTTP/1.1\r\n" HOST "Connection: Close\r\n\r\n", 200, false,
     "/"},
    {"close in a list",
     "GET / HTTP/1.1\r\n" HOST "Connection: a, close\r\n\r\n", 200, false, "/"},
    {"no close", "GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", 200,
     true, "/"},
    {"1.0", "GET / HTTP/1.0\r\n\r\n", 200, false, "/"},
    {"1.0 kept alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 200,
     true, "/"},
    {"1.0 kept alive and closed",
     "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", 200, false,
     "/"},
    {"1.2", "GET / HTTP/1.2\r\n" HOST "\r\n", 200, true, "/"},
    {"Content-Length: 0", "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
     200, true, "/"},

    /* the request line */
    {"0.9", "GET /\r\n\r\n", 400, false, NULL},
    {"two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400, false, NULL},
    {"space in front", " GET / HTTP/1.1\r\n" HOST "\r\n", 400, false, NULL},
    {"space behind", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400, false, NULL},
    {"tab", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400, false, NULL},
    {"method is no token", "G\"T / HTTP/1.1\r\n" HOST "\r\n", 400, false, NULL},
    {"no method", " / HTTP/1.1\r\n" HOST "\r\n", 400, false, NULL},
    {"name without slash", "GET a HTTP/1.1\r\n" HOST "\r\n", 400, false, NULL},
    {"asterisk", "GET * HTTP/1.1\r\n" HOST "\r\n", 400, false, NULL},
    {"fragment", "GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400, false, NULL},
    {"byte over 127", "GET /\xe4 HTTP/1.1\r\n" HOST "\r\n", 400, false, NULL},
    {"control byte", "GET /\x01 HTTP/1.1\r\n" HOST "\r\n", 400, false, NULL},
    {"no authority", "GET http:///a HTTP/1.1\r\n" HOST "\r\n", 400, false,
     NULL},
    {"user in the authority", "GET http://u@h/ HTTP/1.1\r\n" HOST "\r\n", 400,
     false, NULL},
    {"other scheme", "GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n", 400, false, NULL},
    {"version in lower case", "GET / http/1.1\r\n" HOST "\r\n", 400, false,
     NULL},
    {"version of three digits", "GET / HTTP/1.11\r\n" HOST "\r\n", 400, false,
     NULL},
    {"2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", 505, false, NULL},
    {"other method", "BREW / HTTP/1.1\r\n" HOST "\r\n", 405, true, NULL},
    {"method in lower case", "get / HTTP/1.1\r\n" HOST "\r\n", 405, true, NULL},
    {"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 405, true, NULL},
    {"CONNECT", "CONNECT h:1 HTTP/1.1\r\n" HOST "\r\n", 405, true, NULL},
    {"other method with a body",
     "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n", 405, false, NULL},

    /* fields */
    {"no Host", "GET / HTTP/1.1\r\n\r\n", 400, false, NULL},
    {"two Hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400, false, NULL},
    {"two Hosts in 1.0", "GET / HTTP/1.0\r\n" HOST HOST "\r\n", 400, false,
     NULL},
    {"two names in Host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, false,
     NULL},
    {"slash in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, false, NULL},
    {"space before the colon", "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400,
     false, NULL},
    {"no colon", "GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", 400, false, NULL},
    {"no name", "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", 400, false, NULL},
    {"folded line", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400, false,
     NULL},
    {"folded first line", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400, false,
     NULL},
    {"control byte in a value", "GET / HTTP/1.1\r\n" HOST "A: \x02\r\n\r\n",
     400, false, NULL},

    /* bodies, and what could hide one */
    {"a body", "GET / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n", 413,
     false, NULL},
    {"a chunked body",
     "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 413, false,
     NULL},
    {"length and encoding",
     "GET / HTTP/1.1\r\n" HOST
     "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
     400, false, NULL},
    {"two lengths",
     "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
     400, false, NULL},
    {"two equal lengths",
     "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
     400, false, NULL},
    {"list of lengths",
     "GET / HTTP/1.1\r\n" HOST "Content-Length: 0, 0\r\n\r\n", 400, false,
     NULL},
    {"length with sign", "GET / HTTP/1.1\r\n" HOST "Content-Length: +1\r\n\r\n",
     400, false, NULL},
    {"length below zero",
     "GET / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400, false, NULL},
    {"length in hex", "GET / HTTP/1.1\r\n" HOST "Content-Length: 0x1\r\n\r\n",
     400, false, NULL},
    {"empty length", "GET / HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\n", 400,
     false, NULL},
    {"length of 2^64",
     "GET / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n",
     400, false, NULL},
    {"length of 10^40",
     "GET / HTTP/1.1\r\n" HOST
     "Content-Length: 10000000000000000000000000000000000000000\r\n\r\n",
     400, false, NULL},
    {"other encoding",
     "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 400,
     false, NULL},
    {"encoding twice",
     "GET / HTTP/1.1\r\n" HOST
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     400, false, NULL},
    {"encoding with vertical tab",
     "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: \vchunked\r\n\r\n", 400,
     false, NULL},
    {"encoding in 1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
     400, false, NULL},
};

static http_request parse(const char *head, size_t n)
{
    http_scan scan = {0};
    assert_int_equal(http_head_scan(&scan, head, n), (int)n);
    http_request r;
    http_request_parse(&r, head, n);
    return r;
}

static void each_head_gets_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        const struct head_case *c = &heads[i];
        http_request r = parse(c->head, strlen(c->head));
        if (r.status != c->status || r.keep_alive != c->keep_alive)
            fail_msg("%s: status %d, keep alive %d", c->name, r.status,
                     r.keep_alive);
        if (c->target == NULL)
            continue;
        if (r.target.length != strlen(c->target) ||
            memcmp(r.target.at, c->target, r.target.length) != 0)
            fail_msg("%s: target '%.*s'", c->name, (int)r.target.length,
                     r.target.at);
    }
}

static void the_method_and_the_date_are_told(void **state)
{
    (void)state;
    static const char head[] =
        "HEAD / HTTP/1.1\r\n" HOST "If-Modified-Since:  yesterday\t\r\n\r\n";
    http_request r = parse(head, strlen(head));
    assert_int_equal(r.method, HTTP_HEAD);
    assert_int_equal(r.if_modified_since.length, 9);
    assert_memory_equal(r.if_modified_since.at, "yesterday", 9);
}

/* Strings with a length, as some hold a NUL. */
static void mistakes_of_form_are_seen_as_they_come(void **state)
{
    (void)state;
#define BYTES(text) text, sizeof(text) - 1
    static const struct {
        const char *at;
        size_t n;
    } cases[] = {
        {BYTES("GET / HTTP/1.1\n")},
        {BYTES("GET / HTTP/1.1\r\nA: b\n")},
        {BYTES("GET / HTTP/1.1\rHost: x")},
        {BYTES("GET /\0")},
        {BYTES("\r\n")},
        {BYTES("\n")},
        {BYTES("GET / HTTP/1.1\r\n\n")},
        {BYTES("GET / HTTP/1.1\r\n\r\r")},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        http_scan scan = {0};
        assert_int_equal(http_head_scan(&scan, cases[i].at, cases[i].n), -400);
    }
}

static void a_head_may_come_byte_by_byte(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\n" HOST "\r\nGET /next";
    size_t head = strlen(text) - strlen("GET /next");
    http_scan scan = {0};
    for (size_t n = 0; n < head; n++)
        assert_int_equal(http_head_scan(&scan, text, n), 0);
    assert_int_equal(http_head_scan(&scan, text, head), (int)head);
    scan = (http_scan){0};
    assert_int_equal(http_head_scan(&scan, text, strlen(text)), (int)head);
}

/* A head whose request line, and first field, have so many bytes. */
static char *long_head(size_t target, size_t value, size_t *ret_n)
{
    char *head = malloc(target + value + 64);
    assert_non_null(head);
    size_t n = (size_t)sprintf(head, "GET /");
    memset(head + n, 'a', target - 1);
    n += target - 1;
    n += (size_t)sprintf(head + n, " HTTP/1.1\r\n" HOST "A: ");
    memset(head + n, 'b', value);
    n += value;
    n += (size_t)sprintf(head + n, "\r\n\r\n");
    *ret_n = n;
    return head;
}

static void lengths_have_limits(void **state)
{
    (void)state;
    size_t frame;
    free(long_head(1, 0, &frame));
    frame -= 1;
    static const struct {
        size_t target;
        size_t whole; /* the head */
        int scan;     /* 0: its length */
        int status;
    } cases[] = {
        {HTTP_TARGET_MAX, HTTP_HEAD_MAX, 0, 200},
        {HTTP_TARGET_MAX + 1, HTTP_HEAD_MAX, 0, 414},
        {1, HTTP_HEAD_MAX, 0, 200},
        {1, HTTP_HEAD_MAX + 1, -431, 0},
        {1, 1000000, -431, 0},
        {HTTP_HEAD_MAX, HTTP_HEAD_MAX + 100, -414, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t n;
        char *head = long_head(cases[i].target,
                               cases[i].whole - frame - cases[i].target, &n);
        assert_int_equal(n, cases[i].whole);
        http_scan scan = {0};
        int rc = http_head_scan(&scan, head, n);
        assert_int_equal(rc, cases[i].scan == 0 ? (int)n : cases[i].scan);
        if (rc > 0) {
            http_request r;
            http_request_parse(&r, head, n);
            assert_int_equal(r.status, cases[i].status);
        }
        free(head);
    }
}

static void fields_have_a_limit(void **state)
{
    (void)state;
    for (int fields = HTTP_FIELDS_MAX; fields <= HTTP_FIELDS_MAX + 1;
         fields++) {
        char head[4096];
        int n = sprintf(head, "GET / HTTP/1.1\r\n" HOST);
        for (int i = 1; i < fields; i++)
            n += sprintf(head + n, "A: b\r\n");
        n += sprintf(head + n, "\r\n");
        http_request r = parse(head, (size_t)n);
        assert_int_equal(r.status, fields <= HTTP_FIELDS_MAX ? 200 : 431);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_head_gets_its_answer),
        cmocka_unit_test(the_method_and_the_date_are_told),
        cmocka_unit_test(mistakes_of_form_are_seen_as_they_come),
        cmocka_unit_test(a_head_may_come_byte_by_byte),
        cmocka_unit_test(lengths_have_limits),
        cmocka_unit_test(fields_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
