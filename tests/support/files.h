/* SPDX-License-Identifier: MIT */
/*
 * For tests of files: a directory of the test's own, and all ways in which hem
 * does its work.
 *
 *     int main(void)
 *     {
 *         const struct CMUnitTest tests[] = { FILE_TEST(a_claim), ... };
 *         return files_run(tests, COUNT_OF(tests));
 *     }
 */
#ifndef SUPPORT_FILES_H
#define SUPPORT_FILES_H

#include "support.h"

/* A test with a new directory, which is removed with all that is in it. */
#define FILE_TEST(name)                                                        \
    cmocka_unit_test_setup_teardown(name, files_begin, files_end)

int files_begin(void **state);
int files_end(void **state);

/* The path of `name` in the directory; one of a few static strings. */
const char *file_path(const char *name);

/* Make a file there of `size` bytes, (char)(i * 7) each, by plain calls. */
void file_make(const char *name, size_t size);

/* Whether `n` bytes are those of such a file from `offset` on. */
bool file_matches(const void *bytes, size_t n, size_t offset);

/* Compare the file with text. */
#define check_file(name, text) file_check((name), (text), __FILE__, __LINE__)
void file_check(const char *name, const char *text, const char *file, int line);

/*
 * Run the tests as HEM_FILES says, or, if it is not set, by threads alone, by
 * io_uring alone, unless the kernel refuses it, and with the short ways; in
 * valgrind by threads only. Returns what main() is to.
 */
int files_run(const struct CMUnitTest *tests, size_t n);

#endif
