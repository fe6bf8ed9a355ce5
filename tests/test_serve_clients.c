/* SPDX-License-Identifier: MIT */
/* hem_serve: its connections, counted, closed and reset from outside; several
 * addresses; clients behind a proxy. */
#include "support.h"

#include <errno.h>
#include <sys/socket.h>

#include "net.h"
#include "serving.h"
#include "unix_net.h"

static int read_on(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    char buf[64];
    ssize_t n;
    sv->begun++;
    while ((n = hem_stream_read(s, buf, sizeof(buf))) > 0)
        ;
    sv->ended++;
    sv->result = (int)n;
    return (int)n;
}

static void connect_all(const struct serving *sv, int *ret, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ret[i] = net_connect(sv->port);
    net_settle();
}

static void close_all(const int *peers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        net_close(peers[i]);
}

VIRTUAL_TEST(a_listener_that_nobody_serves_has_no_connections)
{
    HEM_LISTENER(l);
    check_int(hem_listener_connections(&l), 0);
    check_int(hem_listener_close_clients(&l), 0);
    net_listen(&l);
    check_int(hem_listener_connections(&l), 0);
    check_int(hem_listener_abort_clients(&l), 0);
    return 0;
}

VIRTUAL_TEST(connections_are_counted)
{
    struct serving sv = {.fn = read_on};
    int peers[5];
    hem_task *t = serving_start(&sv);
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        connect_all(&sv, &peers[i], 1);
        check_int(hem_listener_connections(&sv.listener), i + 1);
    }
    for (size_t i = COUNT_OF(peers); i-- > 0;) {
        net_close(peers[i]);
        net_settle();
        check_int(hem_listener_connections(&sv.listener), i);
    }
    serving_stop(&sv, t);
    return 0;
}

VIRTUAL_TEST(closed_clients_find_their_streams_closed_and_nothing_is_reported)
{
    struct serving sv = {.fn = read_on};
    int peers[3];
    hem_task *t = serving_start(&sv);
    connect_all(&sv, peers, 3);
    check_int(hem_listener_close_clients(&sv.listener), 3);
    check_int(hem_listener_close_clients(&sv.listener), 0); /* they are */
    check_int(hem_listener_connections(&sv.listener), 3);
    net_settle();
    check_int(sv.ended, 3);
    check_int(sv.result, HEM_EBADF);
    check_int(hem_listener_connections(&sv.listener), 0);
    for (int i = 0; i < 3; i++)
        check(net_hears_the_end(peers[i]));
    close_all(peers, 3);
    connect_all(&sv, peers, 1); /* it goes on */
    check_int(hem_listener_connections(&sv.listener), 1);
    net_close(peers[0]);
    serving_stop(&sv, t);
    return 0;
}

VIRTUAL_TEST(aborted_clients_get_a_reset)
{
    struct serving sv = {.fn = read_on};
    int peers[3];
    char byte;
    hem_task *t = serving_start(&sv);
    connect_all(&sv, peers, 3);
    check_int(hem_listener_abort_clients(&sv.listener), 3);
    for (int i = 0; i < 3; i++) {
        check_int(recv(peers[i], &byte, 1, 0), -1);
        check_int(errno, ECONNRESET);
    }
    net_settle();
    check_int(sv.ended, 3);
    check_int(sv.result, HEM_EBADF);
    close_all(peers, 3);
    serving_stop(&sv, t);
    return 0;
}

VIRTUAL_TEST(a_server_that_drains_is_done_when_its_clients_are_closed)
{
    struct serving sv = {.fn = read_on, .options.grace = HEM_NEVER};
    int peers[3];
    hem_task *t = serving_start(&sv);
    connect_all(&sv, peers, 3);
    check_int(hem_listener_close(&sv.listener), 0);
    check_int(hem_sleep(100 * HEM_SEC), 0);
    check(!hem_task_done(t));
    check_int(hem_listener_connections(&sv.listener), 3);
    hem_ns begun = hem_now();
    check_int(hem_listener_close_clients(&sv.listener), 3);
    check_int(hem_await(t), 0);
    check_int(hem_now(), begun);
    check_int(hem_listener_connections(&sv.listener), 0);
    close_all(peers, 3);
    return 0;
}

