/* SPDX-License-Identifier: MIT */
/* Files, names and directories: each function either suspends, where nothing is
 * done at once, and is a point of cancellation, or never. */
#include <fcntl.h>

#include "support.h"
#include "suspension.h"

static char path[] = "/tmp/hem-suspension-XXXXXX"; /* a file */
static char other[] = "/tmp/hem-suspension-XXXXXX.other";

static int mark(void *arg)
{
    *(bool *)arg = true;
    return 0;
}

/* A request that is pending is taken back while a case prepares. */
static bool prepare(void)
{
    bool cancelled = hem_task_cancel_pending(hem_self());
    if (cancelled)
        check_int(hem_task_uncancel(hem_self()), 0);
    return cancelled;
}

static void prepared(struct fixture *f, bool cancelled)
{
    if (cancelled)
        check(hem_task_cancel(hem_self(), NULL));
    check_int(hem_spawn(NULL, mark, &f->ran), 0);
    f->ran = false;
}

static int result(int64_t rc)
{
    return rc < 0 ? (int)rc : 0;
}

/* A case that makes a call with an open file. */
#define IN_FILE(name, call)                                                    \
    CASE(name)                                                                 \
    {                                                                          \
        char buf[4] = "";                                                      \
        struct stat st;                                                        \
        hem_file file;                                                         \
        bool cancelled = prepare();                                            \
        check_int(hem_file_open(&file, path, O_RDWR, NULL), 0);                \
        prepared(f, cancelled);                                                \
        int rc = result(call);                                                 \
        (void)buf;                                                             \
        (void)st;                                                              \
        check_int(hem_file_close(&file), 0);                                   \
        return rc;                                                             \
    }

IN_FILE(hem_file_read, hem_file_read(&file, buf, 4))
IN_FILE(hem_file_read_exactly, hem_file_read_exactly(&file, buf, 4, NULL))
IN_FILE(hem_file_pread, hem_file_pread(&file, buf, 4, 0))
IN_FILE(hem_file_write, hem_file_write(&file, "line", 4))
IN_FILE(hem_file_pwrite, hem_file_pwrite(&file, "line", 4, 0))
IN_FILE(hem_file_size, hem_file_size(&file))
IN_FILE(hem_file_stat, hem_file_stat(&file, &st))
IN_FILE(hem_file_truncate, hem_file_truncate(&file, 100))
IN_FILE(hem_file_sync, hem_file_sync(&file))
IN_FILE(hem_file_datasync, hem_file_datasync(&file))
IN_FILE(hem_file_seek, hem_file_seek(&file, 0, SEEK_END))
IN_FILE(at_once_hem_file_seek, hem_file_seek(&file, 0, SEEK_SET))

CASE(hem_file_open)
{
    (void)f;
    hem_file file;
    int rc = hem_file_open(&file, path, O_RDONLY, NULL);
    if (rc == 0)
        check_int(hem_file_close(&file), 0);
    return rc;
}

CASE(file)
{
    hem_file_info info;
    hem_file file;
    bool cancelled = prepare();
    check_int(hem_file_open(&file, path, O_RDONLY, NULL), 0);
    prepared(f, cancelled);
    check_int(hem_file_tell(&file), 0);
    check_int(hem_file_get_info(&file, &info), 0);
    check_str(hem_file_backend(), "threads");
    return hem_file_close(&file);
}

CASE(hem_file_read_all)
{
    (void)f;
    char *all = NULL;
    ssize_t n = hem_file_read_all(path, &all, NULL);
    hem_free(all);
    return result(n);
}

CASE(hem_file_write_all)
{
    (void)f;
    return result(hem_file_write_all(path, "one\ntwo\nthree\n", 14, NULL));
}

CASE(cleanup)
{
    (void)f;
    HEM_FILE(file);
    HEM_DIR(d);
    check_int(hem_file_close(&file), HEM_EBADF);
    check_int(hem_dir_close(&d), HEM_EBADF);
    return 0;
}

/* Names. */

CASE(hem_stat)
{
    (void)f;
    struct stat st;
    return hem_stat(path, &st, NULL);
}

CASE(hem_rename)
{
    (void)f;
    return hem_rename(path, path, NULL);
}

