/* SPDX-License-Identifier: MIT */
/*
 * An attempt is a socket that is not connected to anything; the poller calls that
 * a hang-up, which the library has to see through. When its time has come it is
 * connected, really, to the port, or to where nobody listens: so that the poller
 * has something to tell.
 */
#include "attempts.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "loop/loop.h"
#include "net.h"
#include "support.h"

#define ATTEMPTS_MAX 32

struct known {
    struct attempt a;
    hem_callback answer;
    bool answered;
    uint64_t serial; /* of the loop that is to call `answer`; 0: none */
    ino_t inode;     /* of the socket, which tells it from a later one */
};

static struct known known[ATTEMPTS_MAX];
static size_t known_count;
static size_t calls;
static int begun_count;
static uint16_t to_port;

static int real_connect(int fd, const struct sockaddr *a, socklen_t n)
{
    return (int)syscall(SYS_connect, fd, a, n);
}

void attempts_begin(uint16_t port)
{
    for (size_t i = 0; i < known_count; i++) {
        if (hem__loop && known[i].serial == hem__loop->serial)
            hem_callback_cancel(&known[i].answer);
    }
    known_count = 0;
    calls = 0;
    begun_count = 0;
    to_port = port;
}

void attempts_add(struct attempt a)
{
    check(known_count < ATTEMPTS_MAX);
    known[known_count++] = (struct known){.a = a};
}

const struct attempt *attempts_get(const char *host)
{
    for (size_t i = 0; i < known_count; i++) {
        if (strcmp(known[i].a.host, host) == 0)
            return &known[i].a;
    }
    check_never(host);
    return &known[0].a;
}

size_t attempts_begun(void)
{
    return (size_t)begun_count;
}

size_t attempts_calls(void)
{
    return calls;
}

static bool is_open(const struct known *k)
{
    struct stat st;
    return k->a.begun && fstat(k->a.fd, &st) == 0 && st.st_ino == k->inode;
}

size_t attempts_open(void)
{
    size_t count = 0;
    for (size_t i = 0; i < known_count; i++)
        count += is_open(&known[i]);
    return count;
}

/* Connect to a port of this machine, also a socket of IPv6. */
static int connect_here(int fd, int family, uint16_t port)
{
    hem_address a;
    const char *host = family == AF_INET6 ? "::ffff:127.0.0.1" : "127.0.0.1";
    check_int(hem_address_parse(&a, host, port), 0);
    return real_connect(fd, (const struct sockaddr *)&a.storage, a.length);
}

static int family_of(const struct known *k)
{
    return strchr(k->a.host, ':') ? AF_INET6 : AF_INET;
}

/* Its time has come. */
static void answer(void *arg)
{
    struct known *k = arg;
    int refusing;
    if (!is_open(k))
        return;
    k->answered = true;
    if (!k->a.error) {
        (void)connect_here(k->a.fd, family_of(k), to_port);
        return;
    }
    uint16_t port = net_refusing(&refusing);
    (void)connect_here(k->a.fd, family_of(k), port);
    close(refusing);
}

static int begin(struct known *k, int fd)
{
    struct stat st;
    check_int(fstat(fd, &st), 0);
    k->a.begun = true;
    k->a.begun_at = hem_now();
    k->a.place = ++begun_count;
    k->a.fd = fd;
    k->inode = st.st_ino;
    if (k->a.after == 0 && k->a.error) {
        errno = k->a.error;
        return -1;
    }
    hem_callback_init(&k->answer, answer, k);
    if (k->a.after == 0)
        answer(k);
    else if (k->a.after != HEM_NEVER)
        check_int(hem_call_later(&k->answer, k->a.after), 0);
    k->serial = hem__loop->serial;
    errno = EINPROGRESS;
    return -1;
}

/* It is asked how it goes. */
static int look(struct known *k, const struct sockaddr *a, socklen_t n)
{
    errno = EALREADY;
    if (!k->answered)
        return -1;
    int rc = real_connect(k->a.fd, a, n);
    if (k->a.error) {
        errno = k->a.error;
        rc = -1;
    }
    return rc;
}

static struct known *find(const struct sockaddr *a, socklen_t n)
{
    for (struct known *k = known; k < known + known_count; k++) {
        hem_address own = {.length = 0}, asked = {.length = n};
        memcpy(&asked.storage, a, n);
        check_int(hem_address_parse(&own, k->a.host, hem_address_port(&asked)),
                  0);
        if (own.length == n && memcmp(&own.storage, a, n) == 0)
            return k;
    }
    return NULL;
}

int test_connect(int fd, const struct sockaddr *a,
                 socklen_t n) __asm__("connect");

int test_connect(int fd, const struct sockaddr *a, socklen_t n)
{
    calls++;
    struct known *k = find(a, n);
    if (!k)
        return real_connect(fd, a, n);
    return is_open(k) && k->a.fd == fd ? look(k, a, n) : begin(k, fd);
}
