/* SPDX-License-Identifier: MIT */
/*
 * Moving bytes between OpenSSL and the stream below. A task that reads TLS and
 * one that writes may both need bytes from below, or both wait until below has
 * sent; below takes one of each. The second waits for the first, and looks
 * again.
 */
#include "hem/timeout.h"
#include "tls/tls.h"

static void tell(tls__stream *t)
{
    hem_event_set(&t->moved);
    hem_event_clear(&t->moved);
}

static int wait_for_other(tls__stream *t)
{
    HEM_TRY(hem_event_wait(&t->moved));
    return t->closed ? HEM_EBADF : 0;
}

/* Whether it is our own patience that has ended, or memory that lacks. */
static bool may_go_on(int error)
{
    return error == HEM_ECANCELED || error == HEM_ETIMEDOUT ||
           error == HEM_ENOMEM;
}

int tls__pull(tls__stream *t, hem_stream *below)
{
    if (t->pulling)
        return wait_for_other(t);
    if (t->in_size > 0)
        return 0; /* another task has, and OpenSSL has not seen it yet */
    char *p = NULL;
    t->pulling = true;
    ssize_t n = hem_stream_read_some(below, &p);
    t->pulling = false;
    tell(t);
    if (n == 0)
        n = HEM_ETRUNCATED;
    if (n < 0 && !may_go_on((int)n))
        t->cut = true;
    if (n < 0)
        return (int)n;
    t->in = p;
    t->in_size = (size_t)n;
    return 0;
}

int tls__pull_to_write(tls__stream *t, hem_stream *below)
{
    hem_timeout limit;
    HEM_TRY(hem_timeout_open(&limit, hem_stream_write_stall(below)));
    return hem_timeout_close(&limit, tls__pull(t, below));
}

int tls__push(tls__stream *t, hem_stream *below)
{
    if (t->out.size == 0)
        return 0;
    int rc = hem_stream_put(below, t->out.data, t->out.size);
    if (rc == 0)
        tls__bytes_drop(&t->out);
    return rc;
}

size_t tls__pending(const tls__stream *t, const hem_stream *below)
{
    return t->held.size + t->out.size + hem_stream_pending(below);
}

/* Wait once until below has sent. */
static int wait_below(tls__stream *t, hem_stream *below, size_t most)
{
    if (t->draining)
        return wait_for_other(t);
    t->draining = true;
    int rc = hem_stream_drain_to(below, most);
    t->draining = false;
    tell(t);
    return rc;
}

int tls__drain(tls__stream *t, hem_stream *below, size_t most)
{
    for (;;) {
        HEM_TRY(tls__push(t, below));
        if (hem_stream_pending(below) <= most)
            return hem_stream_put(below, NULL, 0); /* or was it given up? */
        HEM_TRY(wait_below(t, below, most));
    }
}
