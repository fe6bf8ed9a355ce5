/* SPDX-License-Identifier: MIT */
/*
 * Subprocesses: other programs, with pipes to them as streams. asyncio's
 * create_subprocess_exec() and create_subprocess_shell(), and Process.
 *
 *     HEM_SUBPROCESS(p);                       // killed with the block
 *     char *argv[] = {"sort", "-n", NULL};
 *     HEM_TRY(hem_subprocess_start(&p, argv,
 *                                  &(hem_subprocess_options){
 *                                      .in = HEM_PIPE, .out = HEM_PIPE}));
 *     hem_subprocess_output o;
 *     int rc = hem_subprocess_communicate(&p, "2\n1\n", 4, &o, NULL);
 *     if (rc == 0 && o.status.exit_code == 0)
 *         fputs(o.out, stdout);
 *     hem_subprocess_output_free(&o);
 *
 * closed --start--> running --it ends--> ended --close--> closed. The loop
 * reaps the child as it ends, whoever waits for it, and any number of tasks
 * may wait. Closing a running one terminates it: SIGTERM, `.grace`, SIGKILL.
 * Signals go by a pidfd and never reach a recycled pid; nor do they reach the
 * child's own children, as what a shell has started: with `.whole_group` they
 * reach all of a group that is its own.
 *
 * What the child gets. Descriptors 0, 1 and 2 as the options say, those of
 * `.fds`, and no other, close-on-exec or not, whichever threads open some
 * meanwhile. All signals at their default action and none blocked. Directory,
 * environment, user, groups, limits and the rest are the parent's unless an
 * option says otherwise.
 *
 * What is inherited (HEM_INHERIT) of 0, 1 and 2 but is closed in the parent,
 * or is a close-on-exec descriptor there, is /dev/null in the child: no file
 * that the child opens takes its place.
 *
 * The child is made by clone() as vfork() does, so the cost does not grow with
 * the parent's memory; the thread stands still until the program has begun,
 * some fraction of a millisecond. Where memory cannot be shared so (valgrind,
 * emulators, ThreadSanitizer) it is a fork.
 *
 * Errors of a start are those of the step that failed, HEM_ENOENT of the
 * program or of the directory alike, and hem_failure() says which it was. There
 * is no child then, nor anything else.
 *
 * The program should neither ignore SIGCHLD nor reap children that it did not
 * make: how they ended would be lost (HEM_ECHILD), though nothing hangs.
 *
 * After a fork: subprocesses of the parent are closed in the child.
 */
#ifndef HEM_SUBPROCESS_H
#define HEM_SUBPROCESS_H

#include "base.h"
#include "child.h"
#include "stream.h"

HEM_BEGIN_DECLS

/* What one of the first three descriptors of the child is. */
typedef enum hem_subprocess_io {
    HEM_INHERIT, /* the parent's of the same number */
    HEM_PIPE,    /* a pipe, whose other end is a stream of the parent's */
    HEM_NULL,    /* /dev/null */
    HEM_FD,     /* a descriptor of the parent's, `fd`, which stays open there */
    HEM_STDOUT, /* of `.err`: what `.out` is */
} hem_subprocess_io;

/* A descriptor that the child gets besides: `from` in the parent is `to` there.
 * Any may be swapped. */
typedef struct hem_subprocess_fd {
    int from;
    int to; /* 3 or more */
} hem_subprocess_fd;

/* A limit of resources, by setrlimit(2). */
typedef struct hem_subprocess_limit {
    int resource;  /* RLIMIT_NOFILE, ... */
    uint64_t soft; /* RLIM_INFINITY: none */
    uint64_t hard;
} hem_subprocess_limit;

/* Of .process_group: a group of its own. */
#define HEM_NEW_GROUP ((pid_t)(-1))

/* All is borrowed until the start returns. */
typedef struct hem_subprocess_options {
    hem_subprocess_io in;
    hem_subprocess_io out;
    hem_subprocess_io err;
    int in_fd;                    /* of HEM_FD */
    int out_fd;                   /* the same */
    int err_fd;                   /* the same */
    const hem_subprocess_fd *fds; /* `fd_count` more descriptors */
    size_t fd_count;
    const char *program; /* what to run; NULL: argv[0]; of the shell: /bin/sh */
    bool no_path_search; /* a name without "/" is a file here; else it is
                             looked for in the PATH of the child */
    char *const *env; /* its environment, ended by NULL; NULL: the parent's */
    char *const *env_add; /* "NAME=value" that are set in that, "NAME" that are
                             left out of it; ended by NULL; NULL: none */
    char *const *env_pid; /* names of variables that are set to its pid, as
                             sockets that are passed on need: LISTEN_PID; ended
                             by NULL; NULL: none */
    const char *cwd;      /* its directory, entered with the rights of the
                             parent; NULL: the parent's */
    bool new_session;     /* setsid() */
    pid_t process_group;  /* 0: the parent's; HEM_NEW_GROUP; one that exists */
    bool whole_group; /* signals are for all of the group that it leads, and the
                         close ends all of that: with HEM_NEW_GROUP or
                         new_session, else HEM_EINVAL; who has left the group
                         is left alone */
    const uid_t *user;   /* its user; NULL: the parent's */
    const gid_t *group;  /* its group; NULL: the parent's */
    const gid_t *groups; /* its other groups, `group_count`, which may be 0;
                             NULL: none if it gets a user or group and the
                             parent may set that, else the parent's */
    size_t group_count;
    const mode_t *umask;                /* NULL: the parent's */
    const hem_subprocess_limit *limits; /* `limit_count` */
    size_t limit_count;
    int nice;      /* added to the parent's */
    int pdeathsig; /* it gets this signal when the thread ends that started it,
                      if that may send it any; 0: none */
    hem_ns grace;  /* from SIGTERM to SIGKILL at a close; 0: 5 s; HEM_NEVER */
    uint32_t read_limit; /* of the streams of its output, 0: 64 KiB */
} hem_subprocess_options;

