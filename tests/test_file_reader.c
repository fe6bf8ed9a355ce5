/* SPDX-License-Identifier: MIT */
/* Lines of files. */
#include <fcntl.h>

#include "files.h"

static hem_file open_text(const char *text)
{
    hem_file f;
    size_t size = strlen(text);
    check_int(hem_file_write_all(file_path("text"), text, size, NULL), size);
    check_int(hem_file_open(&f, file_path("text"), O_RDONLY, NULL), 0);
    return f;
}

static void check_line(hem_file_reader *r, const char *want)
{
    char *line = NULL;
    ssize_t n = hem_file_reader_read_line(r, &line);
    check_int(n, strlen(want));
    if (n > 0)
        check(memcmp(line, want, (size_t)n) == 0);
}

VIRTUAL_TEST(lines_come_one_by_one_and_the_last_may_lack_its_end)
{
    hem_file f = open_text("one\n\nthree\nlast");
    HEM_FILE_READER(r, &f);
    check_line(&r, "one\n");
    check_line(&r, "\n");
    check_line(&r, "three\n");
    check_line(&r, "last");
    check_line(&r, "");
    check_line(&r, "");
    return hem_file_close(&f);
}

VIRTUAL_TEST(an_empty_file_has_no_lines)
{
    hem_file f = open_text("");
    HEM_FILE_READER(r, &f);
    char *bytes;
    check_line(&r, "");
    check_int(hem_file_reader_read(&r, &bytes), 0);
    return hem_file_close(&f);
}

VIRTUAL_TEST(lines_of_all_lengths_are_whole)
{
    char *text = calloc(1, 600000);
    size_t end = 0;
    check(text != NULL);
    for (size_t n = 0; n < 1000; n++) {
        memset(text + end, 'a' + (int)(n % 26), n);
        end += n;
        text[end++] = '\n';
    }
    hem_file f = open_text(text);
    HEM_FILE_READER(r, &f);
    char *line = NULL;
    for (size_t n = 0; n < 1000; n++) {
        check_int(hem_file_reader_read_line(&r, &line), n + 1);
        check(n == 0 || (line[0] == 'a' + (int)(n % 26) && line[n] == '\n'));
    }
    check_line(&r, "");
    free(text);
    return hem_file_close(&f);
}

VIRTUAL_TEST(a_line_at_the_limit_is_read_and_one_above_is_not)
{
    hem_file f = open_text("1234567\n12345678\nnext\n");
    hem_file_reader r;
    hem_file_reader_init(&r, &f, &(hem_file_reader_options){.limit = 8});
    char *line = NULL;
    check_line(&r, "1234567\n");
    check_int(hem_file_reader_read_line(&r, &line), HEM_ELIMIT);
    check_int(hem_file_reader_read_line(&r, &line), HEM_ELIMIT);
    check_int(hem_file_reader_read(&r, &line), 8);
    check(memcmp(line, "12345678", 8) == 0);
    check_line(&r, "\n");
    check_line(&r, "next\n");
    hem_file_reader_deinit(&r);
    hem_file_reader_deinit(NULL);
    return hem_file_close(&f);
}

VIRTUAL_TEST(an_endless_line_takes_memory_up_to_the_limit_only)
{
    hem_file f;
    check_int(hem_file_open(&f, "/dev/zero", O_RDONLY, NULL), 0);
    HEM_FILE_READER(r, &f);
    char *line;
    check_int(hem_file_reader_read_line(&r, &line), HEM_ELIMIT);
    check_int(r.capacity, 65536);
    return hem_file_close(&f);
}

VIRTUAL_TEST(a_reader_without_memory_goes_on_later)
{
    hem_file f = open_text("line\n");
    HEM_FILE_READER(r, &f);
    char *line;
    ledger_fail_from(1);
    check_int(hem_file_reader_read_line(&r, &line), HEM_ENOMEM);
    ledger_fail_from(0);
    check_line(&r, "line\n");
    return hem_file_close(&f);
}

static ssize_t one_line; /* what came of the call */

static int read_one_line(void *arg)
{
    char *line;
    one_line = hem_file_reader_read_line(arg, &line);
    return (int)one_line;
}

VIRTUAL_TEST(a_cancelled_reader_has_lost_nothing)
{
    for (int turns = 0; turns < 30; turns++) {
        hem_file f = open_text("one\ntwo\n");
        HEM_FILE_READER(r, &f);
        hem_task *t;
        one_line = HEM_ECANCELED;
        check_int(hem_spawn(&t, read_one_line, &r), 0);
        for (int i = 0; i < turns; i++)
            check_int(hem_yield(), 0);
        (void)hem_task_cancel(t, NULL);
        int rc = hem_await(t);
        check(rc == one_line || rc == HEM_ECANCELED);
        if (one_line == HEM_ECANCELED)
            check_line(&r, "one\n");
        else
            check_int(one_line, 4);
        check_line(&r, "two\n");
        check_int(hem_file_close(&f), 0);
        hem_task_forget(t);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(lines_come_one_by_one_and_the_last_may_lack_its_end),
        FILE_TEST(an_empty_file_has_no_lines),
        FILE_TEST(lines_of_all_lengths_are_whole),
        FILE_TEST(a_line_at_the_limit_is_read_and_one_above_is_not),
        FILE_TEST(an_endless_line_takes_memory_up_to_the_limit_only),
        FILE_TEST(a_reader_without_memory_goes_on_later),
        FILE_TEST(a_cancelled_reader_has_lost_nothing),
    };
    return files_run(tests, COUNT_OF(tests));
}
