/* SPDX-License-Identifier: MIT */
/* http_server as a process: its ends, its limits, its command line. */
#include "harness.h"

#include <sys/un.h>

#define GET(target) "GET " target " HTTP/1.1\r\nHost: x\r\n\r\n"

enum { BIG_BYTES = 64 << 20, HALF_OPEN_MAX = 10000, WORKERS_MAX = 16 };

static char root[64];
static struct reply reply;
static struct peer peer;

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/hem-http-XXXXXX");
    assert_non_null(mkdtemp(root));
    make_file(root, "a.txt", "hello\n", 6);
    make_file(root, "large", NULL, 4 << 20);
    make_file(root, "sparse", "", 0);
    char path[128];
    snprintf(path, sizeof(path), "%s/sparse", root);
    return truncate(path, BIG_BYTES);
}

static int tear_down(void **state)
{
    (void)state;
    remove_tree(root);
    return 0;
}

/* Fill in the pids of the workers, one of which has answered; returns how
 * many. */
static size_t workers_of(const struct program *p, pid_t *pids)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children", (long)p->pid,
             (long)p->pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = 0;
    long pid;
    while (n < WORKERS_MAX && fscanf(f, "%ld", &pid) == 1)
        pids[n++] = (pid_t)pid;
    fclose(f);
    assert_true(n > 0);
    return n;
}

/* Memory of all workers, in KiB; 0 where /proc does not say. */
static long memory_of(const struct program *p)
{
    pid_t pids[WORKERS_MAX];
    size_t n = workers_of(p, pids);
    long sum = 0;
    for (size_t i = 0; i < n; i++) {
        char line[128], path[64];
        snprintf(path, sizeof(path), "/proc/%ld/status", (long)pids[i]);
        FILE *f = fopen(path, "r");
        long kib = 0;
        while (f != NULL && fgets(line, sizeof(line), f) != NULL)
            if (sscanf(line, "VmRSS: %ld", &kib) == 1)
                break;
        if (f != NULL)
            fclose(f);
        sum += kib;
    }
    return sum;
}

static bool is_refused(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(port),
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int rc = connect(fd, (struct sockaddr *)&a, sizeof(a));
    close(fd);
    return rc < 0;
}

static void sigterm_drains(void **state)
{
    (void)state;
    static struct peer idle, begun, busy;
    const char *args[] = {"--workers", "1", "--linger", "0", NULL};
    struct program server;
    start_server(&server, root, 0, args);
    peer_open(&idle, server.port);
    peer_open(&begun, server.port);
    peer_open(&busy, server.port);
    ask(&idle, GET("/a.txt"));
    answer(&idle, &reply, false);
    assert_false(reply.close);
    ask(&busy, GET("/large"));
    answer(&busy, &reply, false); /* the body is under way */
    ask(&begun, "GET /a.txt HT");
    kill(server.pid, SIGTERM);
    ends(&idle);
    ask(&begun, "TP/1.1\r\nHost: x\r\n\r\n");
    answer(&begun, &reply, false);
    assert_int_equal(reply.status, 200);
    assert_true(reply.close);
    ends(&begun);
    size_t got = 0;
    do {
        got += busy.used;
        drop(&busy, busy.used);
    } while (got < 4 << 20 && receive(&busy));
    assert_int_equal(got, 4 << 20);
    ends(&busy);
    peer_close(&idle);
    peer_close(&begun);
    peer_close(&busy);
    assert_int_equal(wait_end(&server), 0);
    forget(&server);
}

/* Nobody who waits for a connection's next request knows that it will be its
 * last; the service is in no hurry. */
static void who_was_kept_is_answered_once_more(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    static struct peer peers[COUNT];
    const char *args[] = {"--workers", "2",   "--linger", "60m",
                          "--grace",   "60m", NULL};
    struct program server;
    start_server(&server, root, 0, args);
    for (int i = 0; i < COUNT; i++) {
        peer_open(&peers[i], server.port);
        ask(&peers[i], GET("/a.txt"));
        answer(&peers[i], &reply, false);
        assert_false(reply.close);
    }
    kill(server.pid, SIGTERM);
    while (!is_refused(server.port))
        poll(NULL, 0, 1);
    for (int i = 0; i < COUNT; i++) {
        ask(&peers[i], i % 2 == 0 ? GET("/a.txt") : GET("/nothing"));
        answer(&peers[i], &reply, false);
        assert_int_equal(reply.status, i % 2 == 0 ? 200 : 404);
        assert_true(reply.close);
        ends(&peers[i]);
        peer_close(&peers[i]);
    }
    assert_int_equal(wait_end(&server), 0);
    forget(&server);
}

