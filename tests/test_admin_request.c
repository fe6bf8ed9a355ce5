/* SPDX-License-Identifier: MIT */
/* The head of a request to the pages for operators: right, or refused. */
#include "support.h"

#include "service/request.h"

/* The verdict on a head, which comes in two parts, cut anywhere: a status, or 0
 * where its end is not there. */
static int judge(const char *head, size_t n, hem__request *ret)
{
    int whole = 0;
    for (size_t first = 0; first <= n; first++) {
        size_t seen = 0;
        int size = hem__head_scan(head, first, &seen);
        if (size == 0)
            size = hem__head_scan(head, n, &seen);
        if (first == 0)
            whole = size;
        check_int(size, whole);
    }
    if (whole <= 0)
        return -whole;
    return hem__head_parse(ret, head, (size_t)whole);
}

struct request {
    const char *head; /* without the empty line */
    int status;
};

static void check_all(const struct request *requests, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char head[512];
        hem__request r;
        snprintf(head, sizeof(head), "%s\r\n\r\n", requests[i].head);
        int status = judge(head, strlen(head), &r);
        if (status != requests[i].status)
            check_str(requests[i].head, "judged otherwise");
        check_int(status, requests[i].status);
    }
    run_assert_checks();
}

static void a_right_request_has_its_path(void **state)
{
    (void)state;
    static const char head[] = "GET /metrics?name=x HTTP/1.1\r\n"
                               "Host: localhost:9100\r\n"
                               "Accept: text/plain;q=0.5\r\n\r\n";
    hem__request r = {.head = true};
    check_int(judge(head, strlen(head), &r), 200);
    check(!r.head);
    check_int(r.path_size, 8);
    check(memcmp(r.path, "/metrics", 8) == 0);
    run_assert_checks();
}

static void right_requests_are_taken(void **state)
{
    (void)state;
    static const struct request requests[] = {
        {"GET / HTTP/1.1\r\nHost: x", 200},
        {"HEAD / HTTP/1.1\r\nhost:x", 200},
        {"GET / HTTP/1.0", 200},
        {"GET / HTTP/1.9\r\nHost:", 200},
        {"GET /a%20b?c=d&e HTTP/1.1\r\nHost: x\r\nA: \t b\tc \t", 200},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0", 200},
        {"GET / HTTP/1.1\r\nX: \xc3\xa4\r\nHost: x", 200},
    };
    check_all(requests, COUNT_OF(requests));
}

static void what_is_no_request_is_bad(void **state)
{
    (void)state;
    static const struct request requests[] = {
        {"", 400},
        {"\r\nGET / HTTP/1.1\r\nHost: x", 400},
        {"GET", 400},
        {"GET /", 400},
        {"GET  / HTTP/1.1\r\nHost: x", 400},
        {" GET / HTTP/1.1\r\nHost: x", 400},
        {"GET / HTTP/1.1 \r\nHost: x", 400},
        {"GET / HTTP/1.1\nHost: x", 400},
        {"GET / HTTP/1.1\r\r\nHost: x", 400},
        {"GET / http/1.1\r\nHost: x", 400},
        {"GET / HTTP/11\r\nHost: x", 400},
        {"GET / HTTP/1.\r\nHost: x", 400},
        {"G(T / HTTP/1.1\r\nHost: x", 400},
        {"GET livez HTTP/1.1\r\nHost: x", 400},
        {"GET http://x/livez HTTP/1.1\r\nHost: x", 400},
        {"GET /#a HTTP/1.1\r\nHost: x", 400},
        {"GET /\x7f HTTP/1.1\r\nHost: x", 400},
        {"GET /\xc3\xa4 HTTP/1.1\r\nHost: x", 400},
        {"GET /\ta HTTP/1.1\r\nHost: x", 400},
    };
    check_all(requests, COUNT_OF(requests));
}

static void wrong_fields_are_bad(void **state)
{
    (void)state;
    static const struct request requests[] = {
        {"GET / HTTP/1.1", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nHost: x", 400},
        {"GET / HTTP/1.0\r\nHost: x\r\nhOST: y", 400},
        {"GET / HTTP/1.1\r\nHost : x", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\n folded", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nno colon", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\n: y", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: \x01", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nA\xc3: b", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nno colon", 400},
    };
    check_all(requests, COUNT_OF(requests));
}

static void bodies_are_refused(void **state)
{
    (void)state;
    static const struct request requests[] = {
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +0", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length:", 400},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
         "Content-Length: 0",
         400},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked", 400},
    };
    check_all(requests, COUNT_OF(requests));
}

static void other_methods_and_versions_have_their_own_status(void **state)
{
    (void)state;
    static const struct request requests[] = {
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5", 405},
        {"OPTIONS * HTTP/1.1\r\nHost: x", 405},
        {"CONNECT x:80 HTTP/1.1\r\nHost: x", 405},
        {"get / HTTP/1.1\r\nHost: x", 405},
        {"GETS / HTTP/1.1\r\nHost: x", 405},
        {"PRI * HTTP/2.0", 505},
        {"GET / HTTP/0.9", 505},
    };
    check_all(requests, COUNT_OF(requests));
}

static void a_nul_is_bad(void **state)
{
    (void)state;
    hem__request r;
    static const char head[] = "GET / HTTP/1.1\r\nHost: x\0y\r\n\r\n";
    check_int(judge(head, sizeof(head) - 1, &r), 400);
    run_assert_checks();
}

static void the_end_may_be_missing(void **state)
{
    (void)state;
    hem__request r;
    static const char head[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    for (size_t n = 0; n < sizeof(head) - 1; n++)
        check_int(judge(head, n, &r), 0);
    check_int(judge(head, sizeof(head) - 1, &r), 200);
    run_assert_checks();
}

/* A head of `n` bytes. */
static char *make_head(size_t n)
{
    static const char begin[] = "GET / HTTP/1.1\r\nHost: x\r\nLong: ";
    char *head = malloc(n);
    assert_non_null(head);
    memset(head, 'x', n);
    memcpy(head, begin, strlen(begin));
    memcpy(head + n - 4, "\r\n\r\n", 4);
    return head;
}

static void a_head_may_be_8_kib_and_not_a_byte_more(void **state)
{
    (void)state;
    size_t seen = 0;
    char *head = make_head(HEM__HEAD_MAX);
    check_int(hem__head_scan(head, HEM__HEAD_MAX, &seen), HEM__HEAD_MAX);
    seen = 0;
    check_int(hem__head_scan(head, HEM__HEAD_MAX - 1, &seen), 0);
    free(head);
    head = make_head(HEM__HEAD_MAX + 1);
    seen = 0;
    check_int(hem__head_scan(head, HEM__HEAD_MAX, &seen), -431);
    seen = 0;
    check_int(hem__head_scan(head, HEM__HEAD_MAX + 1, &seen), -431);
    free(head);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_right_request_has_its_path),
        LEDGER_TEST(right_requests_are_taken),
        LEDGER_TEST(what_is_no_request_is_bad),
        LEDGER_TEST(wrong_fields_are_bad),
        LEDGER_TEST(bodies_are_refused),
        LEDGER_TEST(other_methods_and_versions_have_their_own_status),
        LEDGER_TEST(a_nul_is_bad),
        LEDGER_TEST(the_end_may_be_missing),
        LEDGER_TEST(a_head_may_be_8_kib_and_not_a_byte_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
