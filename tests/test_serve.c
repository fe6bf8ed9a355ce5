/* SPDX-License-Identifier: MIT */
/* hem_serve: a task for each connection, and the end of them all. */
#include "support.h"

#include "net.h"
#include "serving.h"

static void enter(struct serving *sv)
{
    sv->active++;
    sv->most = sv->most > sv->active ? sv->most : sv->active;
}

static int echo(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    char buf[64];
    ssize_t n;
    enter(sv);
    while ((n = hem_stream_read(s, buf, sizeof(buf))) > 0) {
        if (hem_stream_write(s, buf, (size_t)n) < 0)
            break;
    }
    sv->active--;
    return (int)n;
}

static int fail_with(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    char byte;
    check_int(hem_stream_read(s, &byte, 1), 1);
    return sv->result;
}

static int take_a_nap(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    (void)s;
    enter(sv);
    int rc = hem_sleep(sv->nap);
    sv->active--;
    return rc;
}

VIRTUAL_TEST(each_connection_is_served)
{
    struct serving sv = {.fn = echo};
    int peers[10];
    hem_task *t = serving_start(&sv);
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        peers[i] = net_connect(sv.port);
        net_say(peers[i], "hello");
    }
    net_settle();
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        check(net_hears(peers[i], "hello"));
    check_int(sv.active, COUNT_OF(peers));
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        net_close(peers[i]);
    serving_stop(&sv, t);
    return 0;
}

static int close_it(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    check_int(hem_stream_write(s, "bye", 3), 3);
    return sv->result ? hem_stream_abort(s) : hem_stream_close(s);
}

VIRTUAL_TEST(a_connection_may_close_its_stream)
{
    for (int how = 0; how < 2; how++) {
        struct serving sv = {.fn = close_it, .result = how};
        hem_task *t = serving_start(&sv);
        int peer = net_connect(sv.port);
        net_settle();
        check(net_hears(peer, "bye"));
        net_close(peer);
        serving_stop(&sv, t);
    }
    return 0;
}

VIRTUAL_TEST(more_connections_than_the_limit_wait)
{
    struct serving sv = {.fn = echo, .options.max_connections = 2};
    int peers[5];
    hem_task *t = serving_start(&sv);
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        peers[i] = net_connect(sv.port);
        net_say(peers[i], "hello");
    }
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        net_settle();
        check(net_hears(peers[i], "hello"));
        size_t left = COUNT_OF(peers) - i;
        check_int(sv.active, left < 2 ? left : 2);
        net_close(peers[i]);
    }
    net_settle();
    serving_stop(&sv, t);
    check_int(sv.most, 2);
    return 0;
}

VIRTUAL_TEST(a_closed_listener_lets_connections_end_in_peace)
{
    struct serving sv = {.fn = take_a_nap, .nap = 5 * HEM_SEC};
    hem_task *t = serving_start(&sv);
    int peer = net_connect(sv.port);
    check_int(hem_sleep(HEM_SEC), 0);
    check_int(sv.active, 1);
    hem_ns begun = hem_now() - HEM_SEC;
    serving_stop(&sv, t);
    check_int((hem_now() - begun) / HEM_SEC, 5);
    check(net_hears_the_end(peer));
    net_close(peer);
    return 0;
}

/* Serve a connection that never ends, with this grace, and close the listener:
 * how long it takes. */
static hem_ns time_to_drain(hem_ns grace)
{
    struct serving sv = {
        .fn = take_a_nap, .nap = HEM_NEVER, .options.grace = grace};
    hem_task *t = serving_start(&sv);
    int peer = net_connect(sv.port);
    net_settle();
    hem_ns begun = hem_now();
    serving_stop(&sv, t);
    check(net_hears_the_end(peer));
    net_close(peer);
    return hem_now() - begun;
}

