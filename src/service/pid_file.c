/* SPDX-License-Identifier: MIT */
/*
 * Pid files. Who has one holds a write lock on its inode, of the kind that
 * belongs to the open file (F_OFD_SETLK): no close() of another descriptor
 * gives it up, and it goes with the process. Children of fork() would have it
 * as well; a handler closes it in them, so a parent that is killed does not
 * leave its pid file locked by its workers.
 *
 * What replaces a file has first to lock it, and then to find it at its path
 * still; so of two that start at once, one wins, and nobody replaces a file
 * that is held:
 *
 *     nothing at the path --rename, not over another--> done, or look again
 *     a file --locked, and still there--> rename over it
 *     a file --locked by another for writing--> HEM_EEXIST
 *
 * but for the successor in an upgrade, who replaces the file of who started it;
 * that one finds another's at the path when it ends, and leaves it.
 *
 * Whoever may read the file can keep a read lock on it; that is passed over.
 *
 * The mutex is held by fork() as well, so no child is forked between the lock
 * and the entry in the list, and no child inherits it locked.
 */
#include "service/pid_file.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/standard.h"
#include "base/sys.h"
#include "io/file.h"
#include "service/explain.h"

#define TRIES_MAX 100

struct hem__pid_file {
    hem__list link; /* in `all` */
    int fd;         /* locked; -1: of the process that this one was forked by */
    char path[];    /* absolute */
};

/* One that is being made. */
struct making {
    struct hem__pid_file *held;
    char name[HEM__PATH_BYTES]; /* that it has at first */
    pid_t from;  /* who may hold the one it replaces; 0: nobody */
    pid_t owner; /* HEM_EEXIST: who holds the other one, 0: unknown */
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static hem__list all = {&all, &all};

static void before_fork(void)
{
    pthread_mutex_lock(&mutex);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&mutex);
}

static void in_child(void)
{
    for (hem__list *at = all.next; at != &all; at = at->next) {
        struct hem__pid_file *h =
            HEM__CONTAINER(at, struct hem__pid_file, link);
        if (h->fd >= 0)
            close(h->fd);
        h->fd = -1;
    }
    pthread_mutex_unlock(&mutex);
}

static int watch_forks(void)
{
    static bool watched;
    if (watched)
        return 0;
    HEM_TRY(hem__sys_at_fork(before_fork, after_fork, in_child));
    watched = true;
    return 0;
}

/* Whether `st` is of the file that is held. */
static bool is_held(const struct hem__pid_file *h, const struct stat *st)
{
    struct stat own;
    return fstat(h->fd, &own) == 0 && own.st_ino == st->st_ino &&
           own.st_dev == st->st_dev;
}

static int open_again(const char *path, int flags)
{
    int fd;
    do {
        fd = hem__sys_open(path, flags | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW,
                           0600);
    } while (fd == HEM_EINTR);
    return fd;
}

/* F_OFD_SETLK or F_OFD_GETLK of the whole file. */
static int lock_again(int fd, int how, struct flock *lock, short type)
{
    int rc;
    do {
        *lock = (struct flock){.l_type = type, .l_whence = SEEK_SET};
        rc = hem__sys_fcntl_lock(fd, how, lock);
    } while (rc == HEM_EINTR);
    return rc;
}

static pid_t read_pid(int fd)
{
    char text[24];
    ssize_t n = hem__sys_pread(fd, text, sizeof(text) - 1, 0);
    int pid = 0;
    for (ssize_t i = 0; i < n && i < 10 && text[i] >= '0' && text[i] <= '9';
         i++)
        pid = pid < 100000000 ? 10 * pid + (text[i] - '0') : 0;
    return pid;
}

/* Lock a file that is to be replaced. A lock for reading is no obstacle, nor is
 * that of who is to be succeeded. */
static int claim(int fd, struct making *m)
{
    struct flock lock;
    int rc = lock_again(fd, F_OFD_SETLK, &lock, F_WRLCK);
    if (rc != HEM_EAGAIN && rc != HEM_EACCES)
        return rc;
    HEM_TRY(lock_again(fd, F_OFD_GETLK, &lock, F_RDLCK));
    if (lock.l_type == F_UNLCK)
        return 0;
    m->owner = read_pid(fd);
    return m->owner > 0 && m->owner == m->from ? 0 : HEM_EEXIST;
}

/* HEM_EAGAIN: what is at the path is another file than that in `fd`. */
static int check_is_at(const char *path, int fd)
{
    struct stat here, there;
    HEM_TRY(hem__sys_fstat(fd, &here));
    int rc = hem__sys_lstat(path, &there);
    if (rc < 0)
        return rc == HEM_ENOENT ? HEM_EAGAIN : rc;
    bool same = here.st_ino == there.st_ino && here.st_dev == there.st_dev;
    return same ? 0 : HEM_EAGAIN;
}

/* Not every file system can rename so, and not every one has links. */
static int rename_to_nothing(const char *from, const char *to)
{
    int rc = hem__sys_renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (rc == HEM_EINVAL || rc == HEM_ENOSYS) {
        rc = hem__sys_link(from, to);
        if (rc == 0)
            (void)unlink(from);
    }
    return rc == HEM_EEXIST ? HEM_EAGAIN : rc;
}

