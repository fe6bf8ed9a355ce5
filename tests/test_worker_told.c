/* SPDX-License-Identifier: MIT */
/* What comes to a worker from outside: signals, the death of its parent; and
 * what goes out by itself: its heart. */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/list.h"
#include "forked.h"
#include "lone.h"
#include "support.h"

static int wait_for_stop(hem_worker *w, void *arg)
{
    (void)arg;
    int signo = hem_worker_wait(w);
    hem_worker_metric_set(w, 0, signo);
    return signo < 0 ? signo : lone_verdict(w);
}

static void check_stops_by(struct lone *w, int signo)
{
    check_int(lone_start(w), 0);
    lone_hear(w, HEM__MESSAGE_READY, NULL);
    check_int(hem_child_send_signal(&w->child, signo), 0);
    check_int(lone_end(w), 0);
    check_int(lone_found(w, 0), signo);
    lone_free(w);
}

VIRTUAL_TEST(a_stop_signal_sent_to_its_process_stops_a_worker)
{
    check_stops_by(&(struct lone){.role = {.fn = wait_for_stop}}, SIGTERM);
    check_stops_by(&(struct lone){.role = {.fn = wait_for_stop}}, SIGINT);
    check_stops_by(&(struct lone){.options = {.ignore_child_interrupts = true},
                                  .role = {.fn = wait_for_stop}},
                   SIGTERM);
    return 0;
}

VIRTUAL_TEST(stop_signals_are_those_of_the_service_and_the_role)
{
    static const int signals[] = {SIGUSR1, SIGALRM, 0};
    const hem_prefork_options options = {.stop_signals = signals};
    check_stops_by(
        &(struct lone){.options = options, .role = {.fn = wait_for_stop}},
        SIGUSR1);
    check_stops_by(
        &(struct lone){.options = options, .role = {.fn = wait_for_stop}},
        SIGALRM);
    check_stops_by(
        &(struct lone){.options = options,
                       .role = {.fn = wait_for_stop, .stop_signal = SIGHUP}},
        SIGHUP);
    return 0;
}

VIRTUAL_TEST(other_signals_have_their_default_actions)
{
    static const int signals[] = {SIGUSR1, 0};
    struct lone w = {.options = {.stop_signals = signals},
                     .role = {.fn = wait_for_stop}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    check_int(hem_child_send_signal(&w.child, SIGTERM), 0);
    check_int(lone_end(&w), -1);
    check_int(w.status.signal, SIGTERM);
    check_int(lone_phase(&w), HEM_WORKER_BODY);
    lone_free(&w);
    return 0;
}

VIRTUAL_TEST(interrupts_may_be_ignored)
{
    struct lone w = {.options = {.ignore_child_interrupts = true},
                     .role = {.fn = wait_for_stop}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    check_int(hem_child_send_signal(&w.child, SIGINT), 0);
    lone_say(&w, HEM__MESSAGE_STOP, SIGTERM);
    check_int(lone_end(&w), 0);
    check_int(lone_found(&w, 0), SIGTERM);
    lone_free(&w);
    return 0;
}

static int signal_itself(hem_worker *w, void *arg)
{
    (void)arg;
    raise(SIGTERM);
    raise(SIGINT);
    int signo = hem_worker_wait(w);
    hem_worker_metric_set(w, 0, signo == SIGTERM || signo == SIGINT);
    raise(signo);
    raise(SIGTERM);
    return hem_worker_wait(w) == signo ? 0 : HEM_ESTATE;
}

VIRTUAL_TEST(stop_signals_after_the_first_do_not_kill)
{
    struct lone w = {.role = {.fn = signal_itself}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    check_int(lone_end(&w), 0);
    check_int(lone_found(&w, 0), 1);
    lone_free(&w);
    return 0;
}

VIRTUAL_TEST(a_stop_signal_before_the_worker_listens_is_not_lost)
{
    for (int i = 0; i < 20; i++) {
        struct lone w = {.role = {.fn = wait_for_stop}};
        HEM_TRY(lone_start(&w));
        check_int(hem_child_send_signal(&w.child, SIGTERM), 0);
        lone_hear(&w, HEM__MESSAGE_READY, NULL);
        check_int(lone_end(&w), 0);
        check_int(lone_found(&w, 0), SIGTERM);
        lone_free(&w);
    }
    return 0;
}

VIRTUAL_TEST(more_than_64_stop_signals_are_refused)
{
    int signals[70];
    for (size_t i = 0; i < COUNT_OF(signals); i++)
        signals[i] = SIGUSR1;
    signals[COUNT_OF(signals) - 1] = 0;
    struct lone w = {.options = {.stop_signals = signals},
                     .role = {.fn = wait_for_stop}};
    hem__message m;
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_FAILED, &m);
    check_int(m.code, HEM_EINVAL);
    check_int(m.phase, HEM_WORKER_STARTING);
    check_int(lone_end(&w), 1);
    lone_free(&w);
    return 0;
}

/* ---- the death of the parent ---- */

LONE_TEST(the_end_of_the_channel_is_sigterm)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = wait_for_stop}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    hem__channel_close(&w.channel);
    if (threads) {
        check_int(pthread_join(w.thread, NULL), 0);
    } else {
        check_int(hem_child_wait(&w.child, &w.status), 0);
        check_int(w.status.exit_code, 0);
        hem_child_close(&w.child);
    }
    check_int(lone_found(&w, 0), SIGTERM);
    lone_free(&w);
    return 0;
}