VIRTUAL_TEST(connections_are_cancelled_when_the_grace_is_over)
{
    check_int(time_to_drain(0), 10 * HEM_SEC);
    check_int(time_to_drain(3 * HEM_SEC), 3 * HEM_SEC);
    check_int(time_to_drain(-1), 0);
    check_int(time_to_drain(INT64_MIN), 0);
    return 0;
}

VIRTUAL_TEST(grace_may_have_no_end)
{
    struct serving sv = {
        .fn = take_a_nap, .nap = 1000000 * HEM_SEC, .options.grace = HEM_NEVER};
    hem_task *t = serving_start(&sv);
    int peer = net_connect(sv.port);
    net_settle();
    serving_stop(&sv, t);
    check(hem_now() >= sv.nap);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(cancelling_the_server_cancels_its_connections)
{
    struct serving sv = {.fn = take_a_nap, .nap = HEM_NEVER};
    int peers[3];
    hem_task *t = serving_start(&sv);
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        peers[i] = net_connect(sv.port);
    net_settle();
    check_int(sv.active, COUNT_OF(peers));
    hem_ns begun = hem_now();
    hem_task_cancel(t, "test");
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), begun);
    check_int(sv.active, 0);
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        net_close(peers[i]);
    sv.fn = close_it;
    peers[0] = net_connect(sv.port); /* the listener can be served again */
    check_int(hem_spawn(&t, serving_run, &sv), 0);
    net_settle();
    check(net_hears(peers[0], "bye"));
    net_close(peers[0]);
    serving_stop(&sv, t);
    return 0;
}

VIRTUAL_TEST(cancelling_a_server_that_drains_ends_the_grace)
{
    struct serving sv = {.fn = take_a_nap, .nap = HEM_NEVER};
    hem_task *t = serving_start(&sv);
    int peer = net_connect(sv.port);
    net_settle();
    check_int(hem_listener_close(&sv.listener), 0);
    check_int(hem_sleep(HEM_SEC), 0);
    check_int(sv.active, 1);
    hem_ns begun = hem_now();
    hem_task_cancel(t, "test");
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_now(), begun);
    check_int(sv.active, 0);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(a_full_server_can_be_closed_and_cancelled)
{
    for (int cancel = 0; cancel < 2; cancel++) {
        struct serving sv = {.fn = take_a_nap,
                             .nap = HEM_NEVER,
                             .options.max_connections = 1,
                             .options.grace = 3 * HEM_SEC};
        hem_task *t = serving_start(&sv);
        int peers[2] = {net_connect(sv.port), net_connect(sv.port)};
        net_settle();
        check_int(sv.active, 1);
        hem_ns begun = hem_now();
        if (cancel) {
            hem_task_cancel(t, "test");
            check_int(hem_await(t), HEM_ECANCELED);
            check_int(hem_now(), begun);
            check_int(hem_listener_close(&sv.listener), 0);
        } else {
            serving_stop(&sv, t);
            check_int(hem_now() - begun, 3 * HEM_SEC);
        }
        check_int(sv.most, 1);
        net_close(peers[0]);
        net_close(peers[1]);
    }
    return 0;
}

/* Closes the listener it came from, and stays. */
static int close_the_server(hem_stream *s, void *arg)
{
    struct serving *sv = arg;
    check_int(hem_listener_close(&sv->listener), 0);
    return take_a_nap(s, arg);
}

