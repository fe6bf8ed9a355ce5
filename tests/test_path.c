/* SPDX-License-Identifier: MIT */
/* Names of files, and directories. */
#include <fcntl.h>
#include <sys/stat.h>

#include "files.h"

VIRTUAL_TEST(a_file_is_looked_at)
{
    struct stat st;
    file_make("a", 123);
    check_int(hem_stat(file_path("a"), &st, NULL), 0);
    check_int(st.st_size, 123);
    check_int(symlink("a", file_path("link")), 0);
    check_int(hem_stat(file_path("link"), &st, NULL), 0);
    check(S_ISREG(st.st_mode));
    hem_stat_options o = {.no_follow = true};
    check_int(hem_stat(file_path("link"), &st, &o), 0);
    check(S_ISLNK(st.st_mode));
    check_int(hem_stat(file_path("none"), &st, NULL), HEM_ENOENT);
    return 0;
}

VIRTUAL_TEST(names_come_and_go)
{
    struct stat st;
    file_make("a", 1);
    file_make("b", 2);
    check_int(hem_rename(file_path("a"), file_path("c"), NULL), 0);
    hem_rename_options keep = {.keep = true};
    check_int(hem_rename(file_path("c"), file_path("b"), &keep), HEM_EEXIST);
    check_int(hem_rename(file_path("c"), file_path("b"), NULL), 0);
    check_int(hem_stat(file_path("b"), &st, NULL), 0);
    check_int(st.st_size, 1);
    check_int(hem_mkdir(file_path("d"), 0750), 0);
    check_int(hem_mkdir(file_path("d"), 0), HEM_EEXIST);
    check_int(hem_rename(file_path("b"), file_path("d/b"), NULL), 0);
    check_int(hem_rmdir(file_path("d")), HEM_ENOTEMPTY);
    check_int(hem_unlink(file_path("d")), HEM_EISDIR);
    check_int(hem_unlink(file_path("d/b")), 0);
    check_int(hem_unlink(file_path("d/b")), HEM_ENOENT);
    check_int(hem_rmdir(file_path("d")), 0);
    check_int(hem_rmdir(file_path("d")), HEM_ENOENT);
    return 0;
}

VIRTUAL_TEST(long_names_are_refused_and_never_cut)
{
    static const size_t lengths[] = {256, 4096, 65536};
    char *name = malloc(65537);
    struct stat st;
    hem_dir d;
    check(name != NULL);
    for (size_t i = 0; name && i < COUNT_OF(lengths); i++) {
        memset(name, 'x', 65537);
        name[lengths[i]] = '\0';
        check_int(hem_stat(name, &st, NULL), HEM_ENAMETOOLONG);
        check_int(hem_mkdir(name, 0), HEM_ENAMETOOLONG);
        check_int(hem_rmdir(name), HEM_ENAMETOOLONG);
        check_int(hem_unlink(name), HEM_ENAMETOOLONG);
        check_int(hem_rename(name, "a", NULL), HEM_ENAMETOOLONG);
        check_int(hem_rename("a", name, NULL),
                  lengths[i] > 4000 ? HEM_ENAMETOOLONG : HEM_ENOENT);
        check_int(hem_dir_open(&d, name), HEM_ENAMETOOLONG);
    }
    free(name);
    return 0;
}

/* The record of a failure says `what`, the path, and the reason. */
static void check_told(int rc, int error, const char *what, const char *path)
{
    char want[600];
    check_int(rc, error);
    snprintf(want, sizeof(want), "%s \"%s\": %s", what, path,
             hem_strerror(error));
    check_str(hem_failure_text(rc), want);
}

VIRTUAL_TEST(failures_tell_the_path)
{
    struct stat st;
    hem_file f;
    hem_dir d;
    char *data, both[400];
    const char *none = file_path("none"), *one = file_path("none/one");
    file_make("a", 10);
    check_told(hem_file_open(&f, none, O_RDONLY, NULL), HEM_ENOENT, "open",
               none);
    check_told(hem_file_open(&f, none, O_PATH, NULL), HEM_EINVAL, "open", none);
    check_told(hem_dir_open(&d, none), HEM_ENOENT, "open", none);
    check_told((int)hem_file_read_all(none, &data, NULL), HEM_ENOENT, "read",
               none);
    hem_file_read_all_options little = {.limit = 9};
    check_told((int)hem_file_read_all(file_path("a"), &data, &little),
               HEM_ELIMIT, "read", file_path("a"));
    check_told((int)hem_file_write_all(one, "x", 1, NULL), HEM_ENOENT, "write",
               one);
    check_told(hem_stat(none, &st, NULL), HEM_ENOENT, "stat", none);
    check_told(hem_unlink(none), HEM_ENOENT, "unlink", none);
    check_told(hem_rmdir(none), HEM_ENOENT, "rmdir", none);
    check_told(hem_mkdir(one, 0), HEM_ENOENT, "mkdir", one);
    snprintf(both, sizeof(both), "%s\" to \"%s", none, one);
    check_told(hem_rename(none, one, NULL), HEM_ENOENT, "rename", both);
    return 0;
}

