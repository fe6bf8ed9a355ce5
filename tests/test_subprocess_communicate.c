/* SPDX-License-Identifier: MIT */
/* Talking to a child: all it says, within bounds, and nobody waits for ever. */
#include <signal.h>

#include "forked.h"
#include "shell.h"
#include "support.h"

#define OPTIONS(...)     (&(hem_subprocess_options){__VA_ARGS__})
#define COMMUNICATE(...) (&(hem_subprocess_communicate_options){__VA_ARGS__})

/* All three descriptors are pipes. */
static int start(hem_subprocess *p, const char *script)
{
    return hem_subprocess_shell(p, script,
                                OPTIONS(.in = HEM_PIPE, .out = HEM_PIPE,
                                        .err = HEM_PIPE, .pdeathsig = SIGKILL));
}

VIRTUAL_TEST(input_output_and_errors_are_moved)
{
    HEM_SUBPROCESS(p);
    hem_subprocess_output o;
    HEM_TRY(start(&p, "cat; echo wrong >&2; exit 3"));
    check_int(hem_subprocess_communicate(&p, "hello", 5, &o, NULL), 0);
    check_int(o.out_size, 5);
    check_str(o.out, "hello");
    check_int(o.err_size, 6);
    check_str(o.err, "wrong\n");
    check_int(o.status.exit_code, 3);
    hem_subprocess_output_free(&o);
    check(o.out == NULL && o.out_size == 0);
    return 0;
}

VIRTUAL_TEST(what_is_no_pipe_is_left_out)
{
    HEM_SUBPROCESS(p);
    hem_subprocess_output o;
    HEM_TRY(hem_subprocess_shell(&p, "exit 4", NULL));
    check_int(hem_subprocess_communicate(&p, NULL, 0, &o, NULL), 0);
    check(!o.out && !o.err && !o.out_size && !o.err_size);
    check_int(o.status.exit_code, 4);
    return 0;
}

VIRTUAL_TEST(no_input_is_the_end_of_input)
{
    HEM_SUBPROCESS(p);
    hem_subprocess_output o;
    HEM_TRY(start(&p, "wc -c"));
    check_int(hem_subprocess_communicate(&p, NULL, 0, &o, NULL), 0);
    check_str(o.out, "0\n");
    hem_subprocess_output_free(&o);
    return 0;
}

VIRTUAL_TEST(a_child_need_not_take_its_input)
{
    static char input[1 << 20];
    HEM_SUBPROCESS(p);
    hem_subprocess_output o;
    HEM_TRY(start(&p, "exec <&-; echo done"));
    check_int(hem_subprocess_communicate(&p, input, sizeof(input), &o, NULL),
              0);
    check_str(o.out, "done\n");
    hem_subprocess_output_free(&o);
    return 0;
}

VIRTUAL_TEST(nobody_need_want_the_output)
{
    HEM_SUBPROCESS(p);
    HEM_TRY(start(&p, "head -c 1000000 /dev/zero; echo x >&2; exit 2"));
    check_int(hem_subprocess_communicate(&p, NULL, 0, NULL, NULL), 0);
    hem_child_status status;
    check_int(hem_subprocess_wait(&p, &status), 0);
    check_int(status.exit_code, 2);
    return 0;
}

VIRTUAL_TEST(output_of_exactly_the_limit_is_none_too_many)
{
    for (size_t limit = 4094; limit <= 4098; limit++) {
        HEM_SUBPROCESS(p);
        hem_subprocess_output o;
        HEM_TRY(start(&p, "head -c 4096 /dev/zero"));
        check_int(hem_subprocess_communicate(&p, NULL, 0, &o,
                                             COMMUNICATE(.limit = limit)),
                  limit < 4096 ? HEM_ELIMIT : 0);
        check_int(o.out_size, limit < 4096 ? limit : 4096);
        check_int(o.out[o.out_size], 0);
        hem_subprocess_output_free(&o);
    }
    return 0;
}

