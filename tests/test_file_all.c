/* SPDX-License-Identifier: MIT */
/* Whole files. */
#include <fcntl.h>
#include <sys/stat.h>

#include "files.h"

VIRTUAL_TEST(a_whole_file_is_read_whatever_its_size)
{
    static const size_t sizes[] = {0,     1,      4095,   4096,   4097,
                                   65536, 262143, 262144, 262145, 1000000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char *all = NULL;
        file_make("a", sizes[i]);
        check_int(hem_file_read_all(file_path("a"), &all, NULL), sizes[i]);
        check(file_matches(all, sizes[i], 0));
        check_int(all[sizes[i]], 0);
        hem_free(all);
    }
    hem_free(NULL);
    return 0;
}

VIRTUAL_TEST(a_file_above_the_limit_is_refused)
{
    char *all = NULL;
    for (size_t size = 1; size < 20000; size += 1666) {
        file_make("a", size);
        hem_file_read_all_options o = {.limit = size};
        check_int(hem_file_read_all(file_path("a"), &all, &o), size);
        hem_free(all);
        all = NULL;
        o.limit = size - 1;
        check_int(hem_file_read_all(file_path("a"), &all, &o),
                  size > 1 ? HEM_ELIMIT : 1);
        hem_free(all);
        all = NULL;
    }
    hem_file_read_all_options small = {.limit = 100};
    check_int(hem_file_read_all("/proc/self/status", &all, &small), HEM_ELIMIT);
    check_int(hem_file_read_all("/dev/zero", &all, &small), HEM_ELIMIT);
    check(all == NULL);
    return 0;
}

VIRTUAL_TEST(files_without_a_size_are_read_to_their_end)
{
    char *all;
    ssize_t n = hem_file_read_all("/proc/self/maps", &all, NULL);
    check(n > 1000);
    if (n > 0) {
        check_int(strlen(all), n);
        check_int(all[n - 1], '\n');
        hem_free(all);
    }
    check_int(hem_file_read_all("/dev/null", &all, NULL), 0);
    hem_free(all);
    return 0;
}

VIRTUAL_TEST(what_cannot_be_read_is_told)
{
    char *all = NULL, name[300];
    memset(name, 'x', sizeof(name));
    name[299] = '\0';
    check_int(hem_file_read_all(file_path("none"), &all, NULL), HEM_ENOENT);
    check_int(hem_file_read_all(file_path("."), &all, NULL), HEM_EISDIR);
    check_int(hem_file_read_all(file_path(name), &all, NULL), HEM_ENAMETOOLONG);
    check_int(mkfifo(file_path("fifo"), 0600), 0);
    check_int(hem_file_read_all(file_path("fifo"), &all, NULL), HEM_ESPIPE);
    check(all == NULL);
    return 0;
}

VIRTUAL_TEST(a_whole_file_is_written)
{
    const char *path = file_path("a");
    check_int(hem_file_write_all(path, "long text", 9, NULL), 9);
    check_file("a", "long text");
    check_int(hem_file_write_all(path, "short", 5, NULL), 5);
    check_file("a", "short");
    hem_file_write_all_options append = {.append = true, .sync = true};
    check_int(hem_file_write_all(path, "er", 2, &append), 2);
    check_file("a", "shorter");
    hem_file_write_all_options once = {.exclusive = true};
    check_int(hem_file_write_all(path, "x", 1, &once), HEM_EEXIST);
    check_file("a", "shorter");
    check_int(hem_file_write_all(file_path("b"), NULL, 0, &once), 0);
    check_file("b", "");
    return 0;
}

static size_t count_entries(void)
{
    size_t count = 0;
    hem_dir d;
    hem_dir_entry e;
    check_int(hem_dir_open(&d, file_path(".")), 0);
    while (hem_dir_next(&d, &e) > 0)
        count++;
    check_int(hem_dir_close(&d), 0);
    return count;
}

