/* SPDX-License-Identifier: MIT */
/* Real peers: the openssl command line, and curl. */
#include "support.h"

#include "net.h"
#include "pair.h"
#include "peer.h"

#define OPENSSL "/usr/bin/openssl"
#define CURL    "/usr/bin/curl"

/* A server for one connection, in a task of its own. */
struct service {
    hem_listener listener;
    hem_tls *tls;
    int (*fn)(struct service *sv, hem_stream *s);
    hem_tls_info info; /* after the handshake; only what is static, and flags */
    hem_task *task;
};

static int serve_one(void *arg)
{
    struct service *sv = arg;
    HEM_STREAM(s);
    HEM_TRY(hem_accept(&sv->listener, &s));
    return sv->fn(sv, &s);
}

static const char *service_start(struct service *sv, hem_tls_config config,
                                 int (*fn)(struct service *sv, hem_stream *s))
{
    *sv = (struct service){.fn = fn};
    sv->tls = pair_server(&certs()->server, config);
    uint16_t port = net_listen(&sv->listener);
    check_int(hem_spawn(&sv->task, serve_one, sv), 0);
    return peer_port(port);
}

static void service_end(struct service *sv)
{
    check_int(hem_await(sv->task), 0);
    check_int(hem_listener_close(&sv->listener), 0);
    hem_tls_destroy(sv->tls);
}

static int begin_tls(struct service *sv, hem_stream *s)
{
    HEM_TRY(hem_tls_start_server(s, sv->tls, NULL));
    return hem_tls_get_info(s, &sv->info);
}

/* Answer each line with itself, until the end. */
static int echo_lines(hem_stream *s)
{
    char *line = NULL;
    ssize_t n;
    while ((n = hem_stream_read_line(s, &line)) > 0)
        HEM_TRY(hem_stream_write(s, line, (size_t)n));
    HEM_TRY(n);
    return hem_stream_shutdown_write(s);
}

static int echo_tls(struct service *sv, hem_stream *s)
{
    HEM_TRY(begin_tls(sv, s));
    return echo_lines(s);
}

static const char *target(const char *port)
{
    static char text[40];
    snprintf(text, sizeof(text), "127.0.0.1:%s", port);
    return text;
}

static void check_s_client(const char *option, hem_tls_config config,
                           const char *version)
{
    struct service sv;
    struct peer p;
    char line[100];
    const char *port = service_start(&sv, config, echo_tls);
    peer_start(&p, (const char *const[]){
                       OPENSSL, "s_client", "-connect", target(port), "-CAfile",
                       certs_path("ca.pem"), "-verify_return_error",
                       "-verify_hostname", "localhost", "-servername",
                       "localhost", "-cert", certs_path("client.pem"), "-key",
                       certs_path("client.key"), "-quiet", "-no_ign_eof",
                       option, NULL});
    peer_say(&p, "hello\n");
    peer_line(&p, line, sizeof(line));
    check_str(line, "hello");
    peer_finish(&p);
    check_int(peer_end(&p), 0);
    service_end(&sv);
    check_str(sv.info.version, version);
    check_int(sv.info.verified, config.verify_client != 0);
}

PEER_TEST(s_client_talks_with_a_server)
{
    hem_tls_config config = {.verify_client = HEM_TLS_VERIFY_REQUIRED};
    check_s_client("-tls1_3", config, "TLSv1.3");
    check_s_client("-tls1_2", config, "TLSv1.2");
    config.verify_client = HEM_TLS_VERIFY_NONE;
    config.no_tickets = true;
    check_s_client("-tls1_3", config, "TLSv1.3");
    return 0;
}

static int fail_tls(struct service *sv, hem_stream *s)
{
    check_int(hem_tls_start_server(s, sv->tls, NULL), HEM_ETLS);
    return 0;
}

PEER_TEST(s_client_refuses_what_a_client_should)
{
    struct service sv;
    struct peer p;
    const char *port =
        service_start(&sv, (hem_tls_config){.sni = NULL}, fail_tls);
    peer_start(
        &p, (const char *const[]){OPENSSL, "s_client", "-connect", target(port),
                                  "-CAfile", certs_path("stranger.pem"),
                                  "-verify_return_error", "-quiet", NULL});
    check(peer_end(&p) != 0);
    service_end(&sv);
    return 0;
}

/* SMTP, as much of it as s_client needs to come to STARTTLS. */
static int serve_mail(struct service *sv, hem_stream *s)
{
    char *line = NULL;
    HEM_TRY(hem_stream_write(s, "220 test\r\n", 10));
    check(hem_stream_read_line(s, &line) > 5 && memcmp(line, "EHLO", 4) == 0);
    HEM_TRY(hem_stream_write(s, "250-test\r\n250 STARTTLS\r\n", 24));
    check(hem_stream_read_line(s, &line) == 10);
    HEM_TRY(hem_stream_write(s, "220 go\r\n", 8));
    return echo_tls(sv, s);
}

