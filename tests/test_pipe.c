/* SPDX-License-Identifier: MIT */
/* Streams that are no connections: what differs from one kind to another. */
#include "support.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>

#include "io/stream.h"
#include "net.h"
#include "rot13.h"

static const char *kind_of(const hem_stream *s)
{
    hem_stream_info info = {.kind = NULL};
    check_int(hem_stream_get_info(s, &info), 0);
    return info.kind;
}

static void check_reads(hem_stream *s, const char *text)
{
    char buf[64] = "";
    check_int(hem_stream_read_exactly(s, buf, strlen(text), NULL),
              strlen(text));
    check_str(buf, text);
}

VIRTUAL_TEST(each_kind_has_its_name)
{
    hem_stream a, b;
    hem_stream_info info;
    check_int(hem_pipe(&a, &b, NULL), 0);
    check_str(kind_of(&a), "pipe");
    check_int(hem_stream_shutdown_write(&b), 0);
    check_str(kind_of(&b), "pipe");
    check_int(hem_stream_close(&a), 0);
    check_int(hem_stream_close(&b), 0);
    check_int(hem_socket_pair(&a, &b), 0);
    check_str(kind_of(&a), "unix");
    check_int(hem_stream_close(&a), 0);
    check_int(hem_stream_close(&b), 0);
    check_int(hem_stream_pair(&a, &b, NULL), 0);
    check_int(hem_stream_get_info(&a, &info), 0);
    check_str(info.kind, "memory");
    check_str(info.transport, "memory");
    check_int(info.fd, -1);
    check_int(hem_stream_close(&a), 0);
    check_int(hem_stream_close(&b), 0);
    net_open_pair(&a, &b);
    check_str(kind_of(&a), "tcp");
    check_int(hem_stream_close(&a), 0);
    check_int(hem_stream_close(&b), 0);
    check_int(
        hem_stream_open_fd(&a, open("/dev/null", O_RDWR | O_CLOEXEC), NULL), 0);
    check_str(kind_of(&a), "device");
    check_int(hem_stream_put(&a, "gone", 4), 0);
    check_int(hem_stream_write(&a, "gone", 4), 4);
    check_int(hem_stream_read(&a, &(char){0}, 1), 0);
    check_int(hem_stream_aclose(&a), 0);
    return 0;
}

VIRTUAL_TEST(each_end_of_a_pipe_is_for_one_direction)
{
    hem_stream in, out;
    char byte;
    check_int(hem_pipe(&in, &out, NULL), 0);
    check_int(hem_stream_write(&in, "x", 1), HEM_EBADF);
    check_int(hem_stream_put(&in, "x", 1), HEM_EBADF);
    check_int(hem_stream_shutdown_write(&in), HEM_EBADF);
    check_int(hem_stream_read(&out, &byte, 1), HEM_EBADF);
    check_int(hem_stream_aclose(&in), 0);
    check_int(hem_stream_write(&out, "x", 1), HEM_EPIPE);
    check_int(hem_stream_aclose(&out), 0);
    return 0;
}

