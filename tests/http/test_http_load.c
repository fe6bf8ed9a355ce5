/* SPDX-License-Identifier: MIT */
/* http_load: its account is exact, also of servers that lie. */
#include "load.h"

static char root[64];

static int set_up(void **state)
{
    (void)state;
    strcpy(root, "/tmp/hem-load-XXXXXX");
    assert_non_null(mkdtemp(root));
    load_make_files(root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_tree(root);
    return 0;
}

static uint64_t counted(const char *name)
{
    return load_counted(root, name);
}

/* Run http_load with so many requests over so many connections. */
static int load(uint16_t port, const char *requests, const char *connections)
{
    const char *args[] = {"--requests", requests, "--connections", connections,
                          NULL};
    struct program p;
    load_start(&p, root, port, args);
    return load_wait(&p, root);
}

static void right_answers_are_counted(void **state)
{
    (void)state;
    struct program server;
    start_server(&server, root, 0, NULL);
    assert_int_equal(load(server.port, "5000", "20"), 0);
    assert_int_equal(counted("sent"), 5000);
    assert_int_equal(counted("answered"), 5000);
    assert_int_equal(counted("retried"), 0);
    assert_int_equal(counted("bytes"), 2500 * 6 + 2500 * 100000ull);
    assert_int_equal(stop(&server, SIGTERM), 0);
}

/* A server in a process of its own that answers each connection with
 * `responses`, one for each request, and then closes it. */
struct liar {
    pid_t pid;
    uint16_t port;
};

/* Receive a request; it may come in pieces. */
static bool take_request(int fd)
{
    char text[1024];
    size_t size = 0;
    while (size < sizeof(text)) {
        ssize_t n = recv(fd, text + size, sizeof(text) - size, 0);
        if (n <= 0)
            return false;
        size += (size_t)n;
        if (memmem(text, size, "\r\n\r\n", 4))
            return true;
    }
    return false;
}

static void answer_one_by_one(int fd, const char *const *responses)
{
    char request[1024];
    for (; *responses != NULL; responses++) {
        if (!take_request(fd))
            break;
        send(fd, *responses, strlen(*responses), MSG_NOSIGNAL);
    }
    shutdown(fd, SHUT_WR);
    while (responses[0] == NULL && recv(fd, request, sizeof(request), 0) > 0)
        ;
    close(fd);
}

static void liar_start(struct liar *l, const char *const *responses)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(a);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&a, size), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &size), 0);
    l->port = ntohs(a.sin_port);
    if (responses != NULL) /* else: nobody listens */
        assert_int_equal(listen(listener, 100), 0);
    l->pid = fork();
    assert_true(l->pid >= 0);
    if (l->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            int fd = responses != NULL ? accept(listener, NULL, NULL) : -1;
            if (fd >= 0)
                answer_one_by_one(fd, responses);
            else
                pause();
        }
    }
    close(listener);
}

static void liar_stop(const struct liar *l)
{
    kill(l->pid, SIGKILL);
    waitpid(l->pid, NULL, 0);
}

#define OK_6 "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"

