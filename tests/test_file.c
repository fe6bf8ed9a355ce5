/* SPDX-License-Identifier: MIT */
/* Files: opening, reading, writing, the position; by all backends. */
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "files.h"

static hem_file open_it(const char *path, int flags)
{
    hem_file f;
    check_int(hem_file_open(&f, path, flags, NULL), 0);
    return f;
}

VIRTUAL_TEST(what_is_written_can_be_read)
{
    hem_file f = open_it(file_path("a"), O_RDWR | O_CREAT);
    check_int(hem_file_write(&f, "hello ", 6), 6);
    check_int(hem_file_write(&f, "world", 5), 5);
    check_int(hem_file_tell(&f), 11);
    check_int(hem_file_seek(&f, -5, SEEK_CUR), 6);
    char buf[20] = "";
    check_int(hem_file_read(&f, buf, sizeof(buf)), 5);
    check_str(buf, "world");
    check_int(hem_file_read(&f, buf, sizeof(buf)), 0);
    check_int(hem_file_pread(&f, buf, 5, 0), 5);
    check_str(buf, "hello");
    check_int(hem_file_pwrite(&f, "J", 1, 0), 1);
    check_int(hem_file_tell(&f), 11);
    check_file("a", "Jello world");
    hem_file_info info;
    check_int(hem_file_get_info(&f, &info), 0);
    check_int(info.position, 11);
    check_int(info.bytes_read, 10);
    check_int(info.bytes_written, 12);
    return hem_file_close(&f);
}

VIRTUAL_TEST(a_file_of_many_pieces_comes_whole)
{
    size_t size = 3000001;
    file_make("big", size);
    char *buf = malloc(size + 10);
    check(buf != NULL);
    hem_file f = open_it(file_path("big"), O_RDONLY);
    size_t got = 0;
    check_int(hem_file_read_exactly(&f, buf, size, &got), size);
    check_int(got, size);
    check(file_matches(buf, size, 0));
    check_int(hem_file_pread(&f, buf, size + 10, 17), size - 17);
    check(file_matches(buf, size - 17, 17));
    check_int(hem_file_close(&f), 0);
    f = open_it(file_path("copy"), O_RDWR | O_CREAT);
    check_int(hem_file_write(&f, buf, size - 17), size - 17);
    check_int(hem_file_size(&f), size - 17);
    memset(buf, 0, size);
    check_int(hem_file_pread(&f, buf, size, 0), size - 17);
    check(file_matches(buf, size - 17, 17));
    free(buf);
    return hem_file_close(&f);
}

VIRTUAL_TEST(a_short_file_is_incomplete_and_the_position_behind_it)
{
    file_make("short", 10);
    hem_file f = open_it(file_path("short"), O_RDONLY);
    char buf[20];
    size_t got = 99;
    check_int(hem_file_read_exactly(&f, buf, 20, &got), HEM_EINCOMPLETE);
    check_int(got, 10);
    check_int(hem_file_tell(&f), 10);
    check_int(hem_file_read_exactly(&f, buf, 1, &got), HEM_EINCOMPLETE);
    check_int(got, 0);
    check_int(hem_file_read_exactly(&f, buf, 0, &got), 0);
    return hem_file_close(&f);
}

VIRTUAL_TEST(large_offsets_are_kept)
{
    const int64_t far = (int64_t)5 << 32;
    hem_file f = open_it(file_path("sparse"), O_RDWR | O_CREAT);
    check_int(hem_file_seek(&f, far, SEEK_SET), far);
    check_int(hem_file_write(&f, "end", 3), 3);
    check_int(hem_file_tell(&f), far + 3);
    check_int(hem_file_size(&f), far + 3);
    check_int(hem_file_seek(&f, -3, SEEK_END), far);
    char buf[4] = "";
    check_int(hem_file_read(&f, buf, 4), 3);
    check_str(buf, "end");
    check_int(hem_file_pread(&f, buf, 2, far - 1), 2);
    check(buf[0] == 0 && buf[1] == 'e');
    check_int(hem_file_seek(&f, 0, SEEK_DATA), far & ~(int64_t)4095);
    return hem_file_close(&f);
}

VIRTUAL_TEST(positions_that_cannot_be_are_refused)
{
    hem_file f = open_it(file_path("a"), O_RDWR | O_CREAT);
    check_int(hem_file_seek(&f, -1, SEEK_SET), HEM_EINVAL);
    check_int(hem_file_seek(&f, 5, SEEK_SET), 5);
    check_int(hem_file_seek(&f, -6, SEEK_CUR), HEM_EINVAL);
    check_int(hem_file_seek(&f, INT64_MAX, SEEK_CUR), HEM_EOVERFLOW);
    check_int(hem_file_seek(&f, -1, SEEK_END), HEM_EINVAL);
    check_int(hem_file_seek(&f, 0, SEEK_DATA), HEM_ENXIO);
    check_int(hem_file_seek(&f, 0, 99), HEM_EINVAL);
    check_int(hem_file_tell(&f), 5);
    char c;
    check_int(hem_file_pread(&f, &c, 1, -1), HEM_EINVAL);
    check_int(hem_file_pwrite(&f, &c, 1, -1), HEM_EINVAL);
    check_int(hem_file_truncate(&f, -1), HEM_EINVAL);
    return hem_file_close(&f);
}