VIRTUAL_TEST(a_pipe_has_the_size_that_was_asked_for)
{
    hem_stream in, out;
    hem_stream_info info;
    check_int(hem_pipe(&in, &out, &(hem_pipe_options){.size = 4096}), 0);
    check_int(hem_stream_get_info(&out, &info), 0);
    check_int(fcntl(info.fd, F_GETPIPE_SZ), 4096);
    check(fcntl(info.fd, F_GETFD) & FD_CLOEXEC);
    check_int(hem_stream_close(&in), 0);
    check_int(hem_stream_close(&out), 0);
    check_int(hem_pipe(&in, &out, &(hem_pipe_options){.size = SIZE_MAX}),
              HEM_EINVAL);
    hem_pipe_options wrong = {.limits = {.write_stall = -1}};
    check_int(hem_pipe(&in, &out, &wrong), HEM_EINVAL);
    check_int(hem_stream_close(&in), HEM_EBADF);
    hem_stream_pair_options bad = {.limits = {.read_stall = -1}};
    check_int(hem_stream_pair(&in, &out, &bad), HEM_EINVAL);
    check_int(hem_stream_close(&out), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(what_cannot_be_a_stream_is_refused)
{
    hem_stream s;
    hem_stream_fd_options neither = {.read_only = true, .write_only = true};
    check_int(hem_stream_open_fd(&s, 9999, NULL), HEM_EBADF);
    check_int(hem_stream_open_fd(&s, -1, NULL), HEM_EBADF);
    int dir = open("/", O_RDONLY | O_CLOEXEC);
    check_int(hem_stream_open_fd(&s, dir, NULL), HEM_EISDIR);
    close(dir);
    int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check_int(hem_stream_open_fd(&s, udp, NULL), HEM_EINVAL);
    close(udp);
    int file = memfd_create("x", MFD_CLOEXEC);
    check_int(hem_stream_open_fd(&s, file, &neither), HEM_EINVAL);
    check_int(hem_stream_open_fd(&s, file, NULL), 0);
    hem_stream again;
    check_int(hem_stream_open_fd(&again, file, NULL), HEM_EEXIST);
    check_int(hem_stream_close(&s), 0);
    return 0;
}

VIRTUAL_TEST(a_descriptor_is_closed_with_its_stream_or_kept)
{
    int fds[2];
    hem_stream s;
    hem_stream_fd_options keep = {.keep_open = true};
    check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    check_int(hem_stream_open_fd(&s, fds[0], &keep), 0);
    check(!(fcntl(fds[0], F_GETFL) & O_NONBLOCK));
    check_int(hem_stream_write(&s, "kept", 4), 4);
    check_int(hem_stream_close(&s), 0);
    check(fcntl(fds[0], F_GETFD) >= 0);
    check_int(hem_stream_open_fd(&s, fds[0], NULL), 0);
    check(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    check_int(hem_stream_close(&s), 0);
    check(fcntl(fds[0], F_GETFD) < 0);
    check(net_hears(fds[1], "kept"));
    check(net_hears_the_end(fds[1]));
    close(fds[1]);
    return 0;
}

/* Also that nothing that was read ahead of a cancellation is lost. */
VIRTUAL_TEST(regular_files_are_read_and_written_from_their_position)
{
    hem_stream s;
    char *line;
    int file = memfd_create("x", MFD_CLOEXEC);
    check_int(write(file, "skip one\ntwo\n", 13), 13);
    check_int(lseek(file, 5, SEEK_SET), 5);
    check_int(hem_stream_open_fd(&s, file,
                                 &(hem_stream_fd_options){.keep_open = true}),
              0);
    check_str(kind_of(&s), "file");
    check_int(hem_stream_read_line(&s, &line), 4);
    check(memcmp(line, "one\n", 4) == 0);
    check_int(hem_stream_read_line(&s, &line), 4);
    check_int(hem_stream_read_line(&s, &line), 0);
    check_int(hem_stream_write(&s, "three", 5), 5);
    check_int(hem_stream_put(&s, "four", 4), 0);
    check_int(hem_stream_pending(&s), 0);
    check_int(hem_stream_shutdown_write(&s), HEM_ENOTSUP);
    check_int(hem_stream_aclose(&s), 0);
    char buf[32] = "";
    check_int(pread(file, buf, sizeof(buf), 13), 9);
    check_str(buf, "threefour");
    close(file);
    return 0;
}

VIRTUAL_TEST(terminals_are_opened_anew)
{
    int master, slave;
    hem_stream s;
    char *line;
    struct termios raw = {.c_cflag = CS8};
    check_int(openpty(&master, &slave, NULL, &raw, NULL), 0);
    check_int(hem_stream_open_fd(&s, slave,
                                 &(hem_stream_fd_options){.keep_open = true}),
              0);
    check_str(kind_of(&s), "terminal");
    check(!(fcntl(slave, F_GETFL) & O_NONBLOCK));
    check(s.how == HEM__HOW_PLAIN && !s.borrowed);
    check_int(write(master, "typed\n", 6), 6);
    check_int(hem_stream_read_line(&s, &line), 6);
    check_int(hem_stream_write(&s, "shown", 5), 5);
    char buf[8] = "";
    check_int(read(master, buf, 5), 5);
    check_str(buf, "shown");
    check_int(hem_stream_close(&s), 0);
    /* The master is another terminal when it is opened anew: it is polled. */
    check_int(hem_stream_open_fd(&s, master,
                                 &(hem_stream_fd_options){.keep_open = true}),
              0);
    check_int(s.how, HEM__HOW_POLLED);
    check_int(hem_stream_write(&s, "again\n", 6), 6);
    check_int(read(slave, buf, 6), 6);
    check_int(hem_stream_close(&s), 0);
    close(master);
    close(slave);
    return 0;
}

static void yield_until(const hem_task *t, const char *waits_for)
{
    while (strcmp(hem_task_waits_for(t), waits_for) != 0)
        check_int(hem_yield(), 0);
}

static int write_million(void *arg)
{
    static char million[1 << 20];
    ssize_t n = hem_stream_write(arg, million, sizeof(million));
    return n < 0 ? (int)n : 0;
}

VIRTUAL_TEST(a_write_on_a_thread_keeps_its_file_though_it_is_closed)
{
    hem_stream s;
    hem_task *t;
    struct stat st;
    int file = memfd_create("test", MFD_CLOEXEC);
    int same = dup(file);
    check_int(hem_stream_open_fd(&s, file, NULL), 0);
    check_int(hem_spawn(&t, write_million, &s), 0);
    yield_until(t, "thread call");
    check_int(hem_stream_close(&s), 0);
    check_int(hem_stream_close(&s), HEM_EBADF);
    int other = memfd_create("other", MFD_CLOEXEC);
    check(other != file);
    check_int(hem_await(t), HEM_EBADF);
    check_int(fcntl(file, F_GETFD), -1);
    check_int(fstat(other, &st), 0);
    check_int(st.st_size, 0);
    check_int(fstat(same, &st), 0);
    check_int(st.st_size, hem_stream_bytes_written(&s));
    close(same);
    close(other);
    return 0;
}

/* A layer that looks at nothing but its memory. */
static ssize_t read_late(void *layer, hem_stream *below, void *buf, size_t size)
{
    (void)layer;
    (void)below;
    check_int(hem_sleep(HEM_SEC), 0);
    memset(buf, 'x', size);
    return (ssize_t)size;
}

static int read_a_line(void *arg)
{
    char *line;
    ssize_t n = hem_stream_read_line(arg, &line);
    return n < 0 ? (int)n : 0;
}

VIRTUAL_TEST(a_read_in_a_layer_keeps_its_memory_though_it_is_closed)
{
    static const hem_transport late = {.name = "late", .read = read_late};
    hem_stream s;
    hem_task *t;
    check_int(hem_stream_open(&s, &late, NULL, 0), 0);
    check_int(hem_spawn(&t, read_a_line, &s), 0);
    yield_until(t, "sleep");
    check_int(hem_stream_close(&s), 0);
    check_int(hem_await(t), HEM_EBADF);
    return 0;
}

/* Wait in vain, so that the loop tells each event from here on once. */
static void check_waits(hem_stream *s)
{
    hem_timeout t;
    char *line;
    check_int(hem_timeout_open(&t, HEM_MSEC), 0);
    int rc = (int)hem_stream_read_line(s, &line);
    check_int(hem_timeout_close(&t, rc), HEM_ETIMEDOUT);
}

VIRTUAL_TEST(a_terminal_gives_all_lines_that_were_typed_at_once)
{
    int master, slave;
    hem_stream s;
    check_int(openpty(&master, &slave, NULL, NULL, NULL), 0);
    check_int(hem_stream_open_fd(&s, slave, NULL), 0);
    check_waits(&s);
    check_int(write(master, "one\ntwo\nthree\n", 14), 14);
    check_reads(&s, "one\n");
    check_reads(&s, "two\nthree\n");
    check_int(hem_stream_close(&s), 0);
    close(master);
    return 0;
}

VIRTUAL_TEST(a_number_may_be_of_the_same_file_again)
{
    int fds[2];
    hem_stream s;
    check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    int file = dup(fds[0]);
    for (int i = 0; i < 2; i++) {
        check_int(hem_stream_open_fd(&s, fds[0], NULL), 0);
        check_waits(&s);
        check_int(write(fds[1], "x", 1), 1);
        check_reads(&s, "x");
        check_waits(&s);
        check_int(hem_stream_close(&s), 0);
        check_int(dup(file), fds[0]);
    }
    close(file);
    close(fds[0]);
    close(fds[1]);
    return 0;
}

/* Send a text, and a descriptor along with it. */
static void send_with(int to, const char *text, int fd)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec v = {.iov_base = (char *)(uintptr_t)text,
                      .iov_len = strlen(text)};
    struct msghdr m = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof(control)};
    memset(&control, 0, sizeof(control));
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(fd));
    memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    check_int(sendmsg(to, &m, 0), strlen(text));
}

