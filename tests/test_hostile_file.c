/* SPDX-License-Identifier: MIT */
/* Hostile cases of files and threads: cancelled anywhere, stuck, in crowds. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>

#include "files.h"

#define SIZE ((size_t)256 << 10)

/* A call that is cancelled at some moment. */
struct cut {
    hem_file file;
    char *buf;
    size_t size;
    ssize_t rc; /* of the call */
};

static int read_cut(void *arg)
{
    struct cut *c = arg;
    c->rc = hem_file_read(&c->file, c->buf, c->size);
    return c->rc < 0 ? (int)c->rc : 0;
}

static int write_cut(void *arg)
{
    struct cut *c = arg;
    c->rc = hem_file_write(&c->file, c->buf, c->size);
    return c->rc < 0 ? (int)c->rc : 0;
}

/* Run it, and cancel it after so many turns. */
static void cut(hem_fn *fn, struct cut *c, int turns)
{
    hem_task *t;
    c->rc = HEM_ECANCELED; /* if it never began */
    check_int(hem_spawn(&t, fn, c), 0);
    for (int i = 0; i < turns; i++)
        check_int(hem_yield(), 0);
    (void)hem_task_cancel(t, NULL);
    int rc = hem_await(t);
    check(rc == 0 || rc == HEM_ECANCELED);
    hem_task_forget(t);
}

static bool all_are(const char *buf, size_t size, char c)
{
    size_t i = 0;
    while (i < size && buf[i] == c)
        i++;
    return i == size;
}

static int sync_file(void *arg)
{
    return hem_file_datasync(arg);
}

/* The descriptor of the loop's ring, or -1. */
static int ring_descriptor(void)
{
    for (int fd = 3; fd < 100; fd++) {
        char path[40], link[40] = "";
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(path, link, sizeof(link) - 1);
        if (n > 0 && strcmp(link, "anon_inode:[io_uring]") == 0)
            return fd;
    }
    return -1;
}

/* Call io_uring when it has done something, which it then tells. */
static int sync_later(void *arg)
{
    struct pollfd p = {.fd = ring_descriptor(), .events = POLLIN};
    if (p.fd >= 0)
        (void)poll(&p, 1, 1000);
    return hem_file_datasync(arg);
}

/* What it leaves is dropped as soon as it is done. */
VIRTUAL_TEST(what_is_left_may_be_done_before_the_task_runs)
{
    HEM_FILE(f);
    hem_task *t[2];
    check_int(hem_file_open(&f, file_path("a"), O_RDWR | O_CREAT, NULL), 0);
    for (int i = 0; i < 10; i++) {
        check_int(hem_file_write(&f, "hello", 5), 5);
        check_int(hem_spawn(&t[0], sync_file, &f), 0);
        check_int(hem_yield(), 0);
        check_int(hem_spawn(&t[1], sync_later, &f), 0);
        (void)hem_task_cancel(t[0], NULL);
        int rc = hem_await(t[0]);
        check(rc == 0 || rc == HEM_ECANCELED);
        check_int(hem_await(t[1]), 0);
        hem_task_forget(t[0]);
        hem_task_forget(t[1]);
    }
    return 0;
}

/* A cancelled read has not moved the position, and the caller's memory is its
 * own: nothing is written there, then or later. */
VIRTUAL_TEST(hostile_14_a_cancelled_read_touches_nothing)
{
    file_make("a", 2 * SIZE);
    struct cut c = {.buf = malloc(SIZE), .size = SIZE};
    check_int(hem_file_open(&c.file, file_path("a"), O_RDONLY, NULL), 0);
    int cancelled = 0;
    for (int i = 0; i < 300; i++) {
        memset(c.buf, 'x', SIZE);
        check_int(hem_file_seek(&c.file, 5, SEEK_SET), 5);
        cut(read_cut, &c, i % 30);
        if (c.rc >= 0) {
            check(file_matches(c.buf, (size_t)c.rc, 5));
            check_int(hem_file_tell(&c.file), 5 + c.rc);
            continue;
        }
        cancelled++;
        check_int(hem_file_tell(&c.file), 5);
        for (int turns = 0; turns < 20; turns++)
            check_int(hem_yield(), 0);
        check(all_are(c.buf, SIZE, 'x'));
    }
    check(cancelled > 0);
    free(c.buf);
    return hem_file_close(&c.file);
}