/* Closes all others and itself. */
static int close_the_lot(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    char byte;
    sv->begun++;
    ssize_t n = hem_stream_read(s, &byte, 1);
    if (n == 1)
        sv->result = (int)hem_listener_close_clients(&sv->listener);
    if (n == 1)
        check_int(hem_stream_read(s, &byte, 1), HEM_EBADF);
    sv->ended++;
    return (int)n;
}

VIRTUAL_TEST(a_connection_may_close_all_and_itself)
{
    struct serving sv = {.fn = close_the_lot};
    int peers[3];
    hem_task *t = serving_start(&sv);
    connect_all(&sv, peers, 3);
    net_say(peers[1], "x");
    net_settle();
    check_int(sv.result, 3);
    check_int(sv.ended, 3);
    close_all(peers, 3);
    serving_stop(&sv, t);
    return 0;
}

/* Closes the clients before it has suspended for the first time. */
static int close_at_once(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    sv->begun++;
    sv->ended++;
    sv->result = (int)hem_listener_abort_clients(&sv->listener);
    return hem_stream_close(s);
}

VIRTUAL_TEST(a_connection_counts_from_its_first_step)
{
    struct serving sv = {.fn = close_at_once};
    int peer;
    hem_task *t = serving_start(&sv);
    connect_all(&sv, &peer, 1);
    check_int(sv.result, 1);
    net_close(peer);
    serving_stop(&sv, t);
    return 0;
}

/* Other errors of a connection that was closed are its own. */
static int fail_by_itself(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    char byte;
    sv->begun++;
    check_int(hem_stream_read(s, &byte, 1), HEM_EBADF);
    sv->ended++;
    return HEM_EIO;
}

VIRTUAL_TEST(a_closed_client_may_still_fail)
{
    struct serving sv = {.fn = fail_by_itself};
    int peer;
    hem_task *t = serving_start(&sv);
    connect_all(&sv, &peer, 1);
    check_int(hem_listener_close_clients(&sv.listener), 1);
    net_settle();
    check_report(HEM_REPORT_CHILD, "connection", HEM_EIO);
    net_close(peer);
    serving_stop(&sv, t);
    return 0;
}

static int look_in_child(void *arg)
{
    check_int(hem_listener_connections(arg), 0);
    check_int(hem_listener_close_clients(arg), 0);
    check_int(hem_listener_abort_clients(arg), 0);
    return check_failures_take();
}

VIRTUAL_TEST(in_a_forked_child_there_are_no_clients)
{
    struct serving sv = {.fn = read_on};
    struct ending e;
    int peer;
    hem_task *t = serving_start(&sv);
    connect_all(&sv, &peer, 1);
    process_run(look_in_child, &sv.listener, &e);
    check_int(e.status, 0);
    check_int(hem_listener_connections(&sv.listener), 1);
    net_close(peer);
    serving_stop(&sv, t);
    return 0;
}

VIRTUAL_TEST(all_addresses_are_served)
{
    struct serving sv = {.fn = read_on};
    char path[64];
    hem_address a;
    unix_begin(path);
    hem_task *t = serving_start(&sv);
    check_int(hem_address_unix(&a, path, strlen(path)), 0);
    check_int(hem_listener_add_address(&sv.listener, &a, NULL), 0);
    int peers[2] = {unix_connect(path), net_connect(sv.port)};
    net_settle();
    check_int(hem_listener_connections(&sv.listener), 2);
    close_all(peers, 2);
    serving_stop(&sv, t);
    unix_end();
    return 0;
}

/* Behind a proxy. */

static int tell_peer(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    hem_stream_info info;
    sv->begun++;
    check_int(hem_stream_get_info(s, &info), 0);
    hem_address_format(&info.peer, sv->text);
    check_int(hem_stream_write(s, "hello", 5), 5);
    sv->ended++;
    return info.proxied;
}

