/* SPDX-License-Identifier: MIT */
/* Happy Eyeballs: which addresses are tried, when, and what is left of them. */
#include "support.h"

#include <netinet/in.h>

#include "attempts.h"
#include "io/happy.h"
#include "ms.h"
#include "names.h"
#include "net.h"

#define NAME "many.example"
#define V4A  "192.0.2.1"
#define V4B  "192.0.2.2"
#define V4C  "192.0.2.3"
#define V6A  "2001:db8::1"
#define V6B  "2001:db8::2"
#define V6C  "2001:db8::3"

struct connecting {
    hem_stream stream;
    const hem_connect_options *options;
    int rc;
    int done_at; /* ms */
};

static int connect_to_name(void *arg)
{
    struct connecting *c = arg;
    c->rc = hem_connect(&c->stream, NAME, 80, c->options);
    c->done_at = now_ms();
    return c->rc;
}

static struct connecting connecting(const hem_connect_options *o)
{
    struct connecting c = {.options = o};
    (void)connect_to_name(&c);
    return c;
}

/* A test's servers: the name has these addresses, and listeners for those that
 * answer. */
static void begin(hem_listener *l, const char *addresses)
{
    attempts_begin(net_listen(l));
    names_begin();
    names_add((struct name){NAME, addresses, 0, 0});
}

static void add(const char *host, hem_ns after, int error)
{
    attempts_add(
        (struct attempt){.host = host, .after = after, .error = error});
}

static int begun_ms(const char *host)
{
    const struct attempt *a = attempts_get(host);
    return a->begun ? (int)(a->begun_at / MS) : -1;
}

/* The stream is the connection to `host`, and no other is left. */
static void check_winner(struct connecting *c, const char *host)
{
    hem_stream_info info;
    if (!check_int(c->rc, 0))
        return;
    check_int(attempts_open(), 1);
    check_int(hem_stream_get_info(&c->stream, &info), 0);
    check_int(info.fd, attempts_get(host)->fd);
    check_int(hem_stream_close(&c->stream), 0);
    check_int(attempts_open(), 0);
}

static void check_lost(struct connecting *c, int error)
{
    check_int(c->rc, error);
    check_int(attempts_open(), 0);
    check_int(hem_stream_close(&c->stream), HEM_EBADF);
}

