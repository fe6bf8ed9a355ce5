/* SPDX-License-Identifier: MIT */
/*
 * Truncation, at every record: a relay stands between client and server and
 * cuts the connection after so many records of one direction, or in the middle
 * of the next one. Whoever is cut off must be told, and must never take the cut
 * for the end; what it has read by then is true.
 */
#include "support.h"

#include "net.h"
#include "pair.h"

#define HEADER    5
#define RECORD    (16384 + 256)
#define NEVER_CUT 1000

struct way {
    hem_stream *from, *to;
    int most;   /* records to pass on */
    bool half;  /* and half of the next one */
    int passed; /* so far */
    bool cut;
};

static int cut(struct way *w, const unsigned char *record, size_t size)
{
    w->cut = true;
    if (w->half)
        HEM_TRY(hem_stream_write(w->to, record, size / 2));
    HEM_TRY(hem_stream_shutdown_write(w->to));
    char waste[4096];
    ssize_t n;
    while ((n = hem_stream_read(w->from, waste, sizeof(waste))) > 0)
        continue;
    return (int)n;
}

static int relay(void *arg)
{
    struct way *w = arg;
    unsigned char record[HEADER + RECORD];
    for (;;) {
        size_t got;
        ssize_t n = hem_stream_read_exactly(w->from, record, HEADER, &got);
        if (n < 0 && got == 0)
            return hem_stream_shutdown_write(w->to);
        HEM_TRY(n);
        size_t size = (size_t)(record[3] << 8 | record[4]);
        if (!check(size <= RECORD))
            return HEM_EPROTO;
        HEM_TRY(hem_stream_read_exactly(w->from, record + HEADER, size, NULL));
        if (w->passed == w->most)
            return cut(w, record, HEADER + size);
        HEM_TRY(hem_stream_write(w->to, record, HEADER + size));
        w->passed++;
    }
}

/* One end: how it went. */
struct side {
    hem_stream *s;
    hem_tls *tls;
    bool server;
    int rc;     /* of the handshake, else of the first read that gave none */
    size_t got; /* bytes, checked */
};

static int talk(struct side *e)
{
    if (e->server) {
        HEM_TRY(hem_tls_start_server(e->s, e->tls, NULL));
    } else {
        hem_tls_options o = {.host = "localhost"};
        HEM_TRY(hem_tls_start_client(e->s, e->tls, &o));
    }
    for (size_t i = 0; i < 3; i++)
        (void)!pair_send(e->s, i * 10, 10);
    (void)!hem_stream_shutdown_write(e->s);
    for (;;) {
        char buf[7];
        ssize_t n = hem_stream_read(e->s, buf, sizeof(buf));
        if (n <= 0)
            return (int)n;
        for (ssize_t i = 0; i < n; i++)
            check(buf[i] == pair_byte(e->got + (size_t)i));
        e->got += (size_t)n;
    }
}

static int run_side(void *arg)
{
    struct side *e = arg;
    e->rc = talk(e);
    (void)hem_stream_close(e->s); /* what comes to the relay is an end */
    return 0;
}

struct cutting {
    hem_tls *client, *server;
    struct side a, b;
    struct way up, down; /* from the client, to it */
};

static void run_cutting(struct cutting *c)
{
    hem_stream a, b, near, far;
    net_open_pair(&a, &near);
    net_open_pair(&far, &b);
    c->a = (struct side){.s = &a, .tls = c->client};
    c->b = (struct side){.s = &b, .tls = c->server, .server = true};
    c->up.from = c->down.to = &near;
    c->up.to = c->down.from = &far;
    HEM_SCOPE(s, .kind = HEM_SUPERVISOR);
    check_int(hem_scope_spawn(&s, NULL, run_side, &c->a), 0);
    check_int(hem_scope_spawn(&s, NULL, run_side, &c->b), 0);
    check_int(hem_scope_spawn(&s, NULL, relay, &c->up), 0);
    check_int(hem_scope_spawn(&s, NULL, relay, &c->down), 0);
    check_int(hem_scope_close(&s, 0), 0);
    (void)hem_stream_close(&near);
    (void)hem_stream_close(&far);
}

/* Cut one direction at every record; returns how many there are. */
static int cut_everywhere(int version, bool down, bool half)
{
    struct cutting c = {.a = {.got = 0}};
    hem_tls_config config = {.min_version = version, .max_version = version};
    c.client = pair_client(config);
    c.server = pair_server(&certs()->server, config);
    int n = 0;
    for (;; n++) {
        struct way way = {.most = NEVER_CUT};
        c.up = c.down = way;
        struct way *cutting = down ? &c.down : &c.up;
        cutting->most = n;
        cutting->half = half;
        run_cutting(&c);
        if (!cutting->cut)
            break;
        struct side *e = down ? &c.a : &c.b;
        if (!check_int(e->rc, HEM_ETRUNCATED))
            print_error("version %x, record %d, %s\n", (unsigned)version, n,
                        down ? "to the client" : "to the server");
        check(e->got <= 30);
    }
    check_int(c.a.rc, 0);
    check_int(c.b.rc, 0);
    check_int((long long)c.a.got, 30);
    check_int((long long)c.b.got, 30);
    hem_tls_destroy(c.client);
    hem_tls_destroy(c.server);
    return n;
}

VIRTUAL_TEST(hostile_26_a_cut_after_any_record_is_told)
{
    for (int version = HEM_TLS_1_2; version <= HEM_TLS_1_3; version++) {
        check(cut_everywhere(version, true, false) > 6);
        check(cut_everywhere(version, false, false) > 6);
    }
    return 0;
}

VIRTUAL_TEST(hostile_26_a_cut_within_any_record_is_told)
{
    for (int version = HEM_TLS_1_2; version <= HEM_TLS_1_3; version++) {
        check(cut_everywhere(version, true, true) > 6);
        check(cut_everywhere(version, false, true) > 6);
    }
    return 0;
}

int main(void)
{
    certs();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(hostile_26_a_cut_after_any_record_is_told),
        LEDGER_TEST(hostile_26_a_cut_within_any_record_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
