/* SPDX-License-Identifier: MIT */
/* Streams: what is known of them, and their limits. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "base/sys.h"
#include "hem/proxy.h"
#include "io/layer.h"
#include "io/stream.h"

#define KEEPALIVE_IDLE     60 /* seconds */
#define KEEPALIVE_INTERVAL 10
#define KEEPALIVE_COUNT    6

static void hint(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

void hem__tcp_tune(int fd)
{
    hint(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    hint(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    hint(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE);
    hint(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL);
    hint(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT);
    hint(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, HEM__STREAM_STALL / HEM_MSEC);
}

uint64_t hem_stream_bytes_read(const hem_stream *s)
{
    return s->bytes_read;
}

uint64_t hem_stream_bytes_written(const hem_stream *s)
{
    return s->bytes_written;
}

static int socket_info(int fd, hem_stream_info *info)
{
    info->peer.length = sizeof(info->peer.storage);
    HEM_TRY(hem_address_of_socket(&info->local, fd));
    HEM_TRY(hem__sys_getpeername(fd, (struct sockaddr *)&info->peer.storage,
                                 &info->peer.length));
    info->kind = info->local.storage.ss_family == AF_UNIX ? "unix" : "tcp";
    return 0;
}

static int descriptor_info(int fd, hem_stream_info *info)
{
    struct stat st;
    HEM_TRY(hem__sys_fstat(fd, &st));
    if (S_ISSOCK(st.st_mode))
        return socket_info(fd, info);
    if (S_ISFIFO(st.st_mode))
        info->kind = "pipe";
    else if (S_ISCHR(st.st_mode))
        info->kind = isatty(fd) ? "terminal" : "device";
    else
        info->kind = "file";
    return 0;
}

static int fill_in(const hem_stream *s, hem_stream_info *info)
{
    info->fd = s->fd.fd;
    if (s->how == HEM__HOW_SOCKET)
        return socket_info(s->fd.fd, info);
    if (s->how == HEM__HOW_ENDED)
        info->kind = "pipe";
    else if (!s->layer)
        return descriptor_info(s->fd.fd, info);
    else if (s->layer->below)
        return fill_in(s->layer->below, info);
    else
        info->kind = s->layer->transport->name;
    return 0;
}

/* What a proxy said of it, or of what is below it, holds. */
static void announce(const hem_stream *s, hem_stream_info *info)
{
    while (!s->proxied && s->layer && s->layer->below)
        s = s->layer->below;
    if (!s->proxied || !s->proxied->announced)
        return;
    info->peer = s->proxied->source;
    info->local = s->proxied->destination;
    info->proxied = true;
}

int hem_stream_get_info(const hem_stream *s, hem_stream_info *ret)
{
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    hem_stream_info info = {.bytes_read = s->bytes_read,
                            .bytes_written = s->bytes_written,
                            .pending = hem_stream_pending(s)};
    HEM_TRY(fill_in(s, &info));
    announce(s, &info);
    info.transport = s->layer ? s->layer->transport->name : NULL;
    *ret = info;
    return 0;
}

/* In milliseconds, rounded up; 0: none. */
static uint32_t stall_of(hem_ns limit, hem_ns otherwise)
{
    hem_ns d = limit ? limit : otherwise;
    hem_ns ms = d / HEM_MSEC + (d % HEM_MSEC != 0);
    return ms < UINT32_MAX ? (uint32_t)ms : 0;
}

int hem__stream_check_limits(const hem_stream_limits *limits)
{
    return limits->read_stall < 0 || limits->write_stall < 0 ? HEM_EINVAL : 0;
}

/* What has no address at either end is a pair made by socketpair(). */
static bool is_connection(const hem_stream *s)
{
    hem_stream_info info = {.fd = s->fd.fd};
    if (s->how != HEM__HOW_SOCKET || socket_info(s->fd.fd, &info) < 0)
        return false;
    const socklen_t nameless = sizeof(sa_family_t);
    return info.local.length > nameless || info.peer.length > nameless;
}

static void apply_stalls(hem_stream *s, const hem_stream_limits *limits)
{
    if (s->layer && s->layer->below)
        apply_stalls(s->layer->below, limits);
    if (s->layer)
        return;
    hem_ns patience = is_connection(s) ? HEM__STREAM_STALL : HEM_NEVER;
    s->read_stall = stall_of(limits->read_stall, HEM_NEVER);
    s->write_stall = stall_of(limits->write_stall, patience);
    if (s->how == HEM__HOW_SOCKET)
        hint(s->fd.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)s->write_stall);
}

void hem__stream_apply_limits(hem_stream *s, const hem_stream_limits *limits)
{
    s->limit = limits->read_limit ? limits->read_limit : HEM__STREAM_LIMIT;
    if (s->chunk > s->limit)
        s->chunk = s->limit;
    s->high_water = limits->high_water ? limits->high_water : HEM__STREAM_LIMIT;
    apply_stalls(s, limits);
}

int hem_stream_set_limits(hem_stream *s, const hem_stream_limits *limits)
{
    static const hem_stream_limits defaults;
    if (!hem__fd_is_open(&s->fd))
        return HEM_EBADF;
    HEM_TRY(hem__stream_check_limits(limits ? limits : &defaults));
    hem__stream_apply_limits(s, limits ? limits : &defaults);
    return 0;
}

hem_ns hem_stream_write_stall(const hem_stream *s)
{
    while (s->layer && s->layer->below)
        s = s->layer->below;
    return s->write_stall ? s->write_stall * HEM_MSEC : HEM_NEVER;
}
