/* SPDX-License-Identifier: MIT */
/* Processes of a service without a loop; and what all of them become first. */
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>

#include "forked.h"
#include "lone.h"
#include "support.h"

static int return_it(void *arg)
{
    return *(int *)arg;
}

static int run_plain(hem_fn *fn, int value)
{
    struct lone w = {.role = {.plain = fn, .arg = &value, .extra = true}};
    check_int(lone_start(&w), 0);
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    int code = lone_end(&w);
    check_int(lone_phase(&w), HEM_WORKER_ENDED);
    lone_free(&w);
    return code;
}

VIRTUAL_TEST(a_plain_process_is_ready_as_it_begins_and_exits_with_its_result)
{
    check_int(run_plain(return_it, 0), 0);
    check_int(run_plain(return_it, 255), 255);
    check_int(run_plain(return_it, 256), 1);
    return 0;
}

VIRTUAL_TEST(an_error_of_a_plain_process_is_one_of_the_body)
{
    int value = HEM_ENOSPC;
    struct lone w = {
        .role = {.plain = return_it, .arg = &value, .extra = true}};
    hem__message m;
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    lone_hear(&w, HEM__MESSAGE_FAILED, &m);
    check_int(m.code, HEM_ENOSPC);
    check_int(m.phase, HEM_WORKER_BODY);
    check_str(m.text, hem_strerror(HEM_ENOSPC));
    check_int(lone_end(&w), 1);
    check_int(w.slot->error, HEM_ENOSPC);
    lone_free(&w);
    return 0;
}

static int look_round(void *arg)
{
    const int *index = arg;
    sigset_t blocked;
    struct sigaction sa;
    check(!hem_loop_current());
    check_int(hem_process_index(), *index);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    check_int(sigisemptyset(&blocked), 1);
    check_int(sigaction(SIGTERM, NULL, &sa), 0);
    check(sa.sa_handler == SIG_DFL);
    return forked_verdict();
}

