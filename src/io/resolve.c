/* SPDX-License-Identifier: MIT */
/* Names of hosts: what needs no asking, and the limit of time round the asking. */
#include "hem/resolve.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "hem/error.h"
#include "hem/failure.h"
#include "hem/task.h"
#include "hem/timeout.h"
#include "io/host.h"
#include "io/resolver.h"
#include "loop/loop.h"

#define DEFAULT_TIMEOUT (30 * HEM_SEC)

static const hem_resolve_options defaults = {.family = AF_UNSPEC};

const char *hem_resolve_backend(void)
{
    return hem__resolver_kind;
}

static bool wants(const hem_resolve_options *o, int family)
{
    return o->family == AF_UNSPEC || o->family == family;
}

/* An answer of `count` addresses that needed no asking. */
static ssize_t give(hem_address *ret, size_t max, const hem_address *found,
                    size_t count, uint16_t port)
{
    HEM_TRY(hem_yield());
    for (size_t i = 0; i < count && i < max; i++) {
        ret[i] = found[i];
        hem__host_set_port(&ret[i], port);
    }
    return (ssize_t)count;
}

static ssize_t give_both(hem_address *ret, size_t max, uint16_t port,
                         const hem_resolve_options *o,
                         void (*make)(hem_address *ret, int family))
{
    static const int families[] = {AF_INET6, AF_INET};
    hem_address found[2];
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        if (wants(o, families[i]))
            make(&found[count++], families[i]);
    }
    return give(ret, max, found, count, port);
}

/* How asking for `what` ended: `rc` of the resolver, within its time limit. */
static int end_asking(hem_timeout *t, int rc, const char *what)
{
    rc = hem_timeout_close(t, rc);
    if (rc == HEM_ETIMEDOUT && hem_timeout_expired(t))
        return hem_fail(rc, "resolve \"%s\": no answer in time", what);
    if (rc < 0 && rc != HEM_ECANCELED)
        return hem_fail(rc, "resolve \"%s\": %s", what, hem_strerror(rc));
    return rc;
}

static hem_ns time_limit(const hem_resolve_options *o)
{
    return o->timeout ? o->timeout : DEFAULT_TIMEOUT;
}

static ssize_t ask(hem_address *ret, size_t max, const char *name,
                   uint16_t port, const hem_resolve_options *o)
{
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, time_limit(o)));
    ssize_t count = hem__resolver_find(ret, max, name, o->family);
    int rc = end_asking(&t, count < 0 ? (int)count : 0, name);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < max && i < (size_t)count; i++)
        hem__host_set_port(&ret[i], port);
    return count;
}

static bool is_known(int family)
{
    return family == AF_UNSPEC || family == AF_INET || family == AF_INET6;
}

ssize_t hem_resolve(hem_address *ret, size_t max, const char *host,
                    uint16_t port, const hem_resolve_options *opts)
{
    (void)hem__fiber_need(hem__loop_need("hem_resolve"), "hem_resolve");
    const hem_resolve_options *o = opts ? opts : &defaults;
    if (!is_known(o->family))
        return HEM_EINVAL;
    if (!host)
        return give_both(ret, max, port, o,
                         o->passive ? hem__host_any : hem__host_loopback);
    hem__host h;
    HEM_TRY(hem__host_read(&h, host, o->host_length, o->numeric_forms));
    switch (h.kind) {
    case HEM__HOST_NUMERIC:
        if (!wants(o, h.address.storage.ss_family))
            return HEM_EAFNOSUPPORT;
        return give(ret, max, &h.address, 1, port);
    case HEM__HOST_LOCAL:
        if (o->numeric_only)
            return HEM_EINVAL;
        return give_both(ret, max, port, o, hem__host_loopback);
    default:
        return o->numeric_only ? HEM_EINVAL : ask(ret, max, h.text, port, o);
    }
}

/* The address without its port and brackets. */
static void format_host(const hem_address *a, char *text)
{
    char with_port[HEM_ADDRESS_TEXT];
    hem_address_format(a, with_port);
    size_t from = with_port[0] == '[';
    size_t length = strlen(with_port);
    while (with_port[length] != ':')
        length--;
    length -= 2 * from;
    memcpy(text, with_port + from, length);
    text[length] = '\0';
}

/* What the resolver says, if it is a name. */
static int ask_name(char *ret_text, const hem_address *a,
                    const hem_resolve_options *o)
{
    char text[HEM_HOST_TEXT], what[HEM_HOST_TEXT];
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, time_limit(o)));
    int rc = hem__resolver_name(text, a);
    hem__host h;
    if (rc >= 0 &&
        (hem__host_read(&h, text, 0, false) < 0 || h.kind == HEM__HOST_NUMERIC))
        rc = HEM_ENAME;
    format_host(a, what);
    HEM_TRY(end_asking(&t, rc, what));
    memcpy(ret_text, text, sizeof(text));
    return 0;
}

int hem_resolve_name(const hem_address *a, char *ret_host, size_t size,
                     const hem_resolve_options *opts)
{
    (void)hem__fiber_need(hem__loop_need("hem_resolve_name"),
                          "hem_resolve_name");
    const hem_resolve_options *o = opts ? opts : &defaults;
    if (a->storage.ss_family != AF_INET && a->storage.ss_family != AF_INET6)
        return HEM_EAFNOSUPPORT;
    char text[HEM_HOST_TEXT];
    if (o->numeric_only) {
        HEM_TRY(hem_yield());
        format_host(a, text);
    } else {
        HEM_TRY(ask_name(text, a, o));
    }
    size_t length = strlen(text);
    if (length >= size)
        return HEM_ENAMETOOLONG;
    memcpy(ret_host, text, length + 1);
    return (int)length;
}