/* They have nothing to ask for: each ends when it has lingered, within the
 * grace. */
static void who_says_nothing_more_is_left(void **state)
{
    (void)state;
    const char *args[] = {"--workers", "1",   "--linger", "50ms",
                          "--grace",   "60m", NULL};
    struct program server;
    start_server(&server, root, 0, args);
    peer_open(&peer, server.port);
    ask(&peer, GET("/a.txt"));
    answer(&peer, &reply, false);
    kill(server.pid, SIGTERM);
    ends(&peer);
    peer_close(&peer);
    assert_int_equal(wait_end(&server), 0);
    forget(&server);
}

/* The grace is longer than anybody's patience. */
static void idle_connections_do_not_delay_the_end(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    static struct peer peers[COUNT];
    static const int signals[] = {SIGINT, SIGTERM};
    const char *args[] = {"--grace", "60m", "--linger", "0", NULL};
    for (size_t k = 0; k < COUNT_OF(signals); k++) {
        struct program server;
        start_server(&server, root, 0, args);
        for (int i = 0; i < COUNT; i++) {
            peer_open(&peers[i], server.port);
            if (i % 10 == 0) /* the others have not asked yet */
                continue;
            ask(&peers[i], GET("/a.txt"));
            answer(&peers[i], &reply, false);
            assert_false(reply.close);
        }
        assert_int_equal(stop(&server, signals[k]), 0);
        for (int i = 0; i < COUNT; i++) {
            ends(&peers[i]);
            peer_close(&peers[i]);
        }
    }
}

static void who_has_just_connected_is_answered(void **state)
{
    (void)state;
    static struct peer fresh;
    const char *args[] = {"--workers", "1", NULL};
    struct program server;
    start_server(&server, root, 0, args);
    peer_open(&peer, server.port);
    ask(&peer, GET("/a.txt"));
    answer(&peer, &reply, false);
    peer_open(&fresh, server.port);
    ask_once(server.port, GET("/a.txt"), &reply); /* it has been accepted */
    kill(server.pid, SIGTERM);
    ask(&fresh, GET("/a.txt")); /* as it is told to end, or right after */
    answer(&fresh, &reply, false);
    assert_int_equal(reply.status, 200);
    peer_close(&fresh);
    ends(&peer);
    peer_close(&peer);
    assert_int_equal(wait_end(&server), 0);
    forget(&server);
}

static void the_grace_ends_what_is_under_way(void **state)
{
    (void)state;
    const char *args[] = {"--grace", "100ms", NULL};
    struct program server;
    start_server(&server, root, 0, args);
    peer_open(&peer, server.port);
    ask(&peer, GET("/sparse"));
    wait_for(peer.fd, POLLIN); /* it reads nothing */
    assert_int_equal(stop(&server, SIGINT), 0);
    peer_close(&peer);
}

static void a_killed_worker_is_reported_and_replaced(void **state)
{
    (void)state;
    const char *args[] = {"--workers", "1", "--verbose", NULL};
    struct program server;
    start_server(&server, root, 0, args);
    wait_line(&server, "service ready");
    pid_t pids[WORKERS_MAX];
    workers_of(&server, pids);
    char line[128];
    snprintf(line, sizeof(line), "worker 0.0 (%ld) has ended: signal 9, Killed",
             (long)pids[0]);
    kill(pids[0], SIGKILL);
    wait_line(&server, line);
    assert_int_equal(ask_once(server.port, GET("/a.txt"), &reply), 200);
    assert_int_equal(stop(&server, SIGTERM), 0);
}

static void without_restarts_a_killed_worker_ends_it(void **state)
{
    (void)state;
    const char *args[] = {"--workers", "2", "--restart", "stop", NULL};
    struct program server;
    start_server(&server, root, 0, args);
    assert_int_equal(ask_once(server.port, GET("/a.txt"), &reply), 200);
    pid_t pids[WORKERS_MAX];
    workers_of(&server, pids);
    kill(pids[0], SIGKILL);
    assert_int_equal(wait_end(&server), 1);
    char pid[16];
    snprintf(pid, sizeof(pid), "%ld", (long)pids[0]);
    if (strstr(errors_of(&server), pid) == NULL)
        fail_msg("the report: '%s'", errors_of(&server));
    assert_true(is_refused(server.port));
    forget(&server);
}

static size_t allow_descriptors(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_max > 1 << 20 ? 1 << 20 : (size_t)limit.rlim_max;
}

/* Whether the connection was refused with 408 and ended. */
static bool timed_out(int fd)
{
    char text[512];
    size_t n = 0;
    for (;;) {
        wait_for(fd, POLLIN);
        ssize_t more = recv(fd, text + n, sizeof(text) - 1 - n, 0);
        if (more <= 0)
            break;
        n += (size_t)more;
    }
    text[n] = '\0';
    return strncmp(text, "HTTP/1.1 408 ", 13) == 0;
}