VIRTUAL_TEST(who_comes_through_a_proxy_is_known)
{
    struct serving sv = {.fn = tell_peer, .options.proxy = true};
    hem_task *t = serving_start(&sv);
    int peer = net_connect(sv.port);
    net_settle();
    check_int(sv.begun, 0);
    net_say(peer, "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n");
    net_settle();
    check(net_hears(peer, "hello"));
    check_str(sv.text, "192.0.2.1:56324");
    check(net_hears_the_end(peer));
    net_close(peer);
    serving_stop(&sv, t);
    return 0;
}

VIRTUAL_TEST(who_does_not_is_closed_without_a_word)
{
    static const char *const words[] = {"GET / HTTP/1.1\r\n\r\n", "PROXY TC",
                                        ""};
    struct serving sv = {.fn = tell_peer, .options.proxy = true};
    hem_task *t = serving_start(&sv);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        int peer = net_connect(sv.port);
        net_say(peer, words[i]);
        net_finish(peer);
        net_settle();
        check_int(hem_listener_connections(&sv.listener), 0);
        net_close(peer);
    }
    check_int(sv.begun, 0);
    serving_stop(&sv, t);
    return 0;
}

/* How long a connection lives that sends a byte of its header each second. */
static hem_ns patience(hem_ns proxy_timeout)
{
    struct serving sv = {.fn = tell_peer,
                         .options.proxy = true,
                         .options.proxy_timeout = proxy_timeout};
    hem_task *t = serving_start(&sv);
    hem_ns begun = hem_now();
    int peer = net_connect(sv.port);
    net_settle();
    const char *line = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n";
    while (hem_listener_connections(&sv.listener) > 0 && *line) {
        (void)!send(peer, line++, 1, MSG_NOSIGNAL);
        check_int(hem_sleep(HEM_SEC), 0);
    }
    hem_ns lived = hem_now() - begun;
    check_int(sv.begun, *line ? 0 : 1);
    net_close(peer);
    serving_stop(&sv, t);
    return lived / HEM_SEC;
}

VIRTUAL_TEST(a_header_is_waited_for_as_a_whole_and_not_for_ever)
{
    check_int(patience(0), 10);
    check_int(patience(3 * HEM_SEC), 3);
    check_int(patience(HEM_NEVER), 42); /* all of it */
    return 0;
}

VIRTUAL_TEST(who_owes_a_header_can_be_closed_and_cancelled)
{
    for (int cancel = 0; cancel < 2; cancel++) {
        struct serving sv = {.fn = tell_peer, .options.proxy = true};
        int peer;
        hem_task *t = serving_start(&sv);
        connect_all(&sv, &peer, 1);
        check_int(hem_listener_connections(&sv.listener), 1);
        if (cancel) {
            hem_task_cancel(t, "test");
            check_int(hem_await(t), HEM_ECANCELED);
            check_int(hem_listener_close(&sv.listener), 0);
        } else {
            check_int(hem_listener_close_clients(&sv.listener), 1);
            net_settle();
            check_int(hem_listener_connections(&sv.listener), 0);
            serving_stop(&sv, t);
        }
        check_int(sv.begun, 0);
        check(net_hears_the_end(peer));
        net_close(peer);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_listener_that_nobody_serves_has_no_connections),
        LEDGER_TEST(connections_are_counted),
        LEDGER_TEST(
            closed_clients_find_their_streams_closed_and_nothing_is_reported),
        LEDGER_TEST(aborted_clients_get_a_reset),
        LEDGER_TEST(a_server_that_drains_is_done_when_its_clients_are_closed),
        LEDGER_TEST(a_connection_may_close_all_and_itself),
        LEDGER_TEST(a_connection_counts_from_its_first_step),
        LEDGER_TEST(a_closed_client_may_still_fail),
        LEDGER_TEST(in_a_forked_child_there_are_no_clients),
        LEDGER_TEST(all_addresses_are_served),
        LEDGER_TEST(who_comes_through_a_proxy_is_known),
        LEDGER_TEST(who_does_not_is_closed_without_a_word),
        LEDGER_TEST(a_header_is_waited_for_as_a_whole_and_not_for_ever),
        LEDGER_TEST(who_owes_a_header_can_be_closed_and_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
