/* SPDX-License-Identifier: MIT */
/* A listener at several addresses, a Unix socket among them that replaces a
 * leftover, and clients behind a proxy. */
#include "torture.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct server {
    hem_listener listener;
    struct sockaddr_un path;
    int result; /* of hem_serve */
    bool ended;
};

static int answer(hem_stream *s, void *arg)
{
    hem_stream_info info;
    (void)arg;
    HEM_TRY(hem_stream_get_info(s, &info));
    check(info.proxied);
    HEM_TRY(hem_stream_write(s, "x", 1));
    return 0;
}

static int serve(void *arg)
{
    struct server *sv = arg;
    sv->result = hem_serve(
        &sv->listener, answer, sv,
        &(hem_serve_options){.quiet = true, .proxy = true, .grace = -1});
    sv->ended = true;
    return 0;
}

/* Leave a socket file behind, as a process does that was killed. */
static void leave_socket(struct server *sv)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sv->path.sun_family = AF_UNIX;
    snprintf(sv->path.sun_path, sizeof(sv->path.sun_path),
             "/tmp/hem-torture-%d", (int)getpid());
    unlink(sv->path.sun_path);
    check_int(bind(fd, (struct sockaddr *)&sv->path, sizeof(sv->path)), 0);
    close(fd);
}

static int talk(hem_stream *s)
{
    static const char header[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    char byte;
    HEM_TRY(hem_stream_write(s, header, strlen(header)));
    ssize_t n = hem_stream_read(s, &byte, 1);
    HEM_TRY(n);
    return n == 1 ? 0 : HEM_EINCOMPLETE;
}

static int be_client(void *arg)
{
    struct server *sv = arg;
    hem_address a[4];
    hem_stream s;
    HEM_TRY(hem_listener_addresses(&sv->listener, a, 4));
    HEM_TRY(hem_connect(&s, "127.0.0.1", hem_address_port(&a[0]), NULL));
    int rc = talk(&s);
    check_int(hem_stream_close(&s), 0);
    return rc;
}

static int listen_all(struct server *sv)
{
    hem_address unix_address;
    HEM_TRY(hem_address_unix(&unix_address, sv->path.sun_path,
                             strlen(sv->path.sun_path)));
    HEM_TRY(hem_listen(&sv->listener, "localhost", 0, NULL));
    int rc = hem_listener_add_address(&sv->listener, &unix_address,
                                      &(hem_listen_options){.mode = 0600});
    if (rc < 0)
        check_int(hem_listener_close(&sv->listener), 0);
    return rc;
}

static int serve_main(void *arg)
{
    struct server *sv = arg;
    HEM_TRY(listen_all(sv));
    HEM_SCOPE(s);
    int rc = hem_scope_spawn_with(&s, NULL, serve, sv, .eager = true);
    if (rc == 0 && sv->ended)
        rc = sv->result; /* it did not begin */
    if (check_success(rc))
        check_success(in_time(be_client, sv), TORTURE_PEER_FAILED);
    (void)hem_listener_abort_clients(&sv->listener);
    check_int(hem_listener_close(&sv->listener), 0);
    return hem_scope_close(&s, 0);
}

void scenario_addresses(void)
{
    struct server sv = {0};
    leave_socket(&sv);
    check_success(hem_run(serve_main, &sv, NULL), HEM_EADDRINUSE);
    if (!faulty())
        check(unlink(sv.path.sun_path) < 0);
    unlink(sv.path.sun_path);
}
