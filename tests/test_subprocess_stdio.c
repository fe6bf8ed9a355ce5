/* SPDX-License-Identifier: MIT */
/* The descriptors of a child: which it gets, where, and no others. */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "forked.h"
#include "shell.h"
#include "support.h"

#define OPTIONS(...) (&(hem_subprocess_options){__VA_ARGS__})

#define WAYS_TEST(name)                                                        \
    static void name##_check(void);                                            \
    VIRTUAL_TEST(name)                                                         \
    {                                                                          \
        EACH_WAY(name##_check());                                              \
        return 0;                                                              \
    }                                                                          \
    static void name##_check(void)

/* A file without name, with this text. */
static int file_with(const char *text)
{
    FILE *f = tmpfile();
    int fd = fcntl(fileno(f), F_DUPFD_CLOEXEC, 3);
    fclose(f);
    check_int(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    check_int(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* What has been written into it. */
static const char *content(int fd)
{
    static char text[256];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static int run(const char *script, const hem_subprocess_options *opts)
{
    return shell_ends(script, opts);
}

WAYS_TEST(a_child_has_three_descriptors)
{
    check_str(shell_says(shell_lists_descriptors, NULL), "0 1 2");
    check_str(shell_says(shell_lists_descriptors,
                         OPTIONS(.in = HEM_PIPE, .err = HEM_PIPE)),
              "0 1 2");
}

WAYS_TEST(null_is_empty_and_takes_all)
{
    check_str(shell_says("cat; echo lost >&2; readlink /proc/$$/fd/2",
                         OPTIONS(.in = HEM_NULL, .err = HEM_NULL)),
              "/dev/null");
}

WAYS_TEST(a_descriptor_of_the_parent_may_be_given)
{
    int in = file_with("text"), out = file_with("");
    check_int(run("cat; echo ' more'; echo error >&2",
                  OPTIONS(.in = HEM_FD, .in_fd = in, .out = HEM_FD,
                          .out_fd = out, .err = HEM_FD, .err_fd = out)),
              0);
    check_str(content(out), "text more\nerror\n");
    check(fcntl(out, F_GETFD) & FD_CLOEXEC); /* as it was in the parent */
    close(in);
    close(out);
}

WAYS_TEST(errors_may_go_where_output_goes)
{
    check_str(
        shell_says("echo a; echo b >&2; echo c", OPTIONS(.err = HEM_STDOUT)),
        "a\nb\nc");
    int out = file_with("");
    check_int(run("echo a; echo b >&2",
                  OPTIONS(.out = HEM_FD, .out_fd = out, .err = HEM_STDOUT)),
              0);
    check_str(content(out), "a\nb\n");
    check_int(
        run("[ /proc/$$/fd/1 -ef /proc/$$/fd/2 ]", OPTIONS(.err = HEM_STDOUT)),
        0);
    check_int(run("[ /proc/$$/fd/2 -ef /dev/null ]",
                  OPTIONS(.out = HEM_NULL, .err = HEM_STDOUT)),
              0);
    close(out);
}

WAYS_TEST(pipes_of_the_child_block)
{
    /* O_NONBLOCK is 04000. */
    const char *script =
        "grep -q 'flags:.*4...$' /proc/self/fdinfo/0 && exit 1;"
        "grep -q 'flags:.*4...$' /proc/self/fdinfo/1 && exit 1;"
        "exit 0";
    check_int(run(script, OPTIONS(.in = HEM_PIPE, .out = HEM_PIPE)), 0);
}

WAYS_TEST(more_descriptors_may_be_passed)
{
    int a = file_with("a"), b = file_with("b");
    hem_subprocess_fd fds[] = {{a, 7}, {b, 5}, {a, 20}};
    check_str(shell_says("cat <&7; cat <&5; for f in /proc/$$/fd/*; do "
                         "[ -L $f ] && echo -n \" ${f##*/}\"; done; echo",
                         OPTIONS(.fds = fds, .fd_count = 3)),
              "ab 0 1 2 20 5 7");
    close(a);
    close(b);
}

WAYS_TEST(a_descriptor_may_be_passed_as_itself)
{
    int a = file_with("a");
    hem_subprocess_fd same = {a, a};
    char script[80];
    snprintf(script, sizeof(script), "cat <&%d; echo", a);
    check_str(shell_says(script, OPTIONS(.fds = &same, .fd_count = 1)), "a");
    check(fcntl(a, F_GETFD) & FD_CLOEXEC);
    close(a);
}

WAYS_TEST(descriptors_may_be_swapped)
{
    int a = file_with("a"), b = file_with("b"), c = file_with("c");
    hem_subprocess_fd round[] = {{a, b}, {b, c}, {c, a}};
    char script[80];
    snprintf(script, sizeof(script), "cat <&%d; cat <&%d; cat <&%d; echo", a, b,
             c);
    check_str(shell_says(script, OPTIONS(.fds = round, .fd_count = 3)), "cab");
    close(a);
    close(b);
    close(c);
}

/* Output and errors of this process as files, while fn runs. */
static void with_files(void (*fn)(int out, int err))
{
    int out = file_with(""), err = file_with("");
    int saved[2] = {fcntl(1, F_DUPFD_CLOEXEC, 3), fcntl(2, F_DUPFD_CLOEXEC, 3)};
    fflush(stdout);
    dup2(out, 1);
    dup2(err, 2);
    fn(out, err);
    fflush(stdout);
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    close(saved[0]);
    close(saved[1]);
    close(out);
    close(err);
}

static void swap(int out, int err)
{
    check_int(
        run("echo out; echo err >&2",
            OPTIONS(.out = HEM_FD, .out_fd = 2, .err = HEM_FD, .err_fd = 1)),
        0);
    check_str(content(out), "err\n");
    check_str(content(err), "out\n");
}

static void give_out_as_in(int out, int err)
{
    hem_subprocess_fd both[] = {{2, 3}, {1, 4}};
    check_int(run("echo a >&3; echo b >&4; echo c; echo d >&2",
                  OPTIONS(.out = HEM_FD, .out_fd = 2, .err = HEM_FD,
                          .err_fd = 1, .fds = both, .fd_count = 2)),
              0);
    check_str(content(err), "a\nc\n");
    check_str(content(out), "b\nd\n");
}

static void keep_out(int out, int err)
{
    check_int(run("echo a; echo b >&2", OPTIONS(.err = HEM_STDOUT)), 0);
    check_str(content(out), "a\nb\n");
    check_str(content(err), "");
}

WAYS_TEST(output_and_errors_may_be_swapped)
{
    with_files(swap);
    with_files(give_out_as_in);
    with_files(keep_out);
}

/* A parent whose first descriptors are closed, or hem's own. */

#define LINKS                                                                  \
    "links=$(for n in 0 1 2; do readlink /proc/$$/fd/$n; done | "              \
    "tr '\\n' ' '); echo $links >&9; "

/* Through three pipes, whatever their numbers in the parent. */
static int talk_to_cat(void)
{
    hem_subprocess_output o;
    char *argv[] = {"cat", NULL};
    HEM_TRY(hem_subprocess_run(
        argv,
        &(hem_subprocess_run_options){
            .start = {.in = HEM_PIPE, .out = HEM_PIPE, .err = HEM_STDOUT},
            .input = "through",
            .input_size = 7},
        &o));
    check_str(o.out, "through");
    hem_subprocess_output_free(&o);
    return 0;
}

static int closed_body(void *arg)
{
    const bool *closed = arg;
    int report = file_with("");
    hem_subprocess_fd fd = {report, 9};
    char script[400];
    snprintf(script, sizeof(script), LINKS "%s >&9", shell_lists_descriptors);
    check_int(run(script, OPTIONS(.fds = &fd, .fd_count = 1)), 0);
    const char *link = content(report);
    check_contains(link, "\n0 1 2 9\n");
    for (int i = 0; i < 3; i++) {
        check_int(strncmp(link, "/dev/null", 9) == 0 || !closed[i], true);
        link += strcspn(link, " ") + 1;
    }
    close(report);
    return talk_to_cat();
}

static int run_closed(void *arg)
{
    const bool *closed = arg;
    for (int i = 0; i < 3; i++) {
        if (closed[i])
            close(i);
    }
    shell_share(true);
    check_int(hem_run(closed_body, arg, NULL), 0);
    shell_share(false);
    check_int(hem_run(closed_body, arg, NULL), 0);
    return forked_verdict();
}

VIRTUAL_TEST(a_parent_may_have_closed_its_first_descriptors)
{
    for (int bits = 0; bits < 8; bits++) {
        bool closed[3] = {bits & 1, bits & 2, bits & 4};
        check_int(forked_status(run_closed, closed).exit_code, 0);
    }
    return 0;
}

VIRTUAL_TEST(what_is_closed_by_exec_is_not_inherited)
{
    int was = fcntl(0, F_GETFD);
    fcntl(0, F_SETFD, FD_CLOEXEC);
    EACH_WAY(
        check_str(shell_says("readlink /proc/$$/fd/0", NULL), "/dev/null"));
    fcntl(0, F_SETFD, was);
    return 0;
}

/* The pipes of the start would get its number. */
VIRTUAL_TEST(what_is_closed_is_not_taken_for_a_pipe)
{
    HEM_SUBPROCESS(p);
    int closed = dup(0);
    close(closed);
    hem_subprocess_fd fd = {closed, 9};
    check_int(hem_subprocess_shell(
                  &p, "true",
                  OPTIONS(.in = HEM_PIPE, .out = HEM_FD, .out_fd = closed)),
              HEM_EBADF);
    check_contains(hem_failure_text(HEM_EBADF), "descriptors");
    check_int(
        hem_subprocess_shell(
            &p, "true", OPTIONS(.in = HEM_PIPE, .fds = &fd, .fd_count = 1)),
        HEM_EBADF);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_child_has_three_descriptors),
        LEDGER_TEST(null_is_empty_and_takes_all),
        LEDGER_TEST(a_descriptor_of_the_parent_may_be_given),
        LEDGER_TEST(errors_may_go_where_output_goes),
        LEDGER_TEST(pipes_of_the_child_block),
        LEDGER_TEST(more_descriptors_may_be_passed),
        LEDGER_TEST(a_descriptor_may_be_passed_as_itself),
        LEDGER_TEST(descriptors_may_be_swapped),
        LEDGER_TEST(output_and_errors_may_be_swapped),
        LEDGER_TEST(a_parent_may_have_closed_its_first_descriptors),
        LEDGER_TEST(what_is_closed_by_exec_is_not_inherited),
        LEDGER_TEST(what_is_closed_is_not_taken_for_a_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
