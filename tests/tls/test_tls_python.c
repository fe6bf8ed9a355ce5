/* SPDX-License-Identifier: MIT */
/* Real peers: Python's asyncio with its ssl, as client and as server, from the
 * first byte and by STARTTLS. */
#include "support.h"

#include "net.h"
#include "pair.h"
#include "peer.h"

#define PYTHON "/usr/bin/python3"

/* Both scripts are given the directory of certificates; the first a port, too,
 * and whether to begin in plaintext. */
static const char client_script[] =
    "import asyncio, ssl, sys\n"
    "async def main(d, port, plain):\n"
    "    c = ssl.create_default_context(cafile=d + '/ca.pem')\n"
    "    c.load_cert_chain(d + '/client.pem', d + '/client.key')\n"
    "    if plain:\n"
    "        r, w = await asyncio.open_connection('127.0.0.1', port)\n"
    "        assert await r.readline() == b'hem 1.0\\n'\n"
    "        w.write(b'STARTTLS\\n')\n"
    "        assert await r.readline() == b'go\\n'\n"
    "        await w.start_tls(c, server_hostname='localhost')\n"
    "    else:\n"
    "        r, w = await asyncio.open_connection('127.0.0.1', port, ssl=c,\n"
    "            server_hostname='localhost')\n"
    "    big = bytes(range(256)) * 4000\n"
    "    w.write(big)\n"
    "    await w.drain()\n"
    "    assert await r.readexactly(len(big)) == big\n"
    "    w.write(b'end\\n')\n"
    "    assert await r.read() == b'end\\n'\n"
    "    w.close()\n"
    "    await w.wait_closed()\n"
    "    print('well', flush=True)\n"
    "asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "
    "'plain'))\n";

static const char server_script[] =
    "import asyncio, ssl, sys\n"
    "async def main(d, plain):\n"
    "    c = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)\n"
    "    c.load_cert_chain(d + '/server.pem', d + '/server.key')\n"
    "    done = asyncio.Event()\n"
    "    async def serve(r, w):\n"
    "        if plain:\n"
    "            assert await r.readline() == b'STARTTLS\\n'\n"
    "            w.write(b'go\\n')\n"
    "            await w.start_tls(c)\n"
    "        while line := await r.readline():\n"
    "            w.write(line)\n"
    "            await w.drain()\n"
    "        w.close()\n"
    "        await w.wait_closed()\n"
    "        done.set()\n"
    "    s = await asyncio.start_server(serve, '127.0.0.1', 0,\n"
    "        ssl=None if plain else c)\n"
    "    print(s.sockets[0].getsockname()[1], flush=True)\n"
    "    await done.wait()\n"
    "asyncio.run(main(sys.argv[1], sys.argv[2] == 'plain'))\n";

struct service {
    hem_listener listener;
    hem_tls *tls;
    bool plain; /* to begin with */
    hem_task *task;
};

static int begin_plain(hem_stream *s)
{
    char *line = NULL;
    HEM_TRY(hem_stream_write(s, "hem 1.0\n", 8));
    check_int(hem_stream_read_line(s, &line), 9);
    check(memcmp(line, "STARTTLS\n", 9) == 0);
    return (int)hem_stream_write(s, "go\n", 3);
}

/* Give back what comes, until "end\n". */
static int serve_one(void *arg)
{
    struct service *sv = arg;
    static char bytes[4096];
    HEM_STREAM(s);
    HEM_TRY(hem_accept(&sv->listener, &s));
    if (sv->plain)
        HEM_TRY(begin_plain(&s));
    HEM_TRY(hem_tls_start_server(&s, sv->tls, NULL));
    hem_tls_info info;
    HEM_TRY(hem_tls_get_info(&s, &info));
    check_str(info.peer_subject, "CN=tester");
    for (;;) {
        ssize_t n = hem_stream_read(&s, bytes, sizeof(bytes));
        HEM_TRY(n);
        if (!check(n > 0))
            return HEM_EINCOMPLETE;
        HEM_TRY(hem_stream_write(&s, bytes, (size_t)n));
        if (n >= 4 && memcmp(bytes + n - 4, "end\n", 4) == 0)
            return hem_stream_aclose(&s);
    }
}

static void check_python_client(bool plain)
{
    struct service sv = {.plain = plain};
    struct peer p;
    char line[100];
    sv.tls =
        pair_server(&certs()->server,
                    (hem_tls_config){.verify_client = HEM_TLS_VERIFY_REQUIRED});
    uint16_t port = net_listen(&sv.listener);
    check_int(hem_spawn(&sv.task, serve_one, &sv), 0);
    peer_start(&p, (const char *const[]){PYTHON, "-c", client_script,
                                         certs_directory(), peer_port(port),
                                         plain ? "plain" : "tls", NULL});
    check_int(hem_await(sv.task), 0);
    peer_line(&p, line, sizeof(line));
    check_str(line, "well");
    check_int(peer_end(&p), 0);
    check_int(hem_listener_close(&sv.listener), 0);
    hem_tls_destroy(sv.tls);
}

PEER_TEST(an_asyncio_client_talks_with_a_server)
{
    check_python_client(false);
    return 0;
}

PEER_TEST(an_asyncio_client_goes_over_to_tls)
{
    check_python_client(true);
    return 0;
}

static void start_tls(hem_stream *s, hem_tls *tls)
{
    char *line = NULL;
    check_int(hem_stream_write(s, "STARTTLS\n", 9), 9);
    check_int(hem_stream_read_line(s, &line), 3);
    check_int(
        hem_tls_start_client(s, tls, &(hem_tls_options){.host = "localhost"}),
        0);
}

static void check_python_server(bool plain)
{
    struct peer p;
    char line[100];
    peer_start(&p, (const char *const[]){PYTHON, "-c", server_script,
                                         certs_directory(),
                                         plain ? "plain" : "tls", NULL});
    peer_line(&p, line, sizeof(line));
    uint16_t port = (uint16_t)atoi(line);
    hem_tls *tls = pair_client((hem_tls_config){.insecure = false});
    hem_stream s;
    if (plain) {
        check_int(hem_connect(&s, "127.0.0.1", port, NULL), 0);
        start_tls(&s, tls);
    } else {
        check_int(hem_tls_connect(&s, "127.0.0.1", port, tls, NULL, NULL), 0);
    }
    for (int i = 0; i < 100; i++) {
        char *back = NULL;
        int n = snprintf(line, sizeof(line), "line %d\n", i);
        check_int(hem_stream_write(&s, line, (size_t)n), n);
        check_int(hem_stream_read_line(&s, &back), n);
        check(back && memcmp(back, line, (size_t)n) == 0);
    }
    check_int(hem_stream_aclose(&s), 0);
    check_int(peer_end(&p), 0);
    hem_tls_destroy(tls);
}

PEER_TEST(a_client_talks_with_an_asyncio_server)
{
    check_python_server(false);
    return 0;
}

PEER_TEST(a_client_goes_over_to_tls_with_an_asyncio_server)
{
    check_python_server(true);
    return 0;
}

int main(void)
{
    peer_need((const char *const[]){PYTHON, NULL});
    certs_directory();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(an_asyncio_client_talks_with_a_server),
        LEDGER_TEST(an_asyncio_client_goes_over_to_tls),
        LEDGER_TEST(a_client_talks_with_an_asyncio_server),
        LEDGER_TEST(a_client_goes_over_to_tls_with_an_asyncio_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