/* A cancelled write has written as much as the position says. */
VIRTUAL_TEST(hostile_14_a_cancelled_write_is_counted_to_the_byte)
{
    struct cut c = {.buf = malloc(8 * SIZE), .size = 8 * SIZE};
    memset(c.buf, 'x', c.size);
    for (int i = 0; i < 100; i++) {
        check_int(hem_file_open(&c.file, file_path("a"),
                                O_RDWR | O_CREAT | O_TRUNC, NULL),
                  0);
        cut(write_cut, &c, i % 50);
        hem_file_info info;
        check_int(hem_file_get_info(&c.file, &info), 0);
        check_int(info.position, info.bytes_written);
        check_int(hem_file_size(&c.file), info.position);
        check_int(info.bytes_written % SIZE, 0);
        if (c.rc >= 0)
            check_int(info.position, c.size);
        check_int(hem_file_write(&c.file, "end", 3), 3);
        check_int(hem_file_size(&c.file), info.position + 3);
        check_int(hem_file_close(&c.file), 0);
    }
    free(c.buf);
    return 0;
}

static int open_and_close(void *arg)
{
    hem_file f;
    HEM_TRY(hem_file_open(&f, arg, O_RDWR | O_CREAT, NULL));
    return hem_file_close(&f);
}

VIRTUAL_TEST(hostile_14_a_cancelled_open_leaks_no_descriptor)
{
    char path[512];
    strcpy(path, file_path("a"));
    check_int(open_and_close(path), 0);
    size_t before = ledger_descriptors();
    for (int i = 0; i < 300; i++) {
        hem_task *t;
        check_int(hem_spawn(&t, open_and_close, path), 0);
        for (int turns = 0; turns < i % 20; turns++)
            check_int(hem_yield(), 0);
        (void)hem_task_cancel(t, NULL);
        int rc = hem_await(t);
        check(rc == 0 || rc == HEM_ECANCELED);
        hem_task_forget(t);
    }
    while (ledger_descriptors() > before) /* opened late, closed late */
        check_int(hem_yield(), 0);
    return 0;
}

/* Files keep their threads when all others are stuck, and the other way. */

static sem_t go;

static int get_stuck(void *arg)
{
    (void)arg;
    while (sem_wait(&go) < 0)
        continue;
    return 0;
}

static int call_stuck(void *arg)
{
    return hem_thread_call(get_stuck, arg, NULL);
}

VIRTUAL_TEST(hostile_24_stuck_calls_never_delay_files)
{
    sem_init(&go, 0, 0);
    HEM_SCOPE(s);
    for (int i = 0; i < 100; i++)
        check_int(hem_scope_spawn(&s, NULL, call_stuck, NULL), 0);
    check_int(hem_yield(), 0);
    hem_file f;
    char c;
    check_int(hem_file_open(&f, file_path("a"), O_RDWR | O_CREAT, NULL), 0);
    check_int(hem_file_write(&f, "x", 1), 1);
    check_int(hem_file_pread(&f, &c, 1, 0), 1);
    check_int(hem_file_close(&f), 0);
    check_int(hem_unlink(file_path("a")), 0);
    for (int i = 0; i < 100; i++)
        sem_post(&go);
    return hem_scope_close(&s, 0);
}

struct reader {
    hem_file *file;
    int number;
};

static int read_own(void *arg)
{
    struct reader *r = arg;
    char buf[100];
    int64_t at = (int64_t)r->number * 37 % 90000;
    check_int(hem_file_pread(r->file, buf, sizeof(buf), at), sizeof(buf));
    check(file_matches(buf, sizeof(buf), (size_t)at));
    return 0;
}

VIRTUAL_TEST(ten_thousand_tasks_read_one_file)
{
    file_make("a", 100000);
    hem_file f;
    check_int(hem_file_open(&f, file_path("a"), O_RDONLY, NULL), 0);
    size_t n = scaled(10000);
    struct reader *r = calloc(n, sizeof(*r));
    HEM_SCOPE(s);
    for (size_t i = 0; r && i < n; i++) {
        r[i] = (struct reader){&f, (int)i};
        check_int(hem_scope_spawn(&s, NULL, read_own, &r[i]), 0);
    }
    check_int(hem_scope_close(&s, 0), 0);
    free(r);
    return hem_file_close(&f);
}

static int use_position(void *arg)
{
    char buf[SIZE / 256];
    ssize_t n = hem_file_read(arg, buf, sizeof(buf));
    return n < 0 ? (int)n : 0;
}

