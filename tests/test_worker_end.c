/* SPDX-License-Identifier: MIT */
/* How workers end, and in which phase they fail. */
#include <signal.h>

#include "lone.h"
#include "support.h"

static int fail_in_set_up(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    return hem_fail(HEM_EADDRINUSE, "port %d is taken", 8080);
}

static int fail_in_body(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_ready(w);
    return HEM_EIO;
}

static int fail_in_tear_down(hem_worker *w, void *arg)
{
    (void)arg;
    int signo = hem_worker_wait(w);
    return signo == SIGTERM ? hem_fail(HEM_ENOSPC, "no space for the state")
                            : HEM_ESTATE;
}

static void check_failed(struct lone *w, hem_worker_phase phase, int error,
                         const char *text)
{
    hem__message m;
    lone_hear(w, HEM__MESSAGE_FAILED, &m);
    check_int(m.phase, phase);
    check_int(m.code, error);
    check_contains(m.text, text);
    check_int(lone_end(w), 1);
    check_int(lone_phase(w), phase);
    check_int(w->slot->error, error);
    lone_free(w);
}

LONE_TEST(an_error_before_ready_is_one_of_set_up)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = fail_in_set_up}};
    HEM_TRY(lone_start(&w));
    check_failed(&w, HEM_WORKER_SET_UP, HEM_EADDRINUSE, "port 8080 is taken");
    return 0;
}

LONE_TEST(an_error_after_ready_is_one_of_the_body)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = fail_in_body}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    check_failed(&w, HEM_WORKER_BODY, HEM_EIO, hem_strerror(HEM_EIO));
    return 0;
}

LONE_TEST(an_error_after_the_stop_is_one_of_tear_down)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = fail_in_tear_down}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    lone_say(&w, HEM__MESSAGE_STOP, SIGTERM);
    check_failed(&w, HEM_WORKER_TEAR_DOWN, HEM_ENOSPC, "no space for the");
    return 0;
}

static int return_1000(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    return 1000;
}

LONE_TEST(a_result_that_is_no_error_is_a_clean_end_of_all_phases)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = return_1000}};
    HEM_TRY(lone_start(&w));
    check_int(lone_end(&w), 0);
    check_int(lone_phase(&w), HEM_WORKER_ENDED);
    check_int(w.slot->error, 0);
    lone_free(&w);
    return 0;
}

static int loop_for_ever(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_count(w, 3);
    hem_worker_ready(w);
    while (getppid() > 0)
        continue;
    return 0;
}

VIRTUAL_TEST(a_slot_tells_where_a_killed_worker_was)
{
    struct lone w = {.role = {.fn = loop_for_ever}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    check_int(hem_child_send_signal(&w.child, SIGKILL), 0);
    check_int(lone_end(&w), -1);
    check_int(w.status.signal, SIGKILL);
    check_int(lone_phase(&w), HEM_WORKER_BODY);
    check_int(hem__scoreboard_requests(&w.board), 3);
    lone_free(&w);
    return 0;
}

static int drain(hem_worker *w, void *arg)
{
    (void)arg;
    int signo = hem_worker_wait(w);
    check_int(signo, SIGTERM);
    lone_call(w);
    return hem_sleep(HEM_NEVER);
}

LONE_TEST(one_that_is_cancelled_by_its_parent_ends_well)
{
    struct lone w = {.options = {.threads = threads}, .role = {.fn = drain}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    lone_say(&w, HEM__MESSAGE_STOP, SIGTERM);
    lone_hear(&w, HEM__MESSAGE_REPLACE, NULL);
    lone_say(&w, HEM__MESSAGE_CANCEL, 0);
    check_int(lone_end(&w), 0);
    check_int(lone_phase(&w), HEM_WORKER_ENDED);
    lone_free(&w);
    return 0;
}

static int cancelled_in_set_up(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    int rc = hem_sleep(HEM_NEVER);
    hem_worker_metric_set(w, 0, rc);
    return HEM_EIO;
}

LONE_TEST(an_error_of_its_own_when_cancelled_is_a_failure)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = cancelled_in_set_up}};
    HEM_TRY(lone_start(&w));
    lone_say(&w, HEM__MESSAGE_CANCEL, 0);
    check_failed(&w, HEM_WORKER_SET_UP, HEM_EIO, "");
    return 0;
}

