/* SPDX-License-Identifier: MIT */
#include "dns.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/list.h"
#include "io/resolver.h"
#include "loop/fd.h"
#include "support.h"

#define HOSTS_MAX   16
#define PENDING_MAX 64
#define MESSAGE_MAX 4096

struct message {
    uint8_t bytes[MESSAGE_MAX];
    size_t size;
};

/* An answer that waits for its time. */
struct pending {
    hem_callback callback;
    struct message question;
    struct sockaddr_in to;
    bool used;
};

static struct {
    hem__fd udp, listener, tcp;
    char servers[64];
    struct dns_host hosts[HOSTS_MAX];
    size_t host_count;
    struct pending pending[PENDING_MAX];
    size_t asked, asked_by_tcp;
} dns;

void dns_add(struct dns_host h)
{
    check(dns.host_count < HOSTS_MAX);
    dns.hosts[dns.host_count++] = h;
}

size_t dns_asked(void)
{
    return dns.asked;
}

size_t dns_asked_by_tcp(void)
{
    return dns.asked_by_tcp;
}

static void put(struct message *m, const void *p, size_t size)
{
    check(m->size + size <= sizeof(m->bytes));
    memcpy(m->bytes + m->size, p, size);
    m->size += size;
}

static void put16(struct message *m, unsigned n)
{
    uint8_t b[2] = {(uint8_t)(n >> 8), (uint8_t)n};
    put(m, b, 2);
}

static void put_name(struct message *m, const char *name)
{
    while (*name) {
        uint8_t n = (uint8_t)strcspn(name, ".");
        put(m, &n, 1);
        put(m, name, n);
        name += n + (name[n] == '.');
    }
    put(m, "", 1);
}

/* The name that is asked for, and where it ends. */
static size_t read_name(const struct message *q, char *name)
{
    size_t at = 12;
    char *to = name;
    while (at < q->size && q->bytes[at]) {
        size_t n = q->bytes[at++];
        memcpy(to, q->bytes + at, n);
        at += n;
        to += n;
        *to++ = '.';
    }
    to[to > name ? -1 : 0] = '\0';
    return at + 1;
}

/* One record of the name in the question. */
static void put_record(struct message *m, unsigned type, const void *data,
                       size_t size)
{
    put16(m, 0xc00c);
    put16(m, type);
    put16(m, 1);
    put(m, "\0\0\0\x3c", 4);
    put16(m, (unsigned)size);
    put(m, data, size);
    m->bytes[7]++;
}

static void put_answers(struct message *m, unsigned type, const char *text)
{
    char copy[512], *rest = NULL;
    snprintf(copy, sizeof(copy), "%s", text);
    if (type == 12) {
        struct message name = {.size = 0};
        put_name(&name, text);
        put_record(m, type, name.bytes, name.size);
        return;
    }
    for (char *a = strtok_r(copy, " ", &rest); a;
         a = strtok_r(NULL, " ", &rest)) {
        uint8_t bytes[16];
        if (type == 1 && inet_pton(AF_INET, a, bytes) == 1)
            put_record(m, type, bytes, 4);
        if (type == 28 && inet_pton(AF_INET6, a, bytes) == 1)
            put_record(m, type, bytes, 16);
    }
}

static const struct dns_host *find(const char *name)
{
    for (size_t i = 0; i < dns.host_count; i++) {
        if (strcasecmp(dns.hosts[i].name, name) == 0)
            return &dns.hosts[i];
    }
    return NULL;
}

/* Answer the question `q` of `h`, NULL: nobody knows it. False: say nothing. */
static bool make_answer(const struct message *q, const struct dns_host *h,
                        struct message *m, bool tcp)
{
    char name[300];
    size_t end = read_name(q, name);
    unsigned type = (unsigned)(q->bytes[end] << 8 | q->bytes[end + 1]);
    enum dns_manner manner = h ? h->manner : DNS_ANSWERS;
    unsigned code = !h ? 3 : manner == DNS_FAILS ? 2 : 0;
    if (manner == DNS_REFUSES)
        code = 5;
    bool truncated = manner == DNS_TRUNCATES && !tcp;
    m->size = 0;
    put(m, q->bytes, 2);
    put16(m, 0x8180 | code | (truncated ? 0x200 : 0));
    put(m, "\0\1\0\0\0\0\0\0", 8);
    put(m, q->bytes + 12, end + 4 - 12);
    if (manner == DNS_BABBLES)
        memset(m->bytes + 2, 0xff, m->size - 2);
    if (manner == DNS_LIES)
        m->bytes[1] ^= 1;
    if (manner == DNS_GOES_ROUND) {
        put(m, "\xc0", 1);
        uint8_t here = (uint8_t)(m->size - 1);
        put(m, &here, 1);
        put(m, "\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4", 14);
        m->bytes[7] = 1;
        return true;
    }
    if (h && h->addresses && code == 0 && !truncated)
        put_answers(m, type, h->addresses);
    if (manner == DNS_CUTS)
        m->size -= 3;
    return manner != DNS_IS_SILENT;
}

