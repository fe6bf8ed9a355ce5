/* SPDX-License-Identifier: MIT */
/* The fault injector itself. */
#include "base/alloc.h"
#include "base/fault.h"
#include "support.h"

/* Each makes one call of the table; true: it succeeded. */

static bool make_event(void)
{
    int fd = hem__sys_eventfd(0, EFD_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool allocate(void)
{
    void *p = hem__alloc(1);
    hem__free(p);
    return p != NULL;
}

/* What became of `count` calls: "+" for each success, "-" for each failure. */
static const char *make_events(int count)
{
    static char results[32];
    for (int i = 0; i < count; i++)
        results[i] = make_event() ? '+' : '-';
    results[count] = '\0';
    return results;
}

static void once_the_nth_call_fails(void **state)
{
    (void)state;
    hem__fault_arm(3, 0, HEM__FAULT_ONCE);
    check_str(make_events(6), "++-+++");
    check_int(hem__fault_count(), 6);
    check_int(hem__fault_fired(), 1);
    hem__fault_disarm();
    run_assert_checks();
}

static void sticky_all_from_the_nth_on_fail(void **state)
{
    (void)state;
    hem__fault_arm(3, 0, HEM__FAULT_STICKY);
    check_str(make_events(6), "++----");
    check(!allocate());
    hem__fault_disarm();
    check_str(make_events(2), "++");
    check_int(hem__fault_fired(), 5);
    check_int(hem__fault_count(), 9);
    run_assert_checks();
}

static void each_third_from_the_nth_on_fails(void **state)
{
    (void)state;
    hem__fault_arm(2, 0, HEM__FAULT_THIRD);
    check_str(make_events(9), "+-++-++-+");
    hem__fault_disarm();
    run_assert_checks();
}

static void those_of_the_same_entry_fail(void **state)
{
    (void)state;
    hem__fault_arm(2, 0, HEM__FAULT_SAME);
    check(allocate());
    check(!make_event());
    check(allocate());
    check(!make_event());
    hem__fault_disarm();
    run_assert_checks();
}

static void errors_of_a_list_are_gone_round(void **state)
{
    (void)state;
    uint32_t errors = hem__fault_errors(HEM__SYS_eventfd);
    for (uint32_t i = 0; i < 2 * errors; i++) {
        hem__fault_arm(1, i, HEM__FAULT_ONCE);
        check_int(hem__sys_eventfd(0, 0),
                  hem__fault_error(HEM__SYS_eventfd, i % errors));
    }
    hem__fault_arm(1, 0, HEM__FAULT_ONCE);
    check_int(hem__sys_eventfd(0, 0), HEM_EMFILE);
    check_str(hem__fault_name(HEM__SYS_eventfd), "eventfd");
    hem__fault_disarm();
    run_assert_checks();
}

static void nobody_is_interrupted_for_ever(void **state)
{
    (void)state;
    int ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event e;
    hem__fault_arm(1, 0, HEM__FAULT_STICKY);
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < HEM__FAULT_EINTR_MAX; j++)
            check_int(hem__sys_epoll_wait_ns(ep, &e, 1, 0), HEM_EINTR);
        check_int(hem__sys_epoll_wait_ns(ep, &e, 1, 0), 0);
    }
    hem__fault_disarm();
    close(ep);
    run_assert_checks();
}

static int count_in_child(void *arg)
{
    (void)arg;
    check_str(make_events(2), "-+");
    check_int(hem__fault_count(), 4);
    return check_failures_take();
}

static void a_forked_child_goes_on_with_the_count(void **state)
{
    (void)state;
    hem__fault_arm(3, 0, HEM__FAULT_ONCE);
    check_str(make_events(2), "++");
    struct ending e;
    process_run(count_in_child, NULL, &e);
    check_int(e.signo, 0);
    check_int(e.status, 0);
    check_str(e.text, "");
    check_str(make_events(2), "-+");
    hem__fault_disarm();
    run_assert_checks();
}

static void note_call(void *arg, const hem__fault_call *call)
{
    *(hem__fault_call *)arg = *call;
}

static void an_observer_sees_each_call(void **state)
{
    (void)state;
    hem__fault_call call = {0};
    hem__fault_arm(2, 0, HEM__FAULT_ONCE);
    hem__fault_observe(note_call, &call);
    check(make_event());
    check_int(call.n, 1);
    check_int(call.id, HEM__SYS_eventfd);
    check_int(call.error, 0);
    const void *site = call.site;
    check(!allocate());
    check_int(call.n, 2);
    check_int(call.id, HEM__SYS_alloc);
    check_int(call.error, HEM_ENOMEM);
    check(site != call.site);
    hem__fault_observe(NULL, NULL);
    hem__fault_disarm();
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(once_the_nth_call_fails),
        LEDGER_TEST(sticky_all_from_the_nth_on_fail),
        LEDGER_TEST(each_third_from_the_nth_on_fails),
        LEDGER_TEST(those_of_the_same_entry_fail),
        LEDGER_TEST(errors_of_a_list_are_gone_round),
        LEDGER_TEST(nobody_is_interrupted_for_ever),
        LEDGER_TEST(a_forked_child_goes_on_with_the_count),
        LEDGER_TEST(an_observer_sees_each_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
