/* SPDX-License-Identifier: MIT */
/* Many connections at once, floods of them, and busy ones beside quiet ones. */
#include "support.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include "net.h"

/* Reads bytes that are there already, one by one. */
struct busy {
    hem_stream stream;
    int peer;
    size_t left;
};

static void busy_begin(struct busy *b, size_t size)
{
    static const char bytes[1 << 16];
    b->peer = net_open(&b->stream, 0);
    b->left = size;
    net_send(b->peer, bytes, size);
}

static int busy_read(void *arg)
{
    struct busy *b = arg;
    char byte;
    for (; b->left > 0; b->left--)
        HEM_TRY(hem_stream_read(&b->stream, &byte, 1));
    return 0;
}

static void busy_end(struct busy *b)
{
    check_int(hem_stream_close(&b->stream), 0);
    net_reset(b->peer);
}

static int count_turns(void *arg)
{
    for (;;) {
        ++*(int *)arg;
        HEM_TRY(hem_yield());
    }
}

VIRTUAL_TEST(who_never_has_to_wait_gives_way_to_the_ready)
{
    struct busy b;
    int turns = 0;
    hem_task *t, *reader;
    busy_begin(&b, 5000);
    check_int(hem_spawn(&reader, busy_read, &b), 0);
    check_int(hem_spawn(&t, count_turns, &turns), 0);
    check_int(hem_await(reader), 0);
    check(turns > 20);
    hem_task_cancel(t, NULL);
    check_int(hem_await(t), HEM_ECANCELED);
    busy_end(&b);
    return 0;
}

FIFO_TEST(who_accepts_many_gives_way)
{
    hem_listener l;
    int peers[200], turns = 0;
    hem_task *t;
    uint16_t port = net_listen(&l);
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        peers[i] = net_connect(port);
    check_int(hem_spawn(&t, count_turns, &turns), 0);
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        HEM_STREAM(s);
        check_int(hem_accept(&l, &s), 0);
        net_close(peers[i]);
    }
    check(turns > 0);
    hem_task_cancel(t, NULL);
    check_int(hem_await(t), HEM_ECANCELED);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

struct quiet {
    hem_stream stream;
    const struct busy *busy;
    size_t left; /* for the busy one when this got its byte */
};

static int quiet_read(void *arg)
{
    struct quiet *q = arg;
    char byte;
    HEM_TRY(hem_stream_read(&q->stream, &byte, 1));
    q->left = q->busy->left;
    return 0;
}

FIFO_TEST(who_never_has_to_wait_gives_way_to_those_whose_data_comes)
{
    struct busy b;
    struct quiet q = {.busy = &b};
    hem_task *waiter, *reader;
    busy_begin(&b, 20000);
    int peer = net_open(&q.stream, 0);
    check_int(hem_spawn(&waiter, quiet_read, &q), 0);
    net_settle();
    net_say(peer, "x");
    check_int(hem_spawn(&reader, busy_read, &b), 0);
    check_int(hem_await(waiter), 0);
    check(q.left > 20000 - 1000);
    check_int(hem_await(reader), 0);
    busy_end(&b);
    check_int(hem_stream_close(&q.stream), 0);
    net_close(peer);
    return 0;
}

/* A server that echoes. */
struct server {
    hem_listener listener;
    uint16_t port;
    hem_serve_fn *fn;
    size_t active, most;
    hem_task *task;
};

static int echo(hem_stream *s, void *arg)
{
    struct server *sv = arg;
    char *bytes;
    ssize_t n;
    if (++sv->active > sv->most)
        sv->most = sv->active;
    while ((n = hem_stream_read_some(s, &bytes)) > 0) {
        n = hem_stream_write(s, bytes, (size_t)n);
        if (n < 0)
            break;
    }
    sv->active--;
    return (int)n;
}

static int serve(void *arg)
{
    struct server *sv = arg;
    return hem_serve(&sv->listener, sv->fn, sv, NULL);
}

static void server_begin(struct server *sv, hem_serve_fn *fn)
{
    *sv = (struct server){.fn = fn};
    sv->port = net_listen(&sv->listener);
    check_int(hem_spawn(&sv->task, serve, sv), 0);
}

static void server_end(struct server *sv)
{
    check_int(hem_listener_close(&sv->listener), 0);
    check_int(hem_await(sv->task), 0);
    check_int(sv->active, 0);
}

/* Needs no memory. */
static int say_hello_later(hem_stream *s, void *arg)
{
    struct server *sv = arg;
    sv->active++;
    int rc = hem_sleep(HEM_SEC);
    sv->active--;
    return rc < 0 ? rc : (int)hem_stream_write(s, "hello", 5);
}

/* Connect without memory until a connection is dropped; how many there are. */
static size_t connect_without_memory(struct server *sv, int *peers, size_t max)
{
    char byte;
    size_t count = 0;
    server_begin(sv, say_hello_later);
    net_settle();
    ledger_fail_from(1);
    do {
        peers[count] = net_connect(sv->port);
        net_settle();
    } while (recv(peers[count++], &byte, 1, MSG_DONTWAIT) < 0 &&
             check(count < max));
    check_int(sv->active, count - 1);
    return count;
}