static void send_answer(const struct message *q, const struct dns_host *h,
                        const struct sockaddr_in *to)
{
    struct message m;
    if (!make_answer(q, h, &m, false))
        return;
    for (int i = 0; h && h->manner == DNS_FLOODS && i < 50; i++) {
        m.bytes[1] = (uint8_t)(q->bytes[1] ^ (i % 255 + 1));
        (void)sendto(dns.udp.fd, m.bytes, m.size, 0,
                     (const struct sockaddr *)to, sizeof(*to));
    }
    m.bytes[1] = q->bytes[1];
    if (h && h->manner == DNS_LIES)
        m.bytes[1] ^= 1;
    (void)sendto(dns.udp.fd, m.bytes, m.size, 0, (const struct sockaddr *)to,
                 sizeof(*to));
}

static void answer_late(void *arg)
{
    struct pending *p = arg;
    char name[300];
    (void)read_name(&p->question, name);
    p->used = false;
    send_answer(&p->question, find(name), &p->to);
}

static void udp_ready(hem__fd *d)
{
    struct message q;
    struct sockaddr_in from;
    socklen_t n = sizeof(from);
    ssize_t size;
    char name[300];
    while ((size = recvfrom(d->fd, q.bytes, sizeof(q.bytes), MSG_DONTWAIT,
                            (struct sockaddr *)&from, &n)) > 12) {
        dns.asked++;
        q.size = (size_t)size;
        (void)read_name(&q, name);
        const struct dns_host *h = find(name);
        if (!h || !h->delay) {
            send_answer(&q, h, &from);
            continue;
        }
        struct pending *p = dns.pending;
        while (p->used)
            p++;
        check(p < dns.pending + PENDING_MAX);
        p->used = true;
        p->question = q;
        p->to = from;
        hem_callback_init(&p->callback, answer_late, p);
        check_int(hem_call_later(&p->callback, h->delay), 0);
    }
}

/* One message or more, each behind its length. */
static void tcp_ready(hem__fd *d)
{
    uint8_t buf[2 * MESSAGE_MAX];
    char name[300];
    ssize_t size = recv(d->fd, buf, sizeof(buf), MSG_DONTWAIT);
    for (ssize_t at = 0; at + 14 < size;) {
        struct message q = {.size = (size_t)(buf[at] << 8 | buf[at + 1])}, m;
        memcpy(q.bytes, buf + at + 2, q.size);
        at += 2 + (ssize_t)q.size;
        dns.asked_by_tcp++;
        (void)read_name(&q, name);
        if (!make_answer(&q, find(name), &m, true))
            continue;
        uint8_t length[2] = {(uint8_t)(m.size >> 8), (uint8_t)m.size};
        check_int(send(d->fd, length, 2, MSG_NOSIGNAL), 2);
        check_int(send(d->fd, m.bytes, m.size, MSG_NOSIGNAL), m.size);
    }
}

static void open_socket(hem__fd *d, int fd, void (*ready)(hem__fd *))
{
    check_int(hem__fd_init(hem__loop, d, fd), 0);
    d->on_ready = ready;
    check_int(hem__fd_watch(hem__loop, d, HEM__FD_READ), 0);
}

static void listener_ready(hem__fd *d)
{
    int fd = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    (void)hem__fd_close(hem__loop, &dns.tcp);
    open_socket(&dns.tcp, fd, tcp_ready);
}

/* A pair of sockets with the same port; false: that is not free. */
static bool bind_both(int *udp, int *tcp, struct sockaddr_in *sa)
{
    int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
    socklen_t n = sizeof(*sa);
    *sa = (struct sockaddr_in){.sin_family = AF_INET};
    sa->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *udp = socket(AF_INET, SOCK_DGRAM | flags, 0);
    *tcp = socket(AF_INET, SOCK_STREAM | flags, 0);
    if (bind(*tcp, (struct sockaddr *)sa, n) == 0 &&
        getsockname(*tcp, (struct sockaddr *)sa, &n) == 0 &&
        bind(*udp, (struct sockaddr *)sa, n) == 0)
        return true;
    close(*udp);
    close(*tcp);
    return false;
}

void dns_start(void)
{
    struct sockaddr_in sa;
    int udp, tcp;
    memset(&dns, 0, sizeof(dns));
    while (!bind_both(&udp, &tcp, &sa))
        continue;
    check_int(listen(tcp, 8), 0);
    open_socket(&dns.udp, udp, udp_ready);
    open_socket(&dns.listener, tcp, listener_ready);
    snprintf(dns.servers, sizeof(dns.servers), "127.0.0.1:%u",
             (unsigned)ntohs(sa.sin_port));
    hem__resolver_servers = dns.servers;
}

void dns_stop(void)
{
    hem__resolver_servers = NULL;
    for (size_t i = 0; i < PENDING_MAX; i++) {
        if (dns.pending[i].used)
            hem_callback_cancel(&dns.pending[i].callback);
    }
    (void)hem__fd_close(hem__loop, &dns.tcp);
    (void)hem__fd_close(hem__loop, &dns.listener);
    (void)hem__fd_close(hem__loop, &dns.udp);
}
