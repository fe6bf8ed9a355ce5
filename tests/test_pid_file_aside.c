/* SPDX-License-Identifier: MIT */
/* Pid files in an upgrade: set aside for the successor, and put back if there
 * is none. */
#include <sys/stat.h>

#include "files.h"
#include "forked.h"
#include "service/pid_file.h"

static const char *own(void)
{
    static char text[32];
    snprintf(text, sizeof(text), "%d\n", (int)getpid());
    return text;
}

static bool exists(const char *name)
{
    struct stat st;
    return lstat(file_path(name), &st) == 0;
}

static void one_that_is_aside_makes_room_for_another(void **state)
{
    hem_pid_file p, q;
    (void)state;
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    check_int(hem__pid_file_set_aside(&p), 0);
    check_int(hem__pid_file_set_aside(&p), 0);
    check(!exists("pid"));
    check_file("pid.old", own());
    check_int(hem_pid_file_create(&q, file_path("pid")), 0);
    check_int(hem__pid_file_put_back(&p), HEM_EEXIST);
    check_logged("is held by process");
    check_file("pid.old", own());
    hem_pid_file_remove(&p);
    check(!exists("pid.old"));
    check_file("pid", own());
    hem_pid_file_remove(&q);
}

static void one_that_was_put_back_is_held_as_before(void **state)
{
    hem_pid_file p, q;
    (void)state;
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    check_int(hem__pid_file_put_back(&p), 0); /* it is not aside */
    for (int i = 0; i < 3; i++) {
        check_int(hem__pid_file_set_aside(&p), 0);
        if (i == 1) /* left by one that was killed */
            file_make("pid", 3);
        check_int(hem_pid_file_create(&q, file_path("pid.old")), HEM_EEXIST);
        check_logged("is held by process");
        check_int(hem__pid_file_put_back(&p), 0);
        check(!exists("pid.old"));
        check_file("pid", own());
        check_int(hem_pid_file_create(&q, file_path("pid")), HEM_EEXIST);
        check_logged("is held by process");
    }
    hem_pid_file_remove(&p);
    check(!exists("pid"));
}

static void one_that_is_gone_is_neither_moved_nor_missed(void **state)
{
    hem_pid_file p, q;
    (void)state;
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    check_int(unlink(file_path("pid")), 0);
    check_int(hem__pid_file_set_aside(&p), HEM_ENOENT);
    check_int(hem_pid_file_create(&q, file_path("pid")), 0);
    check_int(hem__pid_file_set_aside(&p), HEM_ENOENT); /* another's */
    check_int(hem__pid_file_set_aside(&q), 0);
    check_int(unlink(file_path("pid.old")), 0);
    check_int(hem__pid_file_put_back(&q), HEM_ENOENT);
    hem_pid_file_remove(&p);
    hem_pid_file_remove(&q);
    check_int(hem__pid_file_set_aside(&p), 0);
    check_int(hem__pid_file_put_back(&p), 0);
}

/* Of two old generations that still drain, the younger has the name. */
static void one_aside_may_take_the_name_of_another(void **state)
{
    hem_pid_file p, q, r;
    (void)state;
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    check_int(hem__pid_file_set_aside(&p), 0);
    check_int(hem_pid_file_create(&q, file_path("pid")), 0);
    check_int(hem__pid_file_set_aside(&q), 0);
    check_int(hem_pid_file_create(&r, file_path("pid")), 0);
    hem_pid_file_remove(&p);
    check_file("pid.old", own());
    hem_pid_file_remove(&q);
    check(!exists("pid.old"));
    check_file("pid", own());
    hem_pid_file_remove(&r);
}

static int try_as_child(void *arg)
{
    check_int(hem__pid_file_put_back(arg), 0);
    check_int(hem__pid_file_set_aside(arg), 0);
    hem_pid_file_remove(arg);
    return check_failures_take();
}

static void a_child_moves_nothing(void **state)
{
    hem_pid_file p;
    (void)state;
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    forked_apart(try_as_child, &p);
    check_file("pid", own());
    check_int(hem__pid_file_set_aside(&p), 0);
    forked_apart(try_as_child, &p);
    check_file("pid.old", own());
    hem_pid_file_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(one_that_is_aside_makes_room_for_another),
        FILE_TEST(one_that_was_put_back_is_held_as_before),
        FILE_TEST(one_that_is_gone_is_neither_moved_nor_missed),
        FILE_TEST(one_aside_may_take_the_name_of_another),
        FILE_TEST(a_child_moves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
