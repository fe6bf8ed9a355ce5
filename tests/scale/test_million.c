/* SPDX-License-Identifier: MIT */
/* A million tasks at once: what each costs, and that they go again; and as
 * many as there can be where the kernel has no guard regions. */
#include "loop/loop.h"
#include "support.h"

#define MILLION      1000000
#define MAPPINGS_MAX 100
#ifdef HEM_UCONTEXT
#define BYTES_EACH_MAX 8500 /* a ucontext_t is at the other end of the stack */
#else
#define BYTES_EACH_MAX 4505
#endif

struct crowd {
    size_t asleep, woken, cancelled;
};

static int sleep_once(void *arg)
{
    struct crowd *c = arg;
    c->asleep++;
    int rc = hem_sleep(HEM_SEC);
    if (rc == HEM_ECANCELED)
        c->cancelled++;
    else
        c->woken++;
    return rc;
}

/* Spawn up to `n` tasks and let them fall asleep; returns how many. */
static size_t gather(hem_scope *s, struct crowd *c, size_t n)
{
    *c = (struct crowd){0, 0, 0};
    size_t spawned = 0;
    while (spawned < n && hem_scope_spawn(s, NULL, sleep_once, c) == 0)
        spawned++;
    while (c->asleep < spawned)
        check_int(hem_yield(), 0);
    check_int(hem_scope_children(s), spawned);
    return spawned;
}

static void trim(void *arg)
{
    hem__stacks_trim(&hem_loop_current()->stacks);
    while (hem__stacks_cool(&hem_loop_current()->stacks, 1000))
        ;
    hem__stacks_trim(&hem_loop_current()->stacks);
    while (hem__stacks_cool(&hem_loop_current()->stacks, 1000))
        ;
    *(bool *)arg = true;
}

static int run_million(void *arg)
{
    size_t before = ledger_resident();
    size_t mappings_before = ledger_mappings();
    struct crowd c;
    hem_scope s;
    (void)arg;
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(gather(&s, &c, MILLION), MILLION);
    size_t each = (ledger_resident() - before) / MILLION;
    size_t mappings = ledger_mappings();
    print_message("%zu bytes each, %zu mappings more\n", each,
                  mappings - mappings_before);
    check(each <= BYTES_EACH_MAX);
    check(hem_loop_current()->stacks.no_regions || mappings <= MAPPINGS_MAX);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(c.woken, MILLION);
    check_int(hem_now(), HEM_SEC);

    /* Another million lives on what the first one left. */
    size_t peak = ledger_resident();
    check_int(hem_scope_open(&s, NULL), 0);
    check_int(gather(&s, &c, MILLION), MILLION);
    check(ledger_resident() < peak + (peak >> 4));
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ECANCELED);
    check_int(c.cancelled, MILLION);
    check_int(hem_now(), HEM_SEC);

    /* And that is given back. */
    bool trimmed = false;
    hem_callback cb;
    hem_callback_init(&cb, trim, &trimmed);
    check_int(hem_call_soon(&cb), 0);
    while (!trimmed)
        check_int(hem_yield(), 0);
    print_message("%zu MiB are left of %zu\n", ledger_resident() >> 20,
                  peak >> 20);
    check(ledger_resident() < peak >> 3);
    return 0;
}

static void a_million_tasks_sleep_in_a_page_each(void **state)
{
    (void)state;
    assert_int_equal(run_virtual(run_million, NULL), 0);
    run_assert_checks();
}

VIRTUAL_TEST(without_guard_regions_there_is_a_limit_far_from_the_kernels)
{
    struct crowd c;
    hem_scope s;
    hem_task *t;
    hem_loop_current()->stacks.no_regions = true;
    for (int round = 0; round < 3; round++) {
        check_int(hem_scope_open(&s, NULL), 0);
        size_t n = gather(&s, &c, MILLION);
        check_int(hem_scope_spawn(&s, NULL, sleep_once, &c), HEM_ENOMEM);
        check(n >= HEM__STACK_GUARDS_MAX - 2 && n <= HEM__STACK_GUARDS_MAX);
        check(ledger_mappings() < 60000);
        check_int(hem_scope_close(&s, round ? 0 : HEM_ECANCELED),
                  round ? 0 : HEM_ECANCELED);
        check_int(c.woken + c.cancelled, n);
        check_int(hem_spawn(&t, sleep_once, &c), 0);
        check_int(hem_await(t), 0);
    }
    return 0;
}

int main(void)
{
    if (SANITIZED || in_valgrind()) {
        puts("skipped: a sanitizer or valgrind takes memory of its own");
        return 77;
    }
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_million_tasks_sleep_in_a_page_each),
        LEDGER_TEST(
            without_guard_regions_there_is_a_limit_far_from_the_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
