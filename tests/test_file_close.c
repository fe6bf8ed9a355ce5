/* SPDX-License-Identifier: MIT */
/* File systems that say only when a file is closed that it could not be written.
 * close() is replaced here. */
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "files.h"

static atomic_int next_error; /* of the next file that was open for writing */

static bool is_written(int fd)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) == O_WRONLY &&
           fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

int close(int fd)
{
    int error = is_written(fd) ? atomic_exchange(&next_error, 0) : 0;
    int rc = (int)syscall(SYS_close, fd);
    if (error == 0)
        return rc;
    errno = error;
    return -1;
}

static ssize_t write_badly(const hem_file_write_all_options *options)
{
    atomic_store(&next_error, EDQUOT);
    ssize_t n = hem_file_write_all(file_path("a"), "new", 3, options);
    check_int(atomic_load(&next_error), 0);
    return n;
}

VIRTUAL_TEST(what_a_close_tells_fails_the_write)
{
    check_int(hem_file_write_all(file_path("a"), "old", 3, NULL), 3);
    check_int(write_badly(NULL), HEM_EDQUOT);
    hem_file_write_all_options sync = {.sync = true};
    check_int(write_badly(&sync), HEM_EDQUOT);
    return 0;
}

VIRTUAL_TEST(what_a_close_tells_keeps_the_old_file)
{
    hem_file_write_all_options replace = {.replace = true};
    check_int(hem_file_write_all(file_path("a"), "old", 3, NULL), 3);
    check_int(write_badly(&replace), HEM_EDQUOT);
    check_file("a", "old");
    HEM_DIR(d);
    hem_dir_entry e;
    check_int(hem_dir_open(&d, file_path(".")), 0);
    check_int(hem_dir_next(&d, &e), 1); /* nothing else is left */
    check_int(hem_dir_next(&d, &e), 0);
    check_int(hem_file_write_all(file_path("a"), "new", 3, &replace), 3);
    check_file("a", "new");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(what_a_close_tells_fails_the_write),
        FILE_TEST(what_a_close_tells_keeps_the_old_file),
    };
    return files_run(tests, COUNT_OF(tests));
}
