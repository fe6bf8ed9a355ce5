/* SPDX-License-Identifier: MIT */
/* Multicast: by the calls that are the same for IPv4 and IPv6 (RFC 3678). */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "base/sys.h"
#include "io/datagram.h"

/* Newer than some headers. */
#define HEM__IPV6_MULTICAST_ALL 29

/* The number of an interface; 0: the kernel chooses. */
static int index_of(unsigned *ret, const char *interface)
{
    *ret = interface ? if_nametoindex(interface) : 0;
    return interface && *ret == 0 ? HEM_EINVAL : 0;
}

static int set_options4(int fd, unsigned interface,
                        const hem_datagram_options *o)
{
    struct ip_mreqn by = {.imr_ifindex = (int)interface};
    if (interface)
        HEM_TRY(hem__sys_setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by,
                                    sizeof(by)));
    if (o->multicast_ttl)
        HEM_TRY(hem__datagram_set(fd, IPPROTO_IP, IP_MULTICAST_TTL,
                                  o->multicast_ttl));
    if (o->multicast_silent)
        HEM_TRY(hem__datagram_set(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0));
    return 0;
}

static int set_options6(int fd, unsigned interface,
                        const hem_datagram_options *o)
{
    if (interface)
        HEM_TRY(hem__datagram_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF,
                                  (int)interface));
    if (o->multicast_ttl)
        HEM_TRY(hem__datagram_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS,
                                  o->multicast_ttl));
    if (o->multicast_silent)
        HEM_TRY(hem__datagram_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0));
    return 0;
}

int hem__datagram_group_options(int fd, int family,
                                const hem_datagram_options *o)
{
    unsigned interface;
    HEM_TRY(index_of(&interface, o->multicast_interface));
    if (family == AF_INET)
        return set_options4(fd, interface, o);
    if (family != AF_INET6)
        return 0;
    HEM_TRY(set_options6(fd, interface, o));
    /* It may send to groups of IPv4 as well, or not: as it can. */
    (void)!set_options4(fd, interface, o);
    return 0;
}

/* Without this a socket also gets what is sent to groups that others on the
 * machine have joined. */
static void get_own_groups_only(int fd, int level)
{
    int name = level == IPPROTO_IP ? IP_MULTICAST_ALL : HEM__IPV6_MULTICAST_ALL;
    (void)!hem__datagram_set(fd, level, name, 0);
}

/* The level of its options; HEM_EINVAL: it is no group's address. */
static int level_of(const hem_address *group)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;
    switch (group->storage.ss_family) {
    case AF_INET:
        memcpy(&in4, &group->storage, sizeof(in4));
        return IN_MULTICAST(ntohl(in4.sin_addr.s_addr)) ? IPPROTO_IP
                                                        : HEM_EINVAL;
    case AF_INET6:
        memcpy(&in6, &group->storage, sizeof(in6));
        return IN6_IS_ADDR_MULTICAST(&in6.sin6_addr) ? IPPROTO_IPV6
                                                     : HEM_EINVAL;
    default:
        return HEM_EINVAL;
    }
}

static int set_membership(hem_datagram *d, const hem_address *group,
                          const hem_datagram_group_options *opts, bool join)
{
    static const hem_datagram_group_options defaults;
    const hem_datagram_group_options *o = opts ? opts : &defaults;
    if (!hem__fd_is_open(&d->fd))
        return HEM_EBADF;
    int level = d->local ? HEM_EINVAL : level_of(group);
    if (level < 0)
        return level;
    unsigned interface;
    HEM_TRY(index_of(&interface, o->interface));
    if (join)
        get_own_groups_only(d->fd.fd, level);
    if (o->source) {
        struct group_source_req r = {.gsr_interface = interface,
                                     .gsr_group = group->storage,
                                     .gsr_source = o->source->storage};
        int name = join ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP;
        int rc = hem__sys_setsockopt(d->fd.fd, level, name, &r, sizeof(r));
        /* What is no member the kernel calls invalid. */
        return rc == HEM_EINVAL && !join ? HEM_EADDRNOTAVAIL : rc;
    }
    struct group_req r = {.gr_interface = interface,
                          .gr_group = group->storage};
    int name = join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
    return hem__sys_setsockopt(d->fd.fd, level, name, &r, sizeof(r));
}

int hem_datagram_join(hem_datagram *d, const hem_address *group,
                      const hem_datagram_group_options *opts)
{
    return set_membership(d, group, opts, true);
}

int hem_datagram_leave(hem_datagram *d, const hem_address *group,
                       const hem_datagram_group_options *opts)
{
    return set_membership(d, group, opts, false);
}
