/* SPDX-License-Identifier: MIT */
/*
 * Descriptors handed over by systemd, or by a service that this one is an
 * upgrade of, as sd_listen_fds(3) has it: from 3 on, LISTEN_FDS of them, named
 * by LISTEN_FDNAMES, for the process LISTEN_PID.
 *
 * Which of them were taken is kept here; the environment goes when none is left.
 */
#include "io/inherited.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "io/listen.h"

#define FIRST_FD  3
#define COUNT_MAX 4096

static atomic_uint_least64_t taken[COUNT_MAX / 64];

/* What the first of those that were taken are called, for who hands them on; not
 * their numbers alone, which others may have by then, tell which they are. */
#define KEPT_MAX   64
#define NAME_BYTES 64

static struct {
    ino_t inode; /* 0: it has no name, or was not taken */
    char name[NAME_BYTES];
} kept[KEPT_MAX];

/* A number above 0, written as such; 0: it is none. */
static long parse_number(const char *text)
{
    char *end;
    if (text[0] < '1' || text[0] > '9')
        return 0;
    long n = strtol(text, &end, 10);
    return *end == '\0' && n < INT32_MAX ? n : 0;
}

/* How many were handed to this process. */
static long count_all(void)
{
    const char *pid = getenv("LISTEN_PID");
    const char *fds = getenv("LISTEN_FDS");
    if (!pid || !fds || parse_number(pid) != getpid())
        return 0;
    long count = parse_number(fds);
    if (count == 0)
        return HEM_EINVAL;
    return count <= COUNT_MAX ? count : HEM_ELIMIT;
}

static bool is_taken(long i)
{
    return atomic_load(&taken[i / 64]) >> i % 64 & 1;
}

/* Keep the name of a socket that was taken. */
static void keep_name(long i, const char *name, size_t length)
{
    struct stat st;
    if (i >= KEPT_MAX || length >= sizeof(kept[i].name) ||
        !getenv("LISTEN_FDNAMES") || hem__sys_fstat(FIRST_FD + (int)i, &st) < 0)
        return;
    kept[i].inode = st.st_ino;
    memcpy(kept[i].name, name, length);
    kept[i].name[length] = '\0';
}

const char *hem__inherited_name(int fd)
{
    struct stat st;
    int i = fd - FIRST_FD;
    if (i < 0 || i >= KEPT_MAX || kept[i].inode == 0 ||
        hem__sys_fstat(fd, &st) < 0 || st.st_ino != kept[i].inode)
        return NULL;
    return kept[i].name;
}

/* False: another thread was faster. */
static bool take(long i, const char *name, size_t length)
{
    uint64_t bit = (uint64_t)1 << i % 64;
    if (atomic_fetch_or(&taken[i / 64], bit) & bit)
        return false;
    (void)fcntl(FIRST_FD + (int)i, F_SETFD, FD_CLOEXEC);
    keep_name(i, name, length);
    return true;
}

/* The next name of LISTEN_FDNAMES, which moves on; its length. Those that have
 * none are called "unknown". */
static const char *next_name(const char **names, size_t *ret_length)
{
    const char *name = *names ? *names : "unknown";
    *ret_length = strcspn(name, ":");
    if (*names)
        *names = name[*ret_length] == ':' ? name + *ret_length + 1 : NULL;
    return name;
}

int hem__inherited_take(const char *name, size_t i)
{
    const char *names = getenv("LISTEN_FDNAMES");
    long count = count_all();
    if (count < 0)
        return (int)count;
    for (long at = 0; at < count; at++) {
        size_t length;
        const char *its = next_name(&names, &length);
        if (strncmp(its, name, length) != 0 || name[length] || i-- > 0)
            continue;
        if (is_taken(at))
            return HEM_ENOENT;
        if (fcntl(FIRST_FD + (int)at, F_GETFD) < 0)
            return HEM_EBADF;
        return take(at, its, length) ? FIRST_FD + (int)at : HEM_ENOENT;
    }
    return HEM_ENOENT;
}

/* 1: a socket; 0: not; HEM_EBADF: closed. */
static int is_socket(long i)
{
    struct stat st;
    HEM_TRY(hem__sys_fstat(FIRST_FD + (int)i, &st));
    return S_ISSOCK(st.st_mode);
}

/* Those that are left, of no name of hem's. */
struct left {
    size_t sockets;
    size_t others; /* which stay */
    int error;     /* of the sockets */
};

/* Note them, and take them, if `ret` is not NULL. */
static struct left visit(long count, int *ret)
{
    const char *names = getenv("LISTEN_FDNAMES");
    struct left left = {.error = 0};
    for (long i = 0; i < count; i++) {
        size_t length;
        const char *name = next_name(&names, &length);
        if (is_taken(i))
            continue;
        bool own =
            strncmp(name, HEM__INHERITED_OWN, strlen(HEM__INHERITED_OWN)) == 0;
        int rc = own ? 0 : is_socket(i);
        left.error = rc < 0 ? rc : left.error;
        if (rc == 0)
            left.others++;
        else if (ret && take(i, name, length))
            ret[left.sockets++] = FIRST_FD + (int)i;
        else
            left.sockets += !ret;
    }
    return left;
}

ssize_t hem_inherited_sockets(int *ret, size_t max)
{
    long count = count_all();
    if (count <= 0)
        return count;
    struct left left = visit(count, NULL);
    if (left.sockets > max)
        return HEM_ELIMIT;
    if (left.error < 0)
        return left.error;
    left = visit(count, ret);
    if (left.others == 0) {
        unsetenv("LISTEN_PID");
        unsetenv("LISTEN_FDS");
        unsetenv("LISTEN_FDNAMES");
        memset((void *)taken, 0, sizeof(taken));
    }
    return (ssize_t)left.sockets;
}

int hem_listen_inherited(hem_listener *l, const hem_listen_options *opts)
{
    int fds[HEM_LISTENER_SOCKETS];
    hem_listen_options o = opts ? *opts : hem__listen_defaults;
    ssize_t count = hem_inherited_sockets(fds, HEM_LISTENER_SOCKETS);
    if (count <= 0)
        return count < 0 ? (int)count : HEM_ENOENT;
    o.fds = fds;
    o.fd_count = (size_t)count;
    return hem_listen(l, NULL, 0, &o);
}
