/* SPDX-License-Identifier: MIT */
/*
 * The system's resolver, on threads. What a thread works on is a heap object of
 * its own: a caller that is cancelled leaves it behind.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "hem/error.h"
#include "hem/thread.h"
#include "io/resolver.h"

const char hem__resolver_kind[] = "getaddrinfo";

/* So that names wait for names only. */
static const hem_thread_lane names = HEM_THREAD_LANE("names", 8);

struct lookup {
    hem_address address;    /* whose name is asked for */
    int family;             /* of the addresses that are asked for */
    struct addrinfo *found; /* NULL: nothing yet */
    char name[HEM_HOST_TEXT];
};

static void lookup_free(void *arg)
{
    struct lookup *l = arg;
    if (l->found)
        freeaddrinfo(l->found);
    hem__free(l);
}

static int find_addresses(void *arg)
{
    struct lookup *l = arg;
    struct addrinfo hints = {.ai_family = l->family,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_ADDRCONFIG};
    return hem__sys_resolve(l->name, &hints, &l->found);
}

static int find_name(void *arg)
{
    struct lookup *l = arg;
    return hem__sys_resolve_name((const struct sockaddr *)&l->address.storage,
                                 l->address.length, l->name, sizeof(l->name));
}

/* HEM_ECANCELED: `l` is no longer the caller's, and is freed when the thread is
 * done with it. */
static int call(hem_fn *fn, struct lookup *l)
{
    return hem_thread_call(fn, l,
                           &(hem_thread_options){.abandon = lookup_free,
                                                 .lane = &names,
                                                 .detach = true});
}

static ssize_t copy_found(const struct lookup *l, hem_address *ret, size_t max)
{
    ssize_t count = 0;
    for (const struct addrinfo *i = l->found; i; i = i->ai_next) {
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

ssize_t hem__resolver_find(hem_address *ret, size_t max, const char *name,
                           int family)
{
    struct lookup *l = hem__calloc(sizeof(*l));
    if (!l)
        return HEM_ENOMEM;
    l->family = family;
    memcpy(l->name, name, strlen(name) + 1);
    int rc = call(find_addresses, l);
    if (rc == HEM_ECANCELED)
        return rc;
    ssize_t count = rc < 0 ? rc : copy_found(l, ret, max);
    lookup_free(l);
    return count;
}

int hem__resolver_name(char *ret_name, const hem_address *a)
{
    struct lookup *l = hem__calloc(sizeof(*l));
    if (!l)
        return HEM_ENOMEM;
    l->address = *a;
    int rc = call(find_name, l);
    if (rc == HEM_ECANCELED)
        return rc;
    if (rc >= 0)
        memcpy(ret_name, l->name, sizeof(l->name));
    lookup_free(l);
    return rc;
}