/* As many clients as descriptors allow send one byte and fall silent. */
static void half_open_clients_do_not_stop_honest_ones(void **state)
{
    (void)state;
    static int fds[HALF_OPEN_MAX];
    size_t limit = allow_descriptors() - 64;
    size_t n = limit * 3 / 4 < HALF_OPEN_MAX ? limit * 3 / 4 : HALF_OPEN_MAX;
    const char *args[] = {"--workers", "2", "--header-timeout", "3s", NULL};
    struct program server;
    start_server(&server, root, 0, args);
    for (size_t i = 0; i < n; i++) {
        peer_open(&peer, server.port);
        ask(&peer, "G");
        fds[i] = peer.fd;
        if (i % 500 == 0)
            assert_int_equal(ask_once(server.port, GET("/a.txt"), &reply), 200);
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(ask_once(server.port, GET("/a.txt"), &reply), 200);
    for (size_t i = 0; i < n; i++) {
        assert_true(timed_out(fds[i]));
        close(fds[i]);
    }
    assert_int_equal(ask_once(server.port, GET("/a.txt"), &reply), 200);
    assert_int_equal(stop(&server, SIGTERM), 0);
}

static void clients_that_never_read_do_not_grow_it(void **state)
{
    (void)state;
    enum { COUNT = 50, ALLOWED_KIB = 8 * 1024 };
    int fds[COUNT];
    const char *args[] = {"--workers", "1", "--write-timeout", "2s", NULL};
    struct program server;
    start_server(&server, root, 0, args);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask_once(server.port, GET("/a.txt"), &reply), 200);
    long before = memory_of(&server);
    for (int i = 0; i < COUNT; i++) {
        peer_open(&peer, server.port);
        for (int k = 0; k < 20; k++)
            ask(&peer, i % 2 == 0 ? GET("/sparse") : GET("/large"));
        fds[i] = peer.fd;
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(ask_once(server.port, GET("/a.txt"), &reply), 200);
    long grown = memory_of(&server) - before;
    if (grown > ALLOWED_KIB)
        fail_msg("grown by %ld KiB", grown);
    for (int i = 0; i < COUNT; i++) { /* and are thrown out in the end */
        struct pollfd p = {.fd = fds[i]};
        assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
        assert_true((p.revents & (POLLERR | POLLHUP)) != 0);
        close(fds[i]);
    }
    assert_int_equal(stop(&server, SIGTERM), 0);
}

static int open_listener(uint16_t *ret_port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(a);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
    assert_int_equal(listen(fd, 100), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

static void generations_share_a_socket_that_is_handed_to_them(void **state)
{
    (void)state;
    uint16_t port;
    int fd = open_listener(&port);
    struct program first, second;
    start_server(&first, root, fd, NULL);
    assert_int_equal(first.port, port);
    assert_int_equal(ask_once(port, GET("/a.txt"), &reply), 200);
    start_server(&second, root, fd, NULL);
    assert_int_equal(second.port, port);
    assert_int_equal(stop(&first, SIGTERM), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask_once(port, GET("/a.txt"), &reply), 200);
    assert_int_equal(stop(&second, SIGTERM), 0);
    close(fd);
}

static void a_handed_descriptor_is_looked_at(void **state)
{
    (void)state;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const char *args[] = {"--root", root, NULL};
    struct program p;
    start(&p, "http_server", fd, args);
    assert_int_equal(wait_end(&p), 1);
    assert_non_null(strstr(errors_of(&p), "LISTEN_FDS"));
    forget(&p);
    close(fd);
}

static void mistakes_are_explained(void **state)
{
    (void)state;
    uint16_t port;
    int fd = open_listener(&port);
    char taken[8];
    snprintf(taken, sizeof(taken), "%u", (unsigned)port);
    const struct {
        const char *args[5];
        int status;
        const char *says;
    } cases[] = {
        {{"--port", "x", NULL}, 2, "'x'"},
        {{"--port", "65536", NULL}, 2, "'65536'"},
        {{"--port", "-1", NULL}, 2, "'-1'"},
        {{"--workers", "", NULL}, 2, "''"},
        {{"--grace", "5h", NULL}, 2, "'5h'"},
        {{"--grace", "99999999999m", NULL}, 2, "'99999999999m'"},
        {{"--max-memory", "1T", NULL}, 2, "'1T'"},
        {{"--max-memory", "99999999999G", NULL}, 2, "'99999999999G'"},
        {{"--restart", "never", NULL}, 2, "'never'"},
        {{"--bind", "unix:", NULL}, 1, "'unix:'"},
        {{"--nothing", NULL}, 2, "nothing"},
        {{"more", NULL}, 2, "'more'"},
        {{"--root", "/nothing/there", NULL}, 1, "/nothing/there"},
        {{"--bind", "localhost", NULL}, 1, "'localhost'"},
        {{"--port", taken, NULL}, 1, taken},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct program p;
        start(&p, "http_server", 0, cases[i].args);
        int status = wait_end(&p);
        if (status != cases[i].status ||
            strstr(errors_of(&p), cases[i].says) == NULL)
            fail_msg("%s: %d, %s", cases[i].args[0], status, errors_of(&p));
        forget(&p);
    }
    close(fd);
}

/* A release is a directory, and the root a link to the latest one. */
static void a_reload_serves_the_directory_that_is_there_then(void **state)
{
    (void)state;
    char link[128], release[128];
    const char *args[] = {"--workers", "1", "--verbose", NULL};
    snprintf(link, sizeof(link), "%s/current", root);
    snprintf(release, sizeof(release), "%s/second", root);
    assert_int_equal(mkdir(release, 0700), 0);
    make_file(release, "a.txt", "second\n", 7);
    assert_int_equal(symlink(".", link), 0);
    struct program server;
    start_server(&server, link, 0, args);
    wait_line(&server, "service ready");
    pid_t pids[WORKERS_MAX];
    workers_of(&server, pids);
    char end[64];
    snprintf(end, sizeof(end), "worker 0.0 (%ld) has ended", (long)pids[0]);
    assert_int_equal(unlink(link), 0);
    kill(server.pid, SIGHUP); /* there is none now: called off */
    wait_line(&server, "service reloaded: No such file or directory");
    ask_once(server.port, GET("/a.txt"), &reply);
    assert_string_equal(reply.body, "hello\n");
    assert_int_equal(symlink(release, link), 0);
    kill(server.pid, SIGHUP);
    wait_line(&server, end);
    ask_once(server.port, GET("/a.txt"), &reply);
    assert_string_equal(reply.body, "second\n");
    assert_int_equal(stop(&server, SIGTERM), 0);
}

static void a_unix_socket_serves(void **state)
{
    (void)state;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    char bind[128], line[256], want[256];
    int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/http.sock", root);
    snprintf(bind, sizeof(bind), "unix:%s", a.sun_path);
    snprintf(want, sizeof(want), "listening on %s (1 worker)", bind);
    const char *args[] = {"--root",    root, "--bind", bind,
                          "--workers", "1",  NULL};
    assert_true(n < (int)sizeof(a.sun_path));
    struct program server;
    start(&server, "http_server", 0, args);
    read_line(&server, line, sizeof(line));
    assert_string_equal(line, want);
    peer.used = 0;
    peer.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(peer.fd, (struct sockaddr *)&a, sizeof(a)), 0);
    ask(&peer, GET("/a.txt"));
    answer(&peer, &reply, false);
    assert_int_equal(reply.status, 200);
    peer_close(&peer);
    assert_int_equal(stop(&server, SIGTERM), 0);
}

static void help_is_printed(void **state)
{
    (void)state;
    const char *args[] = {"--help", NULL};
    struct program p;
    char line[128];
    start(&p, "http_server", 0, args);
    read_line(&p, line, sizeof(line));
    assert_string_equal(line, "Usage: http_server [OPTION]...");
    assert_int_equal(wait_end(&p), 0);
    forget(&p);
}

int main(void)
{
    char path[4096];
    if (!find_program(path, sizeof(path), "http_server"))
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigterm_drains),
        cmocka_unit_test(who_was_kept_is_answered_once_more),
        cmocka_unit_test(who_says_nothing_more_is_left),
        cmocka_unit_test(idle_connections_do_not_delay_the_end),
        cmocka_unit_test(who_has_just_connected_is_answered),
        cmocka_unit_test(the_grace_ends_what_is_under_way),
        cmocka_unit_test(a_killed_worker_is_reported_and_replaced),
        cmocka_unit_test(without_restarts_a_killed_worker_ends_it),
        cmocka_unit_test(half_open_clients_do_not_stop_honest_ones),
        cmocka_unit_test(clients_that_never_read_do_not_grow_it),
        cmocka_unit_test(generations_share_a_socket_that_is_handed_to_them),
        cmocka_unit_test(a_handed_descriptor_is_looked_at),
        cmocka_unit_test(mistakes_are_explained),
        cmocka_unit_test(a_reload_serves_the_directory_that_is_there_then),
        cmocka_unit_test(a_unix_socket_serves),
        cmocka_unit_test(help_is_printed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