VIRTUAL_TEST(a_descriptor_sent_along_hides_no_bytes_behind_it)
{
    int fds[2];
    hem_stream s;
    check_int(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    check_int(hem_stream_open_fd(&s, fds[0], NULL), 0);
    check_waits(&s);
    send_with(fds[1], "ab", fds[1]);
    check_int(write(fds[1], "cd", 2), 2);
    check_reads(&s, "abcd");
    check_int(hem_stream_close(&s), 0);
    close(fds[1]);
    return 0;
}

VIRTUAL_TEST(a_layer_goes_behind_what_is_kept)
{
    hem_stream a, b;
    static char many[300000];
    check_int(hem_socket_pair(&a, &b), 0);
    memset(many, '1', sizeof(many));
    check_int(hem_stream_put(&a, many, sizeof(many)), 0);
    check(hem_stream_pending(&a) > 0);

    check_int(hem_stream_push(&a, &rot13, NULL), 0);
    check(hem_stream_pending(&a) > 0);
    check_int(hem_stream_put(&a, "hello", 5), HEM_ELIMIT);
    for (size_t i = 0; i < sizeof(many) / 10; i++)
        check_reads(&b, "1111111111");
    check_int(hem_stream_put(&a, "hello", 5), 0);
    check_reads(&b, "uryyb");
    check_int(hem_stream_aclose(&a), 0);
    check_int(hem_stream_close(&b), 0);
    return 0;
}

VIRTUAL_TEST(a_read_that_waits_too_long_is_given_up)
{
    hem_stream s;
    char *line;
    int peer = net_open(&s, 0);
    hem_stream_limits limits = {.read_stall = 5 * HEM_SEC};
    check_int(hem_stream_set_limits(&s, &limits), 0);
    net_say(peer, "half a line");
    check_int(hem_stream_read_line(&s, &line), HEM_ETIMEDOUT);
    check_int(hem_now(), 5 * HEM_SEC);
    net_say(peer, "!\n");
    check_int(hem_stream_read_line(&s, &line), 13);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(each_kind_has_its_name),
        LEDGER_TEST(each_end_of_a_pipe_is_for_one_direction),
        LEDGER_TEST(a_pipe_has_the_size_that_was_asked_for),
        LEDGER_TEST(what_cannot_be_a_stream_is_refused),
        LEDGER_TEST(a_descriptor_is_closed_with_its_stream_or_kept),
        LEDGER_TEST(regular_files_are_read_and_written_from_their_position),
        LEDGER_TEST(terminals_are_opened_anew),
        LEDGER_TEST(a_write_on_a_thread_keeps_its_file_though_it_is_closed),
        LEDGER_TEST(a_read_in_a_layer_keeps_its_memory_though_it_is_closed),
        LEDGER_TEST(a_terminal_gives_all_lines_that_were_typed_at_once),
        LEDGER_TEST(a_number_may_be_of_the_same_file_again),
        LEDGER_TEST(a_descriptor_sent_along_hides_no_bytes_behind_it),
        LEDGER_TEST(a_layer_goes_behind_what_is_kept),
        LEDGER_TEST(a_read_that_waits_too_long_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
