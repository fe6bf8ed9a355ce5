/* SPDX-License-Identifier: MIT */
/* What services tell their operators, from their start to their end. */
#include "support.h"

#include <signal.h>
#include <sys/socket.h>

#include "exposition.h"
#include "prefork.h"
#include "unix_net.h"

static char admin[64], agent[64]; /* addresses, abstract names */

static void set_addresses(struct prefork *p)
{
    snprintf(admin, sizeof(admin), "unix:@hem-admin-%d", (int)getpid());
    snprintf(agent, sizeof(agent), "unix:@hem-agent-%d", (int)getpid());
    p->options.admin = admin;
    p->options.agent = agent;
}

/* Say a text to `address`, and hear all that it has to say. Valid until the
 * next call. */
static const char *ask(const char *address, const char *text)
{
    static char answer[65536];
    size_t n = 0;
    ssize_t rc = 0;
    int peer = unix_connect(address + strlen("unix:"));
    if (!check(peer >= 0))
        return "";
    check_int(send(peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    while (n < sizeof(answer) - 1 &&
           (rc = recv(peer, answer + n, sizeof(answer) - 1 - n, 0)) > 0)
        n += (size_t)rc;
    check_int(rc, 0);
    answer[n] = '\0';
    close(peer);
    return answer;
}

/* Its answer from the status on. */
static const char *get(const char *page)
{
    char text[128];
    snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\n\r\n", page);
    const char *answer = ask(admin, text);
    return check(strncmp(answer, "HTTP/1.1 ", 9) == 0) ? answer + 9 : answer;
}

static void check_ready(const char *status, const char *why)
{
    const char *answer = get("/readyz");
    check_int(strncmp(answer, status, strlen(status)), 0);
    check_contains(answer, why);
}

static void check_agent(const char *want)
{
    check_str(ask(agent, ""), want);
}

static void check_alive(void)
{
    check_int(strncmp(get("/livez"), "200", 3), 0);
}

static const char *metrics(void)
{
    const char *body = strstr(get("/metrics"), "\r\n\r\n");
    if (!check(body != NULL))
        return "";
    const char *wrong = exposition_wrong(body + 4);
    if (wrong)
        check_str(wrong, "a right line");
    return body + 4;
}

static double value(const char *series)
{
    return exposition_value(metrics(), series);
}

/* ---- from the start to the end ---- */

static int pass_gate_and_serve(hem_worker *w, void *arg)
{
    prefork_pass_gate(arg);
    return prefork_serve(w, arg);
}

static void a_service_is_ready_when_its_workers_are(void **state)
{
    (void)state;
    struct prefork p = {.worker = pass_gate_and_serve};
    set_addresses(&p);
    prefork_start(&p);
    prefork_await(&p, PREFORK_STARTED, 2);
    check_alive();
    check_ready("503", "\nstarting\n");
    check_agent("down #starting\n");
    check(value("hem_workers{state=\"starting\"}") == 2);
    prefork_open_gate(&p);
    prefork_await(&p, PREFORK_SERVICE_READY, 1);
    check_alive();
    check_ready("200", "\nready\n");
    check_agent("up ready 100%\n");
    check(value("hem_workers{state=\"ready\"}") == 2);
    check(value("hem_worker_pid{index=\"1\",name=\"worker\"}") ==
          prefork_pid(&p, 1));
    prefork_stop(&p);
    run_assert_checks();
}

static int serve_and_pass_gate(hem_worker *w, void *arg)
{
    int rc = prefork_serve(w, arg);
    process_say('t');
    prefork_pass_gate(arg);
    return rc;
}

static void readiness_turns_off_before_workers_are_told(void **state)
{
    (void)state;
    struct prefork p = {.worker = serve_and_pass_gate,
                        .options = {.unready = HEM_NEVER, .grace = HEM_NEVER}};
    set_addresses(&p);
    prefork_start_ready(&p);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, PREFORK_UNREADY, 1);
    check_alive();
    check_ready("503", "\nstopping\n");
    check_agent("drain\n");
    check(value("hem_workers{state=\"ready\"}") == 2);
    check(value("hem_service_state{state=\"unready\"}") == 1);
    prefork_signal(&p, SIGTERM);
    prefork_await(&p, 't', 2);
    check_alive();
    check_ready("503", "\nstopping\n");
    check_agent("stopped #stopping\n");
    check(value("hem_workers{state=\"draining\"}") == 2);
    prefork_end_silently(&p);
    prefork_free(&p);
    run_assert_checks();
}

/* ---- numbers ---- */

static const hem_metric numbers[] = {
    {.name = "app_hits_total", .help = "Hits."},
    {.name = "app_open", .gauge = true},
};

static int count_and_serve(hem_worker *w, void *arg)
{
    uint32_t i = hem_worker_index(w);
    hem_worker_count(w, 10 + i);
    hem_worker_metric_add(w, 0, 100);
    hem_worker_metric_set(w, 1, 1);
    return prefork_serve(w, arg);
}

static void counters_outlive_a_worker_that_is_killed(void **state)
{
    (void)state;
    struct prefork p = {.worker = count_and_serve};
    struct ending e;
    p.options.metrics = numbers;
    p.options.metric_count = COUNT_OF(numbers);
    p.options.restart = HEM_RESTART_ALWAYS;
    p.options.backoff_min = HEM_MSEC;
    set_addresses(&p);
    prefork_start_ready(&p);
    check(value("hem_requests_total") == 21);
    check(value("app_hits_total") == 200);
    check(value("app_open") == 2);
    check_int(kill(prefork_pid(&p, 1), SIGKILL), 0);
    prefork_await(&p, PREFORK_READY, 3);
    check(value("hem_requests_total") == 32);
    check(value("app_hits_total") == 300);
    check(value("app_open") == 2);
    check(value("hem_restarts_total") == 1);
    check(value("hem_worker_generation{index=\"1\",name=\"worker\"}") == 1);
    check(value("hem_worker_requests_total{index=\"1\",name=\"worker\"}") ==
          11);
    check_ready("200", "\nready\n");
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_contains(e.text, "killed by SIGKILL");
    prefork_free(&p);
    run_assert_checks();
}

static void reloads_are_counted(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve};
    set_addresses(&p);
    prefork_start_ready(&p);
    check(value("hem_reloads_total") == 0);
    prefork_signal(&p, SIGHUP);
    prefork_await(&p, PREFORK_RELOADED, 1);
    check(value("hem_reloads_total") == 1);
    check(value("hem_restarts_total") == 0);
    prefork_stop(&p);
    run_assert_checks();
}

