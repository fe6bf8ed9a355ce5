/* SPDX-License-Identifier: MIT */
/* The channel between a parent and a worker. */
#include <sys/socket.h>

#include "loop/fd.h"
#include "service/channel.h"
#include "settle.h"
#include "support.h"

struct pair {
    hem__channel a, b;
};

static int pair_open(struct pair *p)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
                   fds) < 0)
        abort();
    check_int(hem__channel_open(&p->a, fds[0]), 0);
    check_int(hem__channel_open(&p->b, fds[1]), 0);
    return 0;
}

static void pair_close(struct pair *p)
{
    hem__channel_close(&p->a);
    hem__channel_close(&p->b);
}

static int send_one(hem__channel *c, int code)
{
    hem__message m;
    hem__message_make(&m, HEM__MESSAGE_STOP, code, "text");
    return hem__channel_send(c, &m);
}

static void check_receives(hem__channel *c, int code)
{
    hem__message m = {.kind = 0};
    check_int(hem__channel_receive(c, &m), 1);
    check_int(m.kind, HEM__MESSAGE_STOP);
    check_int(m.code, code);
    check_str(m.text, "text");
}

VIRTUAL_TEST(messages_come_whole_and_in_order)
{
    struct pair p;
    HEM_TRY(pair_open(&p));
    for (int i = 0; i < 10; i++)
        check_int(send_one(&p.a, i), 0);
    for (int i = 0; i < 10; i++)
        check_receives(&p.b, i);
    hem__message m;
    check_int(hem__channel_try_receive(&p.b, &m), HEM_EAGAIN);
    pair_close(&p);
    return 0;
}

static int receive_7(void *arg)
{
    check_receives(arg, 7);
    return 0;
}

VIRTUAL_TEST(receive_waits_for_a_message)
{
    struct pair p;
    HEM_TRY(pair_open(&p));
    hem_task *t;
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, &t, receive_7, &p.b));
    settle();
    check_str(hem_task_waits_for(t), "read");
    check_int(send_one(&p.a, 7), 0);
    check_int(hem_scope_close(&s, 0), 0);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(the_end_comes_after_all_that_was_sent)
{
    struct pair p;
    HEM_TRY(pair_open(&p));
    check_int(send_one(&p.a, 1), 0);
    check_int(send_one(&p.a, 2), 0);
    hem__channel_close(&p.a);
    check_receives(&p.b, 1);
    check_receives(&p.b, 2);
    hem__message m;
    for (int i = 0; i < 3; i++)
        check_int(hem__channel_receive(&p.b, &m), 0);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(nothing_is_lost_when_the_other_side_goes_with_messages_unread)
{
    struct pair p;
    HEM_TRY(pair_open(&p));
    check_int(send_one(&p.b, 9), 0); /* which it will not read */
    check_int(send_one(&p.a, 1), 0);
    hem__channel_close(&p.a);
    check_receives(&p.b, 1);
    hem__message m;
    check_int(hem__channel_receive(&p.b, &m), 0);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(sending_to_nobody_fails)
{
    struct pair p;
    HEM_TRY(pair_open(&p));
    hem__channel_close(&p.b);
    check_int(send_one(&p.a, 1), HEM_EPIPE);
    hem__channel_close(&p.a);
    HEM_TRY(pair_open(&p));
    check_int(send_one(&p.a, 1), 0);
    hem__channel_close(&p.b); /* with a message unread */
    check_int(send_one(&p.a, 1), HEM_EPIPE);
    check_int(send_one(&p.a, 1), HEM_EPIPE);
    hem__channel_close(&p.a);
    check_int(send_one(&p.a, 1), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(sending_never_waits)
{
    struct pair p;
    HEM_TRY(pair_open(&p));
    int sent = 0;
    while (send_one(&p.a, sent) == 0)
        sent++;
    check(sent >= 100); /* far more than there ever are */
    check_int(send_one(&p.a, 0), HEM_EAGAIN);
    for (int i = 0; i < sent; i++)
        check_receives(&p.b, i);
    check_int(send_one(&p.a, 0), 0);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(what_is_no_message_is_passed_over)
{
    struct pair p;
    char much[2 * sizeof(hem__message)] = "";
    HEM_TRY(pair_open(&p));
    check_int(send(p.a.fd.fd, "x", 1, 0), 1);
    check_int(send(p.a.fd.fd, much, sizeof(much), 0), sizeof(much));
    check_int(send_one(&p.a, 3), 0);
    check_receives(&p.b, 3);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(a_text_is_cut_and_ended)
{
    hem__message m;
    char text[1000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    hem__message_make(&m, HEM__MESSAGE_FAILED, HEM_EIO, text);
    check_int(strlen(m.text), sizeof(m.text) - 1);
    hem__message_make(&m, HEM__MESSAGE_FAILED, HEM_EIO, NULL);
    check_str(m.text, "");

    struct pair p; /* also one that comes without an end */
    HEM_TRY(pair_open(&p));
    memset(m.text, 'y', sizeof(m.text));
    check_int(hem__channel_send(&p.a, &m), 0);
    check_int(hem__channel_receive(&p.b, &m), 1);
    check_int(strlen(m.text), sizeof(m.text) - 1);
    pair_close(&p);
    return 0;
}

static int receive_any(void *arg)
{
    hem__message m;
    return hem__channel_receive(arg, &m);
}

VIRTUAL_TEST(a_cancelled_receive_takes_nothing)
{
    struct pair p;
    HEM_TRY(pair_open(&p));
    hem_task *t;
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, &t, receive_any, &p.b));
    settle();
    check_int(send_one(&p.a, 5), 0);
    hem_task_cancel(t, NULL);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_task_result(t), HEM_ECANCELED);
    check_receives(&p.b, 5);
    pair_close(&p);
    return 0;
}

VIRTUAL_TEST(a_close_ends_the_wait_of_another_task)
{
    struct pair p;
    HEM_TRY(pair_open(&p));
    hem_task *t;
    HEM_SCOPE(s, .kind = HEM_SUPERVISOR);
    HEM_TRY(hem_scope_spawn(&s, &t, receive_any, &p.b));
    settle();
    pair_close(&p);
    check_int(hem_scope_close(&s, 0), 0);
    check_int(hem_task_result(t), HEM_EBADF);
    hem__message m;
    check_int(hem__channel_receive(&p.b, &m), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(without_memory_the_descriptor_is_closed)
{
    int fds[2];
    check_int(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    int high = fcntl(fds[0], F_DUPFD_CLOEXEC, 900); /* beyond the table */
    close(fds[0]);
    hem__channel c;
    ledger_fail_at(1);
    check_int(hem__channel_open(&c, high), HEM_ENOMEM);
    ledger_fail_at(0);
    check(fcntl(high, F_GETFD) < 0);
    hem__channel_close(&c);
    close(fds[1]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(messages_come_whole_and_in_order),
        LEDGER_TEST(receive_waits_for_a_message),
        LEDGER_TEST(the_end_comes_after_all_that_was_sent),
        LEDGER_TEST(
            nothing_is_lost_when_the_other_side_goes_with_messages_unread),
        LEDGER_TEST(sending_to_nobody_fails),
        LEDGER_TEST(sending_never_waits),
        LEDGER_TEST(what_is_no_message_is_passed_over),
        LEDGER_TEST(a_text_is_cut_and_ended),
        LEDGER_TEST(a_cancelled_receive_takes_nothing),
        LEDGER_TEST(a_close_ends_the_wait_of_another_task),
        LEDGER_TEST(without_memory_the_descriptor_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
