/* SPDX-License-Identifier: MIT */
/* The pool of stacks: sizes, guards, its limit, and giving pages back. */
#include "coro/stack.h"
#include "loop/loop.h"
#include "support.h"

#include <sys/mman.h>
#include <sys/resource.h>

static int take(hem__stacks *p, hem__stack_class *c, hem__stack **ret)
{
    int rc = hem__stack_provide(p, c);
    if (rc == 0)
        *ret = hem__stack_get(c);
    return rc;
}

static void a_class_is_the_smallest_that_is_large_enough(void **state)
{
    (void)state;
    hem__stacks p;
    hem__stacks_init(&p);
    static const struct {
        size_t asked, bytes;
    } cases[] = {
        {0, 16 << 10},        {1, 16 << 10},
        {16 << 10, 16 << 10}, {16385, 32 << 10},
        {65536, 65536},       {65537, 131072},
        {1000000, 1 << 20},   {(1 << 20) + 1, 2 << 20},
        {1 << 30, 1 << 30},   {(1 << 29) + 1, 1 << 30},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        hem__stack_class *c = hem__stack_class_of(&p, cases[i].asked);
        assert_non_null(c);
        assert_int_equal(c->bytes, cases[i].bytes);
    }
    assert_null(hem__stack_class_of(&p, ((size_t)1 << 30) + 1));
    assert_null(hem__stack_class_of(&p, SIZE_MAX));
    hem__stacks_deinit(&p);
}

/* Whether the kernel would take a byte from there. */
static bool readable(const char *address)
{
    int fds[2];
    if (pipe(fds) < 0)
        abort();
    bool ok = write(fds[1], address, 1) == 1;
    close(fds[0]);
    close(fds[1]);
    return ok;
}

static void check_stack(const hem__stack *s)
{
    assert_int_equal((uintptr_t)s->top % 16, 0);
    assert_true(s->top > s->bottom);
    assert_true(s->bottom + s->of->bytes - s->top < 1024); /* its colour */
    memset(s->bottom, 0x5a,
           (size_t)(s->top - s->bottom) > 1 << 20
               ? 1 << 20
               : (size_t)(s->top - s->bottom));
    assert_true(readable(s->bottom));
    assert_false(readable(s->bottom - 1));
    assert_false(readable(s->bottom - HEM__STACK_GUARD_BYTES));
}

static void check_guards(bool no_regions)
{
    static const size_t sizes[] = {16 << 10, 64 << 10, 1 << 20, 1 << 30};
    hem__stacks p;
    hem__stacks_init(&p);
    p.no_regions = no_regions;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        hem__stack_class *c = hem__stack_class_of(&p, sizes[i]);
        hem__stack *s[40];
        size_t n = sizes[i] > 1 << 20 ? 2 : COUNT_OF(s);
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(take(&p, c, &s[k]), 0);
            check_stack(s[k]);
        }
        for (size_t k = 0; k < n; k++)
            hem__stack_put(s[k]);
    }
    assert_int_equal(p.mprotected > 0, p.no_regions);
    hem__stacks_deinit(&p);
}

static void each_stack_has_a_guard_below(void **state)
{
    (void)state;
    check_guards(false);
}

static void without_guard_regions_it_is_made_by_mprotect(void **state)
{
    (void)state;
    check_guards(true);
}

static void the_last_used_stack_is_used_first(void **state)
{
    (void)state;
    hem__stacks p;
    hem__stacks_init(&p);
    hem__stack_class *c = hem__stack_class_of(&p, 65536);
    hem__stack *a = NULL, *b = NULL, *again = NULL;
    assert_int_equal(take(&p, c, &a), 0);
    assert_int_equal(take(&p, c, &b), 0);
    assert_ptr_not_equal(a, b);
    hem__stack_put(a);
    hem__stack_put(b);
    assert_int_equal(take(&p, c, &again), 0);
    assert_ptr_equal(again, b);
    assert_int_equal(take(&p, c, &again), 0);
    assert_ptr_equal(again, a);
    hem__stacks_deinit(&p);
}

static bool has_pages(const hem__stack *s)
{
    unsigned char pages[16];
    assert_int_equal(mincore(s->bottom, 65536, pages), 0);
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (pages[i] & 1)
            return true;
    }
    return false;
}

static size_t with_pages(hem__stack **s, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += has_pages(s[i]);
    return count;
}

static void use_all(hem__stacks *p, hem__stack **s, size_t n)
{
    hem__stack_class *c = hem__stack_class_of(p, 65536);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(take(p, c, &s[i]), 0);
        s[i]->top[-1] = 1;
    }
    for (size_t i = n; i-- > 0;)
        hem__stack_put(s[i]);
}

static void trim_and_cool(hem__stacks *p)
{
    hem__stacks_trim(p);
    while (hem__stacks_cool(p, 7))
        ;
}

static void trim_gives_back_what_was_not_needed_of_late(void **state)
{
    (void)state;
    enum { N = 50, FEW = 5 };
    hem__stacks p;
    hem__stacks_init(&p);
    hem__stack *s[N], *few[FEW];
    use_all(&p, s, N);
    assert_int_equal(with_pages(s, N), N);
    trim_and_cool(&p); /* all were needed until now */
    use_all(&p, few, FEW);
    assert_int_equal(with_pages(s, N), N);
    trim_and_cool(&p);
    assert_int_equal(with_pages(s, N), FEW);
    trim_and_cool(&p); /* nothing was needed since */
    assert_int_equal(with_pages(s, N), 0);
    trim_and_cool(&p);
    use_all(&p, s, N); /* they come back, the same ones */
    assert_int_equal(with_pages(s, N), N);
    hem__stacks_deinit(&p);
}

