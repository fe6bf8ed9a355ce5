/* SPDX-License-Identifier: MIT */
/* Posts: what other threads have the loop do. */
#include "support.h"

#include <pthread.h>

#define THREADS 4

struct sender {
    pthread_t thread;
    hem_loop *loop;
    int count; /* to be sent */
    int next;  /* that must arrive */
    int *missing;
    hem_future *all;
};

struct message {
    struct sender *sender;
    int number;
};

static void receive(void *arg)
{
    struct message *m = arg;
    struct sender *s = m->sender;
    check(hem_self() == NULL);
    check_int(m->number, s->next);
    s->next++;
    free(m);
    if (--*s->missing == 0)
        check_int(hem_future_set_result(s->all, 1), 0);
}

static void *send_all(void *arg)
{
    struct sender *s = arg;
    for (int i = 0; i < s->count; i++) {
        struct message *m = malloc(sizeof(*m));
        *m = (struct message){s, i};
        check_int(hem_post(s->loop, receive, m), 0);
    }
    return NULL;
}

FIFO_TEST(the_posts_of_a_thread_run_in_their_order)
{
    struct sender s[THREADS];
    int each = (int)scaled(20000), missing = THREADS * each;
    hem_future all;
    hem_future_init(&all);
    for (size_t i = 0; i < THREADS; i++) {
        s[i] = (struct sender){.loop = hem_loop_current(),
                               .count = each,
                               .missing = &missing,
                               .all = &all};
        check_int(pthread_create(&s[i].thread, NULL, send_all, &s[i]), 0);
    }
    check_int(hem_future_wait(&all), 1);
    for (size_t i = 0; i < THREADS; i++) {
        check_int(pthread_join(s[i].thread, NULL), 0);
        check_int(s[i].next, each);
    }
    return 0;
}

static void set_future(void *arg)
{
    check_int(hem_future_set_result(arg, 7), 0);
}

struct one_post {
    hem_loop *loop;
    hem_future *future;
};

static void *post_once(void *arg)
{
    struct one_post *p = arg;
    check(hem_loop_current() == NULL);
    check_int(hem_post(p->loop, set_future, p->future), 0);
    return NULL;
}

static int wait_for_post(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++) {
        hem_future f;
        hem_future_init(&f);
        struct one_post p = {hem_loop_current(), &f};
        pthread_t thread;
        check_int(pthread_create(&thread, NULL, post_once, &p), 0);
        check_int(hem_future_wait(&f), 7);
        check_int(pthread_join(thread, NULL), 0);
    }
    return 0;
}

static void a_post_wakes_a_loop_that_waits(void **state)
{
    (void)state;
    assert_int_equal(hem_run(wait_for_post, NULL, NULL), 0);
    assert_int_equal(run_virtual(wait_for_post, NULL), 0);
    run_assert_checks();
}

static void say(void *arg)
{
    check(hem_self() == NULL);
    trace("%s", (const char *)arg);
}

FIFO_TEST(a_loop_may_post_to_itself)
{
    hem_loop *l = hem_loop_current();
    check_int(hem_post(l, say, "a"), 0);
    check_int(hem_post(l, say, "b"), 0);
    check_trace("");
    check_int(hem_sleep(1), 0);
    check_trace("a b");
    return 0;
}

VIRTUAL_TEST(a_post_without_memory_is_refused)
{
    ledger_fail_from(1);
    check_int(hem_post(hem_loop_current(), say, "a"), HEM_ENOMEM);
    ledger_fail_from(0);
    check_int(hem_sleep(1), 0);
    check_trace("");
    return 0;
}

static int post_and_leave(void *arg)
{
    return hem_post(hem_loop_current(), say, arg);
}

static void posts_that_are_left_run_at_the_end(void **state)
{
    (void)state;
    assert_int_equal(run_virtual(post_and_leave, "last"), 0);
    check_trace("last");
    run_assert_checks();
}

/* The end. */

struct chain {
    int sent, run, refused;
};

static void post_again(void *arg)
{
    struct chain *c = arg;
    c->run++;
    int rc = hem_post(hem_loop_current(), post_again, c);
    c->sent += rc == 0;
    c->refused += rc == HEM_ESHUTDOWN;
}

static int post_for_the_end(void *arg)
{
    post_again(arg);
    return 0;
}