/* The caller's own; private. It must not be moved while it is open. */
typedef struct hem_subprocess {
    hem_child child;         /* open as long as this is */
    hem_stream in;           /* of the parent; open if HEM_PIPE */
    hem_stream out;          /* the same */
    hem_stream err;          /* the same */
    struct hem__timer timer; /* of a close; its place is reserved */
    hem_ns grace;            /* from SIGTERM to SIGKILL */
    bool whole_group;        /* of the options */
    bool overdue;            /* the grace is over */
} hem_subprocess;

/* Declare a subprocess `var`, closed; one that is open when its block is left
 * is killed and reaped at once. */
#define HEM_SUBPROCESS(var)                                                    \
    hem_subprocess var                                                         \
        __attribute__((cleanup(hem__subprocess_cleanup))) = {.grace = 0}

HEM_API void hem__subprocess_cleanup(hem_subprocess *p);

/*
 * Start the program argv[0], or .program, with the arguments `argv`, ended by
 * NULL. `opts` may be NULL. Gives way once; a caller that is cancelled before
 * the start gets HEM_ECANCELED and no child. HEM_ENOENT, HEM_EACCES,
 * HEM_ENOEXEC (no "#!" and no program), HEM_E2BIG, HEM_ENAMETOOLONG,
 * HEM_ETXTBSY, ... of execve(); those of chdir(), setuid() and the like, HEM_EBADF
 * of a descriptor; HEM_EINVAL: no argv[0], an unknown member of an enum, a
 * descriptor of the child that is given twice, or `.in` HEM_STDOUT; HEM_EAGAIN,
 * HEM_ENOMEM, HEM_EMFILE, HEM_ENFILE, HEM_ENOSPC: no child (any more).
 * create_subprocess_exec(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_subprocess_start(hem_subprocess *p,
                                           char *const argv[],
                                           const hem_subprocess_options *opts);

/*
 * Start `/bin/sh -c -- command`; otherwise as hem_subprocess_start(). That the
 * command is not found is told by the shell: exit code 127. Never put text of
 * others into it. create_subprocess_shell(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_subprocess_shell(hem_subprocess *p,
                                           const char *command,
                                           const hem_subprocess_options *opts);

/*
 * Return the stream to its standard input, or from its standard output or
 * error: closed (calls return HEM_EBADF) unless the option is HEM_PIPE. Closing
 * that of the input is how the child comes to read its end. [loop thread]
 */
HEM_API hem_stream *hem_subprocess_stdin(hem_subprocess *p);
HEM_API hem_stream *hem_subprocess_stdout(hem_subprocess *p);
HEM_API hem_stream *hem_subprocess_stderr(hem_subprocess *p);

/* Return its pid, also when it has ended. [loop thread] */
HEM_API pid_t hem_subprocess_pid(const hem_subprocess *p);

/*
 * Send it a signal; one that has ended and was not reaped takes no notice.
 * HEM_ESRCH: it was reaped. HEM_EBADF: closed, or inherited. HEM_EINVAL: no
 * such signal. HEM_EPERM: it has become another user. With `.whole_group`: send
 * it to all of its group, also when it has ended itself; HEM_ESRCH: nobody is
 * left. [loop thread]
 */
HEM_API HEM_CHECK int hem_subprocess_send_signal(hem_subprocess *p, int signo);

/* Send it SIGTERM; SIGKILL. Errors as above. [loop thread] */
HEM_API HEM_CHECK int hem_subprocess_terminate(hem_subprocess *p);
HEM_API HEM_CHECK int hem_subprocess_kill(hem_subprocess *p);

/*
 * Tell how it ended, if it has; Process.returncode. `ret` may be NULL.
 * HEM_EAGAIN: it runs. HEM_ECHILD, HEM_EBADF: as hem_subprocess_wait().
 * [loop thread]
 */
HEM_API HEM_CHECK int hem_subprocess_poll(hem_subprocess *p,
                                          hem_child_status *ret);