VIRTUAL_TEST(sizes_that_cannot_be_are_refused)
{
    hem_file f = open_it(file_path("a"), O_RDWR | O_CREAT);
    char c = 0;
    check_int(hem_file_read(&f, &c, 0), HEM_EINVAL);
    check_int(hem_file_read_exactly(&f, &c, SIZE_MAX, NULL), HEM_EMSGSIZE);
    check_int(hem_file_pread(&f, &c, SIZE_MAX, 0), HEM_EMSGSIZE);
    check_int(hem_file_write(&f, &c, SIZE_MAX), HEM_EMSGSIZE);
    check_int(hem_file_pwrite(&f, &c, SIZE_MAX, 0), HEM_EMSGSIZE);
    check_int(hem_file_write(&f, &c, 0), 0);
    return hem_file_close(&f);
}

VIRTUAL_TEST(what_is_appended_goes_to_the_end)
{
    file_make("log", 0);
    hem_file a = open_it(file_path("log"), O_RDWR | O_APPEND);
    hem_file b = open_it(file_path("log"), O_WRONLY | O_APPEND);
    check_int(hem_file_write(&a, "one\n", 4), 4);
    check_int(hem_file_write(&b, "two\n", 4), 4);
    check_int(hem_file_write(&a, "three\n", 6), 6);
    check_int(hem_file_tell(&a), 14);
    check_int(hem_file_tell(&b), 8);
    check_int(hem_file_seek(&a, 0, SEEK_SET), 0);
    char buf[5] = "";
    check_int(hem_file_read(&a, buf, 4), 4);
    check_str(buf, "one\n");
    check_int(hem_file_write(&a, "four\n", 5), 5);
    check_file("log", "one\ntwo\nthree\nfour\n");
    check_int(hem_file_close(&b), 0);
    return hem_file_close(&a);
}

VIRTUAL_TEST(a_file_is_cut_and_extended)
{
    file_make("a", 100);
    hem_file f = open_it(file_path("a"), O_RDWR);
    check_int(hem_file_truncate(&f, 10), 0);
    check_int(hem_file_size(&f), 10);
    check_int(hem_file_truncate(&f, 20), 0);
    struct stat st;
    check_int(hem_file_stat(&f, &st), 0);
    check_int(st.st_size, 20);
    check(S_ISREG(st.st_mode));
    check_int(hem_file_sync(&f), 0);
    check_int(hem_file_datasync(&f), 0);
    return hem_file_close(&f);
}

VIRTUAL_TEST(proc_files_without_a_size_are_read)
{
    hem_file f = open_it("/proc/self/status", O_RDONLY);
    check_int(hem_file_size(&f), 0);
    char buf[8] = "";
    check_int(hem_file_read_exactly(&f, buf, 5, NULL), 5);
    check_str(buf, "Name:");
    return hem_file_close(&f);
}

VIRTUAL_TEST(a_full_disk_is_told_and_what_was_written_counts)
{
    hem_file f = open_it("/dev/full", O_RDWR);
    check_int(hem_file_write(&f, "x", 1), HEM_ENOSPC);
    check_int(hem_file_tell(&f), 0);
    hem_file_info info;
    check_int(hem_file_get_info(&f, &info), 0);
    check_int(info.bytes_written, 0);
    char buf[4] = "abc";
    check_int(hem_file_read(&f, buf, 4), 4);
    check_str(buf, "");
    return hem_file_close(&f);
}

