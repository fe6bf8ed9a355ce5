/* SPDX-License-Identifier: MIT */
/*
 * libcurl, by its multi_socket interface, in hem's loop: transfers run beside
 * tasks, on sockets that watches are for and timers that are callbacks. Built
 * only where libcurl is.
 */
#include "support.h"

#include <curl/curl.h>

#include "net.h"

#define TRANSFERS 8
#define BODY      100000

struct socket {
    hem_fd_watch watch;
    curl_socket_t fd;
};

static struct {
    CURLM *multi;
    hem_callback timer;
    hem_event ended;
    int running;
    int sockets; /* that are watched */
} c;

static void act(curl_socket_t fd, int events)
{
    check_int(curl_multi_socket_action(c.multi, fd, events, &c.running),
              CURLM_OK);
    if (c.running == 0)
        hem_event_set(&c.ended);
}

static void on_time(void *arg)
{
    (void)arg;
    act(CURL_SOCKET_TIMEOUT, 0);
}

static void on_ready(void *arg, int events)
{
    struct socket *s = arg;
    int said = events & HEM_HANGUP ? CURL_CSELECT_ERR : 0;
    if (events & HEM_READABLE)
        said |= CURL_CSELECT_IN;
    if (events & HEM_WRITABLE)
        said |= CURL_CSELECT_OUT;
    act(s->fd, said);
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    (void)multi;
    (void)arg;
    hem_callback_cancel(&c.timer);
    if (ms >= 0)
        check_int(hem_call_later(&c.timer, ms * HEM_MSEC), 0);
    return 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
                     void *mine)
{
    struct socket *s = mine;
    (void)easy;
    (void)arg;
    if (what == CURL_POLL_REMOVE) {
        check(hem_fd_watch_stop(&s->watch));
        free(s);
        c.sockets--;
        return 0;
    }
    int events = (what & CURL_POLL_IN ? HEM_READABLE : 0) |
                 (what & CURL_POLL_OUT ? HEM_WRITABLE : 0);
    if (s) {
        check_int(hem_fd_watch_change(&s->watch, events), 0);
        return 0;
    }
    s = malloc(sizeof(*s));
    if (!s)
        abort();
    s->fd = fd;
    hem_fd_watch_init(&s->watch, on_ready, s);
    check_int(curl_multi_assign(c.multi, fd, s), CURLM_OK);
    check_int(hem_fd_watch_start(&s->watch, fd, events), 0);
    c.sockets++;
    return 0;
}

/* The server. */

static int answer(hem_stream *s, void *arg)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    static char body[BODY];
    char *line;
    ssize_t n;
    (void)arg;
    while ((n = hem_stream_read_line(s, &line)) > 2)
        continue;
    HEM_TRY(n);
    HEM_TRY(hem_stream_write(s, head, sizeof(head) - 1));
    HEM_TRY(hem_sleep(HEM_MSEC));
    memset(body, 'x', sizeof(body));
    HEM_TRY(hem_stream_write(s, body, sizeof(body)));
    return 0;
}

static int serve(void *arg)
{
    return hem_serve(arg, answer, NULL, NULL);
}

static size_t count_bytes(char *p, size_t size, size_t n, void *arg)
{
    (void)p;
    *(size_t *)arg += size * n;
    return size * n;
}

static CURL *begin(const char *url, size_t *received)
{
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, received);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    check_int(curl_multi_add_handle(c.multi, easy), CURLM_OK);
    return easy;
}

static int transfer(uint16_t port)
{
    char url[64];
    CURL *easy[TRANSFERS];
    size_t received[TRANSFERS] = {0};
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
    for (int i = 0; i < TRANSFERS; i++)
        easy[i] = begin(url, &received[i]);
    int rc = hem_event_wait(&c.ended);
    for (int i = 0; i < TRANSFERS; i++) {
        check_int(received[i], BODY);
        curl_multi_remove_handle(c.multi, easy[i]);
        curl_easy_cleanup(easy[i]);
    }
    return rc;
}

static int transfer_main(void *arg)
{
    hem_listener l;
    (void)arg;
    uint16_t port = net_listen(&l);
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, serve, &l));
    hem_event_init(&c.ended);
    hem_callback_init(&c.timer, on_time, NULL);
    c.multi = curl_multi_init();
    curl_multi_setopt(c.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(c.multi, CURLMOPT_TIMERFUNCTION, on_timer);
    check_int(transfer(port), 0);
    curl_multi_cleanup(c.multi);
    hem_callback_cancel(&c.timer);
    check_int(c.sockets, 0);
    check_int(hem_listener_close(&l), 0);
    return hem_scope_close(&s, 0);
}

static void transfers_run_in_the_loop(void **state)
{
    (void)state;
    /* libcurl goes by the clock of the machine. */
    hem_run_options o = {.stack_bytes = 1 << 20};
    check_int(hem_run(transfer_main, NULL, &o), 0);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {LEDGER_TEST(transfers_run_in_the_loop)};
    curl_global_init(CURL_GLOBAL_ALL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
