/* SPDX-License-Identifier: MIT */
/* Datagrams, many at once. */
#include "support.h"

#include "settle.h"
#include "udp.h"

#define MANY  200
#define FLOOD 600 /* more than a Unix receiver has room for */

struct batch {
    char text[FLOOD][16];
    hem_datagram_message m[FLOOD];
};

/* Messages "0", "1", ... of which the last has number count - 1. */
static void fill(struct batch *b, size_t count)
{
    memset(b, 0, sizeof(*b));
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(b->text[i], sizeof(b->text[i]), "%zu", i);
        b->m[i] = (hem_datagram_message){.data = b->text[i], .size = (size_t)n};
    }
}

/* Room for `count` messages. */
static void clear(struct batch *b, size_t count)
{
    memset(b, 0, sizeof(*b));
    for (size_t i = 0; i < count; i++)
        b->m[i] = (hem_datagram_message){.data = b->text[i], .size = 15};
}

/* Send 200, and receive them in order. */
static void go_through(hem_datagram *from, hem_datagram *to)
{
    static struct batch out, in;
    fill(&out, MANY);
    check_int(hem_datagram_send_many(from, out.m, MANY), MANY);
    for (size_t i = 0; i < MANY; i++)
        check_int(out.m[i].status, strlen(out.text[i]));
    for (size_t all = 0; all < MANY;) {
        clear(&in, MANY);
        ssize_t n = hem_datagram_receive_many(to, in.m, MANY);
        if (!check(n > 0 && n <= 64))
            return;
        for (ssize_t i = 0; i < n; i++, all++) {
            check_str(in.text[i], out.text[all]);
            check_int(in.m[i].status, strlen(in.text[i]));
            check(!in.m[i].info.truncated);
        }
    }
}

VIRTUAL_TEST(many_go_through_in_order)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_pair(&a, &b);
    go_through(&a, &b);
    return 0;
}

static int send_flood(void *arg)
{
    hem_datagram *d = arg;
    static struct batch out;
    fill(&out, FLOOD);
    return (int)hem_datagram_send_many(d, out.m, FLOOD);
}

VIRTUAL_TEST(sending_many_waits_for_room_at_the_receiver)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_local_pair(&a, &b);
    hem_task *t = spawn_settled(send_flood, &a);
    check(!hem_task_done(t)); /* the receiver's queue is short */
    char buf[16], want[16];
    for (int i = 0; i < FLOOD; i++) {
        memset(buf, 0, sizeof(buf));
        check(hem_datagram_receive(&b, buf, sizeof(buf)) > 0);
        snprintf(want, sizeof(want), "%d", i);
        check_str(buf, want);
    }
    check_int(hem_await(t), FLOOD);
    return 0;
}

VIRTUAL_TEST(a_cancelled_batch_tells_what_was_sent)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    static struct batch out;
    udp_open_local_pair(&a, &b);
    fill(&out, FLOOD);
    hem_timeout limit;
    check_int(hem_timeout_open(&limit, HEM_SEC), 0);
    ssize_t rc = hem_datagram_send_many(&a, out.m, FLOOD);
    check_int(rc, HEM_ECANCELED);
    check_int(hem_timeout_close(&limit, (int)rc), HEM_ETIMEDOUT);
    size_t sent = 0;
    while (sent < FLOOD && out.m[sent].status > 0)
        sent++;
    check(sent > 0 && sent < FLOOD);
    for (size_t i = sent; i < FLOOD; i++)
        check_int(out.m[i].status, HEM_ECANCELED);
    static struct batch in;
    clear(&in, FLOOD);
    for (ssize_t n; sent > 0; sent -= (size_t)n) {
        clear(&in, FLOOD);
        n = hem_datagram_receive_many(&b, in.m, FLOOD);
        if (!check(n > 0 && (size_t)n <= sent))
            break;
    }
    return 0;
}

VIRTUAL_TEST(one_that_is_too_large_keeps_nobody_else)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    static struct batch out;
    static char large[70000];
    udp_open_pair(&a, &b);
    fill(&out, 6);
    for (size_t i = 0; i < 6; i += 2)
        out.m[i] = (hem_datagram_message){.data = large, .size = sizeof(large)};
    check_int(hem_datagram_send_many(&a, out.m, 6), 3);
    for (size_t i = 0; i < 6; i++)
        check_int(out.m[i].status, i % 2 ? 1 : HEM_EMSGSIZE);
    for (size_t i = 1; i < 6; i += 2)
        udp_expect(&b, out.text[i]);
    return 0;
}

VIRTUAL_TEST(if_none_can_be_sent_it_is_the_error_of_the_first)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    static char large[70000];
    udp_open_pair(&a, &b);
    hem_datagram_message m[2] = {{.data = large, .size = sizeof(large)},
                                 {.data = large, .size = 1}};
    check_int(hem_datagram_peer(&a, &m[1].address), 0);
    check_int(hem_datagram_send_many(&a, m, 2), HEM_EMSGSIZE);
    check_int(m[0].status, HEM_EMSGSIZE);
    check_int(m[1].status, HEM_EISCONN);
    return 0;
}