VIRTUAL_TEST(a_connection_may_close_a_server_that_it_fills)
{
    struct serving sv = {.fn = close_the_server,
                         .nap = 1000 * HEM_SEC,
                         .options.max_connections = 1,
                         .options.grace = 3 * HEM_SEC};
    hem_task *t = serving_start(&sv);
    int peer = net_connect(sv.port);
    hem_ns begun = hem_now();
    check_int(hem_await(t), 0);
    check_int(hem_now() - begun, 3 * HEM_SEC);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(a_listener_has_one_server)
{
    struct serving sv = {.fn = echo, .options.max_connections = 1};
    hem_stream s = {0};
    hem_task *t = serving_start(&sv);
    check_int(hem_serve(&sv.listener, echo, NULL, NULL), HEM_EBUSY);
    check_int(hem_accept(&sv.listener, &s), HEM_EBUSY);
    int peer = net_connect(sv.port);
    net_settle();
    check_int(sv.active, 1); /* now it is full */
    check_int(hem_serve(&sv.listener, echo, NULL, NULL), HEM_EBUSY);
    check_int(hem_accept(&sv.listener, &s), HEM_EBUSY);
    net_close(peer);
    serving_stop(&sv, t);
    return 0;
}

/* Have a connection end with this result; the peer is told. */
static void end_with(int result, bool quiet)
{
    struct serving sv = {
        .fn = fail_with, .result = result, .options.quiet = quiet};
    hem_task *t = serving_start(&sv);
    int peer = net_connect(sv.port);
    net_say(peer, "x");
    net_settle();
    check(net_hears_the_end(peer));
    net_close(peer);
    serving_stop(&sv, t);
}

VIRTUAL_TEST(the_stream_is_closed_when_its_task_ends)
{
    end_with(7, false);
    return 0;
}

VIRTUAL_TEST(errors_of_connections_are_reported)
{
    end_with(HEM_EINVAL, false);
    check_report(HEM_REPORT_CHILD, "connection", HEM_EINVAL);
    return 0;
}

VIRTUAL_TEST(what_peers_do_is_not_reported)
{
    static const int results[] = {0,
                                  7,
                                  HEM_ECONNRESET,
                                  HEM_EPIPE,
                                  HEM_ETIMEDOUT,
                                  HEM_ECANCELED,
                                  HEM_ETRUNCATED,
                                  HEM_ETLS};
    for (size_t i = 0; i < COUNT_OF(results); i++)
        end_with(results[i], false);
    end_with(HEM_EINVAL, true);
    return 0;
}

static int use_the_stack(hem_stream *s, void *arg)
{
    volatile char frame[300 << 10];
    struct serving *sv = arg;
    (void)s;
    for (size_t i = 0; i < sizeof(frame); i += 4096)
        frame[i] = 1;
    sv->result = frame[0];
    return 0;
}

VIRTUAL_TEST(connections_get_the_stack_they_need)
{
    struct serving sv = {.fn = use_the_stack, .options.stack_bytes = 400 << 10};
    hem_task *t = serving_start(&sv);
    int peer = net_connect(sv.port);
    net_settle();
    check_int(sv.result, 1);
    serving_stop(&sv, t);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(a_stack_that_cannot_be_ends_the_server)
{
    struct serving sv = {.fn = echo, .options.stack_bytes = SIZE_MAX / 2};
    hem_task *t = serving_start(&sv);
    int peer = net_connect(sv.port);
    check_int(hem_await(t), HEM_EINVAL);
    check_int(hem_listener_close(&sv.listener), 0);
    net_close(peer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(each_connection_is_served),
        LEDGER_TEST(the_stream_is_closed_when_its_task_ends),
        LEDGER_TEST(a_connection_may_close_its_stream),
        LEDGER_TEST(more_connections_than_the_limit_wait),
        LEDGER_TEST(a_closed_listener_lets_connections_end_in_peace),
        LEDGER_TEST(connections_are_cancelled_when_the_grace_is_over),
        LEDGER_TEST(grace_may_have_no_end),
        LEDGER_TEST(cancelling_the_server_cancels_its_connections),
        LEDGER_TEST(cancelling_a_server_that_drains_ends_the_grace),
        LEDGER_TEST(a_full_server_can_be_closed_and_cancelled),
        LEDGER_TEST(a_connection_may_close_a_server_that_it_fills),
        LEDGER_TEST(a_listener_has_one_server),
        LEDGER_TEST(errors_of_connections_are_reported),
        LEDGER_TEST(what_peers_do_is_not_reported),
        LEDGER_TEST(connections_get_the_stack_they_need),
        LEDGER_TEST(a_stack_that_cannot_be_ends_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