VIRTUAL_TEST(without_memory_for_a_task_the_server_goes_on)
{
    struct server sv;
    int peers[200];
    size_t count = connect_without_memory(&sv, peers, COUNT_OF(peers));
    ledger_fail_at(0);
    net_close(peers[--count]);
    peers[count++] = net_connect(sv.port);
    check_int(hem_sleep(2 * HEM_SEC), 0);
    while (count > 0) {
        check(net_hears(peers[--count], "hello"));
        net_close(peers[count]);
    }
    server_end(&sv);
    return 0;
}

static void do_nothing(void *arg)
{
    (void)arg;
}

VIRTUAL_TEST(without_memory_for_a_timer_there_is_no_grace)
{
    struct server sv;
    hem_callback others[200];
    size_t count = 0;
    server_begin(&sv, say_hello_later);
    int peer = net_connect(sv.port);
    net_settle();
    check_int(sv.active, 1);
    ledger_fail_from(1);
    do {
        hem_callback_init(&others[count], do_nothing, NULL);
    } while (hem_call_later(&others[count++], HEM_SEC) == 0 &&
             check(count < COUNT_OF(others)));
    hem_ns begun = hem_now();
    server_end(&sv);
    check_int(hem_now(), begun);
    ledger_fail_at(0);
    while (count > 0)
        hem_callback_cancel(&others[--count]);
    net_close(peer);
    return 0;
}

/* One of a crowd of clients that wait for each other. */
struct client {
    struct crowd *crowd;
    uint32_t number;
};

struct crowd {
    struct server server;
    size_t size;
    size_t arrived;
    hem_future all_arrived;
    struct client clients[1000];
};

static int exchange(hem_stream *s, uint32_t number)
{
    uint32_t got = 0;
    HEM_TRY(hem_stream_write(s, &number, sizeof(number)));
    HEM_TRY(hem_stream_read_exactly(s, &got, sizeof(got), NULL));
    check_int(got, number);
    return 0;
}

static int be_client(void *arg)
{
    struct client *c = arg;
    struct crowd *crowd = c->crowd;
    HEM_STREAM(s);
    HEM_TRY(hem_connect(&s, "127.0.0.1", crowd->server.port, NULL));
    HEM_TRY(exchange(&s, c->number));
    if (++crowd->arrived == crowd->size)
        HEM_TRY(hem_future_set_result(&crowd->all_arrived, 0));
    HEM_TRY(hem_future_wait(&crowd->all_arrived));
    return exchange(&s, ~c->number);
}

/* How many connections, two descriptors each, the process may have. */
static size_t room_for(size_t count)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    check_int(setrlimit(RLIMIT_NOFILE, &limit), 0);
    size_t room = (size_t)limit.rlim_cur / 2 - 20;
    return room < count ? room : count;
}

VIRTUAL_TEST(a_thousand_connections_are_served_at_once)
{
    static struct crowd crowd;
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    HEM_SCOPE(scope);
    server_begin(&crowd.server, echo);
    crowd.size = room_for(COUNT_OF(crowd.clients));
    crowd.arrived = 0;
    hem_future_init(&crowd.all_arrived);
    for (uint32_t i = 0; i < crowd.size; i++) {
        crowd.clients[i] = (struct client){&crowd, i};
        check_int(hem_scope_spawn(&scope, NULL, be_client, &crowd.clients[i]),
                  0);
    }
    check_int(hem_scope_close(&scope, 0), 0);
    server_end(&crowd.server);
    check_int(crowd.server.most, crowd.size);
    check_int(setrlimit(RLIMIT_NOFILE, &before), 0);
    return 0;
}

/* Connections that are reset at once, or with a message under way. */
static void flood(struct server *sv, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int peer = net_connect(sv->port);
        if (i % 3 == 1)
            net_say(peer, "hello");
        if (i % 3 == 2)
            check_int(hem_yield(), 0);
        net_reset(peer);
        if (i % 50 == 49)
            net_settle();
    }
    net_settle();
}

VIRTUAL_TEST(a_flood_of_resets_leaves_nothing_behind)
{
    struct server sv;
    server_begin(&sv, echo);
    flood(&sv, scaled(1000));
    check_int(sv.active, 0);
    size_t live = ledger_live();
    size_t descriptors = ledger_descriptors();
    size_t mappings = ledger_mappings();
    size_t resident = ledger_resident();
    flood(&sv, scaled(5000));
    check_int(sv.active, 0);
    check_int(ledger_live(), live);
    check_int(ledger_descriptors(), descriptors);
    check(ledger_mappings() <= mappings + 2);
    if (!SANITIZED && !in_valgrind())
        check(ledger_resident() <= resident + (256 << 10));
    int peer = net_connect(sv.port);
    net_say(peer, "still there");
    net_settle();
    check(net_hears(peer, "still there"));
    net_close(peer);
    server_end(&sv);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(who_never_has_to_wait_gives_way_to_the_ready),
        LEDGER_TEST(who_never_has_to_wait_gives_way_to_those_whose_data_comes),
        LEDGER_TEST(who_accepts_many_gives_way),
        LEDGER_TEST(without_memory_for_a_task_the_server_goes_on),
        LEDGER_TEST(without_memory_for_a_timer_there_is_no_grace),
        LEDGER_TEST(a_thousand_connections_are_served_at_once),
        LEDGER_TEST(a_flood_of_resets_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