static int cancel_itself(hem_worker *w, void *arg)
{
    (void)w;
    (void)arg;
    hem_task_cancel(hem_self(), "no more");
    return hem_sleep(HEM_NEVER);
}

LONE_TEST(one_that_cancels_itself_has_failed)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = cancel_itself}};
    HEM_TRY(lone_start(&w));
    check_failed(&w, HEM_WORKER_SET_UP, HEM_ECANCELED, "");
    return 0;
}

/* Needs the loop after the worker's function. */
static int linger(void *arg)
{
    hem_worker *w = arg;
    (void)!hem_sleep(HEM_NEVER);
    hem_worker_metric_set(w, 0, w->start->slot->phase);
    lone_call(w);
    uint64_t beats = w->start->slot->beats;
    while (w->start->slot->beats < beats + 3)
        (void)!hem_sleep(HEM_NSEC);
    return 0;
}

static int leave_one(hem_worker *w, void *arg)
{
    (void)arg;
    HEM_TRY(hem_spawn(NULL, linger, w));
    HEM_TRY(hem_yield());
    int signo = hem_worker_wait(w);
    return signo < 0 ? signo : 0;
}

LONE_TEST(what_a_function_leaves_behind_belongs_to_tear_down)
{
    struct lone w = {.options = {.threads = threads},
                     .start = {.pulse = HEM_USEC},
                     .role = {.fn = leave_one}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    lone_say(&w, HEM__MESSAGE_STOP, SIGTERM);
    lone_hear(&w, HEM__MESSAGE_REPLACE, NULL);
    check_int(lone_end(&w), 0);
    check_int(lone_found(&w, 0), HEM_WORKER_TEAR_DOWN);
    check_int(lone_phase(&w), HEM_WORKER_ENDED);
    lone_free(&w);
    return 0;
}

LONE_TEST(a_loop_that_cannot_be_made_is_a_failure_of_the_start)
{
    struct lone w = {
        .options = {.threads = threads,
                    .run = &(hem_run_options){.stack_bytes = SIZE_MAX}},
        .role = {.fn = return_1000},
    };
    HEM_TRY(lone_start(&w));
    check_failed(&w, HEM_WORKER_STARTING, HEM_EINVAL, "");
    return 0;
}

static int prestart(uint32_t index, void *arg)
{
    int *error = arg;
    check(!hem_loop_current());
    check_int(hem_process_index(), index);
    check_int(index, 4);
    if (*error < 0)
        return *error;
    *error = 77;
    return 0;
}

static int find_77(hem_worker *w, void *arg)
{
    check_int(*(int *)arg, 77);
    return lone_verdict(w);
}

VIRTUAL_TEST(prestart_comes_before_the_loop_and_in_the_process)
{
    int value = 0;
    struct lone w = {.options = {.prestart = prestart},
                     .start = {.index = 4},
                     .role = {.fn = find_77, .arg = &value}};
    HEM_TRY(lone_start(&w));
    check_int(lone_end(&w), 0);
    check_int(value, 0);
    lone_free(&w);
    return 0;
}

VIRTUAL_TEST(an_error_of_prestart_is_a_failure_of_the_start)
{
    int value = HEM_EACCES;
    struct lone w = {.options = {.prestart = prestart},
                     .start = {.index = 4},
                     .role = {.fn = find_77, .arg = &value}};
    HEM_TRY(lone_start(&w));
    check_failed(&w, HEM_WORKER_STARTING, HEM_EACCES, "");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(an_error_before_ready_is_one_of_set_up),
        LEDGER_TEST(an_error_after_ready_is_one_of_the_body),
        LEDGER_TEST(an_error_after_the_stop_is_one_of_tear_down),
        LEDGER_TEST(a_result_that_is_no_error_is_a_clean_end_of_all_phases),
        LEDGER_TEST(a_slot_tells_where_a_killed_worker_was),
        LEDGER_TEST(one_that_is_cancelled_by_its_parent_ends_well),
        LEDGER_TEST(an_error_of_its_own_when_cancelled_is_a_failure),
        LEDGER_TEST(one_that_cancels_itself_has_failed),
        LEDGER_TEST(what_a_function_leaves_behind_belongs_to_tear_down),
        LEDGER_TEST(a_loop_that_cannot_be_made_is_a_failure_of_the_start),
        LEDGER_TEST(prestart_comes_before_the_loop_and_in_the_process),
        LEDGER_TEST(an_error_of_prestart_is_a_failure_of_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
