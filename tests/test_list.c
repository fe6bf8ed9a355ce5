/* SPDX-License-Identifier: MIT */
/* Rings: the lists that everything hangs in. */
#include "base/list.h"
#include "support.h"

struct item {
    int number;
    hem__list link;
};

/* The numbers of a list, forwards; backwards they must be the same. */
static void trace_list(const hem__list *head)
{
    size_t forwards = 0, backwards = 0;
    for (const hem__list *e = head->next; e != head; e = e->next) {
        trace("%d", HEM__CONST_CONTAINER(e, struct item, link)->number);
        assert_ptr_equal(e->next->prev, e);
        forwards++;
    }
    for (const hem__list *e = head->prev; e != head; e = e->prev)
        backwards++;
    assert_int_equal(forwards, backwards);
    assert_int_equal(hem__list_empty(head), forwards == 0);
}

static struct item items[5] = {
    {.number = 0}, {.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};

static void fill(hem__list *head, int n)
{
    hem__list_init(head);
    for (int i = 0; i < n; i++)
        hem__list_insert(head, &items[i].link);
}

static void insert_appends_to_a_head(void **state)
{
    (void)state;
    hem__list head;
    fill(&head, 0);
    trace_list(&head);
    check_trace("");
    fill(&head, 5);
    trace_list(&head);
    check_trace("0 1 2 3 4");
    run_assert_checks();
}

static void insert_goes_before_an_element(void **state)
{
    (void)state;
    hem__list head;
    fill(&head, 3);
    hem__list_insert(&items[0].link, &items[3].link);
    hem__list_insert(&items[2].link, &items[4].link);
    trace_list(&head);
    check_trace("3 0 1 4 2");
    run_assert_checks();
}

static void remove_takes_any_element_out_once(void **state)
{
    (void)state;
    hem__list head;
    fill(&head, 5);
    hem__list_remove(&items[0].link);
    hem__list_remove(&items[2].link);
    hem__list_remove(&items[4].link);
    hem__list_remove(&items[4].link); /* in no ring: harmless */
    assert_true(hem__list_empty(&items[4].link));
    trace_list(&head);
    check_trace("1 3");
    hem__list_insert(&head, &items[0].link);
    hem__list_unlink(&items[1].link);
    trace_list(&head);
    check_trace("3 0");
    hem__list_remove(&items[3].link);
    hem__list_remove(&items[0].link);
    trace_list(&head);
    check_trace("");
    run_assert_checks();
}

static void container_finds_the_struct(void **state)
{
    (void)state;
    hem__list *link = &items[3].link;
    assert_ptr_equal(HEM__CONTAINER(link, struct item, link), &items[3]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(insert_appends_to_a_head),
        LEDGER_TEST(insert_goes_before_an_element),
        LEDGER_TEST(remove_takes_any_element_out_once),
        LEDGER_TEST(container_finds_the_struct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