VIRTUAL_TEST(each_goes_to_an_address_of_its_own)
{
    HEM_DATAGRAM(from);
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    hem_address here = udp_open(&from);
    hem_datagram_message m[4] = {
        {.data = "to a", .size = 4, .address = udp_open(&a)},
        {.data = "to b", .size = 4, .address = udp_open(&b)},
        {.data = "to nobody", .size = 9},
        {.data = "again", .size = 5, .address = m[0].address},
    };
    check_int(hem_address_parse(&m[3].address, "127.0.0.1",
                                hem_address_port(&m[0].address)),
              0);
    check_int(hem_datagram_send_many(&from, m, 4), 3);
    check_int(m[2].status, HEM_EDESTADDRREQ);
    udp_expect(&b, "to b");
    char text[2][8] = {"", ""};
    hem_datagram_message in[2] = {{.data = text[0], .size = 7},
                                  {.data = text[1], .size = 7}};
    ssize_t n = hem_datagram_receive_many(&a, in, 2);
    if (evil_io() && n == 1)
        n += hem_datagram_receive_many(&a, in + 1, 1);
    check_int(n, 2);
    check_str(text[0], "to a");
    check_str(text[1], "again");
    check(udp_same(&in[0].address, &here));
    check(udp_same(&in[1].address, &here));
    return 0;
}

VIRTUAL_TEST(what_is_cut_off_in_a_batch_is_told_and_fails_nobody)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_pair(&a, &b);
    udp_say(&a, NULL, "longer than that");
    check_int(hem_datagram_send(&a, NULL, 0), 0);
    udp_say(&a, NULL, "fits");
    char text[3][5] = {"", "", ""};
    hem_datagram_message m[3];
    for (int i = 0; i < 3; i++)
        m[i] = (hem_datagram_message){.data = text[i], .size = 4};
    for (ssize_t got = 0, n = 1; got < 3 && n > 0; got += n) {
        n = hem_datagram_receive_many(&b, m + got, 3 - (size_t)got);
        check(n == 3 || (n > 0 && evil_io())); /* as many as there are */
    }
    check_str(text[0], "long");
    check_int(m[0].status, 4);
    check_int(m[0].info.size, 16);
    check(m[0].info.truncated);
    check_int(m[1].status, 0);
    check(!m[1].info.truncated);
    check_int(m[2].status, 4);
    check(!m[2].info.truncated);
    return 0;
}

VIRTUAL_TEST(no_messages_are_a_mistake)
{
    HEM_DATAGRAM(a);
    hem_datagram_message m;
    udp_open(&a);
    check_int(hem_datagram_send_many(&a, &m, 0), HEM_EINVAL);
    check_int(hem_datagram_receive_many(&a, &m, 0), HEM_EINVAL);
    return 0;
}

static int receive_two(void *arg)
{
    char text[2][8];
    hem_datagram_message m[2] = {{.data = text[0], .size = 8},
                                 {.data = text[1], .size = 8}};
    return (int)hem_datagram_receive_many(arg, m, 2);
}

VIRTUAL_TEST(receiving_many_waits_for_one)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_pair(&a, &b);
    hem_task *t = spawn_settled(receive_two, &b);
    check_int(receive_two(&b), HEM_EBUSY);
    udp_say(&a, NULL, "x");
    check_int(hem_await(t), 1);
    t = spawn_settled(receive_two, &b);
    check_int(hem_datagram_close(&b), 0);
    check_int(hem_await(t), HEM_EBADF);
    return 0;
}

static int send_to_nobody(void *arg)
{
    static hem_datagram_message m[1000];
    static char big[70000]; /* every other one is too large */
    for (size_t i = 0; i < COUNT_OF(m); i++)
        m[i] = (hem_datagram_message){.data = big, .size = i % 2 ? 70000 : 1};
    return (int)hem_datagram_send_many(arg, m, COUNT_OF(m));
}

VIRTUAL_TEST(who_sends_many_gives_way_to_others)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    hem_task *t;
    int turns = 0;
    udp_open_pair(&a, &b);
    check_int(hem_spawn(&t, send_to_nobody, &a), 0);
    for (; !hem_task_done(t); turns++)
        check_int(hem_yield(), 0);
    check_int(hem_await(t), 500);
    check(turns >= 1000 / 64);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(many_go_through_in_order),
        LEDGER_TEST(sending_many_waits_for_room_at_the_receiver),
        LEDGER_TEST(a_cancelled_batch_tells_what_was_sent),
        LEDGER_TEST(one_that_is_too_large_keeps_nobody_else),
        LEDGER_TEST(if_none_can_be_sent_it_is_the_error_of_the_first),
        LEDGER_TEST(each_goes_to_an_address_of_its_own),
        LEDGER_TEST(what_is_cut_off_in_a_batch_is_told_and_fails_nobody),
        LEDGER_TEST(no_messages_are_a_mistake),
        LEDGER_TEST(receiving_many_waits_for_one),
        LEDGER_TEST(who_sends_many_gives_way_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
