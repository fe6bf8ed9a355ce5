/* SPDX-License-Identifier: MIT */
/* Workers that are threads. */
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>

#include "lone.h"
#include "support.h"

/* One bit for each signal. */
static uint64_t blocked_here(void)
{
    sigset_t set;
    uint64_t bits = 0;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    for (int signo = 1; signo <= 64; signo++)
        bits |= (uint64_t)(sigismember(&set, signo) == 1) << (signo - 1);
    return bits;
}

static int look_at_signals(hem_worker *w, void *arg)
{
    (void)arg;
    const uint64_t never = 1 << (SIGKILL - 1) | 1 << (SIGSTOP - 1) |
                           (uint64_t)3 << 31; /* the C library's */
    hem_worker_metric_set(w, 0, (blocked_here() | never) == UINT64_MAX);
    return 0;
}

VIRTUAL_TEST(a_thread_leaves_signals_to_others)
{
    uint64_t before = blocked_here();
    struct lone w = {.options = {.threads = true},
                     .role = {.fn = look_at_signals}};
    HEM_TRY(lone_start(&w));
    check_int(blocked_here(), before);
    check_int(lone_end(&w), 0);
    check_int(lone_found(&w, 0), 1);
    lone_free(&w);
    return 0;
}

static int return_it(hem_worker *w, void *arg)
{
    (void)w;
    return *(int *)arg;
}

VIRTUAL_TEST(the_last_word_of_a_thread_is_its_result)
{
    static const int results[] = {0, 7, HEM_EIO};
    for (size_t i = 0; i < COUNT_OF(results); i++) {
        int result = results[i];
        struct lone w = {.options = {.threads = true},
                         .role = {.fn = return_it, .arg = &result}};
        hem__message m;
        HEM_TRY(lone_start(&w));
        if (result < 0)
            lone_hear(&w, HEM__MESSAGE_FAILED, NULL);
        lone_hear(&w, HEM__MESSAGE_DONE, &m);
        check_int(m.code, result);
        check_int(hem__channel_receive(&w.channel, &m), 0);
        check_int(pthread_join(w.thread, NULL), 0);
        hem__channel_close(&w.channel);
        lone_free(&w);
    }
    return 0;
}

#define MANY 8

static int turn(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_ready(w);
    for (int i = 0; i < 1000; i++) {
        hem_worker_count(w, 1);
        hem_worker_metric_add(w, 0, 1);
        HEM_TRY(hem_yield());
    }
    check_int(hem_process_index(), hem_worker_index(w));
    int signo = hem_worker_wait(w);
    return signo < 0 ? signo : 0;
}

VIRTUAL_TEST(many_threads_have_a_loop_and_a_slot_each)
{
    struct lone workers[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        workers[i] = (struct lone){
            .options = {.threads = true, .heartbeat = 4 * HEM_USEC},
            .role = {.fn = turn},
            .start = {.index = i}};
        HEM_TRY(lone_start(&workers[i]));
    }
    for (int i = 0; i < MANY; i++)
        lone_hear(&workers[i], HEM__MESSAGE_READY, NULL);
    for (int i = 0; i < MANY; i++)
        lone_say(&workers[i], HEM__MESSAGE_STOP, SIGTERM);
    for (int i = 0; i < MANY; i++) {
        check_int(lone_end(&workers[i]), 0);
        check_int(hem__scoreboard_requests(&workers[i].board), 1000);
        check_int(hem__scoreboard_metric(&workers[i].board, 0), 1000);
        lone_free(&workers[i]);
    }
    return 0;
}

VIRTUAL_TEST(the_parent_may_look_while_threads_count)
{
    struct lone w = {.options = {.threads = true}, .role = {.fn = turn}};
    HEM_TRY(lone_start(&w));
    uint64_t seen = 0;
    while (seen < 1000) {
        uint64_t now = hem__scoreboard_requests(&w.board);
        check(now >= seen && now <= 1000);
        seen = now;
        sched_yield();
    }
    lone_hear(&w, HEM__MESSAGE_READY, NULL);
    lone_stop(&w);
    return 0;
}

VIRTUAL_TEST(without_descriptors_there_is_no_thread)
{
    int fds[2];
    int result = 0;
    struct rlimit before, now;
    struct lone w = {.options = {.threads = true},
                     .role = {.fn = return_it, .arg = &result}};
    w.start.role = &w.role;
    w.start.options = &w.options;
    check_int(getrlimit(RLIMIT_NOFILE, &before), 0);
    check_int(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    now = before;
    now.rlim_cur = 3; /* all of that number are taken */
    check_int(setrlimit(RLIMIT_NOFILE, &now), 0);
    check_int(hem__thread_worker_start(&w.thread, &w.start, fds[1]),
              HEM_EMFILE);
    check_int(setrlimit(RLIMIT_NOFILE, &before), 0);
    check_int(recv(fds[0], &result, sizeof(result), MSG_DONTWAIT), 0);
    close(fds[0]);
    return 0;
}

VIRTUAL_TEST(without_memory_there_is_no_thread)
{
    int fds[2];
    pthread_t thread;
    hem__worker_start start = {.index = 0};
    check_int(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    ledger_fail_at(1);
    check_int(hem__thread_worker_start(&thread, &start, fds[1]), HEM_ENOMEM);
    ledger_fail_at(0);
    check_int(recv(fds[0], &thread, sizeof(thread), MSG_DONTWAIT), 0);
    close(fds[0]);
    return 0;
}

static int see_cpus(hem_worker *w, void *arg)
{
    (void)arg;
    cpu_set_t set;
    check_int(sched_getaffinity(0, sizeof(set), &set), 0);
    hem_worker_metric_set(w, 0, CPU_COUNT(&set));
    return lone_verdict(w);
}

LONE_TEST(a_worker_may_be_kept_on_one_cpu)
{
    cpu_set_t before, after;
    check_int(sched_getaffinity(0, sizeof(before), &before), 0);
    for (uint32_t i = 0; i < 3; i++) {
        struct lone w = {.options = {.threads = threads, .pin_cpus = true},
                         .role = {.fn = see_cpus},
                         .start = {.index = i}};
        HEM_TRY(lone_start(&w));
        check_int(lone_end(&w), 0);
        check_int(lone_found(&w, 0), 1);
        lone_free(&w);
    }
    check_int(sched_getaffinity(0, sizeof(after), &after), 0);
    check(CPU_EQUAL(&before, &after));
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_thread_leaves_signals_to_others),
        LEDGER_TEST(the_last_word_of_a_thread_is_its_result),
        LEDGER_TEST(many_threads_have_a_loop_and_a_slot_each),
        LEDGER_TEST(the_parent_may_look_while_threads_count),
        LEDGER_TEST(without_descriptors_there_is_no_thread),
        LEDGER_TEST(without_memory_there_is_no_thread),
        LEDGER_TEST(a_worker_may_be_kept_on_one_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
