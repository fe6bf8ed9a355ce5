/* SPDX-License-Identifier: MIT */
/* What /metrics shows, read by a parser of its format. */
#include "support.h"

#include <math.h>

#include "exposition.h"
#include "fake_service.h"

static hem__text text; /* of the last show() */

static const char *show(const struct fake_service *f)
{
    hem__text_clear(&text);
    hem__metrics_write(&f->s, &text);
    check(!text.lost);
    check_int(strlen(text.data), text.size);
    const char *wrong = exposition_wrong(text.data);
    if (wrong)
        check_str(wrong, "a right line");
    return text.data;
}

/* Forget it. */
static int end(struct fake_service *f)
{
    hem__text_clear(&text);
    fake_service_deinit(f);
    return 0;
}

static void check_value(const char *series, double want)
{
    double got = exposition_value(text.data, series);
    if (!check(got == want || (isnan(got) && isnan(want))))
        check_str(series, text.data);
}

/* ---- the parser itself ---- */

static void the_parser_of_the_tests_takes_what_is_right(void **state)
{
    (void)state;
    static const char *const right[] = {
        "",
        "# TYPE a counter\na 1\n",
        "# HELP a b \\\\ \\n\n# TYPE a gauge\na{b=\"c\"} -1.5e3\na 2\n",
        "# TYPE a gauge\na{b=\"\\\\\\\"\\n}\",c=\"\"} NaN\n",
    };
    for (size_t i = 0; i < COUNT_OF(right); i++)
        check(!exposition_wrong(right[i]));
    check(exposition_value("# TYPE a gauge\na{b=\"c\"} 4\n", "a{b=\"c\"}") ==
          4);
    check(isnan(exposition_value("aa 4\n", "a")));
    run_assert_checks();
}

static void the_parser_of_the_tests_refuses_what_is_wrong(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "\n",
        "a 1\n",
        "# TYPE a counter\na 1",
        "# TYPE a counter\na -1\n",
        "# TYPE a counter\na\n",
        "# TYPE a counter\na 1 x\n",
        "# TYPE a counter\na  1\n",
        "# TYPE a counter\na 1\na 2\n",
        "# TYPE a counter\n# TYPE a counter\na 1\n",
        "# TYPE a counter\n# TYPE b counter\n# HELP a b\n",
        "# TYPE a counter\na 1\n# HELP a b\n",
        "# TYPE a what\na 1\n",
        "# TYPE 1a counter\n1a 1\n",
        "# TYPE a gauge\na{b=\"\\x\"} 1\n",
        "# TYPE a gauge\na{b=\"c} 1\n",
        "# TYPE a gauge\na{b:c=\"d\"} 1\n",
        "# TYPE a gauge\na{b=\"c\"}1\n",
        "# HELP a \\\n",
        "# HELP a \\x\n",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (!exposition_wrong(wrong[i]))
            fail_msg("taken: %s", wrong[i]);
    }
}

/* ---- the service ---- */

VIRTUAL_TEST(metrics_tell_of_the_service)
{
    struct fake_service f;
    fake_service_init(&f);
    f.s.restarts = 7;
    f.s.reloads = 2;
    atomic_store(&f.instances[0].slot->requests, 1000);
    atomic_store(&f.instances[3].slot->requests, 11);
    f.s.scoreboard.requests = UINT64_C(5000000000);
    show(&f);
    check_value("hem_up", 1);
    check_value("hem_service_state{state=\"ready\"}", 1);
    check_value("hem_service_state{state=\"starting\"}", 0);
    check_value("hem_service_state{state=\"unready\"}", 0);
    check_value("hem_service_state{state=\"stopping\"}", 0);
    check_value("hem_workers_wanted", 3);
    check_value("hem_requests_total", 5000001011);
    check_value("hem_restarts_total", 7);
    check_value("hem_reloads_total", 2);
    check(exposition_value(text.data, "hem_parent_resident_bytes") > 4096);
    return end(&f);
}

VIRTUAL_TEST(workers_are_counted_by_state_and_extra_processes_are_not)
{
    struct fake_service f;
    fake_service_init(&f);
    show(&f);
    check_value("hem_workers{state=\"starting\"}", 0);
    check_value("hem_workers{state=\"ready\"}", 3);
    check_value("hem_workers{state=\"draining\"}", 0);
    f.instances[0].state = HEM__INSTANCE_STARTING;
    f.instances[1].state = HEM__INSTANCE_TOLD;
    f.instances[3].state = HEM__INSTANCE_TOLD;
    f.s.state = HEM__SERVICE_STOPPING;
    show(&f);
    check_value("hem_workers{state=\"starting\"}", 1);
    check_value("hem_workers{state=\"ready\"}", 1);
    check_value("hem_workers{state=\"draining\"}", 1);
    check_value("hem_service_state{state=\"stopping\"}", 1);
    return end(&f);
}

