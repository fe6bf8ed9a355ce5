/* SPDX-License-Identifier: MIT */
/* Listeners: their life, their sockets and addresses. */
#include "support.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "net.h"

/* socket, replaced here, fails with this for IPv6; 0: not. */
static int ipv6_error;

int fake_socket(int domain, int type, int protocol) __asm__("socket");

int fake_socket(int domain, int type, int protocol)
{
    if (domain == AF_INET6 && ipv6_error) {
        errno = ipv6_error;
        return -1;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

/* Whether a connection to `host` reaches the listener. */
static bool reaches(hem_listener *l, const char *host)
{
    hem_address a;
    hem_stream s, other;
    check_int(hem_listener_address(l, &a), 0);
    int rc = hem_connect(&s, host, hem_address_port(&a), NULL);
    if (rc < 0) {
        check_int(rc, HEM_ECONNREFUSED);
        return false;
    }
    check_int(hem_accept(l, &other), 0);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_stream_close(&other), 0);
    return true;
}

VIRTUAL_TEST(a_listener_that_was_never_open_is_closed)
{
    HEM_LISTENER(l);
    hem_stream s = {0};
    hem_address a;
    check_int(hem_listener_address(&l, &a), HEM_EBADF);
    check_int(hem_accept(&l, &s), HEM_EBADF);
    check_int(hem_serve(&l, NULL, NULL, NULL), HEM_EBADF);
    check_int(hem_listener_close(&l), HEM_EBADF);
    check_int(hem_listener_close(NULL), 0);
    return 0;
}

VIRTUAL_TEST(a_closed_listener_refuses_everything)
{
    hem_listener l;
    hem_stream s = {0};
    hem_address a;
    net_listen(&l);
    int fd = l.sockets[0].fd.fd;
    check_int(hem_listener_close(&l), 0);
    check_int(dup2(0, fd), fd); /* the next owner of the descriptor */
    check_int(hem_listener_address(&l, &a), HEM_EBADF);
    check_int(hem_accept(&l, &s), HEM_EBADF);
    check_int(hem_serve(&l, NULL, NULL, NULL), HEM_EBADF);
    check_int(hem_listener_close(&l), HEM_EBADF);
    check_int(close(fd), 0);
    return 0;
}

VIRTUAL_TEST(a_declared_listener_is_closed_with_its_block)
{
    size_t before = ledger_descriptors();
    for (int i = 0; i < 2; i++) {
        HEM_LISTENER(l);
        check_int(hem_listen(&l, "127.0.0.1", 0, NULL), 0);
        check_int(ledger_descriptors(), before + 1);
        if (i == 1)
            check_int(hem_listener_close(&l), 0);
    }
    check_int(ledger_descriptors(), before);
    return 0;
}

static int use_in_child(void *arg)
{
    hem_listener *l = arg;
    hem_stream s = {0};
    hem_address a;
    int fd = l->sockets[0].fd.fd;
    check_int(hem_listener_address(l, &a), HEM_EBADF);
    check_int(hem_accept(l, &s), HEM_EBADF);
    check_int(hem_serve(l, NULL, NULL, NULL), HEM_EBADF);
    check_int(hem_listener_close(l), HEM_EBADF);
    check(fcntl(fd, F_GETFD) < 0);
    return check_failures_take();
}

VIRTUAL_TEST(in_a_forked_child_listeners_are_closed)
{
    hem_listener l;
    struct ending e;
    net_listen(&l);
    process_run(use_in_child, &l, &e);
    check_int(e.signo, 0);
    check_int(e.status, 0);
    check_str(e.text, "");
    check(reaches(&l, "127.0.0.1"));
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(the_address_tells_the_port_that_was_free)
{
    hem_listener l;
    hem_address a;
    char text[HEM_ADDRESS_TEXT], want[HEM_ADDRESS_TEXT];
    uint16_t port = net_listen(&l);
    check(port != 0);
    check_int(hem_listener_address(&l, &a), 0);
    snprintf(want, sizeof(want), "127.0.0.1:%u", (unsigned)port);
    check_str(hem_address_format(&a, text), want);
    check(reaches(&l, "127.0.0.1"));
    check(!reaches(&l, "127.0.0.2"));
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(without_a_host_all_interfaces_are_listened_on)
{
    hem_listener l;
    check_int(hem_listen(&l, NULL, 0, NULL), 0);
    check(reaches(&l, "127.0.0.1"));
    check(reaches(&l, "127.0.0.2"));
    if (net_has_ipv6())
        check(reaches(&l, "::1"));
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(without_ipv6_all_of_ipv4_is_listened_on)
{
    static const int errors[] = {EAFNOSUPPORT, EADDRNOTAVAIL};
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        hem_listener l;
        hem_address a;
        char text[HEM_ADDRESS_TEXT];
        ipv6_error = errors[i];
        check_int(hem_listen(&l, NULL, 0, NULL), 0);
        ipv6_error = 0;
        check_int(hem_listener_address(&l, &a), 0);
        check_contains(hem_address_format(&a, text), "0.0.0.0:");
        check(reaches(&l, "127.0.0.2"));
        check_int(hem_listener_close(&l), 0);
    }
    return 0;
}

VIRTUAL_TEST(ipv6_only_leaves_ipv4_out)
{
    if (!net_has_ipv6())
        return 0;
    hem_listener l;
    check_int(hem_listen(&l, "::", 0, &(hem_listen_options){.ipv6_only = true}),
              0);
    check(reaches(&l, "::1"));
    check(!reaches(&l, "127.0.0.1"));
    check_int(hem_listener_close(&l), 0);
    return 0;
}

/* Both functions refuse it with this error, and open nothing. */
static void check_refused(const char *host, uint16_t port, int error)
{
    hem_listener l = {.limit = 77};
    int fd = 77;
    check_int(hem_listen_socket(&fd, host, port, NULL), error);
    check_int(fd, 77);
    check_int(hem_listen(&l, host, port, NULL), error);
    check_int(l.limit, 77);
}

VIRTUAL_TEST(a_host_must_be_a_numeric_address_of_this_machine)
{
    char name[300];
    memset(name, '1', sizeof(name));
    name[299] = '\0';
    check_refused("localhost.", 0, HEM_EINVAL);
    check_refused("", 0, HEM_EINVAL);
    check_refused("127.1", 0, HEM_EINVAL);
    check_refused(name, 0, HEM_ENAMETOOLONG);
    check_refused("198.51.100.1", 0, HEM_EADDRNOTAVAIL);
    return 0;
}

VIRTUAL_TEST(a_port_in_use_is_refused)
{
    hem_listener l, again;
    hem_listen_options share = {.reuse_port = true};
    uint16_t port = net_listen(&l);
    check_refused("127.0.0.1", port, HEM_EADDRINUSE);
    check_refused("0.0.0.0", port, HEM_EADDRINUSE);
    check_refused(NULL, port, HEM_EADDRINUSE);
    check_int(hem_listen(&again, "127.0.0.1", port, &share), HEM_EADDRINUSE);
    check_int(hem_listener_close(&l), 0);
    check_int(hem_listen(&again, "127.0.0.1", port, NULL), 0);
    check_int(hem_listener_close(&again), 0);
    return 0;
}

VIRTUAL_TEST(a_failure_tells_where_it_could_not_listen)
{
    hem_listener l, again;
    char text[100];
    uint16_t port = net_listen(&l);
    check_int(hem_listen(&again, "127.0.0.1", port, NULL), HEM_EADDRINUSE);
    snprintf(text, sizeof(text),
             "listen at \"127.0.0.1\", port %d: Address already in use", port);
    check_str(hem_failure_text(HEM_EADDRINUSE), text);
    check_int(hem_listen(&again, NULL, port, NULL), HEM_EADDRINUSE);
    snprintf(text, sizeof(text),
             "listen at all interfaces, port %d: Address already in use", port);
    check_str(hem_failure_text(HEM_EADDRINUSE), text);
    check_int(hem_listener_add(&l, "198.51.100.1", 9, NULL), HEM_EADDRNOTAVAIL);
    check_str(hem_failure_text(HEM_EADDRNOTAVAIL),
              "listen at \"198.51.100.1\", port 9: "
              "Cannot assign requested address");
    check_int(hem_listen_unix(&again, "/no/such", NULL), HEM_ENOENT);
    check_str(hem_failure_text(HEM_ENOENT),
              "listen at unix:/no/such: No such file or directory");
    check_int(hem_listener_close(&l), 0);
    return 0;
}

static void listen_in_vain(void *ret)
{
    hem_listener l;
    *(int *)ret = hem_listen(&l, "198.51.100.1", 0, NULL);
}

VIRTUAL_TEST(a_callback_may_listen_in_vain)
{
    int rc = 0;
    hem_callback cb;
    hem_callback_init(&cb, listen_in_vain, &rc);
    check_int(hem_call_soon(&cb), 0);
    check_int(hem_sleep(HEM_MSEC), 0);
    check_int(rc, HEM_EADDRNOTAVAIL);
    return 0;
}

VIRTUAL_TEST(a_port_with_connections_that_wait_for_their_end_is_free)
{
    hem_listener l;
    hem_stream s;
    uint16_t port = net_listen(&l);
    int peer = net_connect(port);
    check_int(hem_accept(&l, &s), 0);
    check_int(hem_stream_close(&s), 0); /* first: this end is in TIME_WAIT */
    check(net_hears_the_end(peer));
    net_close(peer);
    check_int(hem_listener_close(&l), 0);
    check_int(hem_listen(&l, "127.0.0.1", port, NULL), 0);
    check_int(hem_listener_close(&l), 0);
    return 0;
}

VIRTUAL_TEST(a_port_can_be_shared_by_those_who_agree)
{
    hem_listener a, b;
    hem_address address;
    hem_listen_options share = {.reuse_port = true};
    check_int(hem_listen(&a, "127.0.0.1", 0, &share), 0);
    check_int(hem_listener_address(&a, &address), 0);
    uint16_t port = hem_address_port(&address);
    check_int(hem_listen(&b, "127.0.0.1", port, &share), 0);
    check_refused("127.0.0.1", port, HEM_EADDRINUSE);
    check_int(hem_listener_close(&a), 0);
    check(reaches(&b, "127.0.0.1"));
    check_int(hem_listener_close(&b), 0);
    return 0;
}

VIRTUAL_TEST(without_descriptors_nothing_listens)
{
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){0, before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    check_refused("127.0.0.1", 0, HEM_EMFILE);
    check_refused(NULL, 0, HEM_EMFILE);
    setrlimit(RLIMIT_NOFILE, &before);
    return 0;
}

static void a_listening_socket_needs_no_loop(void **state)
{
    (void)state;
    int fd = -1;
    int listening = 0;
    socklen_t n = sizeof(listening);
    hem_address a;
    check_int(hem_listen_socket(&fd, "127.0.0.1", 0, NULL), 0);
    check(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    check(fcntl(fd, F_GETFL) & O_NONBLOCK);
    check_int(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &n), 0);
    check_int(listening, 1);
    check_int(hem_address_of_socket(&a, fd), 0);
    int peer = net_connect(hem_address_port(&a));
    close(peer);
    close(fd);
}

static void the_address_of_what_is_no_socket_is_an_error(void **state)
{
    (void)state;
    hem_address a = {.length = 77};
    int ends[2];
    check_int(pipe(ends), 0);
    check_int(hem_address_of_socket(&a, ends[0]), HEM_ENOTSOCK);
    close(ends[0]);
    close(ends[1]);
    check_int(hem_address_of_socket(&a, ends[0]), HEM_EBADF);
    check_int(hem_address_of_socket(&a, -1), HEM_EBADF);
    check_int(a.length, 77);
}

/* As somebody without rights: a port that needs them. */
static int listen_as_nobody(void *arg)
{
    int fd;
    (void)arg;
    if (setgid(65534) < 0 || setuid(65534) < 0)
        return 77;
    return hem_listen_socket(&fd, "127.0.0.1", 1, NULL) == HEM_EACCES ? 0 : 1;
}

static void a_port_of_the_system_is_refused(void **state)
{
    (void)state;
    unsigned first = 1024;
    FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    if (f) {
        check_int(fscanf(f, "%u", &first), 1);
        fclose(f);
    }
    struct ending e;
    process_run(listen_as_nobody, NULL, &e);
    if (e.status != 77 && first > 1)
        check_int(e.status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_listener_that_was_never_open_is_closed),
        LEDGER_TEST(a_closed_listener_refuses_everything),
        LEDGER_TEST(a_declared_listener_is_closed_with_its_block),
        LEDGER_TEST(in_a_forked_child_listeners_are_closed),
        LEDGER_TEST(the_address_tells_the_port_that_was_free),
        LEDGER_TEST(without_a_host_all_interfaces_are_listened_on),
        LEDGER_TEST(without_ipv6_all_of_ipv4_is_listened_on),
        LEDGER_TEST(ipv6_only_leaves_ipv4_out),
        LEDGER_TEST(a_host_must_be_a_numeric_address_of_this_machine),
        LEDGER_TEST(a_port_in_use_is_refused),
        LEDGER_TEST(a_failure_tells_where_it_could_not_listen),
        LEDGER_TEST(a_callback_may_listen_in_vain),
        LEDGER_TEST(a_port_with_connections_that_wait_for_their_end_is_free),
        LEDGER_TEST(a_port_can_be_shared_by_those_who_agree),
        LEDGER_TEST(without_descriptors_nothing_listens),
        LEDGER_TEST(a_listening_socket_needs_no_loop),
        LEDGER_TEST(the_address_of_what_is_no_socket_is_an_error),
        LEDGER_TEST(a_port_of_the_system_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
