/* SPDX-License-Identifier: MIT */
/* Each function of servers either suspends and is a point of cancellation, or
 * never. */
#include "support.h"

#include "net.h"
#include "suspension.h"

static int do_nothing(hem_stream *s, void *arg)
{
    (void)s;
    (void)arg;
    return 0;
}

CASE(listen)
{
    (void)f;
    HEM_LISTENER(l);
    hem_address a[4];
    int fds[1];
    check_int(hem_listen_socket(&fds[0], "127.0.0.1", 0, NULL), 0);
    check_int(hem_listen(&l, NULL, 0, &(hem_listen_options){.fd = fds[0]}), 0);
    check_int(hem_listener_add(&l, "127.0.0.2", 0, NULL), 0);
    check_int(hem_address_parse(&a[0], "127.0.0.3", 0), 0);
    check_int(hem_listener_add_address(&l, &a[0], NULL), 0);
    check_int(hem_listener_address(&l, a), 0);
    check_int(hem_listener_addresses(&l, a, 4), 3);
    check_int(hem_listener_connections(&l), 0);
    check_int(hem_listener_close_clients(&l), 0);
    check_int(hem_listener_abort_clients(&l), 0);
    check_int(hem_listener_close(&l), 0);
    check_int(hem_address_parse(&a[0], "127.0.0.1", 0), 0);
    check_int(hem_listen_address_socket(&fds[0], &a[0], NULL), 0);
    close(fds[0]);
    check_int(hem_listen_address(&l, &a[0], NULL), 0);
    check_int(hem_listener_close(&l), 0);
    check_int(hem_listen_unix(&l, "@hem-test-suspension-serve", NULL), 0);
    check_int(hem_listener_close(&l), 0);
    check_int(hem_listen_inherited(&l, NULL), HEM_ENOENT);
    check_int(hem_inherited_sockets(fds, 1), 0);
    return 0;
}

static hem_listener listener;
static hem_callback cb;

static void close_listener(void *arg)
{
    (void)arg;
    (void)hem_listener_close(&listener);
}

static void open_listener(void)
{
    net_listen(&listener);
    hem_callback_init(&cb, close_listener, NULL);
    check_int(hem_call_soon(&cb), 0);
}

/* Accepting ends when the listener is closed. */
static int end(int rc)
{
    (void)hem_callback_cancel(&cb);
    (void)hem_listener_close(&listener);
    return rc == HEM_EBADF ? 0 : rc;
}

CASE(hem_accept)
{
    (void)f;
    hem_stream s;
    open_listener();
    return end(hem_accept(&listener, &s));
}

CASE(hem_serve)
{
    (void)f;
    open_listener();
    return end(hem_serve(&listener, do_nothing, NULL, NULL));
}

static int peer;

static void send_header(void *arg)
{
    (void)arg;
    net_say(peer, "PROXY UNKNOWN\r\n");
}

CASE(hem_stream_read_proxy)
{
    (void)f;
    hem_stream s;
    int client = -1;
    hem_listener l;
    client = net_connect(net_listen(&l));
    peer = client;
    int rc = hem_accept(&l, &s);
    if (rc == 0) {
        hem_callback_init(&cb, send_header, NULL);
        check_int(hem_call_soon(&cb), 0);
        rc = hem_stream_read_proxy(&s, NULL);
        (void)hem_callback_cancel(&cb);
        check_int(hem_stream_close(&s), 0);
    }
    check_int(hem_listener_close(&l), 0);
    net_close(client);
    return rc;
}

/* clang-format off */
static const struct suspension table[] = {
    NEVER(hem_listen_socket, listen),
    NEVER(hem_listen_address_socket, listen),
    NEVER(hem_listen, listen),
    NEVER(hem_listen_address, listen),
    NEVER(hem_listen_unix, listen),
    NEVER(hem_listen_inherited, listen),
    NEVER(hem_inherited_sockets, listen),
    NEVER(hem_listener_add, listen),
    NEVER(hem_listener_add_address, listen),
    NEVER(hem_listener_address, listen),
    NEVER(hem_listener_addresses, listen),
    NEVER(hem_listener_close, listen),
    NEVER(hem_listener_close_clients, listen),
    NEVER(hem_listener_abort_clients, listen),
    NEVER(hem_listener_connections, listen),
    SUSPENDS(hem_accept),
    SUSPENDS(hem_serve),
    SUSPENDS(hem_stream_read_proxy),
};
/* clang-format on */

int main(void)
{
    static const char *const headers[] = {"listen", "serve", "proxy"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}