PEER_TEST(s_client_goes_over_to_tls_by_starttls)
{
    struct service sv;
    struct peer p;
    char line[100];
    const char *port =
        service_start(&sv, (hem_tls_config){.sni = NULL}, serve_mail);
    peer_start(&p, (const char *const[]){
                       OPENSSL, "s_client", "-connect", target(port),
                       "-starttls", "smtp", "-CAfile", certs_path("ca.pem"),
                       "-verify_return_error", "-quiet", "-no_ign_eof", NULL});
    peer_say(&p, "mail\n");
    peer_line(&p, line, sizeof(line));
    check_str(line, "mail");
    peer_finish(&p);
    check_int(peer_end(&p), 0);
    service_end(&sv);
    return 0;
}

/* s_server, which answers each line with the same, reversed. */
static uint16_t start_s_server(struct peer *p, const char *option)
{
    char line[100] = "";
    unsigned port = 0;
    peer_start(
        p, (const char *const[]){OPENSSL, "s_server", "-accept", "127.0.0.1:0",
                                 "-cert", certs_path("server.pem"), "-key",
                                 certs_path("server.key"), "-CAfile",
                                 certs_path("ca.pem"), "-verify_return_error",
                                 "-rev", "-naccept", "1", option, NULL});
    while (sscanf(line, "ACCEPT 127.0.0.1:%u", &port) != 1) {
        peer_line(p, line, sizeof(line));
        if (!check(line[0]))
            break;
    }
    return (uint16_t)port;
}

static void check_s_server(const char *option, const char *version)
{
    struct peer p;
    uint16_t port = start_s_server(&p, option);
    hem_tls *tls = pair_client((hem_tls_config){
        .cert_pem = certs()->client.cert, .key_pem = certs()->client.key});
    hem_stream s;
    hem_tls_info info;
    check_int(hem_tls_connect(&s, "127.0.0.1", port, tls, NULL, NULL), 0);
    check_int(hem_tls_get_info(&s, &info), 0);
    check_str(info.version, version);
    check_int(hem_stream_write(&s, "olleh\n", 6), 6);
    char buf[8] = "";
    check_int(hem_stream_read_exactly(&s, buf, 6, NULL), 6);
    check_str(buf, "hello\n");
    check_int(hem_stream_shutdown_write(&s), 0);
    check_int(hem_stream_close(&s), 0);
    check_int(peer_end(&p), 0);
    hem_tls_destroy(tls);
}

PEER_TEST(a_client_talks_with_s_server)
{
    check_s_server("-tls1_3", "TLSv1.3");
    check_s_server("-tls1_2", "TLSv1.2");
    return 0;
}

static int serve_http(struct service *sv, hem_stream *s)
{
    HEM_TRY(begin_tls(sv, s));
    char *head = NULL;
    HEM_TRY(hem_stream_read_until(s, "\r\n\r\n", &head));
    check(memcmp(head, "GET /page HTTP/1.1\r\n", 20) == 0);
    static const char answer[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
                                 "hello, curl\n";
    HEM_TRY(hem_stream_write(s, answer, sizeof(answer) - 1));
    return hem_stream_shutdown_write(s);
}

PEER_TEST(curl_gets_a_page_by_https)
{
    static const char *const alpn[] = {"http/1.1", NULL};
    struct service sv;
    struct peer p;
    char url[60], line[100];
    const char *port =
        service_start(&sv, (hem_tls_config){.alpn = alpn}, serve_http);
    snprintf(url, sizeof(url), "https://127.0.0.1:%s/page", port);
    peer_start(&p,
               (const char *const[]){CURL, "-sS", "--noproxy", "*", "--cacert",
                                     certs_path("ca.pem"), url, NULL});
    peer_line(&p, line, sizeof(line));
    check_str(line, "hello, curl");
    check_int(peer_end(&p), 0);
    service_end(&sv);
    check_str(sv.info.version, "TLSv1.3");
    return 0;
}

PEER_TEST(curl_refuses_an_unknown_authority)
{
    struct service sv;
    struct peer p;
    char url[60];
    const char *port =
        service_start(&sv, (hem_tls_config){.sni = NULL}, fail_tls);
    snprintf(url, sizeof(url), "https://127.0.0.1:%s/page", port);
    peer_start(&p,
               (const char *const[]){CURL, "-sS", "--noproxy", "*", "--cacert",
                                     certs_path("stranger.pem"), url, NULL});
    check_int(peer_end(&p), 60);
    service_end(&sv);
    return 0;
}

int main(void)
{
    peer_need((const char *const[]){OPENSSL, CURL, NULL});
    certs_directory();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(s_client_talks_with_a_server),
        LEDGER_TEST(s_client_refuses_what_a_client_should),
        LEDGER_TEST(s_client_goes_over_to_tls_by_starttls),
        LEDGER_TEST(a_client_talks_with_s_server),
        LEDGER_TEST(curl_gets_a_page_by_https),
        LEDGER_TEST(curl_refuses_an_unknown_authority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
