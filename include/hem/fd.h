/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of your own: a task waits until one is ready, or a function is
 * called whenever it is. For what hem has no calls for (a serial line, inotify,
 * a device), and for C libraries that bring descriptors and want to be told:
 * libcurl, c-ares, libpq, X11.
 *
 *     HEM_TRY(hem_fd_wait(inotify, HEM_READABLE));
 *     ssize_t n = read(inotify, buf, sizeof(buf));
 *
 *     static void on_socket(void *arg, int events) { library_act(arg, events); }
 *
 *     hem_fd_watch w;
 *     hem_fd_watch_init(&w, on_socket, library);
 *     HEM_TRY(hem_fd_watch_start(&w, library_socket(library), HEM_READABLE));
 *     ...
 *     hem_fd_watch_stop(&w);                   // before the library closes it
 *
 * A library's timers are hem_callback (loop.h). hem's streams, listeners and
 * datagram endpoints wait by themselves; their descriptors are refused here
 * with HEM_EEXIST.
 *
 * Readiness is that of the moment (level-triggered): a watch is told in each
 * turn of the loop until somebody has read what is there. What is said to be
 * ready may not be any more when it is used: another reader was faster, a
 * datagram was corrupt. So let the descriptor be non-blocking.
 *
 * In each direction of a descriptor there is one who waits, task or watch; the
 * next is refused with HEM_EBUSY. asyncio's add_reader(), which replaces, and
 * trio's wait_readable(), which refuses, differ; hem does as trio.
 *
 * Closing. The descriptor remains yours. End waits and watches before it is
 * closed, or close it by hem_fd_close(), which does that: the kernel does not
 * tell of a descriptor that was closed, and goes on telling of one that was
 * closed here while a duplicate is open elsewhere. Who waited for a descriptor
 * that was closed all the same is told of nothing that happens to the next one
 * of its number, and gets HEM_EBADF when somebody waits for that.
 *
 * Nothing here allocates for a wait or a watch. After a fork: watches of the
 * parent are stopped in the child.
 */
#ifndef HEM_FD_H
#define HEM_FD_H

#include "base.h"

HEM_BEGIN_DECLS

/* What is waited for, and what came. */
enum hem_fd_event {
    HEM_READABLE = 1, /* there is something to read, or the end of it */
    HEM_WRITABLE = 2, /* something can be written */
    HEM_URGENT = 4,   /* urgent data, or what the kind of descriptor means by
                         poll(2)'s POLLPRI */
    HEM_HANGUP = 8,   /* never asked for, always told: an error, or the other
                         end is gone; with all that was asked for of reading
                         and writing, which will not block */
};

struct hem__interest {     /* a wait or a watch for a descriptor */
    struct hem__fd fd;     /* of the first of a ring: the descriptor */
    struct hem__list ring; /* of those for the same descriptor */
    uint8_t events;        /* enum hem_fd_event: those it is for */
    uint8_t due;           /* those that it is about to be told of */
    /* These have come; or, below 0, it has been taken out. */
    void (*tell)(struct hem__interest *self, int events);
};

/*
 * Wait until the descriptor `fd` is ready for at least one of `events`, of
 * HEM_READABLE, HEM_WRITABLE and HEM_URGENT; returns which, perhaps with
 * HEM_HANGUP. A regular file or directory, which is always ready, is so after
 * one turn of the loop. Nothing is read or written, so a caller that is
 * cancelled has lost nothing. HEM_EINVAL: no or other events; HEM_EBADF: no
 * such descriptor, or closed meanwhile by hem_fd_close(); HEM_EEXIST: it is
 * hem's; HEM_EBUSY: there is one already who waits for one of the events;
 * HEM_ENOMEM, HEM_ENOSPC. [suspends] [cancel point]
 */
HEM_API HEM_CHECK int hem_fd_wait(int fd, int events);

/*
 * Close a descriptor of yours. Tasks that wait for it get HEM_EBADF; watches
 * are stopped and not told. As trio's notify_closing() and a close in one.
 * HEM_EBADF: not open; HEM_EEXIST: it is hem's, and stays open. [loop thread]
 */
HEM_API int hem_fd_close(int fd);

/* Called with the events that have come. In the loop, with no task current: it
 * must not suspend. It may stop and start any watch, also its own. */
typedef void hem_fd_watch_fn(void *arg, int events);

/* The caller's own; private. It stays where it is from start to stop. */
typedef struct hem_fd_watch {
    struct hem__interest interest; /* valid while it is for a descriptor */
    hem_fd_watch_fn *fn;           /* what to call, with `arg` */
    void *arg;
    int fd;           /* that it is started for; -1: stopped */
    uint32_t loop_id; /* of the loop in which it was started */
    bool waiting; /* its interest is in a ring: not while it is for nothing */
} hem_fd_watch;

/* Make `w` a watch that calls fn(arg, events), stopped. Touches no loop.
 * [any thread] */
HEM_API void hem_fd_watch_init(hem_fd_watch *w, hem_fd_watch_fn *fn, void *arg);

/*
 * Watch the descriptor `fd` for `events`, of HEM_READABLE, HEM_WRITABLE and
 * HEM_URGENT, or 0, none until hem_fd_watch_change(); asyncio's add_reader()
 * and add_writer(). HEM_EALREADY: it is started; HEM_EPERM: a regular file or
 * directory, which is always ready and cannot be watched; otherwise as
 * hem_fd_wait(). The watch is then stopped as before. [loop thread]
 */
HEM_API HEM_CHECK int hem_fd_watch_start(hem_fd_watch *w, int fd, int events);

/*
 * Watch for these events from now on, 0: for none. Fewer events are always
 * right. HEM_EMISUSE: it is not started; otherwise as hem_fd_watch_start(), and
 * nothing has changed. [loop thread]
 */
HEM_API HEM_CHECK int hem_fd_watch_change(hem_fd_watch *w, int events);

/* Stop: it will not be called any more, not even of what has come already, and
 * may be freed at once. Returns true if it was started. asyncio's
 * remove_reader() and remove_writer(). [loop thread] */
HEM_API bool hem_fd_watch_stop(hem_fd_watch *w);

HEM_END_DECLS

#endif
