/* SPDX-License-Identifier: MIT */
/*
 * Streams with other people's programs at the other end: Python's asyncio,
 * netcat and socat, as clients and as servers. Each is started and ended by the
 * test; what is not installed is skipped.
 */
#include <ctype.h>

#include "net.h"
#include "support.h"

#define PYTHON "/usr/bin/python3"

static char script[4096];

static bool installed(const char *program)
{
    char path[256];
    static const char *const places[] = {"/usr/bin", "/bin", "/usr/local/bin"};
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        snprintf(path, sizeof(path), "%s/%s", places[i], program);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

static int echo(hem_stream *s, void *arg)
{
    (void)arg;
    char *data;
    ssize_t n;
    while ((n = hem_stream_read_some(s, &data)) > 0)
        HEM_TRY(hem_stream_write(s, data, (size_t)n));
    return (int)n;
}

static int serve(void *arg)
{
    return hem_serve(arg, echo, NULL, NULL);
}

/* Run `argv` with `input` against an echo server of hem's that listens on `l`;
 * it must succeed and print `want`. */
static void check_client(hem_listener *l, char *const argv[], const char *input,
                         const char *want)
{
    HEM_SCOPE(s);
    check_int(hem_scope_spawn(&s, NULL, serve, l), 0);
    hem_subprocess_output o;
    hem_subprocess_run_options opts = {
        .start = {.in = HEM_PIPE, .out = HEM_PIPE},
        .input = input,
        .input_size = strlen(input),
        .check = true,
    };
    check_int(hem_subprocess_run(argv, &opts, &o), 0);
    check_str(o.out ? o.out : "", want);
    hem_subprocess_output_free(&o);
    hem_listener_close(l);
    check_int(hem_scope_close(&s, 0), 0);
}

static char *decimal(uint16_t n)
{
    static char text[8];
    snprintf(text, sizeof(text), "%u", (unsigned)n);
    return text;
}

VIRTUAL_TEST(asyncio_talks_to_a_server)
{
    HEM_LISTENER(l);
    char *argv[] = {PYTHON, script, "client", decimal(net_listen(&l)), NULL};
    check_client(&l, argv, "", "1180655\n");
    return 0;
}

VIRTUAL_TEST(netcat_talks_to_a_server)
{
    HEM_LISTENER(l);
    char *argv[] = {"nc", "-N", "127.0.0.1", decimal(net_listen(&l)), NULL};
    check_client(&l, argv, "one\ntwo\n", "one\ntwo\n");
    return 0;
}

/* The first run of digits behind `mark` in the lines of `s`. */
static uint16_t read_port(hem_stream *s, const char *mark)
{
    char *line;
    ssize_t n;
    while ((n = hem_stream_read_line(s, &line)) > 0) {
        char text[512];
        snprintf(text, sizeof(text), "%.*s", (int)n, line);
        const char *at = strstr(text, mark);
        if (!at)
            continue;
        at += strlen(mark);
        while (*at && !isdigit((unsigned char)*at))
            at++;
        return (uint16_t)strtoul(at, NULL, 10);
    }
    check_int(n, 1);
    return 0;
}

/* Send to `s`, half close, and get it all back. */
static void check_echo(hem_stream *s)
{
    static char sent[100000], came[sizeof(sent)];
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (char)(i * 7 + i / 251);
    check_int(hem_stream_write(s, sent, sizeof(sent)), sizeof(sent));
    check_int(hem_stream_shutdown_write(s), 0);
    check_int(hem_stream_read_exactly(s, came, sizeof(came), NULL),
              sizeof(came));
    check(memcmp(sent, came, sizeof(sent)) == 0);
    check_int(hem_stream_read(s, came, 1), 0);
}

VIRTUAL_TEST(a_client_talks_to_asyncio)
{
    HEM_SUBPROCESS(p);
    char *argv[] = {PYTHON, script, "server", NULL};
    hem_subprocess_options opts = {.out = HEM_PIPE};
    check_int(hem_subprocess_start(&p, argv, &opts), 0);
    HEM_STREAM(s);
    uint16_t port = read_port(hem_subprocess_stdout(&p), "");
    check_int(hem_connect(&s, "127.0.0.1", port, NULL), 0);
    check_echo(&s);
    check_int(hem_stream_close(&s), 0);
    hem_child_status status;
    check_int(hem_subprocess_wait(&p, &status), 0);
    check_int(status.exit_code, 0);
    return 0;
}

VIRTUAL_TEST(a_client_talks_to_netcat)
{
    HEM_SUBPROCESS(p);
    char *argv[] = {"nc", "-n", "-v", "-l", "127.0.0.1", "0", NULL};
    hem_subprocess_options opts = {
        .in = HEM_PIPE, .out = HEM_PIPE, .err = HEM_PIPE};
    check_int(hem_subprocess_start(&p, argv, &opts), 0);
    HEM_STREAM(s);
    uint16_t port = read_port(hem_subprocess_stderr(&p), "127.0.0.1 ");
    check_int(hem_connect(&s, "127.0.0.1", port, NULL), 0);
    char *line;
    check_int(hem_stream_write(&s, "to netcat\n", 10), 10);
    check_int(hem_stream_read_line(hem_subprocess_stdout(&p), &line), 10);
    check(memcmp(line, "to netcat\n", 10) == 0);
    check_int(hem_stream_write(hem_subprocess_stdin(&p), "and back\n", 9), 9);
    check_int(hem_stream_read_line(&s, &line), 9);
    check(memcmp(line, "and back\n", 9) == 0);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_subprocess_close(&p), 0);
    return 0;
}