VIRTUAL_TEST(two_tasks_at_the_position_of_a_file_are_refused)
{
    file_make("a", 2 * SIZE);
    char *buf = malloc(SIZE);
    hem_file f;
    check_int(hem_file_open(&f, file_path("a"), O_RDONLY, NULL), 0);
    hem_task *t;
    check_int(hem_spawn(&t, use_position, &f), 0);
    ssize_t n = hem_file_read_exactly(&f, buf, SIZE, NULL);
    int rc = hem_await(t);
    bool one = n == (ssize_t)SIZE && (rc == HEM_EBUSY || rc == 0);
    bool other = n == HEM_EBUSY && rc == 0;
    check(one || other);
    check_int(hem_file_tell(&f), (n > 0 ? n : 0) + (rc == 0 ? 1024 : 0));
    free(buf);
    return hem_file_close(&f);
}

static int close_file(void *arg)
{
    return hem_file_close(arg);
}

VIRTUAL_TEST(hostile_13_a_file_may_be_closed_while_it_is_read)
{
    file_make("a", SIZE);
    char *buf = malloc(SIZE);
    for (int i = 0; i < 100; i++) {
        struct cut c = {.buf = buf, .size = SIZE};
        hem_task *t;
        check_int(hem_file_open(&c.file, file_path("a"), O_RDONLY, NULL), 0);
        check_int(hem_spawn(&t, read_cut, &c), 0);
        for (int turns = 0; turns < i % 5; turns++)
            check_int(hem_yield(), 0);
        check_int(close_file(&c.file), 0);
        int rc = hem_await(t);
        check(rc == 0 || rc == HEM_EBADF);
        if (rc == 0)
            check(file_matches(buf, (size_t)c.rc, 0));
        hem_task_forget(t);
    }
    free(buf);
    return 0;
}

/* Signals interrupt the threads' calls. */

static void on_signal(int signo)
{
    (void)signo;
}

static atomic_bool calm;

static void *pester(void *arg)
{
    pthread_t victim = *(pthread_t *)arg;
    while (!calm) {
        pthread_kill(victim, SIGUSR1);
        sched_yield();
    }
    return NULL;
}

VIRTUAL_TEST(signals_shorten_no_read_and_no_write)
{
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigaction(SIGUSR1, &action, &before);
    pthread_t self = pthread_self(), thread;
    calm = false;
    check_int(pthread_create(&thread, NULL, pester, &self), 0);
    char *buf = malloc(8 * SIZE);
    file_make("a", 8 * SIZE);
    for (int i = 0; i < 8; i++) {
        hem_file f;
        check_int(hem_file_open(&f, file_path("a"), O_RDWR, NULL), 0);
        check_int(hem_file_read_exactly(&f, buf, 8 * SIZE, NULL), 8 * SIZE);
        check(file_matches(buf, 8 * SIZE, 0));
        check_int(hem_file_pwrite(&f, buf, 8 * SIZE, 0), 8 * SIZE);
        check_int(hem_file_sync(&f), 0);
        check_int(hem_file_close(&f), 0);
    }
    calm = true;
    check_int(pthread_join(thread, NULL), 0);
    sigaction(SIGUSR1, &before, NULL);
    free(buf);
    return 0;
}

static int read_or_miss(void *arg)
{
    int rc = read_cut(arg);
    return rc == HEM_EBADF ? 0 : rc; /* closed before it was done */
}

static int read_and_leave(void *arg)
{
    struct cut *c = arg;
    hem_task *t;
    check_int(hem_file_open(&c->file, file_path("a"), O_RDONLY, NULL), 0);
    check_int(hem_spawn(&t, read_or_miss, c), 0);
    check_int(hem_yield(), 0);
    return hem_file_close(&c->file);
}

/* The run ends while a read is under way, with memory that is gone then. */
static void the_end_of_the_run_waits_for_what_is_under_way(void **state)
{
    (void)state;
    file_make("a", SIZE);
    for (int i = 0; i < 50; i++) {
        struct cut c = {.buf = malloc(SIZE), .size = SIZE};
        assert_int_equal(run_virtual(read_and_leave, &c), 0);
        free(c.buf);
    }
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(what_is_left_may_be_done_before_the_task_runs),
        FILE_TEST(hostile_14_a_cancelled_read_touches_nothing),
        FILE_TEST(hostile_14_a_cancelled_write_is_counted_to_the_byte),
        FILE_TEST(hostile_14_a_cancelled_open_leaks_no_descriptor),
        FILE_TEST(hostile_24_stuck_calls_never_delay_files),
        FILE_TEST(ten_thousand_tasks_read_one_file),
        FILE_TEST(two_tasks_at_the_position_of_a_file_are_refused),
        FILE_TEST(hostile_13_a_file_may_be_closed_while_it_is_read),
        FILE_TEST(signals_shorten_no_read_and_no_write),
        FILE_TEST(the_end_of_the_run_waits_for_what_is_under_way),
    };
    return files_run(tests, COUNT_OF(tests));
}