VIRTUAL_TEST(a_failed_open_leaves_the_file_closed)
{
    hem_file f;
    check_int(hem_file_open(&f, file_path("none"), O_RDONLY, NULL), HEM_ENOENT);
    check_int(hem_file_close(&f), HEM_EBADF);
    file_make("there", 1);
    check_int(hem_file_open(&f, file_path("there"), O_WRONLY | O_CREAT | O_EXCL,
                            NULL),
              HEM_EEXIST);
    check_int(hem_file_open(&f, file_path("there/below"), O_RDONLY, NULL),
              HEM_ENOTDIR);
    check_int(hem_file_open(&f, file_path("."), O_WRONLY, NULL), HEM_EISDIR);
    check_int(hem_file_open(&f, "", O_RDONLY, NULL), HEM_ENOENT);
    check_int(hem_file_open(&f, file_path("a"), O_PATH, NULL), HEM_EINVAL);
    check_int(hem_file_open(&f, file_path("a"), O_DIRECT, NULL), HEM_EINVAL);
    check_int(hem_file_tell(&f), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(long_names_are_refused_and_never_cut)
{
    char name[5000];
    hem_file f;
    memset(name, 'x', sizeof(name));
    name[256] = '\0';
    check_int(hem_file_open(&f, file_path(name), O_WRONLY | O_CREAT, NULL),
              HEM_ENAMETOOLONG);
    name[256] = 'x';
    for (size_t i = 0; i < sizeof(name); i += 2)
        memcpy(name + i, "./", 2);
    for (size_t length = 4094; length <= 4098; length++) {
        name[length] = '\0';
        int rc = hem_file_open(&f, name, O_RDONLY, NULL);
        check_int(rc, length < 4096 ? 0 : HEM_ENAMETOOLONG);
        if (rc == 0)
            check_int(hem_file_close(&f), 0);
        name[length] = length % 2 ? '/' : '.';
    }
    return 0;
}

VIRTUAL_TEST(pipes_are_no_files_and_opening_one_never_hangs)
{
    hem_file f;
    check_int(mkfifo(file_path("fifo"), 0600), 0);
    check_int(hem_file_open(&f, file_path("fifo"), O_RDONLY, NULL), HEM_ESPIPE);
    check_int(hem_file_open(&f, file_path("fifo"), O_RDWR, NULL), HEM_ESPIPE);
    check_int(hem_file_open(&f, file_path("fifo"), O_WRONLY, NULL), HEM_ENXIO);
    return 0;
}

VIRTUAL_TEST(the_mode_is_that_of_the_options)
{
    mode_t before = umask(022);
    hem_file f;
    check_int(hem_file_open(&f, file_path("a"), O_WRONLY | O_CREAT,
                            &(hem_file_options){.mode = 0640}),
              0);
    struct stat st;
    check_int(hem_file_stat(&f, &st), 0);
    check_int(st.st_mode & 07777, 0640);
    check_int(hem_file_close(&f), 0);
    f = open_it(file_path("b"), O_WRONLY | O_CREAT);
    check_int(hem_file_stat(&f, &st), 0);
    check_int(st.st_mode & 07777, 0644);
    umask(before);
    return hem_file_close(&f);
}

VIRTUAL_TEST(a_descriptor_is_closed_on_exec_and_blocks_again)
{
    hem_file f = open_it(file_path("a"), O_WRONLY | O_CREAT | O_APPEND);
    hem_file_info info;
    check_int(hem_file_get_info(&f, &info), 0);
    check_int(fcntl(info.fd, F_GETFD), FD_CLOEXEC);
    check_int(fcntl(info.fd, F_GETFL) & (O_NONBLOCK | O_APPEND), O_APPEND);
    return hem_file_close(&f);
}

VIRTUAL_TEST(a_closed_file_is_refused)
{
    hem_file f = open_it(file_path("a"), O_RDWR | O_CREAT);
    check_int(hem_file_close(&f), 0);
    char c = 'x';
    struct stat st;
    hem_file_info info;
    check_int(hem_file_close(&f), HEM_EBADF);
    check_int(hem_file_close(NULL), 0);
    check_int(hem_file_read(&f, &c, 1), HEM_EBADF);
    check_int(hem_file_read_exactly(&f, &c, 1, NULL), HEM_EBADF);
    check_int(hem_file_pread(&f, &c, 1, 0), HEM_EBADF);
    check_int(hem_file_write(&f, &c, 1), HEM_EBADF);
    check_int(hem_file_pwrite(&f, &c, 1, 0), HEM_EBADF);
    check_int(hem_file_seek(&f, 0, SEEK_SET), HEM_EBADF);
    check_int(hem_file_seek(&f, 0, SEEK_END), HEM_EBADF);
    check_int(hem_file_tell(&f), HEM_EBADF);
    check_int(hem_file_size(&f), HEM_EBADF);
    check_int(hem_file_stat(&f, &st), HEM_EBADF);
    check_int(hem_file_truncate(&f, 0), HEM_EBADF);
    check_int(hem_file_sync(&f), HEM_EBADF);
    check_int(hem_file_datasync(&f), HEM_EBADF);
    check_int(hem_file_get_info(&f, &info), HEM_EBADF);
    return 0;
}

VIRTUAL_TEST(calls_that_it_was_not_opened_for_are_refused)
{
    file_make("a", 10);
    hem_file f = open_it(file_path("a"), O_RDONLY);
    char c = 'x';
    check_int(hem_file_write(&f, &c, 1), HEM_EBADF);
    check_int(hem_file_truncate(&f, 1), HEM_EINVAL);
    check_int(hem_file_close(&f), 0);
    f = open_it(file_path("a"), O_WRONLY);
    check_int(hem_file_read(&f, &c, 1), HEM_EBADF);
    check_int(hem_file_close(&f), 0);
    f = open_it(file_path("."), O_RDONLY | O_DIRECTORY);
    check_int(hem_file_read(&f, &c, 1), HEM_EISDIR);
    return hem_file_close(&f);
}

static hem_file left_open;

static int leave_open(void *arg)
{
    (void)arg;
    left_open = open_it(file_path("a"), O_RDWR | O_CREAT);
    return 0;
}

static void a_file_that_is_left_open_is_closed_with_the_loop(void **state)
{
    (void)state;
    size_t before = ledger_descriptors();
    assert_int_equal(run_virtual(leave_open, NULL), 0);
    assert_int_equal(ledger_descriptors(), before);
    assert_int_equal(hem_file_tell(&left_open), HEM_EBADF);
    assert_int_equal(hem_file_close(&left_open), HEM_EBADF);
    run_assert_checks();
}

static int read_in_child(void *arg)
{
    char c;
    return hem_file_tell(arg) == HEM_EBADF &&
                   hem_file_close(arg) == HEM_EBADF &&
                   hem_file_pread(arg, &c, 1, 0) == HEM_EBADF
               ? 0
               : 1;
}

VIRTUAL_TEST(a_forked_child_has_no_files)
{
    if (SANITIZED || in_valgrind()) /* which has no pidfd_open */
        return 0;
    file_make("a", 10);
    hem_file f = open_it(file_path("a"), O_RDONLY);
    hem_child child;
    hem_child_status status;
    check_int(hem_fork(&child, read_in_child, &f, NULL), 0);
    check_int(hem_child_wait(&child, &status), 0);
    check_int(status.exit_code, 0);
    hem_child_close(&child);
    return hem_file_close(&f);
}

VIRTUAL_TEST(the_block_closes_it)
{
    size_t before = ledger_descriptors();
    {
        HEM_FILE(f);
        check_int(hem_file_open(&f, file_path("a"), O_RDWR | O_CREAT, NULL), 0);
        HEM_FILE(never);
        (void)never;
    }
    check(ledger_descriptors() <= before + 1); /* io_uring's own */
    return 0;
}

VIRTUAL_TEST(without_memory_a_file_stays_as_it_is)
{
    file_make("a", 10);
    hem_file f;
    char buf[10];
    int rc = HEM_ENOMEM;
    for (size_t n = 1; rc == HEM_ENOMEM && check(n < 20); n++) {
        ledger_fail_from(n);
        rc = hem_file_open(&f, file_path("a"), O_RDWR, NULL);
        ledger_fail_from(0);
    }
    check_int(rc, 0);
    ledger_fail_from(1);
    ssize_t n = hem_file_read(&f, buf, 10);
    ledger_fail_from(0);
    check(n == 10 || n == HEM_ENOMEM);
    check_int(hem_file_tell(&f), n == 10 ? 10 : 0);
    ledger_fail_from(1);
    n = hem_file_pwrite(&f, "x", 1, 0); /* the first thread needs some */
    ledger_fail_from(0);
    check(n == 1 || n == HEM_ENOMEM);
    return hem_file_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(what_is_written_can_be_read),
        FILE_TEST(a_file_of_many_pieces_comes_whole),
        FILE_TEST(a_short_file_is_incomplete_and_the_position_behind_it),
        FILE_TEST(large_offsets_are_kept),
        FILE_TEST(positions_that_cannot_be_are_refused),
        FILE_TEST(sizes_that_cannot_be_are_refused),
        FILE_TEST(what_is_appended_goes_to_the_end),
        FILE_TEST(a_file_is_cut_and_extended),
        FILE_TEST(proc_files_without_a_size_are_read),
        FILE_TEST(a_full_disk_is_told_and_what_was_written_counts),
        FILE_TEST(a_failed_open_leaves_the_file_closed),
        FILE_TEST(long_names_are_refused_and_never_cut),
        FILE_TEST(pipes_are_no_files_and_opening_one_never_hangs),
        FILE_TEST(the_mode_is_that_of_the_options),
        FILE_TEST(a_descriptor_is_closed_on_exec_and_blocks_again),
        FILE_TEST(a_closed_file_is_refused),
        FILE_TEST(calls_that_it_was_not_opened_for_are_refused),
        FILE_TEST(a_file_that_is_left_open_is_closed_with_the_loop),
        FILE_TEST(a_forked_child_has_no_files),
        FILE_TEST(the_block_closes_it),
        FILE_TEST(without_memory_a_file_stays_as_it_is),
    };
    return files_run(tests, COUNT_OF(tests));
}
