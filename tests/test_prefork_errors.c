/* SPDX-License-Identifier: MIT */
/* Services whose workers, or options, are wrong. */
#include <signal.h>

#include "forked.h"
#include "prefork.h"
#include "support.h"

enum { TOLD, FAILED, SIGNALS = 8 };

/* ---- phases ---- */

static int fail_in_set_up(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    return hem_fail(HEM_EINVAL, "no port");
}

static int fail_in_body(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_ready(w);
    return hem_fail(HEM_EIO, "disk gone");
}

static int fail_in_tear_down(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    process_say('r');
    check_int(hem_worker_wait(w), p->options.threads ? SIGINT : SIGTERM);
    return hem_fail(HEM_EPIPE, "not flushed");
}

static int fail_before(uint32_t index, void *arg)
{
    (void)index;
    (void)arg;
    return HEM_EACCES;
}

static void errors_in_set_up_body_and_tear_down_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        hem_worker_fn *fn;
        int error;
        hem_worker_phase phase;
        const char *text;
    } cases[] = {
        {fail_in_set_up, HEM_EINVAL, HEM_WORKER_SET_UP,
         ") failed in set up: HEM_EINVAL: no port\n"},
        {fail_in_body, HEM_EIO, HEM_WORKER_BODY,
         ") failed in body: HEM_EIO: disk gone\n"},
        {fail_in_tear_down, HEM_EPIPE, HEM_WORKER_TEAR_DOWN,
         ") failed in tear down: HEM_EPIPE: not flushed\n"},
    };
    for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
        bool threads = i >= COUNT_OF(cases);
        size_t c = i % COUNT_OF(cases);
        struct prefork p = {.worker = cases[c].fn,
                            .options = {.num_workers = 1, .threads = threads},
                            .expected = cases[c].error};
        struct ending e;
        prefork_start(&p);
        if (cases[c].phase == HEM_WORKER_TEAR_DOWN) {
            prefork_await(&p, PREFORK_SERVICE_READY, 1);
            prefork_signal(&p, threads ? SIGINT : SIGTERM);
        }
        prefork_end(&p, &e);
        check_contains(e.text, "hem: error: worker 0 (");
        check_contains(e.text, cases[c].text);
        const hem_prefork_event *end =
            prefork_event(&p, HEM_WORKER_HAS_ENDED, 0, 0);
        check_int(end->end.phase, cases[c].phase);
        check_int(end->end.error, cases[c].error);
        check_int(end->end.signal, 0);
        check_int(end->end.exit_code, threads ? -1 : 1);
        prefork_free(&p);
    }
}

static void an_error_of_prestart_is_one_of_the_start(void **state)
{
    (void)state;
    struct prefork p = {.worker = prefork_serve,
                        .options = {.num_workers = 1, .prestart = fail_before},
                        .expected = HEM_EACCES};
    struct ending e;
    prefork_start(&p);
    prefork_end(&p, &e);
    check_contains(e.text, "HEM_EACCES: ");
    check(prefork_event(&p, HEM_WORKER_HAS_ENDED, 0, 0)->end.phase <=
          HEM_WORKER_SET_UP);
    prefork_free(&p);
}

/* ---- aiotools: some fail to set up while others are still starting ---- */

static int fail_or_start_slowly(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    atomic_int *n = p->shared->numbers;
    if (hem_worker_index(w) < 2) {
        atomic_fetch_add(&n[FAILED], 1);
        return hem_fail(HEM_ENOENT, "no file");
    }
    while (atomic_load(&n[FAILED]) < 2)
        HEM_TRY(hem_sleep(HEM_MSEC));
    int signo = hem_worker_wait(w);
    atomic_store(&n[SIGNALS + hem_worker_index(w)], signo);
    return prefork_verdict();
}

static void
workers_that_still_start_are_stopped_when_two_of_four_fail(void **state)
{
    (void)state;
    for (int threads = 0; threads < 2; threads++) {
        struct prefork p = {.worker = fail_or_start_slowly,
                            .options = {.num_workers = 4, .threads = threads},
                            .expected = HEM_ENOENT};
        struct ending e;
        prefork_start(&p);
        prefork_end(&p, &e);
        check_contains(e.text, "worker 0 (");
        check_contains(e.text, "worker 1 (");
        check_contains(e.text, ") failed in set up: HEM_ENOENT: no file\n");
        check(!strstr(e.text, "worker 2 ("));
        check(!strstr(e.text, "worker 3 ("));
        for (int i = 2; i < 4; i++) {
            if (prefork_count(&p, HEM_WORKER_IS_STARTED, i) > 0)
                check_int(p.shared->numbers[SIGNALS + i], SIGTERM);
        }
        check_int(prefork_count(&p, HEM_SERVICE_IS_READY, -1), 0);
        prefork_free(&p);
    }
}

/* ---- ends that are no return ---- */

