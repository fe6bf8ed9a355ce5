/* SPDX-License-Identifier: MIT */
/*
 * Datagrams with other people's programs at the other end: dig asks a tiny name
 * server, Python's asyncio is client and server, socat talks by UDP and Unix
 * sockets.
 */
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "udp.h"

/* A command of the shell, run on a thread, and what it printed. */
struct command {
    char line[2048];
    char output[1024];
    int status;
};

static int run_command(void *arg)
{
    struct command *c = arg;
    FILE *pipe = popen(c->line, "r");
    if (!pipe)
        return -errno;
    size_t n = fread(c->output, 1, sizeof(c->output) - 1, pipe);
    c->output[n] = '\0';
    c->status = pclose(pipe);
    return 0;
}

/* The command must succeed and print `want`. */
static void check_prints(const char *line, const char *want)
{
    static struct command c;
    snprintf(c.line, sizeof(c.line), "%s", line);
    check_int(hem_thread_call(run_command, &c, NULL), 0);
    check_int(c.status, 0);
    check_str(c.output, want);
}

static uint16_t open_local(hem_datagram *d)
{
    hem_address here = udp_open(d);
    return hem_address_port(&here);
}

/* A name server that knows one answer. */

static const uint8_t record[] = {
    0xc0, 12, 0, 1,  0, 1, /* the name asked for, an address */
    0,    0,  0, 9,  0, 4, /* for 9 seconds, 4 bytes */
    192,  0,  2, 53,
};

#define HEADER 12

/* Turn a question of `size` bytes into its answer; returns how long, 0: it is
 * none that we understand. */
static size_t answer(uint8_t *m, size_t size, size_t room)
{
    size_t at = HEADER;
    if (size < HEADER || m[4] != 0 || m[5] != 1)
        return 0;
    while (at < size && m[at] != 0)
        at += (size_t)m[at] + 1;
    at += 5; /* the end of the name, type and class */
    if (at > size || at + sizeof(record) > room)
        return 0;
    m[2] |= 0x84; /* an answer, of who knows */
    m[3] = 0;     /* no error */
    memset(m + 6, 0, 6);
    m[7] = 1; /* one record */
    memcpy(m + at, record, sizeof(record));
    return at + sizeof(record);
}

static int serve_names(void *arg)
{
    hem_datagram *d = arg;
    for (;;) {
        uint8_t m[512];
        hem_address from;
        ssize_t n = hem_datagram_receive_from(d, m, sizeof(m), &from, NULL);
        HEM_TRY(n);
        size_t size = answer(m, (size_t)n, sizeof(m));
        if (size > 0)
            HEM_TRY(hem_datagram_send_to(d, m, size, &from));
    }
}

VIRTUAL_TEST(dig_gets_an_answer)
{
    char line[256];
    HEM_DATAGRAM(d);
    uint16_t port = open_local(&d);
    HEM_SCOPE(s);
    check_int(hem_scope_spawn(&s, NULL, serve_names, &d), 0);
    snprintf(line, sizeof(line),
             "dig @127.0.0.1 -p %d +short +tries=3 +time=5 hem.example A",
             port);
    check_prints(line, "192.0.2.53\n");
    hem_scope_abort(&s, NULL);
    return hem_scope_close(&s, 0);
}

/* An echo server. */

static int serve_echo(void *arg)
{
    hem_datagram *d = arg;
    for (;;) {
        static char buf[65536];
        hem_address from;
        ssize_t n = hem_datagram_receive_from(d, buf, sizeof(buf), &from, NULL);
        HEM_TRY(n);
        HEM_TRY(hem_datagram_send_to(d, buf, (size_t)n, &from));
    }
}

#define PYTHON "/usr/bin/python3"

static const char asyncio_client[] =
    PYTHON " -Ic 'if 1:\n"
           "  import asyncio\n"
           "  class P(asyncio.DatagramProtocol):\n"
           "    def __init__(self): self.q = asyncio.Queue()\n"
           "    def datagram_received(self, d, a): self.q.put_nowait(d)\n"
           "  async def main():\n"
           "    loop = asyncio.get_running_loop()\n"
           "    t, p = await loop.create_datagram_endpoint(\n"
           "        P, remote_addr=(\"127.0.0.1\", %d))\n"
           "    for d in [b\"x\", b\"y\" * 60000] * 50:\n"
           "      t.sendto(d)\n"
           "      assert await p.q.get() == d\n"
           "    t.close()\n"
           "    print(\"all came back\")\n"
           "  asyncio.run(main())'";