VIRTUAL_TEST(a_limit_leaves_the_child_alone)
{
    HEM_SUBPROCESS(p);
    hem_subprocess_output o;
    HEM_TRY(start(&p, "echo 123456789; cat"));
    check_int(
        hem_subprocess_communicate(&p, NULL, 0, &o, COMMUNICATE(.limit = 5)),
        HEM_ELIMIT);
    check_str(o.out, "12345");
    hem_subprocess_output_free(&o);
    check_int(hem_subprocess_communicate(&p, NULL, 0, &o, NULL), 0);
    check_int(o.status.exit_code, 0);
    hem_subprocess_output_free(&o);
    return 0;
}

VIRTUAL_TEST(a_timeout_keeps_what_has_come)
{
    HEM_SUBPROCESS(p);
    hem_subprocess_output o;
    char *line;
    /* Both in one write: the second is there when the first is. */
    HEM_TRY(start(&p, "printf 'first\\nsecond\\n'; exec sleep 1000"));
    check_int(hem_stream_read_line(hem_subprocess_stdout(&p), &line), 6);
    check_int(hem_subprocess_communicate(&p, NULL, 0, &o,
                                         COMMUNICATE(.timeout = HEM_SEC)),
              HEM_ETIMEDOUT);
    check_str(o.out, "second\n");
    check_int(hem_subprocess_poll(&p, NULL), HEM_EAGAIN);
    hem_subprocess_output_free(&o);
    return 0;
}

/* Sources and sinks. */

struct flow {
    size_t left;
    size_t came;
    size_t fail_at; /* 0: never */
    unsigned sum;
    hem_ns pause;
};

static ssize_t give(void *arg, void *buf, size_t size)
{
    struct flow *f = arg;
    size_t n = size < f->left ? size : f->left;
    memset(buf, 7, n);
    f->left -= n;
    return (ssize_t)n;
}

static int take(void *arg, const void *data, size_t size)
{
    struct flow *f = arg;
    const char *p = data;
    for (size_t i = 0; i < size; i++)
        f->sum += (unsigned)p[i];
    f->came += size;
    if (f->fail_at && f->came >= f->fail_at)
        return HEM_EIO;
    return f->pause ? hem_sleep(f->pause) : 0;
}

VIRTUAL_TEST(any_amount_goes_both_ways_in_bounded_memory)
{
    size_t all = scaled((size_t)64 << 20);
    struct flow in = {.left = all}, out = {0}, err = {0};
    HEM_SUBPROCESS(p);
    HEM_TRY(start(&p, "tee /dev/stderr"));
    size_t resident = ledger_resident();
    check_int(hem_subprocess_communicate(
                  &p, "\7\7", 2, NULL,
                  COMMUNICATE(.source = give, .source_arg = &in, .out = take,
                              .out_arg = &out, .err = take, .err_arg = &err)),
              0);
    check_int(out.came, all + 2);
    check_int(err.came, all + 2);
    check_int(out.sum, (unsigned)(7 * (all + 2)));
    check(SANITIZED || ledger_resident() < resident + ((size_t)2 << 20));
    return 0;
}

VIRTUAL_TEST(a_slow_reader_gets_all)
{
    struct flow out = {.pause = HEM_SEC};
    HEM_SUBPROCESS(p);
    HEM_TRY(start(&p, "head -c 1000000 /dev/zero; echo e >&2"));
    hem_subprocess_output o;
    check_int(hem_subprocess_communicate(
                  &p, NULL, 0, &o, COMMUNICATE(.out = take, .out_arg = &out)),
              0);
    check_int(out.came, 1000000);
    check(o.out == NULL);
    check_str(o.err, "e\n");
    check(hem_now() >= HEM_SEC);
    hem_subprocess_output_free(&o);
    return 0;
}