static int leave_at_once(hem_worker *w, void *arg)
{
    hem_worker_ready(w);
    (void)arg;
    _exit(0);
}

static void a_worker_that_exits_with_0_is_done(void **state)
{
    (void)state;
    struct prefork p = {.worker = leave_at_once};
    prefork_start(&p);
    prefork_end_silently(&p);
    prefork_free(&p);
}

static int die(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_ready(w);
    raise(SIGSEGV);
    return 0;
}

static void a_segmentation_fault_is_a_failure_of_the_service(void **state)
{
    (void)state;
    struct prefork p = {.worker = die,
                        .options = {.num_workers = 1},
                        .expected = HEM_ESIGNALED};
    struct ending e;
    prefork_start(&p);
    prefork_end(&p, &e);
    check_contains(e.text, ") failed in body: killed by SIGSEGV");
    check_int(prefork_event(&p, HEM_WORKER_HAS_ENDED, 0, 0)->end.signal,
              SIGSEGV);
    prefork_free(&p);
}

/* A child of the worker's has its channel, and lives on: the worker's end is
 * seen nevertheless. */
static int leave_a_child(hem_worker *w, void *arg)
{
    const struct prefork *p = arg;
    hem_worker_ready(w);
    if (fork() == 0) {
        prefork_pass_gate(p);
        _exit(0);
    }
    return hem_fail(HEM_EIO, "gone before it");
}

static void a_worker_whose_child_lives_on_has_ended_all_the_same(void **state)
{
    (void)state;
    struct prefork p = {.worker = leave_a_child,
                        .options = {.num_workers = 1},
                        .expected = HEM_EIO};
    struct ending e;
    prefork_start(&p);
    prefork_await(&p, PREFORK_ENDED, 1);
    prefork_end(&p, &e);
    check_contains(e.text, ") failed in body: HEM_EIO: gone before it\n");
    prefork_free(&p);
}

/* ---- options ---- */

static int do_nothing(void *arg)
{
    (void)arg;
    return 0;
}

static void options_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    static const hem_extra_process neither = {.name = "x"};
    static const hem_extra_process both = {.fn = prefork_serve,
                                           .plain = do_nothing};
    static const hem_extra_process plain = {.plain = do_nothing};
    static const int kill_signal[] = {SIGKILL, 0};
    const char *processes = "are for processes", *pair = "one of fn and plain";
    const char *backoff = "backoff_min and backoff_max";
    const struct {
        hem_prefork_options options;
        const char *logged; /* NULL: nothing */
    } wrong[] = {
        {{.num_workers = 2, .max_workers = 1}, NULL},
        {{.num_workers = UINT32_MAX}, NULL},
        {{.stop_signals = kill_signal}, NULL},
        {{.threads = true, .prestart = fail_before}, processes},
        {{.threads = true, .user = "0"}, processes},
        {{.threads = true, .max_memory = 1}, processes},
        {{.group = "0"}, "group without user"},
        {{.extra = &neither, .extra_count = 1}, pair},
        {{.extra = &both, .extra_count = 1}, pair},
        {{.extra_count = 1}, pair},
        {{.threads = true, .extra = &plain, .extra_count = 1}, "is no thread"},
        {{.restart = (hem_restart)3}, "no such restart policy"},
        {{.backoff_min = 2, .backoff_max = 1}, backoff},
        {{.backoff_min = -1}, backoff},
        {{.backoff_max = -1}, backoff},
        {{.metric_count = 1}, "metric_count without metrics"},
    };
    size_t descriptors = ledger_descriptors();
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        if (!check_int(hem_prefork(prefork_serve, NULL, &wrong[i].options),
                       HEM_EINVAL))
            print_error("case %zu\n", i);
        if (wrong[i].logged)
            check_logged(wrong[i].logged);
        check_int(ledger_descriptors(), descriptors);
    }
}

static void
the_sockets_of_a_service_that_does_not_start_are_closed(void **state)
{
    (void)state;
    int fds[2];
    char byte;
    check_int(pipe(fds), 0);
    int sockets[] = {fds[1], 0};
    check_int(
        hem_prefork(prefork_serve, NULL,
                    &(hem_prefork_options){.sockets = sockets, .group = "0"}),
        HEM_EINVAL);
    check_logged("group without user");
    check_int(read(fds[0], &byte, 1), 0);
    close(fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(errors_in_set_up_body_and_tear_down_are_told_apart),
        LEDGER_TEST(an_error_of_prestart_is_one_of_the_start),
        LEDGER_TEST(workers_that_still_start_are_stopped_when_two_of_four_fail),
        LEDGER_TEST(a_worker_that_exits_with_0_is_done),
        LEDGER_TEST(a_segmentation_fault_is_a_failure_of_the_service),
        LEDGER_TEST(a_worker_whose_child_lives_on_has_ended_all_the_same),
        LEDGER_TEST(options_that_contradict_each_other_are_refused),
        LEDGER_TEST(the_sockets_of_a_service_that_does_not_start_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