VIRTUAL_TEST(asyncio_is_the_client)
{
    char line[1024];
    HEM_DATAGRAM(d);
    snprintf(line, sizeof(line), asyncio_client, open_local(&d));
    HEM_SCOPE(s);
    check_int(hem_scope_spawn(&s, NULL, serve_echo, &d), 0);
    check_prints(line, "all came back\n");
    hem_scope_abort(&s, NULL);
    return hem_scope_close(&s, 0);
}

static const char asyncio_server[] =
    "if 1:\n"
    "  import asyncio\n"
    "  class P(asyncio.DatagramProtocol):\n"
    "    def connection_made(self, t): self.t = t\n"
    "    def datagram_received(self, d, a): self.t.sendto(d[::-1], a)\n"
    "  async def main():\n"
    "    loop = asyncio.get_running_loop()\n"
    "    t, p = await loop.create_datagram_endpoint(\n"
    "        P, local_addr=(\"127.0.0.1\", 0))\n"
    "    print(t.get_extra_info(\"sockname\")[1], flush=True)\n"
    "    await asyncio.Event().wait()\n"
    "  asyncio.run(main())\n";

/* Start it; what it prints comes by `*ret_fd`. */
static pid_t start_python(const char *program, int *ret_fd)
{
    int fds[2];
    check_int(pipe2(fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], STDOUT_FILENO);
        execl(PYTHON, PYTHON, "-Ic", program, (char *)NULL);
        _exit(127);
    }
    check_int(close(fds[1]), 0);
    *ret_fd = fds[0];
    return pid;
}

static int ask_many(const hem_address *server)
{
    HEM_DATAGRAM(d);
    HEM_TRY(hem_datagram_open(&d, &(hem_datagram_options){.peer = server}));
    for (int i = 0; i < 100; i++) {
        char text[16], back[16] = "";
        int n = snprintf(text, sizeof(text), "%d|", 1000 + i);
        HEM_TRY(hem_datagram_send(&d, text, (size_t)n));
        HEM_TRY(hem_datagram_receive(&d, back, sizeof(back)));
        for (int j = 0; j < n; j++)
            check_int(back[j], text[n - 1 - j]);
    }
    return 0;
}

VIRTUAL_TEST(asyncio_is_the_server)
{
    int fd;
    char text[16] = "";
    hem_address server;
    pid_t pid = start_python(asyncio_server, &fd);
    check(hem_fd_wait(fd, HEM_READABLE) > 0);
    check(read(fd, text, sizeof(text) - 1) > 0);
    check_int(hem_address_parse(&server, "127.0.0.1", (uint16_t)atoi(text)), 0);
    check_int(ask_many(&server), 0);
    check_int(kill(pid, SIGKILL), 0);
    check_int(waitpid(pid, NULL, 0), pid);
    check_int(hem_fd_close(fd), 0);
    return 0;
}

VIRTUAL_TEST(socat_gets_its_bytes_back)
{
    char line[256];
    HEM_DATAGRAM(d);
    uint16_t port = open_local(&d);
    HEM_SCOPE(s);
    check_int(hem_scope_spawn(&s, NULL, serve_echo, &d), 0);
    snprintf(line, sizeof(line),
             "printf 'hello socat' | socat -t 1 - "
             "UDP4:127.0.0.1:%d,shut-none | head -c 11",
             port);
    check_prints(line, "hello socat");
    hem_scope_abort(&s, NULL);
    return hem_scope_close(&s, 0);
}

VIRTUAL_TEST(socat_sends_by_a_unix_socket)
{
    char line[256], path[64];
    HEM_DATAGRAM(d);
    snprintf(path, sizeof(path), "/tmp/hem-socat-%d", (int)getpid());
    check_int(hem_datagram_open(&d, &(hem_datagram_options){.path = path}), 0);
    snprintf(line, sizeof(line), "printf hello | socat -u - UNIX-SENDTO:%s",
             path);
    check_prints(line, "");
    udp_expect(&d, "hello");
    return 0;
}

static bool has(const char *program)
{
    char line[128];
    snprintf(line, sizeof(line), "command -v %s >/dev/null 2>&1", program);
    return system(line) == 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(dig_gets_an_answer),
        LEDGER_TEST(asyncio_is_the_client),
        LEDGER_TEST(asyncio_is_the_server),
        LEDGER_TEST(socat_gets_its_bytes_back),
        LEDGER_TEST(socat_sends_by_a_unix_socket),
    };
    if (!has("dig") || !has("socat") || !has(PYTHON))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
