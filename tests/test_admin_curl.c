/* SPDX-License-Identifier: MIT */
/* curl as a client of the pages for operators. */
#include "support.h"

#include "exposition.h"
#include "fake_service.h"
#include "unix_net.h"

/* A service, and curl with these arguments before the URL; its output. */
struct asked {
    const char *admin; /* the option */
    const char *page;
    char *arguments[4];
    char output[32768];
};

static void take_output(struct asked *a, const hem_subprocess_output *o)
{
    if (check(o->out_size < sizeof(a->output)))
        memcpy(a->output, o->out ? o->out : "", o->out_size + 1);
}

static int run_curl(struct asked *a, const char *url)
{
    char *argv[16] = {"curl", "-s", "-S",          "--max-time",
                      "20",   "-w", "%{http_code}"};
    size_t n = 7;
    for (size_t i = 0; a->arguments[i]; i++)
        argv[n++] = a->arguments[i];
    argv[n] = (char *)url;
    hem_subprocess_run_options o = {.start.out = HEM_PIPE, .check = true};
    hem_subprocess_output output;
    int rc = hem_subprocess_run(argv, &o, &output);
    take_output(a, &output);
    hem_subprocess_output_free(&output);
    return rc;
}

static int ask(void *arg)
{
    struct asked *a = arg;
    struct fake_service f;
    hem_address its;
    char url[HEM_ADDRESS_TEXT + 32], text[HEM_ADDRESS_TEXT];
    fake_service_init(&f);
    f.options.admin = a->admin;
    HEM_SCOPE(s, .timeout = 30 * HEM_SEC);
    check_int(hem__admin_start(&f.s, &s), 0);
    check_int(hem_address_of_socket(&its, hem__admin_socket(&f.s)), 0);
    hem_address_format(&its, text);
    snprintf(url, sizeof(url), "http://%s%s",
             strncmp(text, "unix:", 5) == 0 ? "localhost" : text, a->page);
    check_int(run_curl(a, url), 0);
    hem_scope_abort(&s, "the service ends");
    int rc = hem_scope_close(&s, 0);
    fake_service_deinit(&f);
    return rc;
}

static void run(struct asked *a)
{
    check_int(hem_run(ask, a, NULL), 0);
    run_assert_checks();
}

static void curl_reads_metrics(void **state)
{
    (void)state;
    static struct asked a = {.admin = "127.0.0.1:0", .page = "/metrics"};
    run(&a);
    size_t n = strlen(a.output);
    assert_true(n > 3);
    assert_string_equal(a.output + n - 3, "200");
    a.output[n - 3] = '\0';
    assert_null(exposition_wrong(a.output));
    assert_true(exposition_value(a.output, "hem_workers{state=\"ready\"}") ==
                3);
}

static void curl_asks_for_the_head_alone(void **state)
{
    (void)state;
    static struct asked a = {.admin = "127.0.0.1:0", .page = "/metrics"};
    a.arguments[0] = "--head";
    run(&a);
    check_contains(a.output, "HTTP/1.1 200 OK\r\n");
    check_contains(
        a.output, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n");
    check(strstr(a.output, "# TYPE") == NULL);
    run_assert_checks();
}

static void curl_asks_by_ipv6(void **state)
{
    (void)state;
    static struct asked a = {.admin = "[::1]:0", .page = "/readyz"};
    if (system("grep -q 00000000000000000000000000000001 /proc/net/if_inet6 "
               "2>/dev/null") != 0)
        skip();
    run(&a);
    assert_string_equal(a.output, "ready\n200");
}

static void curl_asks_by_a_unix_socket(void **state)
{
    (void)state;
    static struct asked a = {.page = "/livez"};
    char path[64], address[80];
    unix_begin(path);
    snprintf(address, sizeof(address), "unix:%s", path);
    a.admin = address;
    a.arguments[0] = "--unix-socket";
    a.arguments[1] = path;
    run(&a);
    assert_string_equal(a.output, "alive\n200");
    unix_end();
}

static void curl_sends_what_is_not_wanted_and_hears_why(void **state)
{
    (void)state;
    static char much[60000];
    static struct asked a = {.admin = "127.0.0.1:0", .page = "/livez"};
    memset(much, 'x', sizeof(much) - 1);
    a.arguments[0] = "--data";
    a.arguments[1] = much;
    run(&a);
    assert_string_equal(a.output, "Method Not Allowed\n405");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(curl_reads_metrics),
        LEDGER_TEST(curl_asks_for_the_head_alone),
        LEDGER_TEST(curl_asks_by_ipv6),
        LEDGER_TEST(curl_asks_by_a_unix_socket),
        LEDGER_TEST(curl_sends_what_is_not_wanted_and_hears_why),
    };
    if (system("curl --version >/dev/null 2>&1") != 0)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