CASE(hem_unlink)
{
    (void)f;
    close(open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    return hem_unlink(other);
}

CASE(hem_mkdir)
{
    (void)f;
    (void)unlink(other);
    (void)rmdir(other);
    int rc = hem_mkdir(other, 0);
    (void)rmdir(other);
    return rc;
}

CASE(hem_rmdir)
{
    (void)f;
    (void)unlink(other);
    check(mkdir(other, 0700) == 0 || errno == EEXIST);
    return hem_rmdir(other);
}

CASE(hem_dir_open)
{
    (void)f;
    hem_dir d;
    int rc = hem_dir_open(&d, "/");
    if (rc == 0)
        check_int(hem_dir_close(&d), 0);
    return rc;
}

static int next_of(struct fixture *f, bool ahead)
{
    hem_dir d;
    hem_dir_entry e;
    bool cancelled = prepare();
    check_int(hem_dir_open(&d, "/"), 0);
    if (ahead)
        check_int(hem_dir_next(&d, &e), 1);
    prepared(f, cancelled);
    int rc = hem_dir_next(&d, &e);
    check_int(hem_dir_close(&d), 0);
    return rc;
}

CASE(hem_dir_next)
{
    return next_of(f, false);
}

CASE(at_once_hem_dir_next)
{
    return next_of(f, true);
}

/* Readers. */

typedef ssize_t read_fn(hem_file_reader *r, char **ret);

static int read_by(read_fn *fn, struct fixture *f, bool ahead)
{
    char *line;
    bool cancelled = prepare();
    hem_file file;
    check_int(hem_file_open(&file, path, O_RDONLY, NULL), 0);
    HEM_FILE_READER(r, &file);
    if (ahead)
        check(hem_file_reader_read_line(&r, &line) > 0);
    prepared(f, cancelled);
    ssize_t n = fn(&r, &line);
    check_int(hem_file_close(&file), 0);
    return result(n);
}

CASE(hem_file_reader_read_line)
{
    return read_by(hem_file_reader_read_line, f, false);
}

CASE(at_once_hem_file_reader_read_line)
{
    return read_by(hem_file_reader_read_line, f, true);
}

CASE(hem_file_reader_read)
{
    return read_by(hem_file_reader_read, f, false);
}

CASE(at_once_hem_file_reader_read)
{
    return read_by(hem_file_reader_read, f, true);
}

CASE(reader)
{
    (void)f;
    hem_file_reader r;
    hem_file_reader_init(&r, NULL, NULL);
    hem_file_reader_deinit(&r);
    return 0;
}

static const struct suspension table[] = {
    SUSPENDS(hem_file_open),
    NEVER(hem_file_close, file),
    SUSPENDS(hem_file_read),
    SUSPENDS(hem_file_read_exactly),
    SUSPENDS(hem_file_write),
    SUSPENDS(hem_file_pread),
    SUSPENDS(hem_file_pwrite),
    AT_ONCE(hem_file_seek),
    NEVER(hem_file_tell, file),
    SUSPENDS(hem_file_size),
    SUSPENDS(hem_file_stat),
    SUSPENDS(hem_file_truncate),
    SUSPENDS(hem_file_sync),
    SUSPENDS(hem_file_datasync),
    NEVER(hem_file_get_info, file),
    SUSPENDS(hem_file_read_all),
    SUSPENDS(hem_file_write_all),
    NEVER(hem_file_backend, file),
    SUSPENDS(hem_stat),
    SUSPENDS(hem_rename),
    SUSPENDS(hem_unlink),
    SUSPENDS(hem_mkdir),
    SUSPENDS(hem_rmdir),
    SUSPENDS(hem_dir_open),
    AT_ONCE(hem_dir_next),
    NEVER(hem_dir_close, cleanup),
    NEVER(hem_file_reader_init, reader),
    NEVER(hem_file_reader_deinit, reader),
    AT_ONCE(hem_file_reader_read_line),
    AT_ONCE(hem_file_reader_read),
};

int main(void)
{
    static const char *const headers[] = {"file", "path", "file_reader"};
    int fd = mkstemp(path);
    memcpy(other, path, strlen(path));
    if (fd < 0 || write(fd, "one\ntwo\nthree\n", 14) < 0 || close(fd) < 0)
        return 1;
    setenv("HEM_FILES", "threads-always", 1);
    int rc =
        suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
    unlink(path);
    rmdir(other);
    return rc;
}