/* Goes on when it is told, until it is cancelled; then, too, if `*arg`. */
static int go_on(hem_worker *w, void *arg)
{
    const int *stubborn = arg;
    int signo = hem_worker_wait(w);
    hem_worker_metric_set(w, 0, signo);
    hem_worker_metric_set(w, 1, hem_sleep(HEM_NEVER));
    while (*stubborn)
        (void)!hem_sleep(HEM_NEVER);
    return 0;
}

static void check_orphan_ends(struct lone *w, int exit_code)
{
    check_int(lone_start(w), 0);
    lone_hear(w, HEM__MESSAGE_READY, NULL);
    hem__channel_close(&w->channel);
    check_int(hem_child_wait(&w->child, &w->status), 0);
    check_int(w->status.exit_code, exit_code);
    hem_child_close(&w->child);
    check_int(lone_found(w, 0), SIGTERM);
    lone_free(w);
}

VIRTUAL_TEST(an_orphan_is_cancelled_before_the_end_of_its_grace_period)
{
    int stubborn = 0;
    struct lone w = {.options = {.grace = HEM_SEC * 1000,
                                 .cancel = HEM_SEC * 1000 - HEM_MSEC},
                     .role = {.fn = go_on, .arg = &stubborn}};
    check_orphan_ends(&w, 0);
    return 0;
}

static int end_at_the_grace(void *arg)
{
    (void)arg;
    int stubborn = 1;
    struct lone w = {.options = {.grace = HEM_MSEC},
                     .role = {.fn = go_on, .arg = &stubborn}};
    check_orphan_ends(&w, 1);
    return 0;
}

static int run_end_at_the_grace(void *arg)
{
    check_int(run_virtual(end_at_the_grace, arg), 0);
    return forked_verdict();
}

static void an_orphan_ends_with_its_grace_period(void **state)
{
    (void)state;
    struct ending e;
    process_run(run_end_at_the_grace, NULL, &e);
    check_int(e.status, 0);
    check_contains(e.text, "parent is gone and the grace period over");
    run_assert_checks();
}

static int leave_a_worker(void *arg)
{
    struct lone *w = arg;
    HEM_TRY(lone_start(w));
    lone_hear(w, HEM__MESSAGE_READY, NULL);
    raise(SIGKILL);
    return 0;
}

static int run_leave_a_worker(void *arg)
{
    return hem_run(leave_a_worker, arg, NULL);
}

static int report_stop(hem_worker *w, void *arg)
{
    (void)arg;
    int signo = hem_worker_wait(w);
    process_say(signo == SIGTERM ? 'T' : '?');
    return 0;
}

/* The pipe ends when the worker has. */
static void a_worker_does_not_outlive_its_parent(void **state)
{
    (void)state;
    static const int others[] = {SIGUSR1, 0};
    const int *const sets[] = {NULL, others};
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        struct lone w = {.options = {.stop_signals = sets[i]},
                         .role = {.fn = report_stop}};
        struct process p;
        struct ending e;
        char said = '?';
        process_start(&p, run_leave_a_worker, &w);
        check(process_hear(&p, &said));
        check_int(said, 'T');
        check(!process_hear(&p, &said));
        process_end(&p, &e);
        check_int(e.signo, SIGKILL);
    }
    run_assert_checks();
}

