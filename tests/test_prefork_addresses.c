/* SPDX-License-Identifier: MIT */
/* Prefork servers at several addresses, TCP and Unix, of which every worker
 * serves all. */
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "net.h"
#include "server.h"
#include "support.h"
#include "unix_net.h"

#define ADDRESSES 4

/* Listening sockets, with the 0 behind them, and where they are. */
static int sockets[ADDRESSES + 1];
static hem_address addresses[ADDRESSES];

static void listen_at(int i, const hem_address *a)
{
    check_int(hem_listen_address_socket(&sockets[i], a, NULL), 0);
    check_int(hem_address_of_socket(&addresses[i], sockets[i]), 0);
}

/* Two by TCP, a Unix socket at the path, and an abstract one. */
static void listen_everywhere(const char *path)
{
    char name[32] = "";
    hem_address a;
    check_int(hem_listen_socket(&sockets[0], "127.0.0.1", 0, NULL), 0);
    check_int(hem_address_of_socket(&addresses[0], sockets[0]), 0);
    check_int(hem_address_parse(&a, "127.0.0.2", 0), 0);
    listen_at(1, &a);
    check_int(hem_address_unix(&a, path, strlen(path)), 0);
    listen_at(2, &a);
    int n = snprintf(name + 1, sizeof(name) - 1, "hem-%d", (int)getpid());
    check_int(hem_address_unix(&a, name, 1 + (size_t)n), 0);
    listen_at(3, &a);
}

/* The parent of the server lets go of them. */
static void leave_sockets(void)
{
    for (int i = 0; i < ADDRESSES; i++)
        check_int(close(sockets[i]), 0);
}

/* A plain socket connected to an address; -1: refused. */
static int reach(const hem_address *a)
{
    int fd = socket(a->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&a->storage, a->length) == 0)
        return fd;
    check_int(errno, ECONNREFUSED);
    close(fd);
    return -1;
}

struct site {
    hem_worker *worker;
    hem_listener listener;
};

/* Say who it is, and stay until the client goes. */
static int introduce(hem_stream *s, void *arg)
{
    const struct site *site = arg;
    char c = (char)('0' + hem_worker_index(site->worker));
    HEM_TRY(hem_stream_write(s, &c, 1));
    return (int)hem_stream_read(s, &c, 1);
}

static int serve_one_at_a_time(void *arg)
{
    struct site *site = arg;
    return hem_serve(&site->listener, introduce, site,
                     &(hem_serve_options){.max_connections = 1});
}

static int serve_everywhere(hem_worker *w, void *arg)
{
    struct site site = {.worker = w};
    hem_listen_options o = {.fds = sockets, .fd_count = ADDRESSES};
    (void)arg;
    HEM_TRY(hem_listen(&site.listener, NULL, 0, &o));
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, serve_one_at_a_time, &site));
    process_say('r');
    check_int(hem_worker_wait(w), SIGTERM);
    check_int(hem_listener_close(&site.listener), 0);
    HEM_TRY(hem_scope_close(&s, 0));
    return worker_verdict();
}

/* With a place for one client in each worker, as many clients as workers are
 * served each by another. */
static void check_all_workers_are_at(const hem_address *a)
{
    int peers[WORKERS];
    unsigned seen = 0;
    for (int i = 0; i < WORKERS; i++) {
        char c = '?';
        peers[i] = reach(a);
        check_int(recv(peers[i], &c, 1, 0), 1);
        if (check(c >= '0' && c < '0' + WORKERS))
            seen |= 1U << (c - '0');
    }
    check_int(seen, (1U << WORKERS) - 1);
    for (int i = 0; i < WORKERS; i++)
        net_close(peers[i]);
}

static void every_worker_serves_all_addresses(void **state)
{
    (void)state;
    struct server s = {.worker = serve_everywhere,
                       .options = {.sockets = sockets}};
    struct process process;
    struct stat st;
    char path[64];
    unix_begin(path);
    listen_everywhere(path);
    server_init(&s);
    process_start(&process, server_run, &s);
    leave_sockets();
    server_hear(&process, 'r', WORKERS);
    for (int i = 0; i < ADDRESSES; i++)
        check_all_workers_are_at(&addresses[i]);
    check_int(kill(process.pid, SIGTERM), 0);
    server_check_silent_end(&process);
    for (int i = 0; i < ADDRESSES; i++)
        check_int(reach(&addresses[i]), -1);
    check_int(stat(path, &st), 0); /* the file is not theirs to remove */
    check_int(unlink(path), 0);
    server_deinit(&s);
    unix_end();
}

static int hold_the_listener(hem_worker *w, void *arg)
{
    const struct server *s = arg;
    hem_listener l;
    hem_listen_options o = {.fds = sockets, .fd_count = ADDRESSES};
    HEM_TRY(hem_listen(&l, NULL, 0, &o));
    process_say('r');
    check_int(hem_worker_wait(w), SIGTERM);
    check_int(hem_listener_close(&l), 0);
    process_say('c');
    worker_pass_gate(s);
    return worker_verdict();
}

/* Though workers are still there, and may be for long. */
static void nobody_connects_to_a_server_that_is_going(void **state)
{
    (void)state;
    struct server s = {.worker = hold_the_listener,
                       .options = {.sockets = sockets, .grace = HEM_NEVER}};
    struct process process;
    char path[64];
    unix_begin(path);
    listen_everywhere(path);
    server_init(&s);
    process_start(&process, server_run, &s);
    leave_sockets();
    server_hear(&process, 'r', WORKERS);
    for (int i = 0; i < ADDRESSES; i++)
        net_close(reach(&addresses[i]));
    check_int(kill(process.pid, SIGTERM), 0);
    server_hear(&process, 'c', WORKERS);
    for (int i = 0; i < ADDRESSES; i++)
        check_int(reach(&addresses[i]), -1);
    server_open_gate(&s);
    server_check_silent_end(&process);
    check_int(unlink(path), 0);
    server_deinit(&s);
    unix_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(every_worker_serves_all_addresses),
        LEDGER_TEST(nobody_connects_to_a_server_that_is_going),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