VIRTUAL_TEST(each_worker_has_its_series)
{
    struct fake_service f;
    fake_service_init(&f);
    check_int(hem_sleep(90 * HEM_SEC), 0);
    f.instances[1].generation = 4;
    f.instances[1].started_at = 80 * HEM_SEC;
    f.instances[1].beat_at = hem_now() - 1500 * HEM_MSEC;
    f.instances[2].state = HEM__INSTANCE_STARTING;
    atomic_store(&f.instances[1].slot->requests, 12);
    show(&f);
    check_value("hem_worker_ready{index=\"1\",name=\"worker\"}", 1);
    check_value("hem_worker_ready{index=\"2\",name=\"worker\"}", 0);
    check_value("hem_worker_ready{index=\"3\",name=\"extra\"}", 1);
    check_value("hem_worker_pid{index=\"1\",name=\"worker\"}", getpid());
    check_value("hem_worker_generation{index=\"1\",name=\"worker\"}", 4);
    check_value("hem_worker_age_seconds{index=\"1\",name=\"worker\"}", 10);
    check_value("hem_worker_requests_total{index=\"1\",name=\"worker\"}", 12);
    check_value("hem_worker_heartbeat_age_seconds"
                "{index=\"1\",name=\"worker\"}",
                1.5);
    check(exposition_value(text.data, "hem_worker_resident_bytes"
                                      "{index=\"1\",name=\"worker\"}") > 4096);
    return end(&f);
}

VIRTUAL_TEST(what_is_not_known_of_a_worker_is_not_shown)
{
    struct fake_service f;
    fake_service_init(&f);
    f.instances[0].pid = 0;
    f.instances[1].slot = NULL;
    f.seats[2].now = NULL;
    show(&f);
    check_value("hem_worker_ready{index=\"0\",name=\"worker\"}", 1);
    check_value("hem_worker_pid{index=\"0\",name=\"worker\"}", NAN);
    check_value("hem_worker_age_seconds{index=\"0\",name=\"worker\"}", NAN);
    check_value("hem_worker_resident_bytes{index=\"0\",name=\"worker\"}", NAN);
    check_value("hem_worker_heartbeat_age_seconds"
                "{index=\"0\",name=\"worker\"}",
                NAN);
    check_value("hem_worker_requests_total{index=\"1\",name=\"worker\"}", NAN);
    check_value("hem_worker_ready{index=\"2\",name=\"worker\"}", NAN);
    return end(&f);
}

VIRTUAL_TEST(threads_have_no_memory_of_their_own)
{
    struct fake_service f;
    fake_service_init(&f);
    f.s.threads = true;
    show(&f);
    check_value("hem_worker_resident_bytes{index=\"1\",name=\"worker\"}", NAN);
    check_value("hem_worker_pid{index=\"1\",name=\"worker\"}", getpid());
    return end(&f);
}

VIRTUAL_TEST(a_process_that_is_gone_has_no_memory)
{
    struct fake_service f;
    fake_service_init(&f);
    f.instances[1].pid = INT32_MAX;
    show(&f);
    check_value("hem_worker_resident_bytes{index=\"1\",name=\"worker\"}", NAN);
    return end(&f);
}

/* ---- metrics of the user ---- */

VIRTUAL_TEST(metrics_of_the_user_are_sums_over_all_workers)
{
    static const hem_metric metrics[] = {
        {.name = "app_hits_total", .help = "Hits."},
        {.name = "app:open", .gauge = true},
    };
    struct fake_service f;
    fake_service_init(&f);
    f.options.metrics = metrics;
    f.options.metric_count = COUNT_OF(metrics);
    check_int(hem__metrics_check(&f.options), 0);
    f.s.scoreboard.metrics[0] = 100;
    for (int i = 0; i < FAKE_WORKERS; i++) {
        atomic_store(&f.instances[i].slot->metrics[0], i);
        atomic_store(&f.instances[i].slot->metrics[1], -i);
    }
    show(&f);
    check_value("app_hits_total", 106);
    check_value("app:open", -6);
    check_contains(text.data, "\n# HELP app_hits_total Hits.\n"
                              "# TYPE app_hits_total counter\n");
    check_contains(text.data, "\n# TYPE app:open gauge\n");
    check(strstr(text.data, "HELP app:open") == NULL);
    return end(&f);
}

VIRTUAL_TEST(help_and_labels_are_escaped)
{
    static const hem_metric metric = {.name = "a",
                                      .help = "one \\ two\nthree \"4\""};
    struct fake_service f;
    fake_service_init(&f);
    f.options.metrics = &metric;
    f.options.metric_count = 1;
    f.s.role.name = "a\"b\\c\nd";
    show(&f);
    check_contains(text.data, "\n# HELP a one \\\\ two\\nthree \"4\"\n");
    check_value("hem_worker_ready{index=\"1\",name=\"a\\\"b\\\\c\\nd\"}", 1);
    return end(&f);
}