static int count_in_a_thread(hem_worker *w, void *arg)
{
    hem_worker_count(w, 5);
    hem_worker_metric_add(w, 0, 7);
    return prefork_serve(w, arg);
}

static void threads_are_told_of_alike(void **state)
{
    (void)state;
    struct prefork p = {.worker = count_in_a_thread};
    p.options.metrics = numbers;
    p.options.metric_count = COUNT_OF(numbers);
    p.options.threads = true;
    set_addresses(&p);
    prefork_start_ready(&p);
    check_ready("200", "\nready\n");
    check_agent("up ready 100%\n");
    check(value("hem_requests_total") == 10);
    check(value("app_hits_total") == 14);
    check(value("hem_worker_pid{index=\"0\",name=\"worker\"}") ==
          p.process.pid);
    prefork_stop(&p);
    run_assert_checks();
}

/* ---- options that are wrong ---- */

static void check_not_started(struct prefork *p, const char *why)
{
    struct ending e;
    p->worker = prefork_serve;
    prefork_start(p);
    prefork_end(p, &e);
    check_contains(e.text, why);
    check_int(prefork_count(p, HEM_WORKER_IS_STARTED, -1), 0);
    prefork_free(p);
    run_assert_checks();
}

static void an_address_that_others_reach_is_refused(void **state)
{
    (void)state;
    struct prefork p = {.expected = HEM_EINVAL};
    p.options.admin = "0.0.0.0:9100";
    check_not_started(&p, "hem-admin \"0.0.0.0:9100\": not a port of loopback");
}

static void an_address_that_is_taken_is_refused(void **state)
{
    (void)state;
    struct prefork first = {.worker = prefork_serve};
    struct prefork p = {.expected = HEM_EADDRINUSE};
    set_addresses(&first);
    prefork_start(&first);
    prefork_await(&first, PREFORK_SERVICE_READY, 1);
    p.options.agent = agent;
    check_not_started(&p, "Address already in use");
    prefork_stop(&first);
    run_assert_checks();
}

static void a_metric_of_hems_name_is_refused(void **state)
{
    (void)state;
    static const hem_metric metric = {.name = "hem_up"};
    struct prefork p = {.expected = HEM_EINVAL};
    p.options.metrics = &metric;
    p.options.metric_count = 1;
    check_not_started(&p, "hem_ is hem's own");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_service_is_ready_when_its_workers_are),
        LEDGER_TEST(readiness_turns_off_before_workers_are_told),
        LEDGER_TEST(counters_outlive_a_worker_that_is_killed),
        LEDGER_TEST(reloads_are_counted),
        LEDGER_TEST(threads_are_told_of_alike),
        LEDGER_TEST(an_address_that_others_reach_is_refused),
        LEDGER_TEST(an_address_that_is_taken_is_refused),
        LEDGER_TEST(a_metric_of_hems_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
