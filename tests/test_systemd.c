/* SPDX-License-Identifier: MIT */
/* What a service tells systemd, and when it feeds the watchdog: in virtual time,
 * with a service and workers that are made up. */
#include <time.h>

#include "base/list.h"
#include "notified.h"
#include "service/service.h"
#include "settle.h"
#include "support.h"

#define WORKERS  2
#define INTERVAL (20 * HEM_SEC) /* of the watchdog */

static hem_prefork_options options;
static hem_run_options run_options;
static hem__service service;
static hem__seat seats[WORKERS];
static hem__instance instances[WORKERS];
static hem__slot slots[WORKERS];
static int notified;

static int work(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    return 0;
}

static const hem__role role = {.fn = work, .name = "worker"};
static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static const hem__role plain = {.plain = do_nothing, .name = "plain"};

/* A worker that is ready since now. */
static void set_up_worker(int k)
{
    seats[k] = (hem__seat){.role = &role, .now = &instances[k]};
    memset((void *)&slots[k], 0, sizeof(slots[k]));
    instances[k] = (hem__instance){.service = &service,
                                   .role = &role,
                                   .index = (uint32_t)k,
                                   .pid = 1000 + k,
                                   .slot = &slots[k],
                                   .state = HEM__INSTANCE_READY,
                                   .ready_at = hem_now()};
    hem__list_insert(&service.instances, &instances[k].link);
}

/* In a loop, before each test's own. */
static void set_up(hem_ns interval)
{
    char name[64], us[32];
    snprintf(name, sizeof(name), "@hem-test-systemd-%d", (int)getpid());
    notified = notified_begin(name);
    snprintf(us, sizeof(us), "%lld", (long long)(interval / HEM_USEC));
    if (interval)
        setenv("WATCHDOG_USEC", us, 1);
    memset(&options, 0, sizeof(options));
    memset(&run_options, 0, sizeof(run_options));
    memset((void *)&service, 0, sizeof(service));
    service.options = &options;
    service.pid = getpid();
    service.seats = seats;
    service.seat_count = service.wanted = WORKERS;
    hem__list_init(&service.instances);
    for (int k = 0; k < WORKERS; k++)
        set_up_worker(k);
    hem__systemd_init(&service);
}

static void tear_down(hem_scope *s)
{
    char text[NOTIFIED_BYTES];
    hem_scope_abort(s, "the end");
    check_int(hem_scope_close(s, 0), 0);
    check_int(notified_take(notified, text, NULL, NULL), -1);
    notified_end(notified);
    unsetenv("WATCHDOG_USEC");
    unsetenv("HEM_UPGRADE_PID");
}

#define check_told(text) check_notified(notified, (text))

static void check_silence(void)
{
    char text[NOTIFIED_BYTES] = "";
    notified_take(notified, text, NULL, NULL);
    check_str(text, "");
}

/* Take all that is there; how many were `text`. */
static int count_told(const char *text)
{
    char got[NOTIFIED_BYTES];
    int n = 0;
    while (notified_take(notified, got, NULL, NULL) > 0)
        n += strcmp(got, text) == 0;
    return n;
}

/* Let time pass, with so many hearts beating; return how often `text` was told.
 * The queue of a socket is short. */
static int pass(hem_ns d, int hearts, const char *text)
{
    int n = 0;
    for (hem_ns end = hem_now() + d; hem_now() < end;) {
        for (int k = 0; k < hearts; k++)
            atomic_fetch_add(&slots[k].beats, 1);
        check_int(hem_sleep(HEM_SEC), 0);
        settle(); /* what was due with that sleep */
        n += count_told(text);
    }
    return n;
}

#define FED    "WATCHDOG=1"
#define EXTEND "EXTEND_TIMEOUT_USEC=10000000"

/* Open a scope, and have the service tell from now on. */
#define BEGIN(interval)                                                        \
    set_up(interval);                                                          \
    HEM_SCOPE(scope);                                                          \
    check_int(hem__watchdog_start(&service, &scope), 0)

static void become_ready(void)
{
    service.state = HEM__SERVICE_READY;
    hem__service_notify(&service, "READY=1");
}