/* What is no UTF-8 would make Prometheus refuse all of it. */
VIRTUAL_TEST(what_is_not_utf_8_is_not_shown)
{
    static const struct {
        const char *name, *shown;
    } names[] = {
        {"w\xc3\xb6rker \xe2\x82\xac \xf0\x9f\x98\x80",
         "w\xc3\xb6rker \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff-\xc3", "?-?"},
        {"\xc0\xaf", "??"},
        {"\xe0\x80\xaf", "???"},
        {"\xed\xa0\x80", "???"},
        {"\xf0\x8f\xbf\xbf", "????"},
        {"\xf4\x90\x80\x80", "????"},
        {"\xe2\x82x", "??x"},
    };
    struct fake_service f;
    fake_service_init(&f);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char series[64];
        f.s.role.name = names[i].name;
        show(&f);
        snprintf(series, sizeof(series),
                 "hem_worker_ready{index=\"0\",name=\"%s\"}", names[i].shown);
        check_value(series, 1);
    }
    return end(&f);
}

static void check_wrong(const hem_metric *metrics, size_t n, const char *why)
{
    hem_prefork_options o = {.metrics = metrics, .metric_count = n};
    check_int(hem__metrics_check(&o), HEM_EINVAL);
    check_contains(hem_failure_text(HEM_EINVAL), why);
}

VIRTUAL_TEST(names_that_cannot_be_are_refused)
{
    static const char *const wrong[] = {"",    "1a",        "a-b", "a b",
                                        "a{}", "a\xc3\xb6", "a\n"};
    hem_metric m = {.name = NULL};
    check_wrong(&m, 1, "no such name");
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        m.name = wrong[i];
        check_wrong(&m, 1, "no such name");
    }
    m.name = "hem_requests_total";
    check_wrong(&m, 1, "hem's own");
    static const hem_metric twice[] = {
        {.name = "a"}, {.name = "b"}, {.name = "a"}};
    check_wrong(twice, COUNT_OF(twice), "\"a\" is there twice");
    return 0;
}

VIRTUAL_TEST(so_many_metrics_and_no_more)
{
    static char names[HEM_METRICS_MAX + 1][8];
    hem_metric metrics[HEM_METRICS_MAX + 1] = {{.name = NULL}};
    for (size_t i = 0; i < COUNT_OF(metrics); i++) {
        snprintf(names[i], sizeof(names[i]), "a%zu", i);
        metrics[i].name = names[i];
    }
    check_wrong(metrics, COUNT_OF(metrics), "more than 32");
    struct fake_service f;
    fake_service_init(&f);
    f.options.metrics = metrics;
    f.options.metric_count = HEM_METRICS_MAX;
    check_int(hem__metrics_check(&f.options), 0);
    for (size_t i = 0; i < HEM_METRICS_MAX; i++)
        atomic_store(&f.instances[0].slot->metrics[i], (int64_t)i);
    show(&f);
    check_value("a0", 0);
    check_value("a31", 31);
    return end(&f);
}

VIRTUAL_TEST(numbers_may_be_as_large_as_they_get)
{
    static const hem_metric metrics[] = {{.name = "a", .gauge = true},
                                         {.name = "b", .gauge = true}};
    struct fake_service f;
    fake_service_init(&f);
    f.options.metrics = metrics;
    f.options.metric_count = 2;
    atomic_store(&f.instances[0].slot->metrics[0], INT64_MAX);
    atomic_store(&f.instances[0].slot->metrics[1], INT64_MIN);
    show(&f);
    check_contains(text.data, "\na 9223372036854775807\n");
    check_contains(text.data, "\nb -9223372036854775808\n");
    return end(&f);
}

VIRTUAL_TEST(a_text_that_memory_lacks_for_says_so)
{
    static char name[200];
    struct fake_service f;
    fake_service_init(&f);
    memset(name, 'x', sizeof(name) - 1);
    f.s.role.name = name;
    bool lost = true;
    size_t n = 0;
    while (lost && n < 10) {
        hem__text t = {.lost = false};
        ledger_fail_at(++n);
        hem__metrics_write(&f.s, &t);
        ledger_fail_at(0);
        lost = t.lost;
        hem__text_clear(&t);
    }
    check(!lost && n > 2); /* it has grown */
    return end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_parser_of_the_tests_takes_what_is_right),
        LEDGER_TEST(the_parser_of_the_tests_refuses_what_is_wrong),
        LEDGER_TEST(metrics_tell_of_the_service),
        LEDGER_TEST(workers_are_counted_by_state_and_extra_processes_are_not),
        LEDGER_TEST(each_worker_has_its_series),
        LEDGER_TEST(what_is_not_known_of_a_worker_is_not_shown),
        LEDGER_TEST(threads_have_no_memory_of_their_own),
        LEDGER_TEST(a_process_that_is_gone_has_no_memory),
        LEDGER_TEST(metrics_of_the_user_are_sums_over_all_workers),
        LEDGER_TEST(help_and_labels_are_escaped),
        LEDGER_TEST(what_is_not_utf_8_is_not_shown),
        LEDGER_TEST(names_that_cannot_be_are_refused),
        LEDGER_TEST(so_many_metrics_and_no_more),
        LEDGER_TEST(numbers_may_be_as_large_as_they_get),
        LEDGER_TEST(a_text_that_memory_lacks_for_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