static void what_is_posted_too_late_is_refused_and_nothing_is_lost(void **state)
{
    (void)state;
    struct chain c = {0, 0, 0};
    assert_int_equal(run_virtual(post_for_the_end, &c), 0);
    assert_int_equal(c.refused, 1);
    assert_int_equal(c.run, c.sent + 1);
    run_assert_checks();
}

static void count_one(void *arg)
{
    (*(int *)arg)++;
}

struct poster {
    pthread_t thread;
    hem_loop *loop;
    int sent;
    int run; /* of them, by the loop */
};

/* Bounded, for they post faster than the loop calls. */
#define POSTS_MAX 50000

static void *post_until_refused(void *arg)
{
    struct poster *p = arg;
    int rc = 0;
    while (rc == 0 && p->sent < POSTS_MAX) {
        rc = hem_post(p->loop, count_one, &p->run);
        p->sent += rc == 0;
    }
    check(rc == 0 || rc == HEM_ESHUTDOWN);
    hem_loop_release(p->loop);
    return NULL;
}

static int start_posters(void *arg)
{
    struct poster *p = arg;
    for (size_t i = 0; i < THREADS; i++) {
        p[i] = (struct poster){.loop = hem_loop_hold(hem_loop_current())};
        check_int(pthread_create(&p[i].thread, NULL, post_until_refused, &p[i]),
                  0);
    }
    return hem_yield();
}

static void each_post_is_refused_or_runs_while_the_loop_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < scaled(1000); i++) {
        struct poster p[THREADS];
        assert_int_equal(run_virtual(start_posters, p), 0);
        for (size_t t = 0; t < THREADS; t++) {
            assert_int_equal(pthread_join(p[t].thread, NULL), 0);
            assert_int_equal(p[t].run, p[t].sent);
        }
    }
    run_assert_checks();
}

static int hold_twice(void *arg)
{
    hem_loop *l = hem_loop_hold(hem_loop_current());
    check(hem_loop_hold(l) == l);
    hem_loop_release(l);
    hem_loop_release(NULL);
    *(hem_loop **)arg = l;
    return 0;
}

static void a_loop_that_is_held_is_there_when_it_has_ended(void **state)
{
    (void)state;
    hem_loop *l = NULL;
    assert_int_equal(run_virtual(hold_twice, &l), 0);
    assert_true(ledger_live() > 0);
    assert_int_equal(hem_post(l, say, "nobody"), HEM_ESHUTDOWN);
    hem_loop_release(l);
    check_trace("");
    run_assert_checks();
}

/* Two loops on two threads hand a ball to and fro: each catches it `left`
 * times, and the one that did not serve throws it back each time. */
struct player {
    _Atomic(hem_loop *) loop; /* NULL: not there yet */
    struct player *other;
    hem_future done;
    bool serves;
    int left;
};

static void catch_ball(void *arg)
{
    struct player *p = arg;
    p->left--;
    if (p->left > 0 || !p->serves)
        check_int(hem_post(p->other->loop, catch_ball, p->other), 0);
    if (p->left == 0)
        check_int(hem_future_set_result(&p->done, 0), 0);
}

static int play(void *arg)
{
    struct player *p = arg;
    hem_future_init(&p->done);
    p->loop = hem_loop_current();
    while (!p->other->loop)
        HEM_TRY(hem_yield());
    if (p->serves)
        check_int(hem_post(p->other->loop, catch_ball, p->other), 0);
    return hem_future_wait(&p->done);
}

static void *play_in_thread(void *arg)
{
    check_int(hem_run(play, arg, NULL), 0);
    return NULL;
}

static void two_loops_may_post_to_each_other(void **state)
{
    (void)state;
    struct player a = {.left = (int)scaled(20000), .serves = true};
    struct player b = {.left = a.left, .other = &a};
    a.other = &b;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, play_in_thread, &b), 0);
    assert_int_equal(hem_run(play, &a, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(a.left + b.left, 0);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_posts_of_a_thread_run_in_their_order),
        LEDGER_TEST(a_post_wakes_a_loop_that_waits),
        LEDGER_TEST(a_loop_may_post_to_itself),
        LEDGER_TEST(a_post_without_memory_is_refused),
        LEDGER_TEST(posts_that_are_left_run_at_the_end),
        LEDGER_TEST(what_is_posted_too_late_is_refused_and_nothing_is_lost),
        LEDGER_TEST(each_post_is_refused_or_runs_while_the_loop_ends),
        LEDGER_TEST(a_loop_that_is_held_is_there_when_it_has_ended),
        LEDGER_TEST(two_loops_may_post_to_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
