/* SPDX-License-Identifier: MIT */
/*
 * Streams over any descriptor. The question is how to keep a call from waiting
 * without O_NONBLOCK on what others share; hem/pipe.h has the answers.
 *
 * To open anew is safe for pipes and terminals only: a device may be another
 * one then, and /dev/ptmx is a new terminal.
 */
#include <stdio.h>
#include <sys/sysmacros.h>

#include "base/sys.h"
#include "hem/pipe.h"
#include "io/stream.h"

#define PTMX makedev(5, 2)

/* What is being opened. */
struct opening {
    int fd;
    bool own; /* the stream is to close it, and may change it */
    int mode; /* O_RDONLY, O_WRONLY or O_RDWR */
    struct stat st;
    hem_stream s;
};

static int socket_type(int fd)
{
    int type = 0;
    socklen_t n = sizeof(type);
    HEM_TRY(hem__sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n));
    return type == SOCK_STREAM ? 0 : HEM_EINVAL;
}

static int choose_how(struct opening *o)
{
    HEM_TRY(hem__sys_fstat(o->fd, &o->st));
    if (S_ISDIR(o->st.st_mode))
        return HEM_EISDIR;
    if (S_ISSOCK(o->st.st_mode)) {
        o->s.how = HEM__HOW_SOCKET;
        return socket_type(o->fd);
    }
    if (S_ISREG(o->st.st_mode) || S_ISBLK(o->st.st_mode))
        o->s.how = HEM__HOW_FILE;
    else
        o->s.how = HEM__HOW_PLAIN;
    return 0;
}

static int choose_mode(struct opening *o, const hem_stream_fd_options *opts)
{
    int flags = hem__sys_fcntl_get(o->fd);
    if (flags < 0)
        return flags;
    o->mode = flags & O_ACCMODE;
    bool reads = o->mode != O_WRONLY && !opts->write_only;
    bool writes = o->mode != O_RDONLY && !opts->read_only;
    if (!reads && !writes)
        return opts->read_only && opts->write_only ? HEM_EINVAL : HEM_EBADF;
    if (!reads || !writes)
        o->mode = reads ? O_RDONLY : O_WRONLY;
    o->s.reading = reads ? HEM__USE_NONE : HEM__USE_REFUSED;
    o->s.writing = writes ? HEM__USE_NONE : HEM__USE_REFUSED;
    return flags;
}

/* The same pipe or terminal, with flags of its own; negative: it cannot be. */
static int open_anew(const struct opening *o)
{
    char path[32];
    struct stat st;
    bool terminal = isatty(o->fd) == 1 && o->st.st_rdev != PTMX;
    if (!S_ISFIFO(o->st.st_mode) && !terminal)
        return HEM_ENOTSUP;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", o->fd);
    int fd =
        hem__sys_open(path, o->mode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0);
    if (fd < 0)
        return fd;
    if (hem__sys_fstat(fd, &st) == 0 && st.st_dev == o->st.st_dev &&
        st.st_ino == o->st.st_ino)
        return fd;
    close(fd);
    return HEM_ENOTSUP;
}

/* The same file at the same position. A thread may be about to read or write
 * when its owner closes the descriptor: it must not meet another file then. */
static int duplicate(const struct opening *o)
{
    return hem__sys_fcntl_dup(o->fd, STDERR_FILENO + 1);
}

static int take(hem_loop *l, hem_stream *s, int fd)
{
    int rc = hem__fd_init(l, &s->fd, fd);
    if (rc < 0)
        close(fd);
    return rc;
}

/* Take what belongs to others. */
static int share(hem_loop *l, struct opening *o)
{
    hem_stream *s = &o->s;
    if (s->how == HEM__HOW_FILE) {
        int fd = duplicate(o);
        return fd < 0 ? fd : take(l, s, fd);
    }
    if (s->how == HEM__HOW_PLAIN) {
        int fd = open_anew(o);
        if (fd >= 0)
            return take(l, s, fd);
        s->how = HEM__HOW_POLLED;
    }
    s->borrowed = true;
    return hem__fd_borrow(l, &s->fd, o->fd);
}

static int open_it(hem_loop *l, struct opening *o,
                   const hem_stream_fd_options *opts)
{
    HEM_TRY(choose_how(o));
    int flags = choose_mode(o, opts);
    if (flags < 0)
        return flags;
    if (!o->own)
        return share(l, o);
    if (hem__fd_is_taken(l, o->fd))
        return HEM_EEXIST;
    HEM_TRY(hem__fd_init(l, &o->s.fd, o->fd));
    int rc = 0;
    if (o->s.how != HEM__HOW_FILE && !(flags & O_NONBLOCK))
        rc = hem__sys_fcntl_set(o->fd, flags | O_NONBLOCK);
    if (rc < 0)
        hem__fd_give_back(l, &o->s.fd);
    return rc;
}

int hem_stream_open_fd(hem_stream *s, int fd, const hem_stream_fd_options *opts)
{
    static const hem_stream_fd_options defaults;
    const hem_stream_fd_options *with = opts ? opts : &defaults;
    hem_loop *l = hem__loop_need("hem_stream_open_fd");
    struct opening o = {.fd = fd,
                        .own = fd > STDERR_FILENO && !with->keep_open};
    *s = o.s;
    HEM_TRY(hem__stream_check_limits(&with->limits));
    HEM_TRY(open_it(l, &o, with));
    *s = o.s;
    s->chunk = HEM__STREAM_CHUNK;
    hem__stream_apply_limits(s, &with->limits);
    return 0;
}

int hem_stream_open_stdin(hem_stream *s)
{
    return hem_stream_open_fd(s, STDIN_FILENO,
                              &(hem_stream_fd_options){.read_only = true});
}

int hem_stream_open_stdout(hem_stream *s)
{
    return hem_stream_open_fd(s, STDOUT_FILENO,
                              &(hem_stream_fd_options){.write_only = true});
}
