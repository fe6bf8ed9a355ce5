/* SPDX-License-Identifier: MIT */
/*
 * Names of hosts, by getaddrinfo on a thread. What the thread works on is a
 * heap object of its own: a caller that is cancelled leaves it behind.
 *
 * getaddrinfo also takes "127.1" and "0x7f000001" for addresses, which has let
 * requests through that were meant to be kept out: such hosts are refused.
 */
#include <netinet/in.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "hem/address.h"
#include "hem/task.h"
#include "hem/thread.h"

#define NAME_MAX_BYTES 253

struct lookup {
    struct addrinfo *found; /* NULL: nothing yet */
    char host[NAME_MAX_BYTES + 1];
};

static void lookup_free(void *arg)
{
    struct lookup *l = arg;
    if (l->found)
        freeaddrinfo(l->found);
    hem__free(l);
}

static int look_up(void *arg)
{
    struct lookup *l = arg;
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_ADDRCONFIG};
    return hem__sys_resolve(l->host, &hints, &l->found);
}

/* Whether the last label is a number: an address in a disguise. */
static bool ends_in_number(const char *host, size_t length)
{
    if (length > 0 && host[length - 1] == '.')
        length--;
    size_t begin = length;
    while (begin > 0 && host[begin - 1] != '.')
        begin--;
    const char *label = host + begin;
    size_t n = length - begin;
    if (n > 1 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
        return strspn(label + 2, "0123456789abcdefABCDEF") >= n - 2;
    return n > 0 && strspn(label, "0123456789") >= n;
}

static void set_port(hem_address *a, uint16_t port)
{
    uint16_t net = htons(port);
    size_t at = a->storage.ss_family == AF_INET6
                    ? offsetof(struct sockaddr_in6, sin6_port)
                    : offsetof(struct sockaddr_in, sin_port);
    memcpy((char *)&a->storage + at, &net, sizeof(net));
}

static ssize_t copy_found(const struct lookup *l, hem_address *ret, size_t max,
                          uint16_t port)
{
    ssize_t count = 0;
    for (const struct addrinfo *i = l->found; i; i = i->ai_next) {
        if (i->ai_addrlen > sizeof(ret->storage))
            continue;
        if ((size_t)count < max) {
            hem_address *a = &ret[count];
            memset(a, 0, sizeof(*a));
            memcpy(&a->storage, i->ai_addr, i->ai_addrlen);
            a->length = i->ai_addrlen;
            set_port(a, port);
        }
        count++;
    }
    return count > 0 ? count : HEM_ENAME;
}

ssize_t hem_resolve(hem_address *ret, size_t max, const char *host,
                    uint16_t port)
{
    size_t length = strnlen(host, NAME_MAX_BYTES + 1);
    if (length > NAME_MAX_BYTES)
        return HEM_ENAMETOOLONG;
    hem_address numeric;
    if (hem_address_parse(&numeric, host, port) == 0) {
        HEM_TRY(hem_yield());
        if (max > 0)
            *ret = numeric;
        return 1;
    }
    if (length == 0 || ends_in_number(host, length))
        return HEM_EINVAL;
    struct lookup *l = hem__alloc(sizeof(*l));
    if (!l)
        return HEM_ENOMEM;
    l->found = NULL;
    memcpy(l->host, host, length + 1);
    int rc = hem_thread_call(look_up, l,
                             &(hem_thread_options){.abandon = lookup_free});
    if (rc == HEM_ECANCELED)
        return rc; /* what was looked up is freed when it comes */
    ssize_t count = rc < 0 ? rc : copy_found(l, ret, max, port);
    lookup_free(l);
    return count;
}
