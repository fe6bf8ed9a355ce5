/* SPDX-License-Identifier: MIT */
/*
 * Serving: a task for each connection of a listener. asyncio's start_server()
 * and serve_forever() in one.
 *
 *     static int echo(hem_stream *s, void *arg)
 *     {
 *         char buf[4096];
 *         ssize_t n;
 *         while ((n = hem_stream_read(s, buf, sizeof(buf))) > 0)
 *             HEM_TRY(hem_stream_write(s, buf, (size_t)n));
 *         return (int)n;
 *     }
 *     ...
 *     HEM_LISTENER(l);
 *     HEM_TRY(hem_listen(&l, "127.0.0.1", 0, NULL));
 *     return hem_serve(&l, echo, NULL, NULL);
 *
 * Ending a server. hem_listener_close() from any task makes hem_serve() drain:
 * it accepts no more, gives the connections `grace` to finish, cancels those
 * that have not, and returns 0. Whoever cannot wait so long closes their
 * streams meanwhile (hem_listener_close_clients()). Cancelling the task in
 * hem_serve() cancels all connections at once and returns HEM_ECANCELED.
 *
 * Behind a proxy that speaks the PROXY protocol set `.proxy` (proxy.h).
 *
 * Deadlines are the connection's own business: a hem_timeout round the reading
 * of a request, not of a byte.
 */
#ifndef HEM_SERVE_H
#define HEM_SERVE_H

#include "base.h"
#include "listen.h"
#include "stream.h"

HEM_BEGIN_DECLS

/* Serves one connection, in a task of its own. `s` is closed when it returns;
 * its result is dropped, errors other than HEM_ECANCELED are reported as those
 * of a scope's child. */
typedef int hem_serve_fn(hem_stream *s, void *arg);

typedef struct hem_serve_options {
    uint32_t max_connections; /* more wait in the kernel's queue; 0: 10,000 */
    hem_ns grace;       /* for connections to end after the listener was closed;
                      0: 10 s, HEM_NEVER: as long as they like, negative: none */
    size_t stack_bytes; /* of each task; 0: the loop's default */
    bool quiet;         /* do not report errors of connections */
    bool proxy;         /* each connection must begin with a header of the PROXY
                   protocol, read before `fn` is called; one that does not, or
                   not in time, is closed without a report */
    hem_ns proxy_timeout; /* for it to be there as a whole; 0: 10 s,
                             HEM_NEVER: none */
} hem_serve_options;

/*
 * Accept connections and run fn(stream, arg) for each as a task, until the
 * listener is closed (then: 0, see above) or the caller is cancelled. The
 * listener remains its owner's to close. Connections that end in
 * HEM_ECONNRESET, HEM_EPIPE, HEM_ETIMEDOUT, HEM_ETRUNCATED or HEM_ETLS, which
 * peers cause, are not reported, nor is one that hem_listener_close_clients()
 * or _abort_clients() has closed. HEM_ENOMEM,
 * HEM_ENOSPC: not started; HEM_EBADF: the listener was not open; HEM_EBUSY:
 * another task accepts; HEM_EINVAL: stack_bytes above 1 GiB. [suspends]
 * [cancel point]
 */
HEM_API HEM_CHECK int hem_serve(hem_listener *l, hem_serve_fn *fn, void *arg,
                                const hem_serve_options *opts);

/*
 * Close the streams of all connections that hem_serve() has under way, and
 * return how many there were: calls that wait in one, and later ones, return
 * HEM_EBADF. Their tasks are not cancelled. Also while it drains, when the
 * listener is closed already; new ones go on being accepted if it is not.
 * Server.close_clients(). [loop thread]
 */
HEM_API size_t hem_listener_close_clients(hem_listener *l);

/* The same, by hem_stream_abort(): peers get a reset. Server.abort_clients().
 * [loop thread] */
HEM_API size_t hem_listener_abort_clients(hem_listener *l);

/* Return how many connections hem_serve() has under way, those included that
 * are waited for as it drains; 0 if it does not run. [loop thread] */
HEM_API size_t hem_listener_connections(const hem_listener *l);

HEM_END_DECLS

#endif