static void lies_are_counted(void **state)
{
    (void)state;
    static const struct {
        const char *responses[4];
        const char *as;
    } cases[] = {
        {{OK_6 "hellO\n", NULL}, "wrong"},
        {{OK_6 "hello\n!", NULL}, "wrong"},
        {{OK_6 "hell", NULL}, "partial"},
        {{"HTTP/1.1 200 OK\r\nContent-Le", NULL}, "partial"},
        {{NULL}, "reset"},
        {{"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhello\n\n", NULL},
         "wrong"},
        {{"HTTP/1.1 200 OK\r\n\r\nhello\n", NULL}, "wrong"},
        {{"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nhello\n", NULL},
         "wrong"},
        {{"hello\r\n\r\n", NULL}, "wrong"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct liar liar;
        liar_start(&liar, cases[i].responses);
        int status = load(liar.port, "1", "1");
        if (status != 1 || counted(cases[i].as) != 1)
            fail_msg("case %zu is not counted as %s", i, cases[i].as);
        liar_stop(&liar);
    }
}

static void refusals_are_counted(void **state)
{
    (void)state;
    struct liar liar;
    liar_start(&liar, NULL);
    assert_int_equal(load(liar.port, "10", "3"), 1);
    assert_int_equal(counted("refused"), 10);
    liar_stop(&liar);
}

/* Connections end behind two responses without a word: the third request on
 * each is sent again. */
static void a_request_that_crosses_the_end_is_sent_again(void **state)
{
    (void)state;
    static const char *const two[] = {OK_6 "hello\n", OK_6 "hello\n", NULL};
    make_file(root, "b.bin", "hello\n", 6);
    struct liar liar;
    liar_start(&liar, two);
    assert_int_equal(load(liar.port, "7", "1"), 0);
    assert_int_equal(counted("answered"), 7);
    assert_int_equal(counted("retried"), 3);
    liar_stop(&liar);
}

/* Run http_load once, with an option, and count what it counts. */
static int load_with(uint16_t port, const char *requests, const char *option,
                     const char *value)
{
    const char *args[] = {"--requests", requests, "--connections", "1", option,
                          value,        NULL};
    struct program p;
    load_start(&p, root, port, args);
    return load_wait(&p, root);
}

static void a_strict_client_sends_nothing_again(void **state)
{
    (void)state;
    static const char *const two[] = {OK_6 "hello\n", OK_6 "hello\n", NULL};
    struct liar liar;
    liar_start(&liar, two);
    assert_int_equal(load_with(liar.port, "7", "--strict", NULL), 1);
    assert_int_equal(counted("answered"), 5);
    assert_int_equal(counted("reset"), 2);
    assert_int_equal(counted("retried"), 0);
    assert_int_equal(counted("opened"), 3);
    liar_stop(&liar);
}

static void an_answer_that_does_not_come_is_counted(void **state)
{
    (void)state;
    static const char *const one[] = {"HTTP/1.1 200 OK\r\n", "", "", NULL};
    struct liar liar;
    liar_start(&liar, one);
    assert_int_equal(load_with(liar.port, "1", "--timeout", "0.1"), 1);
    assert_int_equal(counted("timeout"), 1);
    liar_stop(&liar);
}

static void connections_of_one_request_are_opened_for_each(void **state)
{
    (void)state;
    struct program server;
    start_server(&server, root, 0, NULL);
    assert_int_equal(load_with(server.port, "20", "--close", NULL), 0);
    assert_int_equal(counted("opened"), 20);
    assert_int_equal(counted("announced"), 20);
    assert_int_equal(stop(&server, SIGTERM), 0);
}

static void sigterm_ends_it_behind_the_requests_under_way(void **state)
{
    (void)state;
    const char *args[] = {"--seconds", "3600", NULL};
    struct program server, p;
    start_server(&server, root, 0, NULL);
    load_start(&p, root, server.port, args);
    wait_errors(&p, "answered"); /* its first report */
    assert_true(load_end(&p, root) > 0);
    assert_int_equal(counted("abandoned"), 0);
    assert_int_equal(stop(&server, SIGTERM), 0);
}

/* An end that was announced is none that a request can cross. */
static void an_announced_end_is_respected(void **state)
{
    (void)state;
    static const char *const last[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n"
        "hello\n",
        NULL};
    struct liar liar;
    liar_start(&liar, last);
    assert_int_equal(load(liar.port, "6", "1"), 0);
    assert_int_equal(counted("answered"), 6);
    assert_int_equal(counted("announced"), 6);
    assert_int_equal(counted("retried"), 0);
    liar_stop(&liar);
}

static void mistakes_are_explained(void **state)
{
    (void)state;
    const struct {
        const char *args[8];
        int status;
        const char *says;
    } cases[] = {
        {{NULL}, 2, "needed"},
        {{"127.0.0.1", "80", NULL}, 2, "needed"},
        {{"127.0.0.1", "0", "a.txt", NULL}, 2, "'0'"},
        {{"--connections", "0", "127.0.0.1", "1", "a", NULL}, 2, "'0'"},
        {{"--root", "/nothing/there", "127.0.0.1", "1", "a", NULL}, 1, "a, "},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct program p;
        start(&p, "http_load", 0, cases[i].args);
        int status = wait_end(&p);
        if (status != cases[i].status ||
            strstr(errors_of(&p), cases[i].says) == NULL)
            fail_msg("case %zu: %d, %s", i, status, errors_of(&p));
        forget(&p);
    }
}

int main(void)
{
    char path[4096];
    if (!find_program(path, sizeof(path), "http_server") ||
        !find_program(path, sizeof(path), "http_load"))
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_answers_are_counted),
        cmocka_unit_test(lies_are_counted),
        cmocka_unit_test(refusals_are_counted),
        cmocka_unit_test(a_request_that_crosses_the_end_is_sent_again),
        cmocka_unit_test(a_strict_client_sends_nothing_again),
        cmocka_unit_test(an_answer_that_does_not_come_is_counted),
        cmocka_unit_test(connections_of_one_request_are_opened_for_each),
        cmocka_unit_test(sigterm_ends_it_behind_the_requests_under_way),
        cmocka_unit_test(an_announced_end_is_respected),
        cmocka_unit_test(mistakes_are_explained),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
