/* SPDX-License-Identifier: MIT */
/* Streams over regular files, which are read and written on threads: what is
 * closed while a call is on its way there. */
#include "support.h"

#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define THREADS 8 /* of the lane that streams use */

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

/* From here on calls on threads wait. */
static void hold_threads(hem_scope *s)
{
    sem_init(&go, 0, 0);
    for (int i = 0; i < THREADS; i++)
        check_int(hem_scope_spawn(s, NULL, call_stuck, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        check_int(hem_yield(), 0);
}

static int let_threads_go(hem_scope *s)
{
    for (int i = 0; i < THREADS; i++)
        sem_post(&go);
    return hem_scope_close(s, 0);
}

static int write_some(void *arg)
{
    ssize_t n = hem_stream_write(arg, "written", 7);
    return n < 0 ? (int)n : 0;
}

static void wait_for_thread(const hem_task *t)
{
    while (strcmp(hem_task_waits_for(t), "thread call") != 0)
        check_int(hem_yield(), 0);
}

static long long size_of(int fd)
{
    struct stat st = {.st_size = -1};
    check_int(fstat(fd, &st), 0);
    return st.st_size;
}

VIRTUAL_TEST(a_file_that_was_kept_open_may_be_closed_while_a_thread_has_it)
{
    HEM_SCOPE(scope);
    hem_stream s;
    hem_task *t;
    int file = memfd_create("file", MFD_CLOEXEC);
    int same = dup(file);
    check_int(hem_stream_open_fd(&s, file,
                                 &(hem_stream_fd_options){.keep_open = true}),
              0);
    hold_threads(&scope);
    check_int(hem_spawn(&t, write_some, &s), 0);
    wait_for_thread(t);
    check_int(hem_stream_close(&s), 0);
    close(file);
    int other = memfd_create("other", MFD_CLOEXEC);
    check_int(other, file); /* its number */
    check_int(let_threads_go(&scope), 0);
    check_int(hem_await(t), HEM_EBADF);
    check_int(size_of(other), 0);
    check_int(size_of(same), (long long)hem_stream_bytes_written(&s));
    close(same);
    close(other);
    return 0;
}

VIRTUAL_TEST(a_kept_file_is_open_when_its_stream_is_closed)
{
    hem_stream s;
    int file = memfd_create("file", MFD_CLOEXEC);
    hem_stream_fd_options keep = {.keep_open = true};
    check_int(hem_stream_open_fd(&s, file, &keep), 0);
    check_int(hem_stream_write(&s, "kept", 4), 4);
    check_int(hem_stream_close(&s), 0);
    check_int(lseek(file, 0, SEEK_CUR), 4);
    check_int(write(file, "on", 2), 2);
    check_int(size_of(file), 6);
    close(file);
    return 0;
}

VIRTUAL_TEST(a_kept_file_without_a_descriptor_for_it_is_left_alone)
{
    hem_stream s;
    struct rlimit before;
    int file = memfd_create("file", MFD_CLOEXEC);
    hem_stream_fd_options keep = {.keep_open = true};
    check_int(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {.rlim_cur = 4, .rlim_max = before.rlim_max};
    check_int(setrlimit(RLIMIT_NOFILE, &none), 0);
    int rc = hem_stream_open_fd(&s, file, &keep);
    check_int(setrlimit(RLIMIT_NOFILE, &before), 0);
    check_int(rc, HEM_EMFILE);
    check_int(hem_stream_close(&s), HEM_EBADF);
    check_int(size_of(file), 0);
    close(file);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(
            a_file_that_was_kept_open_may_be_closed_while_a_thread_has_it),
        LEDGER_TEST(a_kept_file_is_open_when_its_stream_is_closed),
        LEDGER_TEST(a_kept_file_without_a_descriptor_for_it_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
