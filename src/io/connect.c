/* SPDX-License-Identifier: MIT */
/* Connecting: which addresses, for how long, and what is told of failures. */
#include "hem/connect.h"

#include "hem/error.h"
#include "hem/resolve.h"
#include "hem/timeout.h"
#include "io/happy.h"
#include "io/unix.h"
#include "task/failure.h"

#define DEFAULT_TIMEOUT (60 * HEM_SEC)
#define DEFAULT_DELAY   (250 * HEM_MSEC)
#define DELAY_MIN       (10 * HEM_MSEC)

static const hem_connect_options defaults = {.limit = 0};

/* A call, from its beginning to its end. */
struct connecting {
    const hem_connect_options *options;
    const char *host; /* NULL: it is an address */
    uint16_t port;
    hem_address addresses[HEM__ATTEMPTS_MAX];
    hem__race race;
    hem_timeout timeout;
};

static hem_ns head_start(const hem_connect_options *o)
{
    if (o->sequential)
        return HEM_NEVER;
    hem_ns delay = o->attempt_delay ? o->attempt_delay : DEFAULT_DELAY;
    return delay > DELAY_MIN ? delay : DELAY_MIN;
}

static bool is_wanted(const hem_address *a, const hem_connect_options *o)
{
    int family = a->storage.ss_family;
    return (o->family == AF_UNSPEC || o->family == family) &&
           (!o->local || o->local->storage.ss_family == family);
}

/* The failures of all addresses that were tried, as the current task's record
 * of the failure `code`, with its message. */
static void record(const hem__race *r)
{
    hem_task *t = hem__task_need(r->loop, "hem_connect");
    hem_error *all = hem_error_hold(hem_failure());
    for (size_t i = 0; i < r->begun; i++) {
        char text[HEM_ADDRESS_TEXT];
        hem_address_format(&r->addresses[i], text);
        int error = r->attempts[i].error;
        if (error)
            hem_fail(error, "connect to %s: %s", text, hem_strerror(error));
        else
            hem_fail(HEM_ETIMEDOUT, "connect to %s: no answer in time", text);
        hem__error_add(all, hem_error_hold(hem_failure()));
    }
    hem__error_record(t, all);
}

static int fail(struct connecting *c, int code, const char *why)
{
    char text[HEM_ADDRESS_TEXT];
    if (c->host)
        hem_fail(code, "connect to \"%s\", port %u: %s", c->host,
                 (unsigned)c->port, why);
    else
        hem_fail(code, "connect to %s: %s",
                 hem_address_format(&c->addresses[0], text), why);
    record(&c->race);
    return code;
}

static bool has_no_way(int error)
{
    return error == HEM_EAFNOSUPPORT || error == HEM_EADDRNOTAVAIL ||
           error == HEM_ENETUNREACH;
}

/* The code of a race in which all have failed. */
static int code_of(const hem__race *r)
{
    for (size_t i = 0; i < r->begun; i++) {
        if (!has_no_way(r->attempts[i].error))
            return r->attempts[i].error;
    }
    return r->attempts[0].error;
}

/* Try `count` addresses of `c`, those that are wanted. */
static int try_all(struct connecting *c, hem_stream *s, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_wanted(&c->addresses[i], c->options))
            c->addresses[kept++] = c->addresses[i];
    }
    if (kept == 0)
        return HEM_EAFNOSUPPORT;
    if (!c->options->sequential)
        hem__happy_interleave(c->addresses, kept);
    c->race = (hem__race){.stream = s,
                          .addresses = c->addresses,
                          .count = kept,
                          .local = c->options->local,
                          .delay = head_start(c->options),
                          .limit = c->options->limit};
    int rc = hem__happy_connect(&c->race);
    if (rc != HEM_EGROUP)
        return rc;
    rc = code_of(&c->race);
    return fail(c, rc, hem_strerror(rc));
}

/* Find the addresses; the stream is busy meanwhile. */
static ssize_t find(struct connecting *c, hem_stream *s)
{
    const hem_resolve_options o = {.family = c->options->family,
                                   .timeout = HEM_NEVER};
    hem_loop *l = c->race.loop;
    uint32_t mark = hem__happy_mark(l, s);
    ssize_t count =
        hem_resolve(c->addresses, HEM__ATTEMPTS_MAX, c->host, c->port, &o);
    int rc = hem__happy_unmark(l, s, mark, count < 0 ? (int)count : 0);
    return rc < 0 ? rc : count;
}

static int find_and_try(struct connecting *c, hem_stream *s)
{
    if (hem_address_parse(&c->addresses[0], c->host, c->port) == 0)
        return try_all(c, s, 1);
    ssize_t count = find(c, s);
    if (count < 0)
        return (int)count;
    return try_all(
        c, s, count < HEM__ATTEMPTS_MAX ? (size_t)count : HEM__ATTEMPTS_MAX);
}

/* Within the limit of time, by name, or to the first of the addresses. */
static int connect_in_time(struct connecting *c, hem_stream *s)
{
    int family = c->options->family;
    *s = (hem_stream){.limit = 0};
    if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6)
        return HEM_EINVAL;
    hem_ns limit = c->options->timeout ? c->options->timeout : DEFAULT_TIMEOUT;
    HEM_TRY(hem_timeout_open(&c->timeout, limit));
    int rc = c->host ? find_and_try(c, s) : try_all(c, s, 1);
    rc = hem_timeout_close(&c->timeout, rc);
    if (rc == HEM_ETIMEDOUT && hem_timeout_expired(&c->timeout))
        return fail(c, rc, "no answer in time");
    return rc;
}

static void begin(struct connecting *c, const hem_connect_options *opts)
{
    c->options = opts ? opts : &defaults;
    c->host = NULL;
    c->race.begun = 0;
    c->race.loop = hem__loop_need("hem_connect");
    (void)hem__fiber_need(c->race.loop, "hem_connect");
}

int hem_connect(hem_stream *s, const char *host, uint16_t port,
                const hem_connect_options *opts)
{
    struct connecting c;
    begin(&c, opts);
    c.host = host;
    c.port = port;
    return connect_in_time(&c, s);
}

int hem_connect_address(hem_stream *s, const hem_address *a,
                        const hem_connect_options *opts)
{
    struct connecting c;
    begin(&c, opts);
    c.addresses[0] = *a;
    int family = a->storage.ss_family;
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) {
        *s = (hem_stream){.limit = 0};
        return HEM_EAFNOSUPPORT;
    }
    return connect_in_time(&c, s);
}

int hem_connect_unix(hem_stream *s, const char *path,
                     const hem_connect_options *opts)
{
    hem_address a;
    *s = (hem_stream){.limit = 0};
    HEM_TRY(hem__unix_address(&a, path));
    return hem_connect_address(s, &a, opts);
}
