/* SPDX-License-Identifier: MIT */
/* Files whose kernel, or device, does what it seldom does. */
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "files.h"

#define SIZE ((size_t)20000)

static atomic_bool says_end;     /* of what could not be read at once */
static atomic_int takes_nothing; /* so many writes of SIZE bytes */

ssize_t odd_preadv2(int fd, const struct iovec *v, int n, off_t at,
                    int flags) __asm__("preadv2");
ssize_t odd_write(int fd, const void *p, size_t n) __asm__("write");

ssize_t odd_preadv2(int fd, const struct iovec *v, int n, off_t at, int flags)
{
    if (says_end)
        return 0;
    return syscall(SYS_preadv2, fd, v, n, at, 0, flags);
}

ssize_t odd_write(int fd, const void *p, size_t n)
{
    if (n == SIZE && takes_nothing > 0) {
        takes_nothing--;
        return 0;
    }
    return syscall(SYS_write, fd, p, n);
}

/* As Linux 5.9 and 5.10 do. */
VIRTUAL_TEST(an_end_that_is_none_is_not_believed)
{
    HEM_FILE(f);
    char buf[SIZE], *all;
    file_make("a", SIZE);
    check_int(hem_file_open(&f, file_path("a"), O_RDONLY, NULL), 0);
    says_end = true;
    check_int(hem_file_read_exactly(&f, buf, SIZE, NULL), SIZE);
    check(file_matches(buf, SIZE, 0));
    check_int(hem_file_read(&f, buf, SIZE), 0);
    if (check_int(hem_file_read_all(file_path("a"), &all, NULL), SIZE)) {
        check(file_matches(all, SIZE, 0));
        hem_free(all);
    }
    says_end = false;
    return 0;
}

VIRTUAL_TEST(what_takes_no_bytes_is_an_error)
{
    static const char data[SIZE];
    takes_nothing = 3;
    check_int(hem_file_write_all(file_path("a"), data, SIZE, NULL), HEM_EIO);
    takes_nothing = 0;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(an_end_that_is_none_is_not_believed),
        FILE_TEST(what_takes_no_bytes_is_an_error),
    };
    return files_run(tests, COUNT_OF(tests));
}
