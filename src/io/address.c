/* SPDX-License-Identifier: MIT */
#include "hem/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "hem/error.h"
#include "io/unix.h"

static int parse4(hem_address *ret, const char *host, uint16_t port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &sa.sin_addr) != 1)
        return HEM_EINVAL;
    memset(ret, 0, sizeof(*ret));
    memcpy(&ret->storage, &sa, sizeof(sa));
    ret->length = sizeof(sa);
    return 0;
}

static int parse6(hem_address *ret, const char *host, uint16_t port)
{
    char text[INET6_ADDRSTRLEN];
    const char *zone = strchr(host, '%');
    size_t n = zone ? (size_t)(zone - host) : strlen(host);
    if (n >= sizeof(text))
        return HEM_EINVAL;
    memcpy(text, host, n);
    text[n] = '\0';
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6,
                              .sin6_port = htons(port)};
    if (inet_pton(AF_INET6, text, &sa.sin6_addr) != 1)
        return HEM_EINVAL;
    if (zone && (sa.sin6_scope_id = if_nametoindex(zone + 1)) == 0)
        return HEM_EINVAL;
    memset(ret, 0, sizeof(*ret));
    memcpy(&ret->storage, &sa, sizeof(sa));
    ret->length = sizeof(sa);
    return 0;
}

int hem_address_parse(hem_address *ret, const char *host, uint16_t port)
{
    if (strnlen(host, INET6_ADDRSTRLEN + IF_NAMESIZE) ==
        INET6_ADDRSTRLEN + IF_NAMESIZE)
        return HEM_ENAMETOOLONG;
    if (strchr(host, ':'))
        return parse6(ret, host, port);
    return parse4(ret, host, port);
}

int hem_address_of_socket(hem_address *ret, int fd)
{
    hem_address a = {.length = sizeof(a.storage)};
    HEM_TRY(hem__sys_getsockname(fd, (struct sockaddr *)&a.storage, &a.length));
    *ret = a;
    return 0;
}

uint16_t hem_address_port(const hem_address *a)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    switch (a->storage.ss_family) {
    case AF_INET:
        memcpy(&in4, &a->storage, sizeof(in4));
        return ntohs(in4.sin_port);
    case AF_INET6:
        memcpy(&in6, &a->storage, sizeof(in6));
        return ntohs(in6.sin6_port);
    default:
        return 0;
    }
}

static void format6(const hem_address *a, char *buf)
{
    char text[INET6_ADDRSTRLEN];
    char zone[IF_NAMESIZE + 1] = "";
    struct sockaddr_in6 sa;
    memcpy(&sa, &a->storage, sizeof(sa));
    inet_ntop(AF_INET6, &sa.sin6_addr, text, sizeof(text));
    if (sa.sin6_scope_id != 0 && if_indextoname(sa.sin6_scope_id, zone + 1))
        zone[0] = '%';
    snprintf(buf, HEM_ADDRESS_TEXT, "[%s%s]:%u", text, zone,
             (unsigned)hem_address_port(a));
}

const char *hem_address_format(const hem_address *a, char *buf)
{
    char text[INET_ADDRSTRLEN];
    struct sockaddr_in sa;
    switch (a->storage.ss_family) {
    case AF_INET:
        memcpy(&sa, &a->storage, sizeof(sa));
        inet_ntop(AF_INET, &sa.sin_addr, text, sizeof(text));
        snprintf(buf, HEM_ADDRESS_TEXT, "%s:%u", text,
                 (unsigned)hem_address_port(a));
        break;
    case AF_INET6:
        format6(a, buf);
        break;
    case AF_UNIX:
        hem__unix_format(a, buf);
        break;
    default:
        snprintf(buf, HEM_ADDRESS_TEXT, "?");
        break;
    }
    return buf;
}
