/* SPDX-License-Identifier: MIT */
/*
 * Names by c-ares: in the loop, without threads. A query is a heap object of its
 * own, for c-ares cannot forget a single one: a caller that is cancelled leaves
 * it behind, to be freed by its callback, which comes with the answer, or with the
 * end of the channel if nobody else waits for one.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "base/alloc.h"
#include "hem/error.h"
#include "hem/task.h"
#include "io/cares_channel.h"
#include "io/resolver.h"
#include "loop/fd.h"

const char hem__resolver_kind[] = "c-ares";

struct query {
    hem_loop *loop;
    hem__cares *channel;
    hem__fd mark; /* of who waits; no descriptor */
    bool done;
    bool abandoned;              /* nobody waits any more */
    int status;                  /* c-ares', once it is done */
    struct ares_addrinfo *found; /* the addresses, or NULL */
    char name[HEM_HOST_TEXT];    /* or the name */
};

static const hem__wait wait_resolve = HEM__FD_WAIT("resolve");

static void query_free(struct query *q)
{
    if (q->found)
        ares_freeaddrinfo(q->found);
    hem__free(q);
}

static void finish(struct query *q, int status)
{
    q->status = status;
    q->done = true;
    hem__cares_done(q->channel);
    if (q->abandoned)
        query_free(q);
    else
        hem__fd_wake(q->loop, &q->mark, HEM__FD_WRITE, 0);
}

static void have_addresses(void *arg, int status, int timeouts,
                           struct ares_addrinfo *found)
{
    struct query *q = arg;
    (void)timeouts;
    q->found = found;
    finish(q, status);
}

static void have_name(void *arg, int status, int timeouts, struct hostent *host)
{
    struct query *q = arg;
    (void)timeouts;
    if (status == ARES_SUCCESS) {
        size_t length = host->h_name ? strlen(host->h_name) : 0;
        if (length > 0 && length < sizeof(q->name))
            memcpy(q->name, host->h_name, length + 1);
        else
            status = ARES_ENOTFOUND;
    }
    finish(q, status);
}

/* Wait until it is done. HEM_ECANCELED: it is no longer the caller's. */
static int wait_for(struct query *q)
{
    hem__fiber *f = hem__fiber_need(q->loop, "hem_resolve");
    int rc = 0;
    hem__cares_pump(q->channel);
    if (q->done)
        rc = hem_yield();
    else
        rc = hem__fd_wait_none(q->loop, f, &q->mark, &wait_resolve);
    if (rc < 0 && !q->done)
        q->abandoned = true;
    else if (rc < 0)
        query_free(q);
    else
        rc = hem__cares_error(q->status);
    return rc;
}

static int query_create(struct query **ret)
{
    struct query *q = hem__calloc(sizeof(*q));
    if (!q)
        return HEM_ENOMEM;
    q->loop = hem__loop_need("hem_resolve");
    hem__fd_open_none(q->loop, &q->mark);
    *ret = q;
    return 0;
}

static ssize_t copy_found(const struct ares_addrinfo *found, hem_address *ret,
                          size_t max)
{
    ssize_t count = 0;
    for (const struct ares_addrinfo_node *i = found ? found->nodes : NULL; i;
         i = i->ai_next) {
        if (i->ai_family != AF_INET && i->ai_family != AF_INET6)
            continue;
        if ((size_t)count < max) {
            hem_address *a = &ret[count];
            memset(a, 0, sizeof(*a));
            memcpy(&a->storage, i->ai_addr, i->ai_addrlen);
            a->length = i->ai_addrlen;
        }
        count++;
    }
    return count > 0 ? count : HEM_ENAME;
}

/* Where the answer is to go; one of both. */
struct answer {
    hem_address *ret;
    size_t max;
    char *ret_name;
};

static ssize_t end(struct query *q, const struct answer *a)
{
    hem__cares *c = q->channel;
    ssize_t rc = wait_for(q);
    hem__cares_leave(c);
    if (rc == HEM_ECANCELED)
        return rc;
    if (rc == 0 && a->ret_name)
        memcpy(a->ret_name, q->name, sizeof(q->name));
    else if (rc == 0)
        rc = copy_found(q->found, a->ret, a->max);
    query_free(q);
    return rc;
}

static int begin(struct query **ret)
{
    struct query *q;
    HEM_TRY(query_create(&q));
    int rc = hem__cares_enter(q->loop, &q->channel);
    if (rc < 0)
        query_free(q);
    else
        *ret = q;
    return rc;
}

ssize_t hem__resolver_find(hem_address *ret, size_t max, const char *name,
                           int family)
{
    const struct ares_addrinfo_hints hints = {.ai_family = family,
                                              .ai_socktype = SOCK_STREAM};
    struct query *q;
    HEM_TRY(begin(&q));
    ares_getaddrinfo(hem__cares_channel(q->channel), name, NULL, &hints,
                     have_addresses, q);
    return end(q, &(struct answer){.ret = ret, .max = max});
}

int hem__resolver_name(char *ret_name, const hem_address *a)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    struct query *q;
    HEM_TRY(begin(&q));
    if (a->storage.ss_family == AF_INET) {
        memcpy(&in4, &a->storage, sizeof(in4));
        ares_gethostbyaddr(hem__cares_channel(q->channel), &in4.sin_addr,
                           sizeof(in4.sin_addr), AF_INET, have_name, q);
    } else {
        memcpy(&in6, &a->storage, sizeof(in6));
        ares_gethostbyaddr(hem__cares_channel(q->channel), &in6.sin6_addr,
                           sizeof(in6.sin6_addr), AF_INET6, have_name, q);
    }
    return (int)end(q, &(struct answer){.ret_name = ret_name});
}