VIRTUAL_TEST(failures_tell_the_end_of_a_long_path_and_the_reason)
{
    char path[2000];
    memset(path, '/', sizeof(path));
    snprintf(path + 1900, 100, "%s/the-end", "none");
    check_int(hem_unlink(path), HEM_ENOENT);
    const char *text = hem_failure_text(HEM_ENOENT);
    check_contains(text, "unlink \"...//");
    check_contains(text, "/none/the-end\": ");
    check_contains(text, hem_strerror(HEM_ENOENT));
    check_int(hem_rename(path, path, NULL), HEM_ENOENT);
    text = hem_failure_text(HEM_ENOENT);
    check_contains(text, "/none/the-end\" to \"...//");
    check_contains(text, hem_strerror(HEM_ENOENT));
    return 0;
}

VIRTUAL_TEST(a_cancelled_call_leaves_no_record)
{
    struct stat st;
    hem_task_cancel(hem_self(), NULL);
    check_int(hem_stat(file_path("none"), &st, NULL), HEM_ECANCELED);
    check_int(hem_task_uncancel(hem_self()), 0);
    check(hem_failure() == NULL);
    return 0;
}

VIRTUAL_TEST(a_directory_of_many_entries_is_read_whole)
{
    size_t count = scaled(10000), sum = 0, seen = 0;
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof(name), "file-%zu", i);
        int fd = open(file_path(name), O_WRONLY | O_CREAT, 0600);
        check(fd >= 0);
        close(fd);
    }
    HEM_DIR(d);
    hem_dir_entry e;
    check_int(hem_dir_open(&d, file_path(".")), 0);
    int rc;
    while ((rc = hem_dir_next(&d, &e)) > 0) {
        seen++;
        sum += strtoul(e.name + 5, NULL, 10);
        check(e.type == DT_REG || e.type == DT_UNKNOWN);
        check(e.inode > 0);
    }
    check_int(rc, 0);
    check_int(hem_dir_next(&d, &e), 0);
    check_int(seen, count);
    check_int(sum, count * (count - 1) / 2);
    return 0;
}

VIRTUAL_TEST(a_closed_directory_is_refused)
{
    hem_dir d;
    hem_dir_entry e;
    file_make("a", 1);
    check_int(hem_dir_open(&d, file_path("a")), HEM_ENOTDIR);
    check_int(hem_dir_open(&d, file_path("none")), HEM_ENOENT);
    check_int(hem_dir_next(&d, &e), HEM_EBADF);
    check_int(hem_dir_close(&d), HEM_EBADF);
    check_int(hem_dir_close(NULL), 0);
    return 0;
}

static int close_it(void *arg)
{
    return hem_dir_close(arg);
}

VIRTUAL_TEST(a_directory_may_be_closed_while_it_is_read)
{
    hem_dir d;
    hem_dir_entry e;
    file_make("a", 1);
    check_int(hem_dir_open(&d, file_path(".")), 0);
    check_int(hem_spawn(NULL, close_it, &d), 0);
    check_int(hem_dir_next(&d, &e), HEM_EBADF);
    return 0;
}

struct next_call {
    hem_dir d;
    int rc;
};

static int next_one(void *arg)
{
    struct next_call *c = arg;
    hem_dir_entry e;
    c->rc = hem_dir_next(&c->d, &e);
    return c->rc;
}

VIRTUAL_TEST(no_entry_is_lost_by_a_cancellation)
{
    for (int turns = 0; turns < 30; turns++) {
        struct next_call c = {.rc = HEM_ECANCELED};
        hem_dir_entry e;
        hem_task *t;
        file_make("only", 1);
        check_int(hem_dir_open(&c.d, file_path(".")), 0);
        check_int(hem_spawn(&t, next_one, &c), 0);
        for (int i = 0; i < turns; i++)
            check_int(hem_yield(), 0);
        (void)hem_task_cancel(t, NULL);
        int rc = hem_await(t);
        check(rc == c.rc || rc == HEM_ECANCELED);
        check_int(hem_dir_next(&c.d, &e), c.rc == 1 ? 0 : 1);
        check_int(hem_dir_close(&c.d), 0);
        hem_task_forget(t);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_file_is_looked_at),
        FILE_TEST(names_come_and_go),
        FILE_TEST(long_names_are_refused_and_never_cut),
        FILE_TEST(failures_tell_the_path),
        FILE_TEST(failures_tell_the_end_of_a_long_path_and_the_reason),
        FILE_TEST(a_cancelled_call_leaves_no_record),
        FILE_TEST(a_directory_of_many_entries_is_read_whole),
        FILE_TEST(a_closed_directory_is_refused),
        FILE_TEST(a_directory_may_be_closed_while_it_is_read),
        FILE_TEST(no_entry_is_lost_by_a_cancellation),
    };
    return files_run(tests, COUNT_OF(tests));
}