VIRTUAL_TEST(a_file_is_replaced_by_another_one_with_its_mode)
{
    const char *path = file_path("a");
    hem_file_write_all_options replace = {.replace = true, .mode = 0600};
    check_int(hem_file_write_all(path, "one", 3, &replace), 3);
    struct stat before, after;
    check_int(chmod(path, 0640), 0);
    check_int(stat(path, &before), 0);
    hem_file held;
    char buf[4] = "";
    check_int(hem_file_open(&held, path, O_RDONLY, NULL), 0);
    replace.sync = true;
    check_int(hem_file_write_all(path, "two", 3, &replace), 3);
    check_int(hem_file_read(&held, buf, 3), 3);
    check_str(buf, "one");
    check_int(hem_file_close(&held), 0);
    check_file("a", "two");
    check_int(stat(path, &after), 0);
    check(before.st_ino != after.st_ino);
    check_int(after.st_mode & 07777, 0640);
    check_int(count_entries(), 1);
    return 0;
}

VIRTUAL_TEST(a_replacement_that_fails_leaves_nothing)
{
    hem_file_write_all_options replace = {.replace = true};
    check_int(mkdir(file_path("dir"), 0700), 0);
    check_int(hem_file_write_all(file_path("dir"), "x", 1, &replace),
              HEM_EISDIR);
    check_int(hem_file_write_all(file_path("none/a"), "x", 1, &replace),
              HEM_ENOENT);
    check_int(count_entries(), 1);
    replace.append = true;
    check_int(hem_file_write_all(file_path("a"), "x", 1, &replace), HEM_EINVAL);
    replace.append = false;
    replace.exclusive = true;
    check_int(hem_file_write_all(file_path("a"), "x", 1, &replace), HEM_EINVAL);
    check_int(hem_file_write_all(file_path("a"), "x", SIZE_MAX, NULL),
              HEM_EMSGSIZE);
    check_int(hem_file_write_all("/dev/full", "x", 1, NULL), HEM_ENOSPC);
    return 0;
}

struct write_call {
    const char *path;
    char *data;
    size_t size;
    bool replace;
    ssize_t rc;
};

static int write_it(void *arg)
{
    struct write_call *w = arg;
    hem_file_write_all_options o = {.replace = w->replace};
    w->rc = hem_file_write_all(w->path, w->data, w->size, &o);
    return (int)w->rc;
}

VIRTUAL_TEST(a_replacement_that_is_cancelled_leaves_the_old_file_or_is_whole)
{
    char path[512];
    strcpy(path, file_path("a"));
    struct write_call w = {path, NULL, (size_t)16 << 20, true, 0};
    w.data = calloc(1, w.size);
    check(w.data != NULL);
    for (int turns = 0; turns < 20; turns++) {
        check_int(hem_file_write_all(w.path, "old", 3, NULL), 3);
        hem_task *t;
        w.rc = HEM_ECANCELED;
        check_int(hem_spawn(&t, write_it, &w), 0);
        for (int i = 0; i < turns * 20; i++)
            check_int(hem_yield(), 0);
        bool running = hem_task_cancel(t, NULL);
        int rc = hem_await(t); /* cancelled too late: ended by that */
        check(rc == w.rc || rc == HEM_ECANCELED);
        struct stat st;
        check_int(stat(w.path, &st), 0);
        if (w.rc == HEM_ECANCELED)
            check_int(st.st_size, 3);
        else
            check_int(st.st_size, w.size);
        check(running || w.rc == (ssize_t)w.size);
        check_int(count_entries(), 1);
        hem_task_forget(t);
    }
    free(w.data);
    return 0;
}

VIRTUAL_TEST(a_whole_file_without_memory_is_refused)
{
    char *all = NULL;
    file_make("a", 100000);
    ssize_t rc = HEM_ENOMEM;
    for (size_t n = 1; rc == HEM_ENOMEM && check(n < 20); n++) {
        ledger_fail_from(n);
        rc = hem_file_read_all(file_path("a"), &all, NULL);
        ledger_fail_from(0);
    }
    check_int(rc, 100000);
    hem_free(all);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_whole_file_is_read_whatever_its_size),
        FILE_TEST(a_file_above_the_limit_is_refused),
        FILE_TEST(files_without_a_size_are_read_to_their_end),
        FILE_TEST(what_cannot_be_read_is_told),
        FILE_TEST(a_whole_file_is_written),
        FILE_TEST(a_file_is_replaced_by_another_one_with_its_mode),
        FILE_TEST(a_replacement_that_fails_leaves_nothing),
        FILE_TEST(
            a_replacement_that_is_cancelled_leaves_the_old_file_or_is_whole),
        FILE_TEST(a_whole_file_without_memory_is_refused),
    };
    return files_run(tests, COUNT_OF(tests));
}
