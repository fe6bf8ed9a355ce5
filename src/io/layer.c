/* SPDX-License-Identifier: MIT */
#include "io/layer.h"

#include <string.h>

#include "base/alloc.h"
#include "io/stream.h"

static void enter(hem__layer *y)
{
    y->calls++;
}

static void leave(hem__layer *y)
{
    if (--y->calls > 0 || !y->closed)
        return;
    if (y->transport->release)
        y->transport->release(y->layer);
    hem__free(y);
}

/* What a call that was suspended while the stream was closed returns. */
static ssize_t outcome(const hem__layer *y, ssize_t result)
{
    return y->closed ? HEM_EBADF : result;
}

ssize_t hem__layer_read(hem__layer *y, void *buf, size_t size)
{
    enter(y);
    ssize_t n = outcome(y, y->transport->read(y->layer, y->below, buf, size));
    leave(y);
    return n;
}

ssize_t hem__layer_write(hem__layer *y, const void *buf, size_t size)
{
    enter(y);
    ssize_t n = outcome(y, y->transport->write(y->layer, y->below, buf, size));
    leave(y);
    return n;
}

int hem__layer_shutdown_write(hem__layer *y)
{
    if (!y->transport->shutdown_write)
        return HEM_ENOTSUP;
    enter(y);
    int rc = (int)outcome(y, y->transport->shutdown_write(y->layer, y->below));
    leave(y);
    return rc;
}

int hem__layer_linger(hem__layer *y)
{
    if (!y->transport->linger)
        return 0;
    enter(y);
    int rc = (int)outcome(y, y->transport->linger(y->layer, y->below));
    leave(y);
    return rc;
}

int hem__layer_put(hem__layer *y, const void *buf, size_t size)
{
    return y->transport->put(y->layer, y->below, buf, size);
}

int hem__layer_drain(hem__layer *y, size_t most)
{
    enter(y);
    int rc = 0;
    if (y->transport->drain)
        rc = y->transport->drain(y->layer, y->below, most);
    else if (y->below)
        rc = hem__kept_wait(y->below, most);
    rc = (int)outcome(y, rc);
    leave(y);
    return rc;
}

size_t hem__layer_pending(hem__layer *y)
{
    if (y->transport->pending)
        return y->transport->pending(y->layer, y->below);
    return y->below ? hem_stream_pending(y->below) : 0;
}

/* Whether the layer could not hand all of what was put to the stream below. */
static bool keeps_some(const hem__layer *y)
{
    return y->transport->pending && y->transport->pending(y->layer, y->below) >
                                        hem_stream_pending(y->below);
}

int hem__layer_close(hem__layer *y, bool abort)
{
    int rc = 0;
    enter(y);
    y->closed = true;
    if (y->transport->close)
        y->transport->close(y->layer, y->below, abort);
    if (y->below) {
        bool lost = !abort && keeps_some(y);
        rc = abort ? hem_stream_abort(y->below) : hem_stream_close(y->below);
        rc = lost && rc == 0 ? HEM_EINCOMPLETE : rc;
    }
    leave(y);
    return rc;
}

int hem_stream_may_push(const hem_stream *s)
{
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    if (s->reading == HEM__USE_BUSY || s->writing == HEM__USE_BUSY)
        return HEM_EBUSY;
    return s->begin == s->end ? 0 : HEM_EPROTO;
}

int hem_stream_push(hem_stream *s, const hem_transport *transport, void *layer)
{
    HEM_TRY(hem_stream_may_push(s));
    hem_loop *l = hem__loop_need("hem_stream_push");
    hem__layer *y = hem__alloc(sizeof(*y));
    if (!y)
        return HEM_ENOMEM;
    *y = (hem__layer){.transport = transport, .layer = layer, .under = *s};
    y->below = &y->under;
    hem__fd_move(l, &y->under.fd, &s->fd);
    hem__kept_moved(&y->under);
    hem__stream_init_layered(l, s, y, y->under.limit);
    s->high_water = y->under.high_water;
    y->under.beneath = true;
    return 0;
}

int hem_stream_open(hem_stream *s, const hem_transport *transport, void *layer,
                    uint32_t limit)
{
    hem_loop *l = hem__loop_need("hem_stream_open");
    hem__layer *y = hem__alloc(sizeof(*y));
    if (!y)
        return HEM_ENOMEM;
    *y = (hem__layer){.transport = transport, .layer = layer};
    hem__stream_init_layered(l, s, y, limit);
    return 0;
}

int hem_stream_find_layer(const hem_stream *s, const hem_transport *transport,
                          void **ret)
{
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    for (; s && s->layer; s = s->layer->below) {
        if (s->layer->transport == transport) {
            *ret = s->layer->layer;
            return 0;
        }
    }
    return HEM_EINVAL;
}
