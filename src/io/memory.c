/* SPDX-License-Identifier: MIT */
/*
 * Streams in memory: two ends and two ways. A way is a queue of bytes from one
 * end to the other. It is full when it holds `size`; only what is put goes
 * beyond that, and counts as pending. Each end is the layer of a stream; the
 * pair goes when both are released.
 *
 *     open --shutdown_write, close--> finished: the reader meets the end
 *          --abort--> reset: the reader gets HEM_ECONNRESET
 *          --the reader closes--> deaf: the writer gets HEM_EPIPE
 */
#include <string.h>

#include "base/alloc.h"
#include "hem/event.h"
#include "hem/pipe.h"
#include "hem/transport.h"
#include "io/bytes.h"
#include "io/stream.h"

struct way {
    hem__bytes bytes;
    size_t size;      /* when it is full */
    bool finished;    /* no more will be written */
    bool reset;       /* the writer has aborted */
    bool deaf;        /* nobody will read */
    hem_event filled; /* or anything else that concerns the reader */
    hem_event taken;  /* or anything else that concerns those who write */
};

struct end {
    struct way *in;
    struct way *out;
    struct pair *pair;
    bool closed;
};

struct pair {
    struct way ways[2];
    struct end ends[2];
    int released;
};

static ssize_t take(struct way *w, void *buf, size_t size)
{
    size_t n = size < w->bytes.size ? size : w->bytes.size;
    memcpy(buf, hem__bytes_first(&w->bytes), n);
    hem__bytes_drop(&w->bytes, n);
    hem_event_set(&w->taken);
    return (ssize_t)n;
}

static ssize_t memory_read(void *layer, hem_stream *below, void *buf,
                           size_t size)
{
    struct end *e = layer;
    struct way *w = e->in;
    (void)below;
    for (;;) {
        if (e->closed)
            return HEM_EBADF;
        if (w->reset)
            return HEM_ECONNRESET;
        if (w->bytes.size > 0)
            return take(w, buf, size);
        if (w->finished)
            return 0;
        hem_event_clear(&w->filled);
        HEM_TRY(hem_event_wait(&w->filled));
    }
}

/* Whether the other end can be told anything. */
static int may_write(const struct end *e)
{
    if (e->closed)
        return HEM_EBADF;
    if (e->in->reset)
        return HEM_ECONNRESET;
    return e->out->finished || e->out->deaf ? HEM_EPIPE : 0;
}

static int add(struct way *w, const void *buf, size_t size)
{
    HEM_TRY(hem__bytes_reserve(&w->bytes, size));
    hem__bytes_add(&w->bytes, buf, size);
    hem_event_set(&w->filled);
    return 0;
}

/* Wait until the way holds at most `most` bytes. */
static int wait_room(struct end *e, size_t most)
{
    for (;;) {
        HEM_TRY(may_write(e));
        if (e->out->bytes.size <= most)
            return 0;
        hem_event_clear(&e->out->taken);
        HEM_TRY(hem_event_wait(&e->out->taken));
    }
}

static ssize_t memory_write(void *layer, hem_stream *below, const void *buf,
                            size_t size)
{
    struct end *e = layer;
    (void)below;
    HEM_TRY(wait_room(e, e->out->size - 1));
    size_t room = e->out->size - e->out->bytes.size;
    size_t n = size < room ? size : room;
    HEM_TRY(add(e->out, buf, n));
    return (ssize_t)n;
}

static int memory_put(void *layer, hem_stream *below, const void *buf,
                      size_t size)
{
    struct end *e = layer;
    (void)below;
    HEM_TRY(may_write(e));
    return add(e->out, buf, size);
}

static int memory_drain(void *layer, hem_stream *below, size_t most)
{
    struct end *e = layer;
    size_t limit;
    (void)below;
    if (__builtin_add_overflow(e->out->size, most, &limit))
        limit = SIZE_MAX;
    return e->out->bytes.size > limit ? wait_room(e, limit) : 0;
}

static size_t memory_pending(void *layer, hem_stream *below)
{
    const struct way *w = ((struct end *)layer)->out;
    (void)below;
    return w->bytes.size > w->size ? w->bytes.size - w->size : 0;
}

static void tell_all(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        hem_event_set(&p->ways[i].filled);
        hem_event_set(&p->ways[i].taken);
    }
}

static int memory_shutdown_write(void *layer, hem_stream *below)
{
    struct end *e = layer;
    (void)below;
    if (e->in->reset)
        return HEM_ENOTCONN;
    e->out->finished = true;
    tell_all(e->pair);
    return 0;
}

static void memory_close(void *layer, hem_stream *below, bool abort)
{
    struct end *e = layer;
    (void)below;
    e->closed = true;
    e->out->finished = true;
    e->in->deaf = true;
    hem__bytes_clear(&e->in->bytes);
    if (abort) {
        e->out->reset = true;
        hem__bytes_clear(&e->out->bytes);
    }
    tell_all(e->pair);
}

static void memory_release(void *layer)
{
    struct pair *p = ((struct end *)layer)->pair;
    if (++p->released < 2)
        return;
    hem__bytes_clear(&p->ways[0].bytes);
    hem__bytes_clear(&p->ways[1].bytes);
    hem__free(p);
}

static const hem_transport memory = {.name = "memory",
                                     .read = memory_read,
                                     .write = memory_write,
                                     .put = memory_put,
                                     .drain = memory_drain,
                                     .pending = memory_pending,
                                     .shutdown_write = memory_shutdown_write,
                                     .close = memory_close,
                                     .release = memory_release};

static struct pair *create(size_t size)
{
    struct pair *p = hem__calloc(sizeof(*p));
    if (!p)
        return NULL;
    for (int i = 0; i < 2; i++) {
        p->ways[i].size = size ? size : HEM__STREAM_LIMIT;
        hem_event_init(&p->ways[i].filled);
        hem_event_init(&p->ways[i].taken);
        p->ends[i] =
            (struct end){.in = &p->ways[i], .out = &p->ways[1 - i], .pair = p};
    }
    return p;
}

int hem_stream_pair(hem_stream *a, hem_stream *b,
                    const hem_stream_pair_options *opts)
{
    static const hem_stream_pair_options defaults;
    const hem_stream_pair_options *o = opts ? opts : &defaults;
    (void)hem__loop_need("hem_stream_pair");
    *a = *b = (hem_stream){.limit = 0};
    HEM_TRY(hem__stream_check_limits(&o->limits));
    struct pair *p = create(o->size);
    if (!p)
        return HEM_ENOMEM;
    int rc = hem_stream_open(a, &memory, &p->ends[0], 0);
    if (rc == 0)
        rc = hem_stream_open(b, &memory, &p->ends[1], 0);
    if (rc < 0) {
        if (hem_stream_close(a) < 0)
            memory_release(&p->ends[0]);
        memory_release(&p->ends[1]);
        return rc;
    }
    hem__stream_apply_limits(a, &o->limits);
    hem__stream_apply_limits(b, &o->limits);
    return 0;
}