VIRTUAL_TEST(a_client_talks_to_socat)
{
    HEM_SUBPROCESS(p);
    char *argv[] = {"socat",    "-d", "-d", "TCP-LISTEN:0,bind=127.0.0.1",
                    "EXEC:cat", NULL};
    hem_subprocess_options opts = {.err = HEM_PIPE};
    check_int(hem_subprocess_start(&p, argv, &opts), 0);
    HEM_STREAM(s);
    uint16_t port = read_port(hem_subprocess_stderr(&p), "127.0.0.1:");
    check_int(hem_connect(&s, "127.0.0.1", port, NULL), 0);
    check_echo(&s);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_subprocess_close(&p), 0);
    return 0;
}

/* A directory of the test's own. */
static char *make_directory(void)
{
    static char dir[64];
    snprintf(dir, sizeof(dir), "/tmp/hem-peers-XXXXXX");
    assert_non_null(mkdtemp(dir));
    return dir;
}

VIRTUAL_TEST(socat_talks_to_a_unix_server)
{
    char *dir = make_directory(), path[128], address[160];
    snprintf(path, sizeof(path), "%s/socket", dir);
    snprintf(address, sizeof(address), "UNIX-CONNECT:%s", path);
    HEM_LISTENER(l);
    check_int(hem_listen_unix(&l, path, NULL), 0);
    char *argv[] = {"socat", "-", address, NULL};
    check_client(&l, argv, "by a path\n", "by a path\n");
    check_int(rmdir(dir), 0); /* the socket is gone */
    return 0;
}

VIRTUAL_TEST(socat_talks_to_an_abstract_server)
{
    char name[64], address[96];
    snprintf(name, sizeof(name), "@hem-peers-%d", (int)getpid());
    snprintf(address, sizeof(address), "ABSTRACT-CONNECT:%s", name + 1);
    HEM_LISTENER(l);
    check_int(hem_listen_unix(&l, name, NULL), 0);
    char *argv[] = {"socat", "-", address, NULL};
    check_client(&l, argv, "by a name\n", "by a name\n");
    return 0;
}

VIRTUAL_TEST(a_client_talks_to_socat_by_unix)
{
    char *dir = make_directory(), path[128], address[160];
    snprintf(path, sizeof(path), "%s/socket", dir);
    snprintf(address, sizeof(address), "UNIX-LISTEN:%s", path);
    HEM_SUBPROCESS(p);
    char *argv[] = {"socat", "-d", "-d", address, "EXEC:cat", NULL};
    hem_subprocess_options opts = {.err = HEM_PIPE};
    check_int(hem_subprocess_start(&p, argv, &opts), 0);
    char *line;
    check(hem_stream_read_until(hem_subprocess_stderr(&p), "listening on",
                                &line) > 0);
    HEM_STREAM(s);
    check_int(hem_connect_unix(&s, path, NULL), 0);
    check_echo(&s);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_subprocess_close(&p), 0);
    (void)unlink(path);
    check_int(rmdir(dir), 0);
    return 0;
}

int main(void)
{
    const char *source = getenv("HEM_SOURCE_DIR");
    snprintf(script, sizeof(script), "%s/tests/peers/asyncio_peer.py",
             source ? source : ".");
    if (!installed("python3") || !installed("nc") || !installed("socat")) {
        fputs("needs python3, netcat-openbsd and socat\n", stderr);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(asyncio_talks_to_a_server),
        LEDGER_TEST(netcat_talks_to_a_server),
        LEDGER_TEST(a_client_talks_to_asyncio),
        LEDGER_TEST(a_client_talks_to_netcat),
        LEDGER_TEST(a_client_talks_to_socat),
        LEDGER_TEST(socat_talks_to_a_unix_server),
        LEDGER_TEST(socat_talks_to_an_abstract_server),
        LEDGER_TEST(a_client_talks_to_socat_by_unix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