/*
 * Wait until it has ended, and tell how; returns at once if it has been
 * reaped. What still holds its pipes open, a child of its own, is not waited
 * for. `ret` may be NULL. HEM_ECHILD: somebody else reaped it, its status is
 * unknown. HEM_EBADF: closed, also meanwhile, or inherited. A cancelled wait
 * leaves it alone. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_subprocess_wait(hem_subprocess *p,
                                          hem_child_status *ret);

/* Return 0 if the status is that of a success, exit code 0; HEM_EEXITED: another
 * one; HEM_ESIGNALED: killed by a signal; the record has the number.
 * Python's check=True. [loop thread] */
HEM_API HEM_CHECK int hem_subprocess_check(const hem_child_status *status);

/* Takes the next `size` bytes of an output; may suspend. A negative error ends
 * the call that calls it. */
typedef int hem_subprocess_sink(void *arg, const void *data, size_t size);

/* Puts up to `size` bytes of input into `buf`, and returns how many, 0: that was
 * all; may suspend. A negative error ends the call that calls it. */
typedef ssize_t hem_subprocess_source(void *arg, void *buf, size_t size);

typedef struct hem_subprocess_communicate_options {
    size_t limit;   /* of bytes of each output that are kept; 0: 64 MiB */
    hem_ns timeout; /* of the whole; 0: none */
    hem_subprocess_source *source; /* of input, behind `input`; or NULL */
    void *source_arg;
    hem_subprocess_sink *out; /* takes the output as it comes; NULL: kept */
    void *out_arg;
    hem_subprocess_sink *err; /* the same */
    void *err_arg;
} hem_subprocess_communicate_options;

typedef struct hem_subprocess_output {
    hem_child_status status; /* how it ended, if the call returned 0 */
    char *out;               /* `out_size` bytes, and a NUL; or NULL: no pipe,
                                nothing came, or a sink took it */
    size_t out_size;
    char *err; /* the same */
    size_t err_size;
} hem_subprocess_output;

/*
 * Write `size` bytes of `input` to its standard input and close that; read its
 * output and errors to their ends; wait until it has ended: all at once, so
 * that nobody waits for each other for ever. What is no pipe is left out; if
 * the child does not want all its input, that is no error. Memory: what is
 * kept, or, with source and sinks, 64 KiB for each pipe. `ret` NULL: outputs
 * without sink are dropped. Process.communicate().
 *
 * `*ret` is set in any case, on errors with what had come until then, and is
 * to be freed by hem_subprocess_output_free(). HEM_EINVAL: `size` without
 * `input`; HEM_ELIMIT: an output is longer than the limit; HEM_ETIMEDOUT; HEM_ENOMEM; HEM_ECANCELED; errors of source
 * and sinks; those of hem_stream_read() and hem_subprocess_wait(): the child is
 * left alone, and the pipes that have not ended are open.
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK int
hem_subprocess_communicate(hem_subprocess *p, const void *input, size_t size,
                           hem_subprocess_output *ret,
                           const hem_subprocess_communicate_options *opts);

/* Free what is in `o`, which is empty then. NULL does nothing. [any thread] */
HEM_API void hem_subprocess_output_free(hem_subprocess_output *o);

typedef struct hem_subprocess_run_options {
    hem_subprocess_options start;
    hem_subprocess_communicate_options communicate;
    const void *input; /* `input_size` bytes; NULL: none */
    size_t input_size;
    bool check; /* other ends than with exit code 0 are errors, see above */
} hem_subprocess_run_options;

/*
 * Run a program from its start to its end: start, communicate, close. `opts`
 * and `ret` may be NULL; `*ret` is set in any case, and is to be freed. With
 * `.input` or `.communicate.source` its standard input is a pipe, as if
 * `.start.in` were HEM_PIPE; HEM_EINVAL: it is HEM_NULL or HEM_FD, or there is
 * an `.input_size` without `.input`. On errors,
 * those of the three, no child is left. subprocess.run().
 * [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_subprocess_run(char *const argv[],
                                         const hem_subprocess_run_options *opts,
                                         hem_subprocess_output *ret);

/*
 * Close it: the streams too. If it runs: close its input, send it SIGTERM (and
 * SIGCONT), wait for `.grace`, send SIGKILL, reap it. With `.whole_group` the
 * same for all of its group, also if it has ended itself (before Linux 6.9 who
 * outlives it then gets no grace). Its output is not read meanwhile. A caller that is cancelled meanwhile kills and reaps it at once.
 * It is closed in any case. Tasks that wait for it get HEM_EBADF. Returns at
 * once if it has been reaped; NULL does nothing. HEM_ECANCELED; HEM_EPERM: it
 * has become another user and cannot be killed, and goes on; HEM_EBADF: closed, also
 * meanwhile, or inherited. [suspends] [cancel point]
 */
HEM_API int hem_subprocess_close(hem_subprocess *p);

HEM_END_DECLS

#endif
