/* SPDX-License-Identifier: MIT */
/* Streams: the end of writing, and of all. Closing never waits. */
#include "base/alloc.h"
#include "base/sys.h"
#include "io/layer.h"
#include "io/stream.h"

/* A pipe's reader meets the end when nobody has it open for writing: so close
 * it, and keep the stream open without. */
static int end_plain(hem__stream_call *w)
{
    hem_stream *s = w->stream;
    struct stat st;
    HEM_TRY(hem__sys_fstat(s->fd.fd, &st));
    if (!S_ISFIFO(st.st_mode) || s->reading != HEM__USE_REFUSED || s->borrowed)
        return HEM_ENOTSUP;
    (void)hem__fd_close(w->loop, &s->fd);
    hem__fd_open_none(w->loop, &s->fd);
    s->how = HEM__HOW_ENDED;
    return 0;
}

static int end_writing(hem__stream_call *w)
{
    hem_stream *s = w->stream;
    if (s->how == HEM__HOW_LAYER)
        return hem__layer_shutdown_write(s->layer);
    if (s->how == HEM__HOW_SOCKET)
        return hem__sys_shutdown(s->fd.fd, SHUT_WR);
    return end_plain(w);
}

int hem_stream_shutdown_write(hem_stream *s)
{
    hem__stream_call w;
    if (hem__fd_is_open(&s->fd) && s->writing == HEM__USE_ENDED)
        return 0;
    if (hem__fd_is_open(&s->fd) && s->ending)
        return HEM_EBUSY;
    s->ending = true; /* nothing is kept that could not be sent any more */
    int rc = hem__stream_begin_write(&w, s, "hem_stream_shutdown_write");
    if (rc == 0)
        rc = (int)hem__stream_end_write(&w, end_writing(&w));
    s->ending = false;
    if (rc == 0)
        s->writing = HEM__USE_ENDED;
    return rc;
}

static void close_descriptor(hem_loop *l, hem_stream *s)
{
    if (s->borrowed)
        hem__fd_release(l, &s->fd);
    else if (s->on_threads > 0)
        hem__fd_close_early(l, &s->fd);
    else
        (void)hem__fd_close(l, &s->fd);
}

/* Whether a call is suspended that reads into the buffer when it goes on. */
static bool is_being_filled(const hem_stream *s)
{
    return s->reading == HEM__USE_BUSY &&
           (s->how == HEM__HOW_LAYER || s->how == HEM__HOW_FILE);
}

static int close_stream(hem_stream *s, bool abort)
{
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    hem_loop *l = hem__loop_need("hem_stream_close");
    bool lost = hem__kept_close(s, abort);
    struct linger now = {.l_onoff = 1};
    if (abort && s->how == HEM__HOW_SOCKET && !s->borrowed)
        (void)setsockopt(s->fd.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    int rc = 0;
    close_descriptor(l, s);
    if (!is_being_filled(s)) /* else its reader drops it */
        hem__stream_drop_buffer(s);
    hem__free(s->proxied);
    s->proxied = NULL;
    if (s->layer)
        rc = hem__layer_close(s->layer, abort);
    s->layer = NULL;
    return lost && !abort ? HEM_EINCOMPLETE : rc;
}

int hem_stream_close(hem_stream *s)
{
    return s ? close_stream(s, false) : 0;
}

int hem_stream_abort(hem_stream *s)
{
    return s ? close_stream(s, true) : 0;
}

/* Unless a task reads, which sees the peer's end itself. */
static int linger(hem_stream *s)
{
    if (!hem__fd_is_open(&s->fd) || s->how != HEM__HOW_LAYER || s->reading)
        return 0;
    s->reading = HEM__USE_BUSY;
    int rc = hem__layer_linger(s->layer);
    hem__stream_end_read(s);
    return rc;
}

/* Send all and say so. */
static int say_goodbye(hem_stream *s)
{
    HEM_TRY(hem_stream_flush(s));
    if (s->writing > HEM__USE_BUSY) /* there is nothing to say */
        return 0;
    int rc = hem_stream_shutdown_write(s);
    if (rc == HEM_ENOTSUP || rc == HEM_ENOTCONN)
        rc = 0;
    if (rc == 0)
        rc = hem_stream_flush(s);
    return rc == 0 ? linger(s) : rc;
}

int hem_stream_aclose(hem_stream *s)
{
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    uint32_t gen = s->fd.gen;
    int rc = say_goodbye(s);
    bool ended = s->how == HEM__HOW_ENDED;
    if (!hem__fd_is_open(&s->fd) || (s->fd.gen != gen && !ended))
        return rc < 0 ? rc : HEM_EBADF; /* it was somebody else who closed it */
    if (rc == 0)
        return hem_stream_close(s);
    (void)hem_stream_abort(s);
    return rc;
}