VIRTUAL_TEST(a_sink_that_fails_ends_it)
{
    struct flow out = {.fail_at = 100000};
    HEM_SUBPROCESS(p);
    HEM_TRY(start(&p, "cat /dev/zero"));
    check_int(hem_subprocess_communicate(
                  &p, NULL, 0, NULL, COMMUNICATE(.out = take, .out_arg = &out)),
              HEM_EIO);
    check_int(hem_subprocess_poll(&p, NULL), HEM_EAGAIN);
    return 0;
}

static ssize_t fail_to_give(void *arg, void *buf, size_t size)
{
    (void)arg;
    (void)buf;
    (void)size;
    return HEM_EPROTO;
}

VIRTUAL_TEST(a_source_that_fails_ends_it)
{
    HEM_SUBPROCESS(p);
    HEM_TRY(start(&p, "cat"));
    check_int(hem_subprocess_communicate(&p, NULL, 0, NULL,
                                         COMMUNICATE(.source = fail_to_give)),
              HEM_EPROTO);
    return 0;
}

static int communicate(void *arg)
{
    return hem_subprocess_communicate(arg, "x", 1, NULL, NULL);
}

VIRTUAL_TEST(closing_ends_the_talk_of_others)
{
    HEM_SUBPROCESS(p);
    hem_task *talker;
    HEM_TRY(start(&p, "exec sleep 1000"));
    HEM_TRY(hem_spawn(&talker, communicate, &p));
    HEM_TRY(hem_sleep(HEM_MSEC));
    check_int(hem_subprocess_close(&p), 0);
    int rc = hem_await(talker); /* 0: it saw the end before the close did */
    check(rc == HEM_EBADF || rc == 0);
    return 0;
}

/* Running. */

static char *const cat[] = {"cat", NULL};

VIRTUAL_TEST(a_run_is_all_in_one)
{
    hem_subprocess_output o;
    hem_subprocess_run_options r = {.start = {.in = HEM_PIPE, .out = HEM_PIPE},
                                    .input = "abc",
                                    .input_size = 3,
                                    .check = true};
    check_int(hem_subprocess_run(cat, &r, &o), 0);
    check_str(o.out, "abc");
    hem_subprocess_output_free(&o);
    check_int(hem_subprocess_run(cat, &r, NULL), 0);
    return 0;
}

static ssize_t give_once(void *arg, void *buf, size_t size)
{
    bool *given = arg;
    if (*given || size < 3)
        return 0;
    *given = true;
    memcpy(buf, "xyz", 3);
    return 3;
}

VIRTUAL_TEST(a_run_with_input_needs_no_word_of_the_pipe)
{
    hem_subprocess_output o;
    hem_subprocess_run_options r = {
        .start = {.out = HEM_PIPE}, .input = "abc", .input_size = 3};
    check_int(hem_subprocess_run(cat, &r, &o), 0);
    check_str(o.out, "abc");
    hem_subprocess_output_free(&o);
    bool given = false;
    r.input = NULL;
    r.input_size = 0;
    r.communicate.source = give_once;
    r.communicate.source_arg = &given;
    check_int(hem_subprocess_run(cat, &r, &o), 0);
    check_str(o.out, "xyz");
    hem_subprocess_output_free(&o);
    return 0;
}

VIRTUAL_TEST(a_size_of_input_without_input_is_refused)
{
    hem_subprocess_output o;
    hem_subprocess_run_options r = {.input_size = 1};
    check_int(hem_subprocess_run(cat, &r, &o), HEM_EINVAL);
    check_str(hem_failure_text(HEM_EINVAL),
              "1 bytes of input that are nowhere");
    HEM_SUBPROCESS(p);
    hem_subprocess_options pipe = {.in = HEM_PIPE, .out = HEM_PIPE};
    HEM_TRY(hem_subprocess_start(&p, cat, &pipe));
    check_int(hem_subprocess_communicate(&p, NULL, 1, &o, NULL), HEM_EINVAL);
    check(!o.out && !o.err);
    check_int(hem_subprocess_communicate(&p, "x", 1, &o, NULL), 0);
    check_str(o.out, "x");
    hem_subprocess_output_free(&o);
    return hem_subprocess_close(&p);
}