static int start_a_stranger(void *arg)
{
    (void)arg;
    struct lone w = {.role = {.fn = wait_for_stop}, .start = {.parent = 1}};
    hem__message m;
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_FAILED, &m);
    check_int(m.code, HEM_ESRCH);
    check_int(lone_end(&w), 1);
    lone_free(&w);
    return 0;
}

static void one_whose_parent_died_before_it_began_does_not_begin(void **state)
{
    (void)state;
    if (getpid() != 1)
        check_int(run_virtual(start_a_stranger, NULL), 0);
    run_assert_checks();
}

/* ---- the heart ---- */

static int beat_ten_times(hem_worker *w, void *arg)
{
    (void)arg;
    while (w->start->slot->beats < 10)
        HEM_TRY(hem_sleep(HEM_NSEC));
    return 0;
}

LONE_TEST(a_heart_beats_while_the_loop_turns)
{
    struct lone a = {.options = {.threads = threads, .heartbeat = 4 * HEM_USEC},
                     .role = {.fn = beat_ten_times}};
    struct lone b = {.options = {.threads = threads},
                     .start = {.pulse = HEM_USEC},
                     .role = {.fn = beat_ten_times}};
    HEM_TRY(lone_start(&a));
    check_int(lone_end(&a), 0);
    lone_free(&a);
    HEM_TRY(lone_start(&b));
    check_int(lone_end(&b), 0);
    lone_free(&b);
    return 0;
}

static int check_no_heart(hem_worker *w, void *arg)
{
    (void)arg;
    check_int(hem__loop->timers.count, 0);
    check_int(w->start->slot->beats, 0);
    return lone_verdict(w);
}

LONE_TEST(without_need_there_is_no_heart)
{
    struct lone w = {.options = {.threads = threads},
                     .role = {.fn = check_no_heart}};
    HEM_TRY(lone_start(&w));
    check_int(lone_end(&w), 0);
    lone_free(&w);
    return 0;
}

LONE_TEST(on_a_virtual_clock_there_is_no_heart)
{
    hem_virtual_clock clock = {.now = 0};
    hem_run_options run = {.clock = &clock};
    struct lone w = {
        .options = {.threads = threads, .heartbeat = HEM_SEC, .run = &run},
        .role = {.fn = check_no_heart}};
    HEM_TRY(lone_start(&w));
    check_int(lone_end(&w), 0);
    lone_free(&w);
    return 0;
}

static int hold_the_loop(hem_worker *w, void *arg)
{
    (void)arg;
    uint64_t beats = w->start->slot->beats;
    check_int(beats, 1);
    for (int i = 0; i < 1000; i++)
        sched_yield();
    check_int(w->start->slot->beats, beats);
    return lone_verdict(w);
}

LONE_TEST(a_heart_stands_still_with_its_loop)
{
    struct lone w = {.options = {.threads = threads},
                     .start = {.pulse = HEM_NSEC},
                     .role = {.fn = hold_the_loop}};
    HEM_TRY(lone_start(&w));
    check_int(lone_end(&w), 0);
    lone_free(&w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_stop_signal_sent_to_its_process_stops_a_worker),
        LEDGER_TEST(stop_signals_are_those_of_the_service_and_the_role),
        LEDGER_TEST(other_signals_have_their_default_actions),
        LEDGER_TEST(interrupts_may_be_ignored),
        LEDGER_TEST(stop_signals_after_the_first_do_not_kill),
        LEDGER_TEST(a_stop_signal_before_the_worker_listens_is_not_lost),
        LEDGER_TEST(more_than_64_stop_signals_are_refused),
        LEDGER_TEST(the_end_of_the_channel_is_sigterm),
        LEDGER_TEST(an_orphan_is_cancelled_before_the_end_of_its_grace_period),
        LEDGER_TEST(an_orphan_ends_with_its_grace_period),
        LEDGER_TEST(a_worker_does_not_outlive_its_parent),
        LEDGER_TEST(one_whose_parent_died_before_it_began_does_not_begin),
        LEDGER_TEST(a_heart_beats_while_the_loop_turns),
        LEDGER_TEST(without_need_there_is_no_heart),
        LEDGER_TEST(on_a_virtual_clock_there_is_no_heart),
        LEDGER_TEST(a_heart_stands_still_with_its_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
