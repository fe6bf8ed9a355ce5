/* SPDX-License-Identifier: MIT */
/*
 * Many datagrams at once.
 *
 * sendmmsg stops at the first that cannot be sent, and tells why only if that is
 * the first of the call: so the rest is handed over again, until each message
 * has its status. recvmmsg keeps an error behind datagrams for the next call.
 */
#include <string.h>

#include "base/sys.h"
#include "io/datagram.h"

#define CHUNK 64

struct chunk {
    struct mmsghdr headers[CHUNK];
    struct iovec parts[CHUNK];
};

static void add(struct chunk *k, unsigned i, hem_datagram_message *m,
                bool has_address, socklen_t address_length)
{
    k->parts[i] = (struct iovec){.iov_base = m->data, .iov_len = m->size};
    memset(&k->headers[i], 0, sizeof(k->headers[i]));
    struct msghdr *h = &k->headers[i].msg_hdr;
    h->msg_iov = &k->parts[i];
    h->msg_iovlen = 1;
    if (has_address) {
        h->msg_name = &m->address.storage;
        h->msg_namelen = address_length;
    }
}

/* Receiving. */

static int receive_now(hem_datagram *d, struct chunk *k,
                       hem_datagram_message *messages, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        add(k, i, &messages[i], true, sizeof(messages[i].address.storage));
    return hem__sys_recvmmsg(d->fd.fd, k->headers, count,
                             MSG_DONTWAIT | MSG_TRUNC);
}

static void take_received(hem_datagram_message *m, const struct mmsghdr *h)
{
    size_t size = h->msg_len;
    bool truncated = h->msg_hdr.msg_flags & MSG_TRUNC;
    m->info = (hem_datagram_info){.size = size, .truncated = truncated};
    m->status = (ssize_t)(truncated ? m->size : size);
    m->address.length = h->msg_hdr.msg_namelen;
    if (m->address.length == 0)
        m->address.storage.ss_family = AF_UNSPEC;
    hem__datagram_unmap(&m->address);
}

ssize_t hem_datagram_receive_many(hem_datagram *d,
                                  hem_datagram_message *messages, size_t count)
{
    struct chunk k;
    hem__datagram_call c;
    if (count == 0)
        return HEM_EINVAL;
    HEM_TRY(
        hem__datagram_begin(&c, d, HEM__FD_READ, "hem_datagram_receive_many"));
    unsigned max = count < CHUNK ? (unsigned)count : CHUNK;
    int n = HEM_EAGAIN;
    if (hem__datagram_may(&c))
        n = receive_now(d, &k, messages, max);
    while (n < 0) {
        int rc = hem__datagram_retry(&c, n);
        if (rc < 0)
            return hem__datagram_end(&c, rc);
        n = receive_now(d, &k, messages, max);
    }
    if ((unsigned)n < max) /* the socket is empty, or has an error to tell */
        hem__fd_exhausted(&d->fd, HEM__FD_READ);
    for (int i = 0; i < n; i++)
        take_received(&messages[i], &k.headers[i]);
    return hem__datagram_end(&c, n);
}

/* Sending. */

static const hem_address *to_of(const hem_datagram_message *m)
{
    return m->address.length ? &m->address : NULL;
}

/* Send the messages up to the first that cannot be sent; returns how many, or
 * the error of the first. */
static int send_now(hem_datagram *d, struct chunk *k,
                    hem_datagram_message *messages, size_t count)
{
    unsigned fit = 0;
    while (fit < count && fit < CHUNK) {
        hem_datagram_message *m = &messages[fit];
        int rc = hem__datagram_check_to(d, to_of(m));
        if (rc < 0 && fit == 0)
            return rc;
        if (rc < 0)
            break;
        add(k, fit++, m, to_of(m) != NULL, m->address.length);
    }
    return hem__sys_sendmmsg(d->fd.fd, k->headers, fit, MSG_NOSIGNAL);
}

/* Whether an error ends the call, not only one message. */
static bool ends(int rc)
{
    return rc == HEM_ECANCELED || rc == HEM_EBADF;
}

/* A call of send_many. */
struct batch {
    hem__datagram_call call;
    hem_datagram_message *next; /* behind those that have a status */
    hem_datagram_message *end;
    size_t sent;
};

static void note_sent(struct batch *b, const struct chunk *k, int n)
{
    for (int i = 0; i < n; i++)
        b->next++->status = (ssize_t)k->headers[i].msg_len;
    b->sent += (size_t)n;
    b->call.forgiven = 0;
}

/* Others have their turn, each datagram being a call. */
static int give_way(const struct batch *b, uint32_t tried)
{
    hem_loop *l = b->call.loop;
    const hem__fd *fd = &b->call.datagram->fd;
    uint32_t gen = fd->gen;
    l->io_budget -= tried < l->io_budget ? tried : l->io_budget;
    HEM_TRY(hem__io_checkpoint(l, b->call.fiber));
    return hem__fd_is_open(fd) && fd->gen == gen ? 0 : HEM_EBADF;
}

/* After a call that sent `n`, or said why none can be sent. */
static int take_outcome(struct batch *b, const struct chunk *k, int n)
{
    if (n >= 0) {
        note_sent(b, k, n);
        return 0;
    }
    n = hem__datagram_retry(&b->call, n);
    if (ends(n))
        return n;
    if (n < 0) {
        b->next++->status = n;
        b->call.forgiven = 0;
    }
    return 0;
}

/* Send until all have a status, or return the error that ends the call. */
static int send_all(struct batch *b)
{
    struct chunk k;
    int n = hem__datagram_may(&b->call) ? 0 : HEM_EAGAIN;
    for (;;) {
        const hem_datagram_message *before = b->next;
        if (n == 0)
            n = send_now(b->call.datagram, &k, b->next,
                         (size_t)(b->end - b->next));
        HEM_TRY(take_outcome(b, &k, n));
        if (b->next == b->end)
            return 0;
        HEM_TRY(give_way(b, (uint32_t)(b->next - before)));
        n = 0;
    }
}

ssize_t hem_datagram_send_many(hem_datagram *d, hem_datagram_message *messages,
                               size_t count)
{
    if (count == 0)
        return HEM_EINVAL;
    struct batch b = {.next = messages, .end = messages + count};
    int rc = hem__datagram_begin(&b.call, d, HEM__FD_WRITE,
                                 "hem_datagram_send_many");
    if (rc == 0)
        rc = (int)hem__datagram_end(&b.call, send_all(&b));
    while (b.next < b.end)
        b.next++->status = rc;
    if (rc < 0)
        return rc;
    return b.sent ? (ssize_t)b.sent : messages[0].status;
}
