/* SPDX-License-Identifier: MIT */
/*
 * What a service tells its operators, on sockets that only this machine
 * reaches: pages for HTTP (admin.c), a line for HAProxy (agent.c). Both read
 * the parent's structures and the scoreboard, and change nothing.
 *
 * service.h has hem__admin_start().
 */
#ifndef HEM__SERVICE_ADMIN_H
#define HEM__SERVICE_ADMIN_H

#include "hem/address.h"
#include "hem/serve.h"
#include "service/service.h"
#include "service/text.h"

#define HEM__ADMIN_CLIENTS 16 /* of each listener; more wait in the kernel */
#define HEM__ADMIN_PATIENCE                                                    \
    (5 * HEM_SEC) /* for a request, and again for its answer */

/* Its listeners, while they are open. */
struct hem__admin {
    hem__service *service;
    hem_listener http;
    hem_listener agent;
    bool
        succeeds; /* another service answers on these until this one is ready */
    unsigned refs; /* of the tasks that serve, and of who starts them */
    int error;     /* with which one of them could not begin */
};

/*
 * The address that `text` means: "127.0.0.1:9100", "[::1]:9100", "unix:PATH",
 * "unix:@NAME". HEM_EINVAL: it is none of these, or others than this machine
 * could reach it; HEM_ENAMETOOLONG.
 */
int hem__admin_address(hem_address *ret, const char *text);

/* The names by which it looks for them with hem_inherited_fd(). */
#define HEM__ADMIN_SOCKET "hem-admin"
#define HEM__AGENT_SOCKET "hem-agent"

/* The listening sockets; -1: there is none. */
int hem__admin_socket(const hem__service *s);
int hem__agent_socket(const hem__service *s);

/* Stop listening, in favour of a service that does so on the same sockets. What
 * is under way is answered; files of sockets stay. */
void hem__admin_hand_over(hem__service *s);

/* The other side of that: the files are ours to remove from now on. */
void hem__admin_take_over(hem__service *s);

/* Why the service is not ready, as one line for people; NULL: it is. */
const char *hem__service_unready(const hem__service *s);

/* agent.c: serves one client of the agent; `arg` is the service. */
int hem__agent_answer(hem_stream *stream, void *arg);

/* Its line, without the line feed. */
const char *hem__agent_line(const hem__service *s, char room[static 64]);

/* Say that no more will come, and wait until the client has heard: a socket
 * that is closed with bytes unread would take the answer back. [suspends]
 * [cancel point] */
int hem__admin_part(hem_stream *stream);

/* metrics.c: HEM_EINVAL: a name is wrong, there twice, or hem's own. */
int hem__metrics_check(const hem_prefork_options *o);

/* Add all of them, as Prometheus reads them. */
void hem__metrics_write(const hem__service *s, hem__text *ret);

#endif
