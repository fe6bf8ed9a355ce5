/* SPDX-License-Identifier: MIT */
/* Pid files: written as a whole, held by a lock that is this process' alone,
 * replaced only where nobody holds them, removed only where they are ours. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "files.h"
#include "forked.h"

/* Number of entries of the directory. */
static int entries(void)
{
    DIR *d = opendir(file_path(""));
    int n = -2; /* . and .. */
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

static void put(const char *name, const char *text)
{
    FILE *f = fopen(file_path(name), "we");
    if (!check(f != NULL))
        return;
    fputs(text, f);
    fclose(f);
}

static const char *pid_line(pid_t pid)
{
    static char text[32];
    snprintf(text, sizeof(text), "%d\n", (int)pid);
    return text;
}

/* Have a file, say so, and end when killed. */
static int hold_one(void *arg)
{
    hem_pid_file p;
    process_say(hem_pid_file_create(&p, arg) == 0 ? 'y' : 'n');
    while (pause() < 0)
        continue;
    return 0;
}

static void start_holder(struct process *p, const char *name)
{
    char c = 0;
    process_start(p, hold_one, (void *)(uintptr_t)file_path(name));
    check(process_hear(p, &c));
    check_int(c, 'y');
}

static void kill_holder(struct process *p)
{
    struct ending e;
    kill(p->pid, SIGKILL);
    process_end(p, &e);
    check_int(e.signo, SIGKILL);
    check_str(e.text, "");
}

static void it_has_the_pid_for_all_to_read_and_goes_at_the_end(void **state)
{
    hem_pid_file p;
    struct stat st;
    (void)state;
    mode_t mask = umask(077);
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    umask(mask);
    check_file("pid", pid_line(getpid()));
    check_int(stat(file_path("pid"), &st), 0);
    check_int(st.st_mode, S_IFREG | 0644);
    check_int(st.st_nlink, 1);
    check_int(entries(), 1);
    hem_pid_file_remove(&p);
    check_int(entries(), 0);
    hem_pid_file_remove(&p);
    hem_pid_file_remove(NULL);
}

VIRTUAL_TEST(one_that_is_held_is_refused_and_its_holder_named)
{
    struct process holder;
    char want[64];
    hem_pid_file p = {.held = NULL};
    start_holder(&holder, "pid");
    check_int(hem_pid_file_create(&p, file_path("pid")), HEM_EEXIST);
    check(!p.held);
    snprintf(want, sizeof(want), "is held by process %d", (int)holder.pid);
    check_contains(hem_failure_text(HEM_EEXIST), want);
    check_file("pid", pid_line(holder.pid));
    check_int(entries(), 1);
    kill_holder(&holder);
    check_file("pid", pid_line(holder.pid));
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    check_file("pid", pid_line(getpid()));
    hem_pid_file_remove(&p);
    return 0;
}

static void one_of_this_process_is_held_as_well(void **state)
{
    hem_pid_file p, q = {.held = NULL};
    char want[64];
    (void)state;
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    check_int(hem_pid_file_create(&q, file_path("pid")), HEM_EEXIST);
    snprintf(want, sizeof(want), "is held by process %d", (int)getpid());
    check_logged(want);
    check_int(hem_pid_file_create(&q, file_path("other")), 0);
    hem_pid_file_remove(&p);
    check_file("other", pid_line(getpid()));
    hem_pid_file_remove(&q);
}

static void what_is_in_one_that_nobody_holds_does_not_matter(void **state)
{
    static const char *const texts[] = {"", "1\n", "no number", "-5\n",
                                        "99999999999999999999999999999999\n"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        hem_pid_file p;
        put("pid", texts[i]);
        check_int(hem_pid_file_create(&p, file_path("pid")), 0);
        check_file("pid", pid_line(getpid()));
        hem_pid_file_remove(&p);
        check_int(entries(), 0);
    }
}

/* As anybody may do who may read it. */
static void a_lock_for_reading_keeps_nobody_out(void **state)
{
    hem_pid_file p;
    (void)state;
    put("pid", "1\n");
    int fd = open(file_path("pid"), O_RDONLY | O_CLOEXEC);
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    check_int(fcntl(fd, F_OFD_SETLK, &lock), 0);
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    check_file("pid", pid_line(getpid()));
    hem_pid_file_remove(&p);
    close(fd);
}

static void one_that_another_has_put_there_is_left(void **state)
{
    hem_pid_file p;
    (void)state;
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    check_int(unlink(file_path("pid")), 0);
    hem_pid_file_remove(&p);
    check_int(entries(), 0);
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    put("new", "77\n");
    check_int(rename(file_path("new"), file_path("pid")), 0);
    hem_pid_file_remove(&p);
    check_file("pid", "77\n");
}

static int look_at_it_as_child(void *arg)
{
    hem_pid_file *p = arg;
    hem_pid_file q;
    hem_pid_file_remove(p);
    check_int(hem_pid_file_create(&q, file_path("pid")), HEM_EEXIST);
    check_int(hem_pid_file_create(&q, file_path("mine")), 0);
    check_file("mine", pid_line(getpid()));
    hem_pid_file_remove(&q);
    return check_failures_take();
}

static void a_child_does_not_have_its_parents(void **state)
{
    hem_pid_file p;
    struct ending e;
    (void)state;
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    process_run(look_at_it_as_child, &p, &e);
    check_int(e.status, 0);
    check_contains(e.text, "is held by process");
    check_file("pid", pid_line(getpid()));
    check_int(entries(), 1);
    hem_pid_file_remove(&p);
}

/* Have a file and a child, which says its pid, byte by byte, once it is there:
 * before that it cannot have let go. */
static int hold_and_fork(void *arg)
{
    hem_pid_file p;
    if (hem_pid_file_create(&p, arg) < 0)
        return 1;
    pid_t pid = fork();
    if (pid < 0)
        return 1;
    if (pid == 0) {
        pid = getpid();
        for (size_t i = 0; i < sizeof(pid); i++)
            process_say(((char *)&pid)[i]);
    }
    while (pause() < 0)
        continue;
    return 0;
}

static void the_children_of_one_that_is_killed_do_not_hold_it(void **state)
{
    struct process holder;
    hem_pid_file p = {.held = NULL};
    pid_t orphan = 0;
    (void)state;
    process_start(&holder, hold_and_fork, (void *)(uintptr_t)file_path("pid"));
    for (size_t i = 0; i < sizeof(orphan); i++)
        check(process_hear(&holder, &((char *)&orphan)[i]));
    check(orphan > 0);
    check_int(hem_pid_file_create(&p, file_path("pid")), HEM_EEXIST);
    check_logged("is held");
    kill(holder.pid, SIGKILL);
    check_int(waitpid(holder.pid, NULL, 0), holder.pid);
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    check_int(kill(orphan, 0), 0); /* it lives */
    kill(orphan, SIGKILL);
    if (getpid() == 1) /* whose child it is now */
        check_int(waitpid(orphan, NULL, 0), orphan);
    hem_pid_file_remove(&p);
    close(holder.said);
    close(holder.errors);
}

/* Whether this process has the directory's files open. */
static bool has_one_open(void)
{
    const char *directory = file_path("");
    bool found = false;
    for (int fd = 3; fd < 64; fd++) {
        char name[64], link[512] = "";
        snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(name, link, sizeof(link) - 1);
        found |= n > 0 && strncmp(link, directory, strlen(directory)) == 0;
    }
    return found;
}

static void *fork_on_and_on(void *arg)
{
    for (int i = 0; i < 50; i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0) {
            if (has_one_open())
                _exit(1);
            raise(SIGKILL); /* valgrind would find the other thread's stack */
        }
        check_int(waitpid(pid, &status, 0), pid);
        check(WIFSIGNALED(status));
    }
    atomic_store((atomic_bool *)arg, true);
    return NULL;
}

