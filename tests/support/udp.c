/* SPDX-License-Identifier: MIT */
#include "udp.h"

#include "support.h"

#include <sys/socket.h>

hem_address udp_open_with(hem_datagram *d, hem_datagram_options options)
{
    hem_address a = {.length = 0};
    check_int(hem_datagram_open(d, &options), 0);
    check_int(hem_datagram_address(d, &a), 0);
    return a;
}

hem_address udp_open(hem_datagram *d)
{
    return udp_open_with(d, (hem_datagram_options){.host = "127.0.0.1"});
}

void udp_open_to(hem_datagram *d, const hem_address *to)
{
    (void)udp_open_with(d, (hem_datagram_options){.peer = to});
}

void udp_open_pair(hem_datagram *a, hem_datagram *b)
{
    hem_address first = udp_open(a);
    hem_address second = udp_open_with(
        b, (hem_datagram_options){.host = "127.0.0.1", .peer = &first});
    check_int(hem_datagram_close(a), 0);
    (void)udp_open_with(
        a, (hem_datagram_options){.local = &first, .peer = &second});
}

void udp_open_local_pair(hem_datagram *a, hem_datagram *b)
{
    int fds[2];
    check_int(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
    (void)udp_open_with(a, (hem_datagram_options){.fd = fds[0]});
    (void)udp_open_with(b, (hem_datagram_options){.fd = fds[1]});
}

hem_address udp_nobody(int *ret_fd)
{
    hem_address a;
    check_int(hem_address_parse(&a, "127.0.0.1", 0), 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check_int(bind(fd, (struct sockaddr *)&a.storage, a.length), 0);
    check_int(hem_address_of_socket(&a, fd), 0);
    /* Connected elsewhere, it receives nothing from others: refused. */
    hem_address other;
    check_int(hem_address_parse(&other, "127.0.0.1", 1), 0);
    check_int(connect(fd, (struct sockaddr *)&other.storage, other.length), 0);
    *ret_fd = fd;
    return a;
}

bool udp_same(const hem_address *a, const hem_address *b)
{
    char one[HEM_ADDRESS_TEXT], two[HEM_ADDRESS_TEXT];
    return strcmp(hem_address_format(a, one), hem_address_format(b, two)) == 0;
}

void udp_say(hem_datagram *d, const hem_address *to, const char *text)
{
    size_t size = strlen(text);
    check_int(to ? hem_datagram_send_to(d, text, size, to)
                 : hem_datagram_send(d, text, size),
              size);
}

void udp_expect(hem_datagram *d, const char *text)
{
    char got[1024] = "";
    ssize_t n = hem_datagram_receive(d, got, sizeof(got) - 1);
    check_int(n, strlen(text));
    check_str(got, text);
}
