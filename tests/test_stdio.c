/* SPDX-License-Identifier: MIT */
/* Streams over standard input and output, seen from outside. */
#include "support.h"

#include <fcntl.h>
#include <termios.h>

/* A child whose standard input and output are pipes. */
static int copy_standard(void *arg)
{
    HEM_STREAM(in);
    HEM_STREAM(out);
    char *line;
    ssize_t n;
    (void)arg;
    HEM_TRY(hem_stream_open_stdin(&in));
    HEM_TRY(hem_stream_open_stdout(&out));
    if (hem_stream_write(&in, "x", 1) != HEM_EBADF)
        return HEM_EIO;
    while ((n = hem_stream_read_line(&in, &line)) > 0)
        HEM_TRY(hem_stream_write(&out, line, (size_t)n));
    HEM_TRY(n);
    return hem_stream_aclose(&out);
}

struct standard {
    int in[2];
    int out[2];
};

static int run_copy(void *arg)
{
    struct standard *s = arg;
    if (dup2(s->in[0], 0) < 0 || dup2(s->out[1], 1) < 0)
        return 9;
    close(s->in[1]);
    int rc = hem_run(copy_standard, NULL, NULL);
    bool blocks =
        !(fcntl(0, F_GETFL) & O_NONBLOCK) && !(fcntl(1, F_GETFL) & O_NONBLOCK);
    return rc == 0 && blocks ? 0 : 1;
}

static void standard_streams_work_and_stay_blocking(void **state)
{
    struct standard s;
    struct process p;
    struct ending e;
    char buf[32] = "";
    (void)state;
    assert_int_equal(pipe(s.in), 0);
    assert_int_equal(pipe(s.out), 0);
    process_start(&p, run_copy, &s);
    close(s.in[0]);
    close(s.out[1]);
    assert_int_equal(write(s.in[1], "one\ntwo\nthree", 13), 13);
    close(s.in[1]);
    process_end(&p, &e);
    assert_int_equal(e.status, 0);
    assert_string_equal(e.text, "");
    assert_int_equal(read(s.out[0], buf, sizeof(buf)), 13);
    assert_string_equal(buf, "one\ntwo\nthree");
    close(s.out[0]);
}

static int look_at_sockets(void *arg)
{
    hem_stream a, b;
    hem_stream_info info;
    (void)arg;
    HEM_TRY(hem_socket_pair(&a, &b));
    HEM_TRY(hem_stream_get_info(&a, &info));
    check(info.fd > 2);
    HEM_TRY(hem_stream_close(&a));
    return hem_stream_close(&b);
}

static int run_without_standard(void *arg)
{
    (void)arg;
    close(0);
    close(1);
    int rc = hem_run(look_at_sockets, NULL, NULL);
    bool open_now = fcntl(0, F_GETFD) >= 0 && fcntl(1, F_GETFD) >= 0;
    return rc == 0 && open_now ? check_failures_take() : 1;
}

static void closed_standard_descriptors_do_not_become_sockets(void **state)
{
    struct ending e;
    (void)state;
    process_run(run_without_standard, NULL, &e);
    assert_int_equal(e.status, 0);
    assert_string_equal(e.text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(standard_streams_work_and_stay_blocking),
        LEDGER_TEST(closed_standard_descriptors_do_not_become_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