VIRTUAL_TEST(a_plain_process_has_default_signals_an_index_and_no_loop)
{
    int index = 9;
    struct lone w = {
        .role = {.plain = look_round, .arg = &index, .extra = true},
        .start = {.index = 9}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    check_int(lone_end(&w), 0);
    lone_free(&w);
    return 0;
}

static void check_ends_by(struct lone *w, int signo, int want)
{
    check_int(lone_start(w), 0);
    lone_hear(w, HEM__MESSAGE_READY, NULL);
    check_int(hem_child_send_signal(&w->child, signo), 0);
    if (want != signo)
        check_int(hem_child_send_signal(&w->child, want), 0);
    check_int(lone_end(w), -1);
    check_int(w->status.signal, want);
    lone_free(w);
}

VIRTUAL_TEST(a_signal_ends_a_plain_process)
{
    const hem__role role = {.plain = forked_linger, .extra = true};
    const hem__role by_int = {
        .plain = forked_linger, .stop_signal = SIGINT, .extra = true};
    const hem_prefork_options deaf = {.ignore_child_interrupts = true};
    check_ends_by(&(struct lone){.role = role}, SIGTERM, SIGTERM);
    check_ends_by(&(struct lone){.role = role}, SIGINT, SIGINT);
    check_ends_by(&(struct lone){.role = role, .options = deaf}, SIGINT,
                  SIGTERM);
    check_ends_by(&(struct lone){.role = by_int, .options = deaf}, SIGINT,
                  SIGINT);
    return 0;
}

static int prestart(uint32_t index, void *arg)
{
    (void)index;
    (void)arg;
    return HEM_EIO;
}

VIRTUAL_TEST(prestart_is_for_workers_alone)
{
    int value = 3;
    struct lone w = {
        .options = {.prestart = prestart},
        .role = {.plain = return_it, .arg = &value, .extra = true}};
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    check_int(lone_end(&w), 3);
    lone_free(&w);
    return 0;
}

static int hold_on(void *arg)
{
    (void)arg;
    process_say('h');
    while (pause() < 0)
        continue;
    return 0;
}

static int leave_a_process(void *arg)
{
    struct lone *w = arg;
    HEM_TRY(lone_start(w));
    lone_hear(w, HEM__MESSAGE_READY, NULL);
    raise(SIGKILL);
    return 0;
}

static int run_leave_a_process(void *arg)
{
    return hem_run(leave_a_process, arg, NULL);
}

/* The pipe ends when the process has. */
static void a_plain_process_dies_with_its_parent(void **state)
{
    (void)state;
    static const int signals[] = {0, SIGKILL, SIGUSR1};
    for (size_t i = 0; i < COUNT_OF(signals); i++) {
        struct lone w = {.role = {.plain = hold_on,
                                  .stop_signal = signals[i],
                                  .extra = true}};
        struct process p;
        struct ending e;
        char said;
        process_start(&p, run_leave_a_process, &w);
        while (process_hear(&p, &said))
            check_int(said, 'h');
        process_end(&p, &e);
        check_int(e.signo, SIGKILL);
    }
    run_assert_checks();
}

/* ---- another user ---- */

#define NOBODY 65534

static int try_others(void *arg)
{
    (void)arg;
    return setgroups(0, NULL) == 0 && setgid(NOBODY) == 0 &&
           setuid(NOBODY) == 0;
}

/* Root may, unless it is root in a namespace that has nobody else. */
static bool can_become_others(void)
{
    struct ending e;
    process_run(try_others, NULL, &e);
    return e.status == 1;
}

static int check_nobody(hem_worker *w, void *arg)
{
    (void)arg;
    int signo = 0;
    gid_t groups[8];
    check_int(getuid(), NOBODY);
    check_int(geteuid(), NOBODY);
    check_int(getegid(), NOBODY);
    check_int(getgroups(8, groups), 0);
    check(setuid(0) < 0);
    check_int(prctl(PR_GET_PDEATHSIG, &signo), 0);
    check_int(signo, SIGTERM);
    return lone_verdict(w);
}

VIRTUAL_TEST(a_worker_becomes_another_user_and_still_dies_with_its_parent)
{
    static const hem_user nobody = {.uid = NOBODY, .gid = NOBODY};
    if (!can_become_others())
        return 0;
    struct lone w = {.role = {.fn = check_nobody}, .start = {.user = &nobody}};
    HEM_TRY(lone_start(&w));
    check_int(lone_end(&w), 0);
    check_int(geteuid(), 0);
    lone_free(&w);
    return 0;
}

static int become_nobody_without_being_root(void *arg)
{
    (void)arg;
    static const hem_user first = {.uid = 1, .gid = 1};
    static const hem_user nobody = {.uid = NOBODY, .gid = NOBODY};
    check_int(hem_user_become(&first), 0);
    struct lone w = {.role = {.fn = check_nobody}, .start = {.user = &nobody}};
    hem__message m;
    HEM_TRY(lone_start(&w));
    lone_hear(&w, HEM__MESSAGE_FAILED, &m);
    check_int(m.code, HEM_EPERM);
    check_int(m.phase, HEM_WORKER_STARTING);
    check_int(lone_end(&w), 1);
    lone_free(&w);
    return forked_verdict();
}

static int run_without_being_root(void *arg)
{
    return hem_run(become_nobody_without_being_root, arg, NULL);
}

static void a_worker_that_may_not_become_another_user_does_not_start(void **s)
{
    (void)s;
    if (can_become_others())
        forked_apart(run_without_being_root, NULL);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(
            a_plain_process_is_ready_as_it_begins_and_exits_with_its_result),
        LEDGER_TEST(an_error_of_a_plain_process_is_one_of_the_body),
        LEDGER_TEST(a_plain_process_has_default_signals_an_index_and_no_loop),
        LEDGER_TEST(a_signal_ends_a_plain_process),
        LEDGER_TEST(prestart_is_for_workers_alone),
        LEDGER_TEST(a_plain_process_dies_with_its_parent),
        LEDGER_TEST(
            a_worker_becomes_another_user_and_still_dies_with_its_parent),
        LEDGER_TEST(a_worker_that_may_not_become_another_user_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
