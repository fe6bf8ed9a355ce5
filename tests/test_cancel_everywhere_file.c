/* SPDX-License-Identifier: MIT */
/* Calls on threads, and files, cancelled everywhere: no memory, descriptor or
 * byte is lost. */
#include "cancel_everywhere.h"

#include <fcntl.h>
#include <stdatomic.h>

#include "files.h"

static char path[64], moved[80];

/* Calls on threads. */

struct threads {
    int results;
};

static atomic_int made;
static int abandoned; /* perhaps when the flow has ended */

static int count_it(void *arg)
{
    (void)arg;
    atomic_fetch_add(&made, 1);
    return 1;
}

static void abandon_it(void *arg)
{
    (void)arg;
    abandoned++;
}

static void threads_begin(void *state)
{
    (void)state;
    atomic_store(&made, 0);
    abandoned = 0;
}

static int threads_body(void *arg)
{
    static const hem_thread_lane one = HEM_THREAD_LANE("one", 1);
    struct threads *s = arg;
    hem_thread_options left = {.abandon = abandon_it, .lane = &one};
    hem_thread_options waited = {.lane = &one};
    for (int i = 0; i < 2; i++) {
        HEM_TRY(hem_yield()); /* a moment that is never missed */
        int rc = hem_thread_call(count_it, NULL, i ? &waited : &left);
        HEM_TRY(rc);
        s->results += rc;
    }
    return 0;
}

static void threads_end(void *state, const struct disturbance *d)
{
    struct threads *s = state;
    check_int(d->rc, d->requests ? HEM_ECANCELED : 0);
    if (!d->requests)
        check_int(s->results, 2);
    check(s->results + abandoned <= 2);
}

/* A file's life. */

struct file {
    hem_file file;
    int64_t written; /* by calls that returned */
};

static void file_begin(void *state)
{
    (void)state;
    (void)unlink(path);
    (void)unlink(moved);
}

static int use_file(struct file *s)
{
    char buf[20];
    struct stat st;
    HEM_TRY(hem_file_write(&s->file, "one\ntwo\n", 8));
    s->written = 8;
    HEM_TRY(hem_file_seek(&s->file, 0, SEEK_END));
    HEM_TRY(hem_file_stat(&s->file, &st));
    HEM_TRY(hem_file_sync(&s->file));
    HEM_TRY(hem_file_seek(&s->file, 0, SEEK_SET));
    HEM_TRY(hem_file_read(&s->file, buf, 4));
    HEM_TRY(hem_file_read_exactly(&s->file, buf, 4, NULL));
    HEM_TRY(hem_file_pwrite(&s->file, "O", 1, 0));
    HEM_TRY(hem_file_pread(&s->file, buf, 8, 0));
    HEM_TRY(hem_file_truncate(&s->file, 4));
    HEM_TRY(hem_file_size(&s->file));
    return hem_file_datasync(&s->file);
}

static int file_body(void *arg)
{
    struct file *s = arg;
    HEM_TRY(hem_yield()); /* a moment that is never missed */
    HEM_TRY(hem_file_open(&s->file, path, O_RDWR | O_CREAT, NULL));
    int rc = use_file(s);
    hem_file_info info;
    check_int(hem_file_get_info(&s->file, &info), 0);
    check(info.bytes_written >= (uint64_t)s->written);
    check_int(hem_file_close(&s->file), 0);
    return rc;
}

static void check_ended(const struct disturbance *d)
{
    check_int(d->rc, d->requests ? HEM_ECANCELED : 0);
}

static void file_end(void *state, const struct disturbance *d)
{
    (void)state;
    check_ended(d);
    char *all =
        NULL; /* by the same threads: what was left has come to an end */
    for (int i = 0; i < 20; i++)
        check_int(hem_yield(), 0);
    if (!d->requests) {
        check_int(hem_file_read_all(path, &all, NULL), 4);
        check_str(all, "One\n");
        hem_free(all);
    }
    (void)unlink(path);
}

/* Whole files, names, directories, lines. */

struct names {
    int lines;
};

static void names_begin(void *state)
{
    file_begin(state);
}

static int read_lines(struct names *s)
{
    HEM_FILE(f);
    HEM_TRY(hem_file_open(&f, moved, O_RDONLY, NULL));
    HEM_FILE_READER(r, &f);
    char *line;
    ssize_t n;
    while ((n = hem_file_reader_read_line(&r, &line)) > 0)
        s->lines++;
    return (int)n;
}

static int read_directory(void)
{
    HEM_DIR(d);
    hem_dir_entry e;
    int rc;
    HEM_TRY(hem_dir_open(&d, "/proc/self/task"));
    while ((rc = hem_dir_next(&d, &e)) > 0)
        continue;
    return rc;
}

static int names_body(void *arg)
{
    char *all = NULL;
    struct stat st;
    HEM_TRY(hem_yield()); /* a moment that is never missed */
    HEM_TRY(hem_file_write_all(path, "a\nb\n", 4,
                               &(hem_file_write_all_options){.replace = true}));
    HEM_TRY(hem_file_read_all(path, &all, NULL));
    hem_free(all);
    HEM_TRY(hem_rename(path, moved, NULL));
    HEM_TRY(hem_stat(moved, &st, NULL));
    HEM_TRY(read_lines(arg));
    HEM_TRY(read_directory());
    HEM_TRY(hem_mkdir(path, 0));
    HEM_TRY(hem_rmdir(path));
    return hem_unlink(moved);
}

static void names_end(void *state, const struct disturbance *d)
{
    struct names *s = state;
    check_ended(d);
    if (!d->requests)
        check_int(s->lines, 2);
    for (int i = 0; i < 20; i++)
        check_int(hem_yield(), 0);
    (void)rmdir(path);
    (void)unlink(path);
    (void)unlink(moved);
}

int main(void)
{
    static const struct flow flows[] = {FLOW(threads), FLOW(file), FLOW(names)};
    snprintf(path, sizeof(path), "/tmp/hem-everywhere-%d", (int)getpid());
    snprintf(moved, sizeof(moved), "%s.moved", path);
    setenv("HEM_FILES", "threads-always", 1);
    int rc = cancel_everywhere(flows, COUNT_OF(flows));
    setenv("HEM_FILES", "io_uring-always", 1);
    return rc + cancel_everywhere(flows + 1, COUNT_OF(flows) - 1);
}