VIRTUAL_TEST(an_address_that_answers_is_the_only_one)
{
    hem_listener l;
    begin(&l, V4A " " V4B);
    add(V4A, 200 * MS, 0);
    add(V4B, 0, 0);
    struct connecting c = connecting(NULL);
    check_int(c.done_at, 200);
    check_int(attempts_begun(), 1);
    check_winner(&c, V4A);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(without_an_answer_the_next_begins_after_250_ms)
{
    hem_listener l;
    begin(&l, V4A " " V4B " " V4C);
    add(V4A, HEM_NEVER, 0);
    add(V4B, HEM_NEVER, 0);
    add(V4C, 10 * MS, 0);
    struct connecting c = connecting(NULL);
    check_int(begun_ms(V4A), 0);
    check_int(begun_ms(V4B), 250);
    check_int(begun_ms(V4C), 500);
    check_int(c.done_at, 510);
    check_winner(&c, V4C);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(the_head_start_is_an_option_of_at_least_10_ms)
{
    static const struct {
        hem_ns delay;
        int begins; /* ms */
    } samples[] = {{100 * MS, 100}, {MS, 10}, {-1, 10}, {2 * HEM_SEC, 2000}};
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        hem_listener l;
        begin(&l, V4A " " V4B);
        add(V4A, HEM_NEVER, 0);
        add(V4B, 0, 0);
        int start = now_ms();
        struct connecting c = connecting(
            &(hem_connect_options){.attempt_delay = samples[i].delay});
        check_int(begun_ms(V4B) - start, samples[i].begins);
        check_winner(&c, V4B);
        check_int(hem_listener_close(&l), 0);
    }
    return 0;
}

VIRTUAL_TEST(the_next_begins_as_soon_as_the_latest_fails)
{
    hem_listener l;
    begin(&l, V4A " " V4B " " V4C);
    add(V4A, 0, ECONNREFUSED);
    add(V4B, 100 * MS, EHOSTUNREACH);
    add(V4C, 10 * MS, 0);
    struct connecting c = connecting(NULL);
    check_int(begun_ms(V4A), 0);
    check_int(begun_ms(V4B), 0);
    check_int(begun_ms(V4C), 100);
    check_int(c.done_at, 110);
    check_winner(&c, V4C);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(a_failure_of_an_earlier_one_begins_nothing)
{
    hem_listener l;
    begin(&l, V4A " " V4B " " V4C);
    add(V4A, 300 * MS, ECONNREFUSED);
    add(V4B, HEM_NEVER, 0);
    add(V4C, 0, 0);
    struct connecting c = connecting(NULL);
    check_int(begun_ms(V4B), 250);
    check_int(begun_ms(V4C), 500);
    check_winner(&c, V4C);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(a_failure_begins_the_head_start_of_the_next_anew)
{
    hem_listener l;
    begin(&l, V4A " " V4B " " V4C);
    add(V4A, 200 * MS, ECONNREFUSED);
    add(V4B, HEM_NEVER, 0);
    add(V4C, 0, 0);
    struct connecting c = connecting(NULL);
    check_int(begun_ms(V4B), 200);
    check_int(begun_ms(V4C), 450);
    check_winner(&c, V4C);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(an_early_address_may_still_win)
{
    hem_listener l;
    begin(&l, V4A " " V4B);
    add(V4A, 400 * MS, 0);
    add(V4B, HEM_NEVER, 0);
    struct connecting c = connecting(NULL);
    check_int(attempts_begun(), 2);
    check_int(c.done_at, 400);
    check_winner(&c, V4A);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(of_two_that_answer_at_once_the_first_in_order_wins)
{
    hem_listener l;
    begin(&l, V4A " " V4B);
    add(V4A, 300 * MS, 0);
    add(V4B, 50 * MS, 0);
    struct connecting c = connecting(NULL);
    check_int(c.done_at, 300);
    check_winner(&c, V4A);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(the_families_take_turns)
{
    static const char *const order[] = {V6A, V4A, V6B, V4B, V6C, V4C};
    hem_listener l;
    if (!net_has_ipv6())
        return 0;
    begin(&l, V6A " " V6B " " V6C " " V4A " " V4B " " V4C);
    for (size_t i = 0; i < COUNT_OF(order); i++)
        add(order[i], i < 5 ? HEM_NEVER : 0, 0);
    struct connecting c = connecting(NULL);
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        check_int(attempts_get(order[i])->place, i + 1);
        check_int(begun_ms(order[i]), 250 * i);
    }
    check_winner(&c, V4C);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(one_after_the_other_is_the_resolvers_order)
{
    static const char *const order[] = {V6A, V6B, V4A};
    hem_listener l;
    if (!net_has_ipv6())
        return 0;
    begin(&l, V6A " " V6B " " V4A);
    add(V6A, HEM_SEC, ECONNREFUSED);
    add(V6B, HEM_SEC, ETIMEDOUT);
    add(V4A, HEM_SEC, 0);
    struct connecting c =
        connecting(&(hem_connect_options){.sequential = true});
    for (size_t i = 0; i < COUNT_OF(order); i++)
        check_int(begun_ms(order[i]), 1000 * i);
    check_int(c.done_at, 3000);
    check_winner(&c, V4A);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(only_the_family_that_is_wanted_is_tried)
{
    hem_listener l;
    begin(&l, V6A " " V4A);
    add(V4A, 0, 0);
    add(V6A, 0, ECONNREFUSED);
    struct connecting c = connecting(&(hem_connect_options){.family = AF_INET});
    check_int(attempts_begun(), 1);
    check_winner(&c, V4A);
    c = connecting(&(hem_connect_options){.family = AF_INET6});
    check_lost(&c, HEM_ECONNREFUSED);
    c = connecting(&(hem_connect_options){.family = AF_UNIX});
    check_lost(&c, HEM_EINVAL);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

/* The record of the last failure: the message of each member. */
static void check_record(const char *const *want, size_t count)
{
    const hem_error *e = hem_failure();
    if (!check(e) || !check_int(e->count, count))
        return;
    check_contains(e->message, "connect to \"" NAME "\", port 80: ");
    check_int(e->lost, 0);
    for (size_t i = 0; i < count; i++)
        check_str(e->errors[i]->message, want[i]);
}

VIRTUAL_TEST(all_failures_can_be_read)
{
    static const char *const want[] = {
        "connect to 192.0.2.1:80: Connection refused",
        "connect to 192.0.2.2:80: No route to host",
        "connect to 192.0.2.3:80: Connection reset by peer",
    };
    hem_listener l;
    begin(&l, V4A " " V4B " " V4C);
    add(V4A, 300 * MS, ECONNREFUSED);
    add(V4B, 300 * MS, EHOSTUNREACH);
    add(V4C, 0, ECONNRESET);
    struct connecting c = connecting(NULL);
    check_lost(&c, HEM_ECONNREFUSED);
    check_int(c.done_at, 550);
    check_record(want, 3);
    const hem_error *e = hem_failure();
    check_int(e->code, HEM_ECONNREFUSED);
    check_int(e->errors[1]->code, HEM_EHOSTUNREACH);
    check_int(e->errors[2]->code, HEM_ECONNRESET);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(the_code_is_that_of_the_first_that_could_be_reached_at_all)
{
    static const struct {
        int errors[3], want;
    } samples[] = {
        {{EAFNOSUPPORT, ENETUNREACH, ECONNREFUSED}, HEM_ECONNREFUSED},
        {{EADDRNOTAVAIL, ETIMEDOUT, ECONNREFUSED}, HEM_ETIMEDOUT},
        {{ENETUNREACH, EAFNOSUPPORT, EADDRNOTAVAIL}, HEM_ENETUNREACH},
        {{ECONNRESET, ECONNREFUSED, ETIMEDOUT}, HEM_ECONNRESET},
    };
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        hem_listener l;
        begin(&l, V4A " " V4B " " V4C);
        add(V4A, 0, samples[i].errors[0]);
        add(V4B, 0, samples[i].errors[1]);
        add(V4C, 0, samples[i].errors[2]);
        struct connecting c = connecting(NULL);
        check_lost(&c, samples[i].want);
        check_int(hem_listener_close(&l), 0);
    }
    return 0;
}

VIRTUAL_TEST(the_time_limit_covers_the_name_and_all_addresses)
{
    static const char *const want[] = {
        "connect to 192.0.2.1:80: Connection refused",
        "connect to 192.0.2.2:80: no answer in time",
        "connect to 192.0.2.3:80: no answer in time",
    };
    hem_listener l;
    begin(&l, NULL);
    names_begin();
    names_add((struct name){NAME, V4A " " V4B " " V4C, 0, 400 * MS});
    add(V4A, 50 * MS, ECONNREFUSED);
    add(V4B, HEM_NEVER, 0);
    add(V4C, HEM_NEVER, 0);
    struct connecting c =
        connecting(&(hem_connect_options){.timeout = HEM_SEC});
    check_lost(&c, HEM_ETIMEDOUT);
    check_int(c.done_at, 1000);
    check_record(want, 3);
    check_int(hem_task_cancelling(hem_self()), 0);

    c = connecting(&(hem_connect_options){.timeout = 400 * MS});
    check_lost(&c, HEM_ETIMEDOUT); /* of the name */
    check_record(NULL, 0);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(the_time_limit_is_60_s_unless_told_otherwise)
{
    hem_listener l;
    begin(&l, V4A);
    add(V4A, HEM_NEVER, 0);
    struct connecting c = connecting(NULL);
    check_lost(&c, HEM_ETIMEDOUT);
    check_int(c.done_at, 60000);
    attempts_begin(0);
    add(V4A, 3600 * HEM_SEC, ETIMEDOUT);
    c = connecting(&(hem_connect_options){.timeout = HEM_NEVER});
    check_lost(&c, HEM_ETIMEDOUT);
    check_int(c.done_at, 3660000);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(at_most_16_addresses_are_tried)
{
    static char hosts[20][16];
    char all[400] = "";
    hem_listener l;
    attempts_begin(net_listen(&l));
    for (int i = 0; i < 20; i++) {
        snprintf(hosts[i], sizeof(hosts[i]), "192.0.2.%d", i + 1);
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s ", hosts[i]);
        add(hosts[i], i < 16 ? 0 : HEM_NEVER, ECONNREFUSED);
    }
    names_begin();
    names_add((struct name){NAME, all, 0, 0});
    struct connecting c = connecting(NULL);
    check_lost(&c, HEM_ECONNREFUSED);
    check_int(attempts_begun(), 16);
    check_int(hem_failure()->count, 16);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

/* Three addresses that do not answer, or late: the moments of 10 ms, 240 to 260,
 * are before, at and after the start of the second. */
static void begin_slow(hem_listener *l)
{
    begin(l, V4A " " V4B " " V4C);
    add(V4A, HEM_NEVER, 0);
    add(V4B, 400 * MS, ECONNREFUSED);
    add(V4C, 100 * MS, 0);
}

VIRTUAL_TEST(cancelled_at_any_moment_it_leaves_no_descriptor)
{
    for (int ms = 0; ms <= 600; ms += 10) {
        hem_listener l;
        hem_task *t;
        begin_slow(&l);
        struct connecting c = {.options = NULL};
        check_int(hem_spawn(&t, connect_to_name, &c), 0);
        check_int(hem_sleep(ms * MS), 0);
        bool over = hem_task_done(t);
        hem_task_cancel(t, "test");
        int rc = hem_await(t);
        check_int(rc, over ? 0 : HEM_ECANCELED);
        check_int(attempts_open(), over);
        check_int(hem_stream_close(&c.stream), over ? 0 : HEM_EBADF);
        check_int(hem_listener_close(&l), 0);
    }
    return 0;
}

/* Cancel the task as its attempt is answered, in the same turn. */
static void cancel_task(void *arg)
{
    hem_task_cancel(arg, "test");
}

FIFO_TEST(an_answer_and_a_cancellation_in_one_turn_leave_nothing)
{
    for (int before = 0; before < 2; before++) {
        hem_listener l;
        hem_task *t;
        hem_callback cb;
        begin(&l, V4A);
        struct connecting c = {.options = NULL};
        check_int(hem_spawn(&t, connect_to_name, &c), 0);
        hem_callback_init(&cb, cancel_task, t);
        hem_ns at = hem_now() + 100 * MS;
        if (before)
            check_int(hem_call_at(&cb, at), 0);
        add(V4A, 100 * MS, 0);
        check_int(hem_sleep(50 * MS), 0);
        if (!before)
            check_int(hem_call_at(&cb, at), 0);
        check_int(hem_await(t), HEM_ECANCELED);
        check_lost(&c, HEM_ECANCELED);
        check_int(hem_listener_close(&l), 0);
    }
    return 0;
}

VIRTUAL_TEST(closing_the_stream_ends_all_attempts)
{
    hem_listener l;
    hem_task *t;
    begin_slow(&l);
    struct connecting c = {.options = NULL};
    check_int(hem_spawn(&t, connect_to_name, &c), 0);
    check_int(hem_sleep(300 * MS), 0);
    check_str(hem_task_waits_for(t), "connect");
    check_int(attempts_open(), 2);
    char byte;
    check_int(hem_stream_write(&c.stream, "x", 1), HEM_EBUSY);
    check_int(hem_stream_read(&c.stream, &byte, 1), HEM_EBUSY);
    check_int(hem_stream_close(&c.stream), 0);
    check_int(hem_await(t), HEM_EBADF);
    check_lost(&c, HEM_EBADF);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(without_memory_nothing_is_left)
{
    int rc;
    size_t failures = 0;
    do {
        hem_listener l;
        begin(&l, V4A " " V4B);
        add(V4A, 0, ECONNREFUSED);
        add(V4B, 50 * MS, 0);
        ledger_fail_at(++failures);
        struct connecting c = connecting(NULL);
        rc = c.rc;
        ledger_fail_at(0);
        if (rc < 0)
            check_lost(&c, HEM_ENOMEM);
        else
            check_winner(&c, V4B);
        check_int(hem_listener_close(&l), 0);
    } while (rc < 0 && failures < 100);
    check_int(rc, 0);
    return 0;
}

VIRTUAL_TEST(failures_that_memory_lacks_for_are_counted)
{
    hem_listener l;
    begin(&l, V4A " " V4B);
    for (size_t n = 1; n < 12; n++) {
        attempts_begin(0);
        add(V4A, 0, ECONNREFUSED);
        add(V4B, 0, EHOSTUNREACH);
        ledger_fail_at(n);
        struct connecting c = connecting(NULL);
        ledger_fail_at(0);
        check(c.rc == HEM_ECONNREFUSED || c.rc == HEM_ENOMEM);
        const hem_error *e = hem_failure();
        if (e && e->code == HEM_ECONNREFUSED)
            check_int(e->count + e->lost, 2);
    }
    check_int(hem_listener_close(&l), 0);
    return 0;
}

/* The families of addresses, as a string. */
static void check_turns(const char *given, const char *want)
{
    hem_address a[16];
    size_t count = strlen(given);
    for (size_t i = 0; i < count; i++) {
        check_int(hem_address_parse(&a[i],
                                    given[i] == '6' ? "::1" : "127.0.0.1",
                                    (uint16_t)(i + 1)),
                  0);
    }
    hem__happy_interleave(a, count);
    uint16_t last4 = 0, last6 = 0;
    for (size_t i = 0; i < count; i++) {
        bool six = a[i].storage.ss_family == AF_INET6;
        uint16_t *last = six ? &last6 : &last4;
        check_int(six ? '6' : '4', want[i]);
        check(hem_address_port(&a[i]) > *last); /* they keep their order */
        *last = hem_address_port(&a[i]);
    }
}

VIRTUAL_TEST(families_are_mixed_and_keep_their_order)
{
    check_turns("", "");
    check_turns("6", "6");
    check_turns("444", "444");
    check_turns("64", "64");
    check_turns("46", "46");
    check_turns("6644", "6464");
    check_turns("66664", "64666");
    check_turns("444466", "464644");
    check_turns("6446664", "6464646");
    check_turns("4666666664444444", "4646464646464646");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(an_address_that_answers_is_the_only_one),
        LEDGER_TEST(without_an_answer_the_next_begins_after_250_ms),
        LEDGER_TEST(the_head_start_is_an_option_of_at_least_10_ms),
        LEDGER_TEST(the_next_begins_as_soon_as_the_latest_fails),
        LEDGER_TEST(a_failure_of_an_earlier_one_begins_nothing),
        LEDGER_TEST(a_failure_begins_the_head_start_of_the_next_anew),
        LEDGER_TEST(an_early_address_may_still_win),
        LEDGER_TEST(of_two_that_answer_at_once_the_first_in_order_wins),
        LEDGER_TEST(the_families_take_turns),
        LEDGER_TEST(one_after_the_other_is_the_resolvers_order),
        LEDGER_TEST(only_the_family_that_is_wanted_is_tried),
        LEDGER_TEST(all_failures_can_be_read),
        LEDGER_TEST(the_code_is_that_of_the_first_that_could_be_reached_at_all),
        LEDGER_TEST(the_time_limit_covers_the_name_and_all_addresses),
        LEDGER_TEST(the_time_limit_is_60_s_unless_told_otherwise),
        LEDGER_TEST(at_most_16_addresses_are_tried),
        LEDGER_TEST(cancelled_at_any_moment_it_leaves_no_descriptor),
        LEDGER_TEST(an_answer_and_a_cancellation_in_one_turn_leave_nothing),
        LEDGER_TEST(closing_the_stream_ends_all_attempts),
        LEDGER_TEST(without_memory_nothing_is_left),
        LEDGER_TEST(failures_that_memory_lacks_for_are_counted),
        LEDGER_TEST(families_are_mixed_and_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