VIRTUAL_TEST(states_are_told_with_how_many_work)
{
    BEGIN(0);
    check_told("STATUS=starting, 2 of 2 workers ready");
    become_ready();
    check_told("READY=1\nSTATUS=serving, 2 of 2 workers ready");
    service.state = HEM__SERVICE_UNREADY;
    hem__service_notify(&service, "STOPPING=1");
    check_told("STOPPING=1\nSTATUS=stopping, 2 workers left");
    hem__list_remove(&instances[1].link);
    settle();
    check_told("STATUS=stopping, 1 workers left");
    check_told(EXTEND);
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(a_failure_is_told_by_its_number_if_it_is_the_systems)
{
    BEGIN(0);
    check_told("STATUS=starting, 2 of 2 workers ready");
    service.state = HEM__SERVICE_UNREADY;
    service.result = HEM_EMFILE;
    hem__service_notify(&service, "STOPPING=1");
    check_told("STOPPING=1\nERRNO=24\n"
               "STATUS=stopping after HEM_EMFILE, 2 workers left");
    service.result = HEM_ESIGNALED;
    hem__service_notify(&service, "STOPPING=1");
    check_told("STOPPING=1\n"
               "STATUS=stopping after HEM_ESIGNALED, 2 workers left");
    settle();
    check_told(EXTEND);
    tear_down(&scope);
    return 0;
}

static long long now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

VIRTUAL_TEST(a_reload_tells_when_it_began)
{
    char text[NOTIFIED_BYTES];
    long long us = 0;
    BEGIN(0);
    check_told("STATUS=starting, 2 of 2 workers ready");
    become_ready();
    check_told("READY=1\nSTATUS=serving, 2 of 2 workers ready");
    service.reloading = true;
    long long before = now_us();
    hem__service_notify(&service, "RELOADING=1");
    check(notified_take(notified, text, NULL, NULL) > 0);
    check_int(sscanf(text, "RELOADING=1\nMONOTONIC_USEC=%lld\n", &us), 1);
    check(us >= before && us <= now_us());
    check_contains(text, "\nSTATUS=reloading, 2 of 2 workers ready");
    settle();
    check_told(EXTEND);
    service.reloading = false;
    become_ready();
    check_told("READY=1\nSTATUS=serving, 2 of 2 workers ready");
    check_int(hem_sleep(60 * HEM_SEC), 0);
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(the_status_is_told_when_it_changes)
{
    BEGIN(0);
    check_told("STATUS=starting, 2 of 2 workers ready");
    become_ready();
    check_told("READY=1\nSTATUS=serving, 2 of 2 workers ready");
    for (int i = 0; i < 3; i++)
        hem__service_notify_status(&service); /* nothing has changed */
    settle();
    check_silence();
    seats[0].now = NULL;
    hem__service_notify_status(&service);
    seats[1].now = NULL;
    hem__service_notify_status(&service);
    settle();
    check_told("STATUS=serving, 0 of 2 workers ready");
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(where_nobody_asked_there_is_no_task)
{
    BEGIN(0);
    check_told("STATUS=starting, 2 of 2 workers ready");
    tear_down(&scope);
    setenv("WATCHDOG_USEC", "1000000", 1);
    hem__systemd_init(&service);
    HEM_SCOPE(none);
    check_int(hem__watchdog_start(&service, &none), 0);
    check_int(service.pulse, 0);
    become_ready();
    hem__service_notify_status(&service);
    check_int(hem_scope_close(&none, 0), 0); /* does not wait */
    unsetenv("WATCHDOG_USEC");
    return 0;
}

static void fill_queue(void)
{
    int n = 0;
    while (n < 100000 && hem_notify("X=1") == 1)
        n++;
    check(n < 100000);
}

VIRTUAL_TEST(what_a_slow_receiver_cannot_take_is_told_later_in_order)
{
    BEGIN(0);
    check_told("STATUS=starting, 2 of 2 workers ready");
    fill_queue();
    become_ready();
    service.state = HEM__SERVICE_UNREADY;
    hem__service_notify(&service, "STOPPING=1");
    check_int(hem_sleep(HEM_SEC), 0);
    check_int(count_told("READY=1"), 0);
    check_int(hem_sleep(HEM_SEC), 0);
    check_told("READY=1\nSTATUS=serving, 2 of 2 workers ready");
    check_told("STOPPING=1\nSTATUS=stopping, 2 workers left");
    check_told(EXTEND);
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(of_many_that_wait_the_last_ones_are_told)
{
    char text[NOTIFIED_BYTES];
    BEGIN(0);
    check_told("STATUS=starting, 2 of 2 workers ready");
    fill_queue();
    for (uint32_t i = 0; i < 10; i++) {
        service.wanted = i;
        become_ready();
    }
    check_int(hem_sleep(HEM_SEC), 0);
    while (notified_take(notified, text, NULL, NULL) > 0)
        check_str(text, "X=1");
    check_int(hem_sleep(HEM_SEC), 0);
    for (uint32_t i = 10 - HEM__SYSTEMD_WAITING; i < 10; i++) {
        snprintf(text, sizeof(text),
                 "READY=1\nSTATUS=serving, 2 of %u workers ready", i);
        check_told(text);
    }
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(what_is_left_at_the_end_is_told_then)
{
    char text[NOTIFIED_BYTES];
    BEGIN(0);
    check_told("STATUS=starting, 2 of 2 workers ready");
    fill_queue();
    become_ready();
    settle();
    while (notified_take(notified, text, NULL, NULL) > 0)
        continue;
    hem_scope_abort(&scope, "the end");
    settle();
    check_told("READY=1\nSTATUS=serving, 2 of 2 workers ready");
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(that_nobody_is_there_is_logged_once)
{
    set_up(0);
    HEM_SCOPE(scope);
    close(notified);
    check_int(hem__watchdog_start(&service, &scope), 0);
    check_logged("$NOTIFY_SOCKET cannot be told: HEM_ECONNREFUSED");
    become_ready();
    become_ready();
    notified = notified_begin(getenv("NOTIFY_SOCKET"));
    become_ready();
    check_told("READY=1\nSTATUS=serving, 2 of 2 workers ready");
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(the_watchdog_is_fed_in_half_its_interval_while_all_turn)
{
    BEGIN(INTERVAL);
    check_int(service.pulse, INTERVAL / 4);
    check_int(count_told(FED), 1);
    check_int(pass(10 * INTERVAL, WORKERS, FED), 20);
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(a_worker_that_is_stuck_starves_the_watchdog)
{
    BEGIN(INTERVAL);
    check(pass(INTERVAL, WORKERS, FED) > 0);
    check(pass(2 * INTERVAL, 1, FED) <= 2);
    check_int(pass(4 * INTERVAL, 1, FED), 0);
    check_logged("worker 1 (pid 1001) makes no progress");
    check(pass(INTERVAL, WORKERS, FED) > 0); /* it goes on */
    check(pass(4 * INTERVAL, 1, FED) <= 2);
    check_logged("worker 1 (pid 1001) makes no progress");
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(who_is_not_ready_or_has_no_loop_is_not_asked_for_progress)
{
    static hem_virtual_clock clock;
    BEGIN(INTERVAL);
    (void)count_told(FED);
    instances[0].state = HEM__INSTANCE_STARTING;
    instances[1].state = HEM__INSTANCE_TOLD;
    check_int(pass(3 * INTERVAL, 0, FED), 6);
    instances[0].state = HEM__INSTANCE_READY;
    instances[0].role = &plain;
    check_int(pass(3 * INTERVAL, 0, FED), 6);
    instances[0].role = &role;
    instances[1].state = HEM__INSTANCE_READY;
    run_options.clock = &clock;
    options.run = &run_options;
    check_int(pass(3 * INTERVAL, 0, FED), 6);
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(a_loop_that_was_held_up_itself_blames_nobody)
{
    BEGIN(INTERVAL);
    (void)pass(INTERVAL / 2, 0, FED);
    for (int i = 0; i < 5; i++) { /* as after SIGSTOP */
        service.systemd.feed_at -= INTERVAL;
        hem_event_set(&service.systemd.changed);
        settle();
        check_int(count_told(FED), 1);
    }
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(with_heartbeats_the_watchdog_leaves_time_to_replace)
{
    set_up(INTERVAL);
    HEM_SCOPE(scope);
    options.heartbeat = 2 * INTERVAL;
    check_int(hem__watchdog_start(&service, &scope), 0);
    check_int(service.pulse, INTERVAL / 4);
    (void)count_told(FED);
    check_int(pass(3 * INTERVAL, 0, FED), 6);
    check(pass(3 * INTERVAL, 0, FED) <= 2);
    check_logged("makes no progress");
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(hearts_beat_as_often_as_anybody_needs_it)
{
    set_up(INTERVAL);
    HEM_SCOPE(scope);
    options.heartbeat = HEM_SEC;
    check_int(hem__watchdog_start(&service, &scope), 0);
    check_int(service.pulse, HEM_SEC / 4);
    (void)count_told(FED);
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(more_time_is_asked_for_while_workers_drain)
{
    BEGIN(0);
    become_ready();
    service.state = HEM__SERVICE_UNREADY;
    hem__service_notify(&service, "STOPPING=1");
    settle();
    check_int(count_told(EXTEND), 1);
    check_int(pass(60 * HEM_SEC, 0, EXTEND), 12);
    hem__list_init(&service.instances);
    check_int(pass(60 * HEM_SEC, 0, EXTEND), 0);
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(a_successor_says_nothing_before_it_is_ready_and_who_it_is_then)
{
    char pid[32], text[NOTIFIED_BYTES];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    setenv("HEM_UPGRADE_PID", pid, 1);
    BEGIN(INTERVAL);
    hem__service_notify_status(&service);
    check_int(pass(3 * INTERVAL, WORKERS, FED), 0);
    service.state = HEM__SERVICE_UNREADY;
    hem__service_notify(&service, "STOPPING=1");
    check_silence();
    become_ready();
    snprintf(text, sizeof(text),
             "READY=1\nMAINPID=%s\nSTATUS=serving, 2 of 2 workers ready", pid);
    check_told(text);
    settle();
    check_silence();
    check_int(pass(INTERVAL, WORKERS, FED), 2);
    become_ready();
    check_told("READY=1\nSTATUS=serving, 2 of 2 workers ready");
    tear_down(&scope);
    return 0;
}

VIRTUAL_TEST(who_has_named_another_says_no_more)
{
    BEGIN(INTERVAL);
    become_ready();
    (void)count_told("");
    hem__service_notify(&service, "MAINPID=77");
    check_told("MAINPID=77");
    hem__service_notify_status(&service);
    service.state = HEM__SERVICE_UNREADY;
    hem__service_notify(&service, "STOPPING=1");
    check_int(pass(3 * INTERVAL, WORKERS, FED), 0);
    check_silence();
    tear_down(&scope);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(states_are_told_with_how_many_work),
        LEDGER_TEST(a_failure_is_told_by_its_number_if_it_is_the_systems),
        LEDGER_TEST(a_reload_tells_when_it_began),
        LEDGER_TEST(the_status_is_told_when_it_changes),
        LEDGER_TEST(where_nobody_asked_there_is_no_task),
        LEDGER_TEST(what_a_slow_receiver_cannot_take_is_told_later_in_order),
        LEDGER_TEST(of_many_that_wait_the_last_ones_are_told),
        LEDGER_TEST(what_is_left_at_the_end_is_told_then),
        LEDGER_TEST(that_nobody_is_there_is_logged_once),
        LEDGER_TEST(the_watchdog_is_fed_in_half_its_interval_while_all_turn),
        LEDGER_TEST(a_worker_that_is_stuck_starves_the_watchdog),
        LEDGER_TEST(who_is_not_ready_or_has_no_loop_is_not_asked_for_progress),
        LEDGER_TEST(a_loop_that_was_held_up_itself_blames_nobody),
        LEDGER_TEST(with_heartbeats_the_watchdog_leaves_time_to_replace),
        LEDGER_TEST(hearts_beat_as_often_as_anybody_needs_it),
        LEDGER_TEST(more_time_is_asked_for_while_workers_drain),
        LEDGER_TEST(
            a_successor_says_nothing_before_it_is_ready_and_who_it_is_then),
        LEDGER_TEST(who_has_named_another_says_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
