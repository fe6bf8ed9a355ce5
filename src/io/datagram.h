/* SPDX-License-Identifier: MIT */
/*
 * Datagrams, inside. datagram_open.c makes endpoints, datagram_group.c sees
 * to multicast, datagram.c receives and sends, datagram_batch.c many at once.
 */
#ifndef HEM__IO_DATAGRAM_H
#define HEM__IO_DATAGRAM_H

#include "hem/datagram.h"
#include "loop/fd.h"

/* A call that receives or sends, from its beginning to its end. */
typedef struct hem__datagram_call {
    hem_loop *loop;
    hem__fiber *fiber;
    hem_datagram *datagram;
    uint8_t direction; /* HEM__FD_READ or HEM__FD_WRITE */
    uint8_t waits;     /* for room at a receiver, so far */
    uint8_t forgiven;  /* errors of earlier datagrams that were passed over */
} hem__datagram_call;

/* HEM_EBADF, HEM_EBUSY, HEM_ECANCELED. */
int hem__datagram_begin(hem__datagram_call *c, hem_datagram *d,
                        uint8_t direction, const char *function);
ssize_t hem__datagram_end(hem__datagram_call *c, ssize_t result);

/*
 * What to do where a system call has failed with `rc`, or was not made, for it
 * would be HEM_EAGAIN: 1, make it (again), whatever is known of readiness; or
 * the error that the call of hem ends with. So all of them are
 *
 *     n = hem__datagram_may(c) ? call() : HEM_EAGAIN;
 *     while (n < 0 && (rc = hem__datagram_retry(c, n)) > 0)
 *         n = call();
 */
int hem__datagram_retry(hem__datagram_call *c, int rc);

static inline bool hem__datagram_may(const hem__datagram_call *c)
{
    return hem__fd_may(&c->datagram->fd, c->direction);
}

/* Whether a datagram may go to `to`, NULL: the peer. HEM_EISCONN,
 * HEM_EDESTADDRREQ. */
int hem__datagram_check_to(const hem_datagram *d, const hem_address *to);

/* An IPv4 address in the form of IPv6 becomes IPv4. */
void hem__datagram_unmap(hem_address *a);

/* Set an option of the socket. */
int hem__datagram_set(int fd, int level, int name, int value);

/* Set the options that are about sending to groups. */
int hem__datagram_group_options(int fd, int family,
                                const hem_datagram_options *o);

#endif
