/* SPDX-License-Identifier: MIT */
/* What a service does to its process, and what it tells. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "notified.h"
#include "torture.h"

static char directory[64], path[80];

/* The files in the directory are the one at the path, or none. */
static void check_files(bool one)
{
    DIR *d = opendir(directory);
    int n = -2;
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    check_int(n, one);
}

/* Where there is none, and where one is left that nobody holds. */
static void use_pid_file(const char *name)
{
    for (int left = 0; left < 2; left++) {
        hem_pid_file p = {.held = NULL};
        if (left) {
            int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
            check_int(write(fd, "1\n", 2), 2);
            close(fd);
        }
        /* Who is lied to about what is there looks again. */
        bool made = check_success(hem_pid_file_create(&p, name), HEM_EAGAIN);
        check_files(made || left);
        hem_pid_file_remove(&p);
        if (made)
            check_files(false);
        else
            unlink(path);
    }
}

static void use_files(void)
{
    snprintf(directory, sizeof(directory), "/tmp/hem-torture-XXXXXX");
    if (!mkdtemp(directory))
        abort();
    snprintf(path, sizeof(path), "%s/pid", directory);
    use_pid_file(path);
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check_int(chdir(directory), 0);
    use_pid_file("pid");
    check_int(fchdir(here), 0);
    close(here);
    rmdir(directory);
}

/* In a child, for it cannot be undone. */
static void use_users(void)
{
    hem_user u;
    (void)check_success(hem_user_find(&u, "root", NULL));
    (void)check_success(hem_user_find(&u, "root", "root"));
    (void)check_success(hem_user_find(&u, "0", NULL));
    pid_t pid = fork();
    if (pid == 0) {
        u = (hem_user){.uid = 4242, .gid = 4242, .group_count = 0};
        if (geteuid() == 0)
            (void)check_success(hem_user_become(&u));
        in_child();
        _exit(0);
    }
    check(pid > 0);
    check_int(waitpid(pid, NULL, 0), pid);
}

static void use_cpus(void)
{
    check(hem_cpu_count() >= 1);
    (void)check_success(hem_cpu_pin(0));
}

static void tell(void)
{
    char text[NOTIFIED_BYTES];
    int fds[4];
    size_t count = 4;
    snprintf(text, sizeof(text), "@hem-torture-%d", (int)getpid());
    int fd = notified_begin(text);
    if (check_success(hem_notify("READY=1")))
        check_notified(fd, "READY=1");
    if (check_success(hem_fd_store("a", fd))) {
        check(notified_take(fd, text, fds, &count) > 0);
        if (check_int(count, 1))
            close(fds[0]);
    }
    notified_end(fd);
}

static int use_all(void *arg)
{
    (void)arg;
    use_files();
    use_users();
    return 0;
}

/* Outside of tasks, and in one, where failures leave records. */
void scenario_daemon(void)
{
    use_files();
    use_users();
    use_cpus();
    tell();
    (void)check_success(hem_run(use_all, NULL, NULL));
}