static int rename_over(const char *from, const char *to, struct making *m)
{
    int fd = open_again(to, O_RDWR | O_NONBLOCK);
    if (fd < 0)
        return fd == HEM_ENOENT ? HEM_EAGAIN : fd;
    int rc = claim(fd, m);
    if (rc == 0)
        rc = check_is_at(to, fd);
    if (rc == 0)
        rc = hem__sys_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
    close(fd);
    return rc;
}

/* Rename a file that is locked to a path where others may do the same. */
static int publish(struct making *m)
{
    const char *from = m->name, *to = m->held->path;
    int rc = HEM_EAGAIN;
    for (int tries = 0; rc == HEM_EAGAIN && tries < TRIES_MAX; tries++) {
        struct stat st;
        rc = hem__sys_lstat(to, &st);
        if (rc == HEM_ENOENT)
            rc = rename_to_nothing(from, to);
        else if (rc == 0)
            rc = S_ISREG(st.st_mode) ? rename_over(from, to, m) : HEM_EEXIST;
    }
    return rc;
}

static int explain_conflict(const char *path, int rc, pid_t owner)
{
    if (rc != HEM_EEXIST)
        return rc;
    if (owner > 0)
        return hem__explain(rc, "pid file %.300s is held by process %d", path,
                            (int)owner);
    return hem__explain(rc, "pid file %.300s is held, or no regular file",
                        path);
}

/* A new file beside that at the path, which none but us can lock. */
static int open_beside(struct making *m)
{
    static unsigned number;
    const char *path = m->held->path;
    int directory = (int)(strrchr(path, '/') - path) + 1;
    int rc = HEM_EEXIST;
    for (int tries = 0; rc == HEM_EEXIST && tries < TRIES_MAX; tries++) {
        int n = snprintf(m->name, sizeof(m->name), "%.*s.hem-%d-%u", directory,
                         path, (int)getpid(), number++);
        if (n >= (int)sizeof(m->name))
            return HEM_ENAMETOOLONG;
        rc = open_again(m->name, O_RDWR | O_CREAT | O_EXCL);
    }
    return rc;
}

static int write_pid(int fd)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());
    for (int done = 0; done < n;) {
        ssize_t rc = hem__sys_write(fd, text + done, (size_t)(n - done));
        if (rc == HEM_EINTR)
            continue;
        if (rc <= 0)
            return rc < 0 ? (int)rc : HEM_EIO;
        done += (int)rc;
    }
    return 0;
}

static int fill_and_publish(struct making *m, int fd)
{
    struct flock lock;
    HEM_TRY(lock_again(fd, F_OFD_SETLK, &lock, F_WRLCK));
    HEM_TRY(write_pid(fd));
    HEM_TRY(hem__sys_fchmod(fd, 0644));
    return publish(m);
}

/* The mutex is held. */
static int make(struct making *m)
{
    HEM_TRY(watch_forks());
    int fd = open_beside(m);
    if (fd < 0)
        return fd;
    int rc = fill_and_publish(m, fd);
    if (rc < 0) {
        (void)unlink(m->name);
        close(fd);
        return rc;
    }
    m->held->fd = fd;
    hem__list_insert(&all, &m->held->link);
    return 0;
}

/* With the path made absolute: the directory may be another at the end. */
static int hold(struct hem__pid_file **ret, const char *path)
{
    char directory[HEM__PATH_BYTES] = "";
    if (path[0] != '/') {
        int rc = hem__sys_get_cwd(directory, sizeof(directory));
        if (rc < 0)
            return rc == HEM_ERANGE ? HEM_ENAMETOOLONG : rc;
    }
    size_t before = strlen(directory), length = strlen(path);
    size_t slash = before > 0;
    struct hem__pid_file *h =
        hem__alloc(sizeof(*h) + before + slash + length + 1);
    if (!h)
        return HEM_ENOMEM;
    *h = (struct hem__pid_file){.fd = -1};
    memcpy(h->path, directory, before);
    memcpy(h->path + before, "/", slash);
    memcpy(h->path + before + slash, path, length + 1);
    *ret = h;
    return 0;
}

static int create(hem_pid_file *p, const char *path, pid_t from)
{
    if (!path || !*path)
        return HEM_EINVAL;
    HEM_TRY(hem__path_check(path));
    HEM_TRY(hem__standard_ensure());
    struct making m = {.from = from};
    HEM_TRY(hold(&m.held, path));
    pthread_mutex_lock(&mutex);
    int rc = make(&m);
    pthread_mutex_unlock(&mutex);
    if (rc < 0) {
        rc = explain_conflict(m.held->path, rc, m.owner);
        hem__free(m.held);
        return rc;
    }
    p->held = m.held;
    return 0;
}

int hem_pid_file_create(hem_pid_file *p, const char *path)
{
    return create(p, path, 0);
}

int hem__pid_file_take_over(hem_pid_file *p, const char *path, pid_t from)
{
    return create(p, path, from);
}

void hem_pid_file_remove(hem_pid_file *p)
{
    struct hem__pid_file *h = p ? p->held : NULL;
    if (!h)
        return;
    struct stat st;
    p->held = NULL;
    pthread_mutex_lock(&mutex);
    hem__list_unlink(&h->link);
    if (h->fd >= 0) {
        if (lstat(h->path, &st) == 0 && is_held(h, &st))
            (void)unlink(h->path);
        close(h->fd);
    }
    pthread_mutex_unlock(&mutex);
    hem__free(h);
}