static void no_child_inherits_one_whenever_it_is_forked(void **state)
{
    static atomic_bool done;
    pthread_t forker;
    (void)state;
    atomic_store(&done, false);
    check_int(pthread_create(&forker, NULL, fork_on_and_on, &done), 0);
    while (!atomic_load(&done)) {
        hem_pid_file p;
        check_int(hem_pid_file_create(&p, file_path("pid")), 0);
        hem_pid_file_remove(&p);
    }
    pthread_join(forker, NULL);
}

#define RACERS 6

static void be_silent(void *arg, hem_log_level level, const char *line)
{
    (void)arg;
    (void)level;
    check_contains(line, "is held");
}

/* Try when the pipe ends, and say whether it is ours. */
static int race(void *arg)
{
    hem_pid_file p;
    const int *fds = arg;
    char c;
    hem_log_set(be_silent, NULL);
    close(fds[1]);
    check_int(read(fds[0], &c, 1), 0);
    int rc = hem_pid_file_create(&p, file_path("pid"));
    check(rc == 0 || rc == HEM_EEXIST);
    process_say(rc == 0 ? 'y' : 'n');
    while (pause() < 0)
        continue;
    return 0;
}

static void race_once(void)
{
    struct process racers[RACERS];
    int fds[2], winners = 0;
    check_int(pipe(fds), 0);
    for (int i = 0; i < RACERS; i++)
        process_start(&racers[i], race, fds);
    close(fds[0]);
    close(fds[1]);
    for (int i = 0; i < RACERS; i++) {
        char c = 0;
        check(process_hear(&racers[i], &c));
        winners += c == 'y';
        if (c == 'y')
            check_file("pid", pid_line(racers[i].pid));
    }
    check_int(winners, 1);
    check_int(entries(), 1);
    for (int i = 0; i < RACERS; i++)
        kill_holder(&racers[i]);
}

