/* SPDX-License-Identifier: MIT */
/* curl as a client that speaks the PROXY protocol, and over a Unix socket. */
#include "support.h"

#include <fcntl.h>

#include "net.h"
#include "unix_net.h"

struct server {
    hem_listener listener;
    bool proxied; /* of the last one */
    int served;
    char url[64], path[64], output[80];
    const char *option;
};

/* One request, whatever it is, and who has made it as an answer. */
static int answer(hem_stream *s, void *arg)
{
    struct server *sv = arg;
    hem_stream_info info;
    char *head, text[HEM_ADDRESS_TEXT + 128], peer[HEM_ADDRESS_TEXT];
    HEM_TRY(hem_stream_read_until(s, "\r\n\r\n", &head));
    check(strncmp(head, "GET / HTTP/1.1\r\n", 16) == 0);
    HEM_TRY(hem_stream_get_info(s, &info));
    hem_address_format(&info.peer, peer);
    int n = snprintf(text, sizeof(text),
                     "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n%s",
                     strlen(peer), peer);
    sv->proxied = info.proxied;
    sv->served++;
    return (int)hem_stream_write(s, text, (size_t)n);
}

static int serve(void *arg)
{
    struct server *sv = arg;
    return hem_serve(&sv->listener, answer, sv,
                     &(hem_serve_options){.proxy = sv->option[2] == 'h'});
}

static int run_curl(void *arg)
{
    struct server *sv = arg;
    bool local = sv->option[2] == 'u';
    execlp("curl", "curl", "-s", "-S", "-o", sv->output, "--max-time", "20",
           sv->url, sv->option, local ? sv->path : (char *)NULL, (char *)NULL);
    return 127;
}

static int ask(void *arg)
{
    struct server *sv = arg;
    hem_child curl;
    hem_child_status status;
    HEM_SCOPE(s, .timeout = 30 * HEM_SEC);
    HEM_TRY(hem_scope_spawn(&s, NULL, serve, sv));
    HEM_TRY(hem_fork(&curl, run_curl, sv, NULL));
    HEM_TRY(hem_child_wait(&curl, &status));
    hem_child_close(&curl);
    check_int(status.exit_code, 0);
    check_int(hem_listener_close(&sv->listener), 0);
    return hem_scope_close(&s, 0);
}

/* What curl has got. */
static void read_output(const struct server *sv, char *ret, size_t size)
{
    FILE *file = fopen(sv->output, "re");
    ret[file ? fread(ret, 1, size - 1, file) : 0] = '\0';
    if (check(file != NULL))
        fclose(file);
    unlink(sv->output);
}

static int ask_by_tcp(void *arg)
{
    struct server *sv = arg;
    snprintf(sv->url, sizeof(sv->url), "http://127.0.0.1:%u/",
             (unsigned)net_listen(&sv->listener));
    return ask(sv);
}

static int ask_by_unix_socket(void *arg)
{
    struct server *sv = arg;
    snprintf(sv->url, sizeof(sv->url), "http://localhost/");
    check_int(hem_listen_unix(&sv->listener, sv->path, NULL), 0);
    return ask(sv);
}

static void run(const char *option, hem_fn *fn, bool proxied, const char *want)
{
    struct server sv = {.option = option};
    char text[HEM_ADDRESS_TEXT];
    unix_begin(sv.path);
    snprintf(sv.output, sizeof(sv.output), "%s.out", sv.path);
    check_int(hem_run(fn, &sv, NULL), 0);
    check_int(sv.served, 1);
    check_int(sv.proxied, proxied);
    read_output(&sv, text, sizeof(text));
    check_contains(text, want);
    unix_end();
    run_assert_checks();
}

static void curl_tells_who_it_is(void **state)
{
    (void)state;
    run("--haproxy-protocol", ask_by_tcp, true, "127.0.0.1:");
}

static void curl_comes_by_a_unix_socket(void **state)
{
    (void)state;
    run("--unix-socket", ask_by_unix_socket, false, "unix:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(curl_tells_who_it_is),
        LEDGER_TEST(curl_comes_by_a_unix_socket),
    };
    if (system("curl --version >/dev/null 2>&1") != 0)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
