/* SPDX-License-Identifier: MIT */
/*
 * Hosts as text. Whoever lets through what he does not know passes it on to a
 * resolver that may: so a name is what the standards call one (RFC 1123, and "_",
 * which is in use), and everything else is refused. The limit is on what is
 * asked for, never a place to cut.
 */
#include "io/host.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "hem/error.h"

#define NAME_MAX_BYTES  253
#define LABEL_MAX_BYTES 63

static bool in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Whether the labels are right, of a name without its last dot. */
static int check_labels(const char *name, size_t length)
{
    size_t label = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && name[i] != '.') {
            if (!in_name(name[i]))
                return HEM_EINVAL;
            label++;
            continue;
        }
        if (label == 0)
            return HEM_EINVAL;
        if (label > LABEL_MAX_BYTES)
            return HEM_ENAMETOOLONG;
        label = 0;
    }
    return 0;
}

/* Whether the last label is a number: an address in a disguise. */
static bool ends_in_number(const char *name, size_t length)
{
    size_t begin = length;
    while (begin > 0 && name[begin - 1] != '.')
        begin--;
    const char *label = name + begin;
    size_t n = length - begin;
    if (n > 1 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
        return strspn(label + 2, "0123456789abcdefABCDEF") >= n - 2;
    return strspn(label, "0123456789") >= n;
}

static bool is_local(const char *name, size_t length)
{
    static const char local[] = "localhost";
    size_t n = sizeof(local) - 1;
    return length >= n && strncasecmp(name + length - n, local, n) == 0 &&
           (length == n || name[length - n - 1] == '.');
}

static void set_ip4(hem_address *ret, struct in_addr ip)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr = ip};
    memset(ret, 0, sizeof(*ret));
    memcpy(&ret->storage, &sa, sizeof(sa));
    ret->length = sizeof(sa);
}

static void set_ip6(hem_address *ret, struct in6_addr ip)
{
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6, .sin6_addr = ip};
    memset(ret, 0, sizeof(*ret));
    memcpy(&ret->storage, &sa, sizeof(sa));
    ret->length = sizeof(sa);
}

void hem__host_loopback(hem_address *ret, int family)
{
    if (family == AF_INET6)
        set_ip6(ret, (struct in6_addr)IN6ADDR_LOOPBACK_INIT);
    else
        set_ip4(ret, (struct in_addr){htonl(INADDR_LOOPBACK)});
}

void hem__host_any(hem_address *ret, int family)
{
    if (family == AF_INET6)
        set_ip6(ret, (struct in6_addr)IN6ADDR_ANY_INIT);
    else
        set_ip4(ret, (struct in_addr){htonl(INADDR_ANY)});
}

void hem__host_set_port(hem_address *a, uint16_t port)
{
    uint16_t net = htons(port);
    size_t at = a->storage.ss_family == AF_INET6
                    ? offsetof(struct sockaddr_in6, sin6_port)
                    : offsetof(struct sockaddr_in, sin_port);
    memcpy((char *)&a->storage + at, &net, sizeof(net));
}

/* What looks like a number at its end: an address, if those are wanted. */
static int read_form(hem__host *ret, bool forms)
{
    struct in_addr ip;
    if (!forms || inet_aton(ret->text, &ip) == 0)
        return HEM_EINVAL;
    set_ip4(&ret->address, ip);
    ret->kind = HEM__HOST_NUMERIC;
    return 0;
}

int hem__host_read(hem__host *ret, const char *host, size_t length, bool forms)
{
    if (length == 0)
        length = strnlen(host, sizeof(ret->text));
    if (length >= sizeof(ret->text))
        return HEM_ENAMETOOLONG;
    if (length == 0 || memchr(host, '\0', length))
        return HEM_EINVAL;
    memcpy(ret->text, host, length);
    ret->text[length] = '\0';
    ret->kind = HEM__HOST_NUMERIC;
    if (hem_address_parse(&ret->address, ret->text, 0) == 0)
        return 0;
    if (ret->text[length - 1] == '.')
        length--;
    if (length > NAME_MAX_BYTES)
        return HEM_ENAMETOOLONG;
    int rc = check_labels(ret->text, length);
    if (rc < 0)
        return rc;
    if (ends_in_number(ret->text, length))
        return read_form(ret, forms);
    ret->kind = is_local(ret->text, length) ? HEM__HOST_LOCAL : HEM__HOST_NAME;
    return 0;
}