VIRTUAL_TEST(a_run_whose_input_nobody_would_read_is_refused)
{
    hem_subprocess_output o = {.out = (char[]){"?"}};
    hem_subprocess_run_options r = {.start = {.in = HEM_NULL}, .input = ""};
    check_int(hem_subprocess_run(cat, &r, &o), HEM_EINVAL);
    check(o.out == NULL);
    r.start.in = HEM_FD;
    check_int(hem_subprocess_run(cat, &r, &o), HEM_EINVAL);
    check(!forked_any());
    return 0;
}

VIRTUAL_TEST(a_run_may_be_checked)
{
    char *bad[] = {"sh", "-c", "echo out; exit 9", NULL};
    hem_subprocess_output o;
    hem_subprocess_run_options r = {.start = {.out = HEM_PIPE}};
    check_int(hem_subprocess_run(bad, &r, &o), 0);
    check_int(o.status.exit_code, 9);
    hem_subprocess_output_free(&o);
    r.check = true;
    check_int(hem_subprocess_run(bad, &r, &o), HEM_EEXITED);
    check_str(o.out, "out\n");
    hem_subprocess_output_free(&o);
    return 0;
}

VIRTUAL_TEST(a_run_that_fails_leaves_no_child)
{
    char *yes[] = {"cat", "/dev/zero", NULL};
    char *none[] = {"/no/such", NULL};
    hem_subprocess_output o;
    hem_subprocess_run_options r = {.start = {.out = HEM_PIPE},
                                    .communicate = {.limit = 100000}};
    check_int(hem_subprocess_run(yes, &r, &o), HEM_ELIMIT);
    check_int(o.out_size, 100000);
    check(!forked_any());
    hem_subprocess_output_free(&o);
    check_int(hem_subprocess_run(none, &r, &o), HEM_ENOENT);
    check(o.out == NULL);
    hem_subprocess_output_free(&o);
    check_int(hem_subprocess_run(none, NULL, NULL), HEM_ENOENT);
    return 0;
}

VIRTUAL_TEST(memory_may_lack_anywhere)
{
    hem_subprocess_run_options r = {
        .start = {.in = HEM_PIPE, .out = HEM_PIPE, .err = HEM_PIPE},
        .input = "abc",
        .input_size = 3};
    int rc = HEM_ENOMEM;
    for (size_t n = 1; rc == HEM_ENOMEM && check(n < 100); n++) {
        hem_subprocess_output o;
        ledger_fail_at(n);
        rc = hem_subprocess_run(cat, &r, &o);
        ledger_fail_at(0);
        hem_subprocess_output_free(&o);
        check(!forked_any());
    }
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(input_output_and_errors_are_moved),
        LEDGER_TEST(what_is_no_pipe_is_left_out),
        LEDGER_TEST(no_input_is_the_end_of_input),
        LEDGER_TEST(a_child_need_not_take_its_input),
        LEDGER_TEST(nobody_need_want_the_output),
        LEDGER_TEST(output_of_exactly_the_limit_is_none_too_many),
        LEDGER_TEST(a_limit_leaves_the_child_alone),
        LEDGER_TEST(a_timeout_keeps_what_has_come),
        LEDGER_TEST(any_amount_goes_both_ways_in_bounded_memory),
        LEDGER_TEST(a_slow_reader_gets_all),
        LEDGER_TEST(a_sink_that_fails_ends_it),
        LEDGER_TEST(a_source_that_fails_ends_it),
        LEDGER_TEST(closing_ends_the_talk_of_others),
        LEDGER_TEST(a_run_is_all_in_one),
        LEDGER_TEST(a_run_with_input_needs_no_word_of_the_pipe),
        LEDGER_TEST(a_size_of_input_without_input_is_refused),
        LEDGER_TEST(a_run_whose_input_nobody_would_read_is_refused),
        LEDGER_TEST(a_run_may_be_checked),
        LEDGER_TEST(a_run_that_fails_leaves_no_child),
        LEDGER_TEST(memory_may_lack_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
