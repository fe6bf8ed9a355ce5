/* SPDX-License-Identifier: MIT */
/* Files, names and directories. */
#include <fcntl.h>

#include "torture.h"

static char path[64], moved[80];

/* 0, or the error that a call failed with. */
static int use_file(hem_file *f)
{
    char buf[8] = "";
    struct stat st;
    HEM_TRY(hem_file_write(f, "one\ntwo\n", 8));
    HEM_TRY(hem_file_pwrite(f, "O", 1, 0));
    check_int(hem_file_tell(f), 8);
    HEM_TRY(hem_file_seek(f, 0, SEEK_END));
    HEM_TRY(hem_file_seek(f, 0, SEEK_SET));
    HEM_TRY(hem_file_read_exactly(f, buf, 8, NULL));
    check(memcmp(buf, "One\ntwo\n", 8) == 0);
    HEM_TRY(hem_file_pread(f, buf, 4, 4));
    HEM_TRY(hem_file_stat(f, &st));
    check_int(st.st_size, 8);
    HEM_TRY(hem_file_truncate(f, 4));
    HEM_TRY(hem_file_sync(f));
    return hem_file_datasync(f);
}

static int make_file(void)
{
    hem_file f;
    HEM_TRY(hem_file_open(&f, path, O_RDWR | O_CREAT, NULL));
    int rc = use_file(&f);
    hem_file_info info;
    check_int(hem_file_get_info(&f, &info), 0);
    check(info.bytes_written <= 9);
    check_int(hem_file_close(&f), 0);
    return rc;
}

static int read_lines(void)
{
    HEM_FILE(f);
    HEM_TRY(hem_file_open(&f, moved, O_RDONLY, NULL));
    HEM_FILE_READER(r, &f);
    char *line;
    ssize_t n = hem_file_reader_read_line(&r, &line);
    HEM_TRY(n);
    check_int(n, 4);
    return 0;
}

static int read_whole(void)
{
    char *all;
    hem_file_write_all_options o = {.replace = true, .sync = true};
    HEM_TRY(hem_file_write_all(path, "new\n", 4, &o));
    HEM_TRY(hem_file_read_all(path, &all, NULL));
    check_str(all, "new\n");
    hem_free(all);
    return hem_rename(path, moved, NULL);
}

static int read_directory(void)
{
    HEM_DIR(d);
    hem_dir_entry e;
    int rc;
    HEM_TRY(hem_mkdir(path, 0));
    HEM_TRY(hem_dir_open(&d, path));
    while ((rc = hem_dir_next(&d, &e)) > 0)
        check_never("an entry");
    HEM_TRY(rc);
    return hem_rmdir(path);
}

static int disk_main(void *arg)
{
    struct stat st;
    (void)arg;
    HEM_TRY(make_file());
    HEM_TRY(read_whole());
    HEM_TRY(hem_stat(moved, &st, NULL));
    HEM_TRY(read_lines());
    HEM_TRY(read_directory());
    return hem_unlink(moved);
}

void scenario_disk(void)
{
    static const char *const backends[] = {"threads-always", "io_uring-always",
                                           "auto"};
    snprintf(path, sizeof(path), "/tmp/hem-torture-%d", (int)getpid());
    snprintf(moved, sizeof(moved), "%s.moved", path);
    for (size_t i = 0; i < COUNT_OF(backends); i++) {
        setenv("HEM_FILES", backends[i], 1);
        check_success(hem_run(disk_main, NULL, NULL), HEM_EAGAIN);
        (void)unlink(path);
        (void)rmdir(path);
        (void)unlink(moved);
    }
}
