/* SPDX-License-Identifier: MIT */
/*
 * Streams: what is kept, and sent in the background.
 *
 *     none --put--> kept --all sent--> none
 *                   kept --an error, or stalled--> failed --close--> none
 *
 * What is kept is sent when a put finds it possible and at each event of the
 * descriptor. While a task writes, only that part may go that was kept before
 * it began (`ahead`): its bytes come next, then what was put meanwhile. A layer
 * takes what is put at once and keeps it in its own way; here it is kept only
 * while a task writes.
 *
 * Who waits is in the list; whoever takes bytes off tells those for whom few
 * enough are left.
 */
#include <limits.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/log.h"
#include "io/bytes.h"
#include "io/layer.h"
#include "io/stream.h"

typedef struct hem__kept {
    hem_stream *stream;
    hem__list waiters;  /* struct drainer */
    hem__timer stalled; /* armed while bytes wait; its place is reserved */
    hem__bytes bytes;
    size_t ahead; /* so many go before the task that writes */
    int error;    /* nothing more will be sent; 0: it will */
} hem__kept;

/* A task that waits, in its frame. */
struct drainer {
    hem__list link;
    hem__fiber *fiber;
    size_t most;
};

static bool cancel_drain(hem_loop *l, hem__fiber *f, const char *why)
{
    struct drainer *d = f->wait_on;
    hem__list_unlink(&d->link);
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_drain = {"drain", cancel_drain};

/* Tell those that wait for at most so much, with a status. */
static void tell(hem__kept *k, size_t left, int status)
{
    for (hem__list *e = k->waiters.next, *next; e != &k->waiters; e = next) {
        struct drainer *d = HEM__CONTAINER(e, struct drainer, link);
        next = e->next;
        if (d->most < left)
            continue;
        hem__list_unlink(e);
        hem__wake(hem__loop, d->fiber, status);
    }
}

/* The descriptor is waited for, as time must know (clock.c). */
static void count_waiter(hem_stream *s, int by)
{
    if (s->how != HEM__HOW_LAYER)
        hem__loop->fd_waiters += (uint32_t)by;
}

static void destroy(hem__kept *k)
{
    hem_stream *s = k->stream;
    HEM__ASSERT(hem__list_empty(&k->waiters));
    hem__timer_disarm(&hem__loop->timers, &k->stalled);
    hem__timers_release(&hem__loop->timers);
    if (!k->error)
        count_waiter(s, -1);
    s->kept = NULL;
    s->fd.on_ready = NULL;
    hem__bytes_clear(&k->bytes);
    hem__free(k);
}

static void fail(hem__kept *k, int error)
{
    hem__timer_disarm(&hem__loop->timers, &k->stalled);
    count_waiter(k->stream, -1);
    k->error = error;
    k->ahead = 0;
    hem__bytes_clear(&k->bytes);
    tell(k, 0, error);
}

static void stalled(hem__timer *t)
{
    fail(HEM__CONTAINER(t, hem__kept, stalled), HEM_ETIMEDOUT);
}

static size_t sendable(const hem__kept *k)
{
    return k->stream->writing == HEM__USE_BUSY ? k->ahead : k->bytes.size;
}

/* From now on no byte may be waited for longer than `write_stall`. */
static void watch_stall(hem__kept *k)
{
    hem_loop *l = hem__loop;
    hem_stream *s = k->stream;
    hem__timer_disarm(&l->timers, &k->stalled);
    if (s->write_stall && sendable(k) > 0)
        hem__loop_arm(
            l, &k->stalled,
            hem__deadline(hem__loop_now(l), s->write_stall * HEM_MSEC));
}

static void took(hem__kept *k, size_t size)
{
    hem__bytes_drop(&k->bytes, size);
    if (k->stream->writing == HEM__USE_BUSY)
        k->ahead -= size;
    tell(k, k->bytes.size, 0);
}

/* Send what goes; without an error and empty, what is kept is gone. */
static void push(hem__kept *k)
{
    hem_stream *s = k->stream;
    bool moved = !hem__timer_armed(&k->stalled);
    while (!k->error && sendable(k) > 0 && hem__fd_may(&s->fd, HEM__FD_WRITE)) {
        ssize_t n =
            hem__stream_write_now(s, hem__bytes_first(&k->bytes), sendable(k));
        if (n == HEM_EAGAIN)
            break;
        moved = true;
        if (n < 0)
            fail(k, (int)n);
        else
            took(k, (size_t)n);
    }
    if (!k->error && k->bytes.size == 0)
        destroy(k);
    else if (!k->error && moved)
        watch_stall(k);
}

/* The same for a layer, which takes all. */
static void hand_over(hem__kept *k)
{
    hem_stream *s = k->stream;
    if (k->error || s->writing)
        return;
    size_t size = k->bytes.size;
    int rc = hem__layer_put(s->layer, hem__bytes_first(&k->bytes), size);
    if (rc < 0) {
        fail(k, rc);
        return;
    }
    s->bytes_written += size;
    took(k, size);
    destroy(k);
}

static void on_ready(hem__fd *d)
{
    hem_stream *s = HEM__CONTAINER(d, hem_stream, fd);
    if (s->kept)
        push(s->kept);
}

/* So that the loop will tell when there is room. */
static int watch(hem_loop *l, hem_stream *s)
{
    if (s->how == HEM__HOW_LAYER)
        return 0;
    int rc = hem__fd_watch(l, &s->fd, HEM__FD_WRITE);
    return rc == HEM_EPERM ? 0 : rc; /* a device that is always ready */
}

static int create(hem_loop *l, hem_stream *s, hem__kept **ret)
{
    HEM_TRY(watch(l, s));
    hem__kept *k = hem__calloc(sizeof(*k));
    if (!k)
        return HEM_ENOMEM;
    if (hem__timers_reserve(&l->timers) < 0) {
        hem__free(k);
        return HEM_ENOMEM;
    }
    k->stream = s;
    k->stalled.fire = stalled;
    hem__list_init(&k->waiters);
    count_waiter(s, 1);
    s->fd.on_ready = on_ready;
    s->kept = k;
    *ret = k;
    return 0;
}

/* Keep bytes behind those that are. */
static int keep(hem_loop *l, hem_stream *s, const void *buf, size_t size)
{
    hem__kept *k = s->kept;
    if (!k)
        HEM_TRY(create(l, s, &k));
    int rc = hem__bytes_reserve(&k->bytes, size);
    if (rc == 0)
        hem__bytes_add(&k->bytes, buf, size);
    else if (k->bytes.size == 0)
        destroy(k);
    return rc;
}

/* A file is never full, and epoll knows none. */
static int put_file(hem_stream *s, const char *p, size_t size)
{
    while (size > 0) {
        ssize_t n = hem__stream_write_now(s, p, size);
        HEM_TRY(n);
        p += n;
        size -= (size_t)n;
    }
    return 0;
}

static int put_layer(hem_loop *l, hem_stream *s, const void *buf, size_t size)
{
    if (s->kept || s->writing)
        return keep(l, s, buf, size);
    HEM_TRY(hem__layer_put(s->layer, buf, size));
    s->bytes_written += size;
    return 0;
}

static int error_of(const hem_stream *s)
{
    if (s->kept && s->kept->error)
        return s->kept->error;
    return s->layer && s->layer->below ? error_of(s->layer->below) : 0;
}

/* Whether more than `high_water` was put; what a write has in a layer is not. */
static bool is_high(const hem_stream *s)
{
    if (s->layer && s->writing)
        return s->kept && s->kept->bytes.size > s->high_water;
    return hem_stream_pending(s) > s->high_water;
}

static int may_put(const hem_stream *s, size_t size)
{
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    if (s->writing > HEM__USE_BUSY)
        return hem__stream_unusable(s->writing);
    if (s->ending)
        return HEM_EPIPE;
    if (size > SSIZE_MAX)
        return HEM_EMSGSIZE;
    if (s->layer && !s->layer->transport->put)
        return HEM_ENOTSUP;
    HEM_TRY(error_of(s));
    return !s->beneath && is_high(s) ? HEM_ELIMIT : 0;
}

int hem_stream_put(hem_stream *s, const void *buf, size_t size)
{
    HEM_TRY(may_put(s, size));
    hem_loop *l = hem__loop_need("hem_stream_put");
    if (size == 0)
        return 0;
    if (s->how == HEM__HOW_LAYER)
        return put_layer(l, s, buf, size);
    if (s->how == HEM__HOW_FILE && !s->writing)
        return put_file(s, buf, size);
    bool first = !s->kept;
    HEM_TRY(keep(l, s, buf, size));
    if (first)
        push(s->kept);
    return s->kept ? s->kept->error : 0;
}

size_t hem_stream_pending(const hem_stream *s)
{
    if (!hem__fd_is_open(&s->fd))
        return 0;
    size_t size = s->kept ? s->kept->bytes.size : 0;
    return s->layer ? size + hem__layer_pending(s->layer) : size;
}

int hem__kept_wait(hem_stream *s, size_t most)
{
    hem__kept *k = s->kept;
    if (k && k->error)
        return k->error;
    if (k && k->bytes.size > most) {
        hem_loop *l = hem__loop;
        hem__fiber *f = l->current;
        struct drainer d = {.fiber = f, .most = most};
        hem__list_insert(&k->waiters, &d.link);
        f->wait_on = &d;
        HEM_TRY(hem__park(l, f, &wait_drain));
    }
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    return s->layer ? hem__layer_drain(s->layer, most) : 0;
}

/* Wait until not more than `most` is kept, if it is more than `limit`. */
static int drain(hem_stream *s, size_t limit, size_t most, const char *function)
{
    hem__stream_call c;
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    HEM_TRY(hem__stream_enter(&c, s, function));
    HEM_TRY(error_of(s));
    return hem_stream_pending(s) > limit ? hem__kept_wait(s, most) : 0;
}

int hem_stream_drain(hem_stream *s)
{
    return drain(s, s->high_water, s->high_water / 4, "hem_stream_drain");
}

int hem_stream_flush(hem_stream *s)
{
    return drain(s, 0, 0, "hem_stream_flush");
}

int hem_stream_drain_to(hem_stream *s, size_t most)
{
    return drain(s, most, most, "hem_stream_drain_to");
}

int hem__kept_first(hem__stream_call *c)
{
    hem_stream *s = c->stream;
    if (s->kept)
        s->kept->ahead = s->kept->bytes.size;
    for (;;) {
        if (s->kept && s->how != HEM__HOW_LAYER)
            push(s->kept);
        hem__kept *k = s->kept;
        if (!k || k->error || k->ahead == 0)
            return k ? k->error : 0;
        HEM_TRY(hem__stream_wait_write(c));
    }
}

void hem__kept_resume(hem_stream *s)
{
    s->kept->ahead = 0; /* until the next one has begun */
    if (s->how == HEM__HOW_LAYER)
        hand_over(s->kept);
    else
        push(s->kept);
}

bool hem__kept_close(hem_stream *s, bool abort)
{
    if (s->kept && !abort && s->how != HEM__HOW_LAYER) {
        s->fd.ready |= HEM__FD_WRITE; /* there may be news */
        push(s->kept);
    }
    hem__kept *k = s->kept;
    if (!k)
        return false;
    tell(k, 0, HEM_EBADF);
    destroy(k);
    return true;
}

void hem__kept_moved(hem_stream *s)
{
    if (s->kept)
        s->kept->stream = s;
}