static void the_number_of_mprotected_guards_is_limited(void **state)
{
    (void)state;
    hem__stacks p;
    hem__stacks_init(&p);
    p.no_regions = true;
    p.mprotected = HEM__STACK_GUARDS_MAX - 10;
    hem__stack_class *c = hem__stack_class_of(&p, 65536);
    hem__stack *s[11] = {NULL};
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(take(&p, c, &s[i]), 0);
    assert_int_equal(take(&p, c, &s[10]), HEM_ENOMEM);
    assert_int_equal(take(&p, hem__stack_class_of(&p, 1), &s[10]), HEM_ENOMEM);
    hem__stack_put(s[3]);
    assert_int_equal(take(&p, c, &s[10]), 0);
    assert_ptr_equal(s[10], s[3]);
    assert_int_equal(take(&p, c, &s[3]), HEM_ENOMEM);
    hem__stacks_deinit(&p);
}

static void without_memory_there_is_no_stack_or_a_smaller_slab(void **state)
{
    (void)state;
    hem__stacks p;
    hem__stacks_init(&p);
    hem__stack_class *c = hem__stack_class_of(&p, 65536);
    hem__stack *s = NULL;
    ledger_fail_from(1);
    assert_int_equal(take(&p, c, &s), HEM_ENOMEM);
    ledger_fail_from(0);
    assert_null(s);
    ledger_fail_at(1);
    assert_int_equal(take(&p, c, &s), 0);
    ledger_fail_at(0);
    check_stack(s);
    hem__stacks_deinit(&p);
}

/* In a run: the limit is an error, and all goes on. */

static int sleep_long(void *arg)
{
    (void)arg;
    return hem_sleep(HEM_SEC);
}

VIRTUAL_TEST(at_the_limit_a_spawn_is_refused_and_all_goes_on)
{
    enum { LEFT = 100 };
    hem__stacks *p = &hem_loop_current()->stacks;
    p->no_regions = true;
    p->mprotected = HEM__STACK_GUARDS_MAX - LEFT;
    HEM_SCOPE(s);
    int n = 0, rc;
    while ((rc = hem_scope_spawn(&s, NULL, sleep_long, NULL)) == 0)
        n++;
    check_int(rc, HEM_ENOMEM);
    check_int(n, LEFT);
    check_int(hem_scope_children(&s), LEFT);
    hem_task *t = NULL;
    check_int(hem_spawn(&t, sleep_long, NULL), HEM_ENOMEM);
    check_int(hem_spawn_with(&t, sleep_long, NULL, .eager = true), HEM_ENOMEM);
    check(t == NULL);
    check_int(hem_sleep(1), 0);
    check_int(hem_scope_close(&s, HEM_ECANCELED), HEM_ECANCELED);
    check_int(hem_spawn(&t, sleep_long, NULL), 0);
    check_int(hem_await(t), 0);
    return 0;
}

static void trim_now(void *arg)
{
    trim_and_cool(&hem_loop_current()->stacks);
    ++*(int *)arg;
}

VIRTUAL_TEST(stacks_are_trimmed_while_tasks_live)
{
    int trims = 0;
    hem_callback cb;
    hem_callback_init(&cb, trim_now, &trims);
    for (int round = 0; round < 20; round++) {
        HEM_SCOPE(s);
        for (int i = 0; i < 20 * (round % 5); i++)
            check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
        check_int(hem_call_soon(&cb), 0);
        check_int(hem_scope_close(&s, 0), 0);
        check_int(hem_sleep(1), 0);
    }
    check_int(trims, 20);
    return 0;
}

static int spawn_in_little_space(void *arg)
{
    (void)arg;
    struct rlimit before;
    getrlimit(RLIMIT_AS, &before);
    setrlimit(RLIMIT_AS, &(struct rlimit){1 << 28, before.rlim_max});
    HEM_SCOPE(s);
    int n = 0, rc;
    while ((rc = hem_scope_spawn(&s, NULL, sleep_long, NULL)) == 0)
        n++;
    setrlimit(RLIMIT_AS, &before);
    check_int(rc, HEM_ENOMEM);
    check(n > 500);
    check_int(hem_scope_spawn(&s, NULL, sleep_long, NULL), 0);
    check_int(hem_scope_close(&s, 0), 0);
    return 0;
}

static int run_in_little_space(void *arg)
{
    int rc = run_virtual(spawn_in_little_space, arg);
    return rc < 0 || check_failures_take();
}

static void without_address_space_a_spawn_is_refused(void **state)
{
    (void)state;
    if (SANITIZED || in_valgrind() || in_emulator())
        skip();
    struct ending e;
    process_run(run_in_little_space, NULL, &e);
    assert_string_equal(e.text, "");
    assert_int_equal(e.signo, 0);
    assert_int_equal(e.status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_class_is_the_smallest_that_is_large_enough),
        LEDGER_TEST(each_stack_has_a_guard_below),
        LEDGER_TEST(without_guard_regions_it_is_made_by_mprotect),
        LEDGER_TEST(the_last_used_stack_is_used_first),
        LEDGER_TEST(trim_gives_back_what_was_not_needed_of_late),
        LEDGER_TEST(the_number_of_mprotected_guards_is_limited),
        LEDGER_TEST(without_memory_there_is_no_stack_or_a_smaller_slab),
        LEDGER_TEST(at_the_limit_a_spawn_is_refused_and_all_goes_on),
        LEDGER_TEST(stacks_are_trimmed_while_tasks_live),
        LEDGER_TEST(without_address_space_a_spawn_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