/* The first time there is none, then one that nobody holds. */
static void of_many_that_start_at_once_one_has_it(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        race_once();
}

static int go_elsewhere(void *arg)
{
    hem_pid_file p, q;
    (void)arg;
    check_int(chdir(file_path("")), 0);
    check_int(hem_pid_file_create(&p, "pid"), 0);
    check_int(hem_pid_file_create(&q, "./other"), 0);
    check_int(entries(), 2);
    check_int(chdir("/"), 0);
    hem_pid_file_remove(&p);
    hem_pid_file_remove(&q);
    check_int(entries(), 0);
    check_int(mkdir(file_path("gone"), 0755), 0);
    check_int(chdir(file_path("gone")), 0);
    check_int(rmdir(file_path("gone")), 0);
    check_int(hem_pid_file_create(&p, "pid"), HEM_ENOENT);
    return check_failures_take();
}

static void a_relative_path_means_the_same_file_to_the_end(void **state)
{
    (void)state;
    forked_apart(go_elsewhere, NULL);
}

static void paths_that_are_none_are_refused(void **state)
{
    static char longest[5000];
    char name[300];
    hem_pid_file p = {.held = NULL};
    (void)state;
    check_int(hem_pid_file_create(&p, NULL), HEM_EINVAL);
    check_int(hem_pid_file_create(&p, ""), HEM_EINVAL);
    memset(longest, '/', sizeof(longest) - 1);
    check_int(hem_pid_file_create(&p, longest), HEM_ENAMETOOLONG);
    memset(longest, 'x', 4090);
    longest[4090] = '\0';
    check_int(hem_pid_file_create(&p, longest), HEM_ENAMETOOLONG);
    memset(name, 'x', sizeof(name));
    name[256] = '\0';
    check_int(hem_pid_file_create(&p, file_path(name)), HEM_ENAMETOOLONG);
    check_int(hem_pid_file_create(&p, file_path("none/pid")), HEM_ENOENT);
    put("file", "");
    check_int(hem_pid_file_create(&p, file_path("file/pid")), HEM_ENOTDIR);
    check(!p.held);
    check_int(entries(), 1);
}

VIRTUAL_TEST(what_is_no_regular_file_is_left_alone)
{
    hem_pid_file p;
    struct stat st;
    put("file", "7\n");
    check_int(symlink("file", file_path("link")), 0);
    check_int(symlink("nowhere", file_path("dangling")), 0);
    check_int(mkdir(file_path("directory"), 0755), 0);
    check_int(mkfifo(file_path("pipe"), 0644), 0);
    check_int(hem_pid_file_create(&p, file_path("link")), HEM_EEXIST);
    check_int(hem_pid_file_create(&p, file_path("dangling")), HEM_EEXIST);
    check_int(hem_pid_file_create(&p, file_path("directory")), HEM_EEXIST);
    check_int(hem_pid_file_create(&p, file_path("pipe")), HEM_EEXIST);
    check_contains(hem_failure_text(HEM_EEXIST), "no regular file");
    check_file("file", "7\n");
    check_int(lstat(file_path("nowhere"), &st), -1);
    check_int(entries(), 5);
    return 0;
}

static void without_memory_or_descriptors_there_is_none(void **state)
{
    hem_pid_file p;
    (void)state;
    ledger_fail_at(1);
    check_int(hem_pid_file_create(&p, file_path("pid")), HEM_ENOMEM);
    ledger_fail_at(0);
    check_int(entries(), 0);
}

static int run_out_of_descriptors(void *arg)
{
    hem_pid_file p;
    (void)arg;
    while (dup(STDERR_FILENO) >= 0)
        continue;
    check_int(hem_pid_file_create(&p, file_path("pid")), HEM_EMFILE);
    close(STDERR_FILENO + 1); /* one is enough */
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    hem_pid_file_remove(&p);
    put("pid", "1\n"); /* but two for one that is there */
    check_int(hem_pid_file_create(&p, file_path("pid")), HEM_EMFILE);
    check_file("pid", "1\n");
    return check_failures_take();
}

static int start_without_standard(void *arg)
{
    hem_pid_file p;
    (void)arg;
    for (int fd = 0; fd <= STDOUT_FILENO; fd++)
        close(fd);
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    printf("what is printed does not get into it\n");
    fflush(stdout);
    check_file("pid", pid_line(getpid()));
    hem_pid_file_remove(&p);
    return check_failures_take();
}

static void its_descriptor_is_no_standard_output(void **state)
{
    (void)state;
    forked_apart(start_without_standard, NULL);
}

/* A file system of our own at the directory, of one page and a few inodes.
 * False: not here. */
static bool mount_small(void)
{
    if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return false;
    if (mount("none", "/", "none", MS_REC | MS_PRIVATE, "") < 0)
        return false;
    return mount("tmpfs", file_path(""), "tmpfs", 0, "size=4096") == 0;
}

#define NOT_HERE 77

static int fill_the_disk(void *arg)
{
    hem_pid_file p;
    char block[4096] = {0};
    (void)arg;
    if (!mount_small())
        return NOT_HERE;
    put("pid", "");
    int fd = open(file_path("all"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof(block)) > 0)
        continue;
    close(fd);
    check_int(hem_pid_file_create(&p, file_path("pid")), HEM_ENOSPC);
    check_int(hem_pid_file_create(&p, file_path("new")), HEM_ENOSPC);
    check_file("pid", "");
    check_int(entries(), 2);
    check_int(unlink(file_path("all")), 0);
    check_int(hem_pid_file_create(&p, file_path("pid")), 0);
    hem_pid_file_remove(&p);
    return check_failures_take();
}

static int write_nowhere(void *arg)
{
    hem_pid_file p;
    (void)arg;
    if (!mount_small())
        return NOT_HERE;
    put("pid", "1\n");
    check_int(mount("none", file_path(""), "none", MS_REMOUNT | MS_RDONLY, ""),
              0);
    check_int(hem_pid_file_create(&p, file_path("pid")), HEM_EROFS);
    check_int(hem_pid_file_create(&p, file_path("new")), HEM_EROFS);
    check_file("pid", "1\n");
    return check_failures_take();
}

/* In a process of its own, if the system allows what it does. */
static void run_if_possible(int (*fn)(void *arg))
{
    struct ending e;
    process_run(fn, NULL, &e);
    check_str(e.text, "");
    check_int(e.signo, 0);
    if (e.status == NOT_HERE)
        skip();
    check_int(e.status, 0);
}

static void a_full_disk_leaves_what_was_there(void **state)
{
    (void)state;
    run_if_possible(fill_the_disk);
}

static void a_disk_that_cannot_be_written_leaves_what_was_there(void **state)
{
    (void)state;
    run_if_possible(write_nowhere);
}

static int be_somebody(void *arg)
{
    hem_pid_file p;
    (void)arg;
    hem_user nobody = {.uid = 65534, .gid = 65534};
    if (geteuid() == 0 && hem_user_become(&nobody) < 0)
        return NOT_HERE;
    check_int(hem_pid_file_create(&p, file_path("pid")), HEM_EACCES);
    return check_failures_take();
}

static void a_directory_of_others_is_refused(void **state)
{
    (void)state;
    put("pid", "1\n");
    check_int(chmod(file_path(""), 0555), 0);
    run_if_possible(be_somebody);
    check_int(chmod(file_path(""), 0755), 0);
    check_file("pid", "1\n");
}

static void descriptors_may_run_out(void **state)
{
    (void)state;
    forked_apart(run_out_of_descriptors, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(it_has_the_pid_for_all_to_read_and_goes_at_the_end),
        FILE_TEST(one_that_is_held_is_refused_and_its_holder_named),
        FILE_TEST(one_of_this_process_is_held_as_well),
        FILE_TEST(what_is_in_one_that_nobody_holds_does_not_matter),
        FILE_TEST(a_lock_for_reading_keeps_nobody_out),
        FILE_TEST(one_that_another_has_put_there_is_left),
        FILE_TEST(a_child_does_not_have_its_parents),
        FILE_TEST(the_children_of_one_that_is_killed_do_not_hold_it),
        FILE_TEST(of_many_that_start_at_once_one_has_it),
        FILE_TEST(a_relative_path_means_the_same_file_to_the_end),
        FILE_TEST(paths_that_are_none_are_refused),
        FILE_TEST(what_is_no_regular_file_is_left_alone),
        FILE_TEST(without_memory_or_descriptors_there_is_none),
        FILE_TEST(descriptors_may_run_out),
        FILE_TEST(its_descriptor_is_no_standard_output),
        FILE_TEST(a_full_disk_leaves_what_was_there),
        FILE_TEST(a_disk_that_cannot_be_written_leaves_what_was_there),
        FILE_TEST(a_directory_of_others_is_refused),
        /* Last: valgrind finds the stack of its thread in later children. */
        FILE_TEST(no_child_inherits_one_whenever_it_is_forked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
