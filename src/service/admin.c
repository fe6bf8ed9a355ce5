/* SPDX-License-Identifier: MIT */
/*
 * Pages for operators, by HTTP: /livez, /readyz, /metrics.
 *
 * What connects may be anybody on this machine, so all is bounded: clients,
 * heads, the time for each. An answer is the last on its connection.
 *
 *     reading --a head, or 5 s--> answering --all sent--> parting --the client
 *     has closed, or 5 s since the answer began--> closed
 *
 * Listening begins before the first worker is started, so that an address that
 * cannot be had is an error of hem_prefork(), and ends with the service.
 */
#include "service/admin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "hem/error.h"
#include "hem/failure.h"
#include "hem/log.h"
#include "hem/notify.h"
#include "hem/stream.h"
#include "hem/timeout.h"
#include "io/unix.h"
#include "loop/fd.h"
#include "service/request.h"
#include "service/upgrade.h"

#define PARTING_MAX 65536 /* bytes that are heard out */

#define TEXT_PLAIN   "text/plain; charset=utf-8"
#define TEXT_METRICS "text/plain; version=0.0.4; charset=utf-8"

/* ---- addresses ---- */

/* A port, in digits and without zeros before it; -1: it is none. */
static int parse_port(const char *text)
{
    size_t n = strspn(text, "0123456789");
    if (n == 0 || n > 5 || text[n] != '\0' || (n > 1 && text[0] == '0'))
        return -1;
    int port = atoi(text);
    return port <= UINT16_MAX ? port : -1;
}

static bool is_loopback(const hem_address *a)
{
    if (a->storage.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)&a->storage;
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *in6 = (const void *)&a->storage;
    return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* "127.0.0.1:80" or "[::1]:80"; brackets and colons go together. */
static int parse_host(hem_address *ret, const char *text)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    int port = colon ? parse_port(colon + 1) : -1;
    size_t n = port >= 0 ? (size_t)(colon - text) : 0;
    bool brackets = n >= 2 && text[0] == '[' && text[n - 1] == ']';
    if (brackets) {
        text++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof(host))
        return HEM_EINVAL;
    memcpy(host, text, n);
    host[n] = '\0';
    if (brackets != (strchr(host, ':') != NULL))
        return HEM_EINVAL;
    hem_address a;
    HEM_TRY(hem_address_parse(&a, host, (uint16_t)port));
    if (!is_loopback(&a))
        return HEM_EINVAL;
    *ret = a;
    return 0;
}

int hem__admin_address(hem_address *ret, const char *text)
{
    if (strncmp(text, "unix:", 5) == 0)
        return hem__unix_address(ret, text + 5);
    return parse_host(ret, text);
}

/* ---- pages ---- */

const char *hem__service_unready(const hem__service *s)
{
    if (s->state == HEM__SERVICE_STARTING)
        return "starting";
    if (s->state != HEM__SERVICE_READY)
        return "stopping";
    return hem__service_ready_workers(s) > 0 ? NULL : "no worker is ready";
}

struct answer {
    int status;
    bool head; /* without the body */
    const char *type;
    hem__text body;
};

/* This loop turns, or there would be no answer. That is all: workers that are
 * stuck or gone are this process' own business, no reason to kill it. */
static void show_livez(const hem__service *s, struct answer *a)
{
    (void)s;
    hem__text_add(&a->body, "alive\n");
}

static void show_readyz(const hem__service *s, struct answer *a)
{
    const char *why = hem__service_unready(s);
    a->status = why ? 503 : 200;
    hem__text_add(&a->body, "%s\n", why ? why : "ready");
}

static void show_metrics(const hem__service *s, struct answer *a)
{
    a->type = TEXT_METRICS;
    hem__metrics_write(s, &a->body);
}

static const struct page {
    const char *path;
    void (*show)(const hem__service *s, struct answer *a);
} pages[] = {
    {"/livez", show_livez},
    {"/readyz", show_readyz},
    {"/metrics", show_metrics},
};

static void show(const hem__service *s, const hem__request *r, struct answer *a)
{
    a->head = r->head;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (strlen(pages[i].path) == r->path_size &&
            memcmp(pages[i].path, r->path, r->path_size) == 0) {
            pages[i].show(s, a);
            return;
        }
    }
    a->status = 404;
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {431, "Request Header Fields Too Large"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    size_t i = 0;
    while (reasons[i].status != status)
        i++;
    return reasons[i].text;
}

/* ---- a connection ---- */

/* Read and judge the head. Returns the status to answer with, and with 200 the
 * request; an error: there is nobody to answer. */
static int read_request(hem_stream *stream, hem__request *ret)
{
    char *bytes;
    size_t seen = 0;
    ssize_t n = 0;
    int size = 0;
    while (size == 0) {
        ssize_t before = n;
        n = hem_stream_peek(stream, (size_t)before + 1, &bytes);
        if (n <= before)
            return n < 0 ? (int)n : HEM_EINCOMPLETE;
        size = hem__head_scan(bytes, (size_t)n, &seen);
    }
    return size < 0 ? -size : hem__head_parse(ret, bytes, (size_t)size);
}

static int read_in_time(hem_stream *stream, hem__request *ret)
{
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, HEM__ADMIN_PATIENCE));
    int rc = hem_timeout_close(&t, read_request(stream, ret));
    return rc == HEM_ETIMEDOUT ? 408 : rc;
}

int hem__admin_part(hem_stream *stream)
{
    char waste[4096];
    ssize_t n = hem_stream_shutdown_write(stream);
    for (size_t sum = 0; n >= 0 && sum < PARTING_MAX; sum += (size_t)n) {
        n = hem_stream_read(stream, waste, sizeof(waste));
        if (n == 0)
            return 0;
    }
    return n < 0 ? (int)n : HEM_ELIMIT;
}

static int send_answer(hem_stream *stream, const struct answer *a)
{
    char head[256];
    int n = snprintf(head, sizeof(head),
                     "HTTP/1.1 %d %s\r\n"
                     "Content-Type: %s\r\n"
                     "Content-Length: %zu\r\n"
                     "Cache-Control: no-store\r\n"
                     "%sConnection: close\r\n\r\n",
                     a->status, reason(a->status), a->type, a->body.size,
                     a->status == 405 ? "Allow: GET, HEAD\r\n" : "");
    struct iovec pieces[] = {{head, (size_t)n}, {a->body.data, a->body.size}};
    bool body = a->body.size > 0 && !a->head;
    ssize_t rc = hem_stream_writev(stream, pieces, body ? 2 : 1);
    return rc < 0 ? (int)rc : hem__admin_part(stream);
}

static int send_in_time(hem_stream *stream, const struct answer *a)
{
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, HEM__ADMIN_PATIENCE));
    return hem_timeout_close(&t, send_answer(stream, a));
}

static int answer_client(hem_stream *stream, void *arg)
{
    hem__request r;
    int status = read_in_time(stream, &r);
    if (status < 0)
        return status;
    struct answer a = {.status = status, .type = TEXT_PLAIN};
    if (status == 200)
        show(arg, &r, &a);
    if (a.body.lost) {
        hem__text_clear(&a.body);
        a.status = 503;
    }
    if (a.body.size == 0 && a.status != 200)
        hem__text_add(&a.body, "%s\n", reason(a.status));
    int rc = send_in_time(stream, &a);
    hem__text_clear(&a.body);
    return rc;
}

/* ---- listening ---- */

static void release(struct hem__admin *a)
{
    if (--a->refs > 0)
        return;
    a->service->admin = NULL;
    hem__free(a);
}

/* Its task: serve until the listener is closed, or the service ends. */
static int serve(struct hem__admin *a, hem_listener *l, hem_serve_fn *fn)
{
    int rc = a->succeeds ? hem_event_wait(&a->service->ready) : 0;
    if (rc == 0)
        rc = hem_serve(l, fn, a->service,
                       &(hem_serve_options){
                           .max_connections = HEM__ADMIN_CLIENTS,
                           .quiet = true,
                       });
    (void)hem_listener_close(l);
    a->error = rc;
    release(a);
    return rc == HEM_ECANCELED ? rc : 0;
}

static int serve_http(void *arg)
{
    struct hem__admin *a = arg;
    return serve(a, &a->http, answer_client);
}

static int serve_agent(void *arg)
{
    struct hem__admin *a = arg;
    return serve(a, &a->agent, hem__agent_answer);
}

static bool is_at(int fd, const hem_address *a)
{
    hem_address its;
    char text[HEM_ADDRESS_TEXT], its_text[HEM_ADDRESS_TEXT];
    hem_address_format(a, text);
    return hem_address_of_socket(&its, fd) == 0 &&
           strcmp(hem_address_format(&its, its_text), text) == 0;
}

/* A listener, and how it comes to its socket. */
struct way {
    hem_listener *listener;
    const char *name; /* for hem_inherited_fd() */
    enum hem__upgrade_fd handed_on;
    const char *text; /* its address, as the options have it */
};

/* A socket at this address that this process was started with, by the service
 * that it succeeds or by systemd. 0: there is none. */
static int find_inherited(struct hem__admin *admin, const struct way *w,
                          const hem_address *a)
{
    int fd = hem__upgrade_inherited(admin->service, w->handed_on);
    bool handed_on = fd >= 0;
    if (!handed_on)
        fd = hem_inherited_fd(w->name, 0);
    if (fd < 0)
        return 0;
    if (!is_at(fd, a)) {
        close(fd);
        return 0;
    }
    admin->succeeds |= handed_on;
    return fd;
}

static int open_listener(struct hem__admin *admin, const struct way *w)
{
    hem_address a;
    int rc = hem__admin_address(&a, w->text);
    if (rc < 0)
        return hem_fail(rc, "%s \"%s\": not a port of loopback, nor unix:PATH",
                        w->name, w->text);
    hem_listen_options o = {.limit = HEM__HEAD_MAX,
                            .fd = find_inherited(admin, w, &a)};
    rc = o.fd > 0 ? hem_listen(w->listener, NULL, 0, &o)
                  : hem_listen_address(w->listener, &a, &o);
    if (rc < 0 && o.fd > 0)
        close(o.fd);
    return rc;
}

static int open_listeners(struct hem__admin *a, const hem_prefork_options *o)
{
    const struct way ways[] = {
        {&a->http, HEM__ADMIN_SOCKET, HEM__UPGRADE_ADMIN, o->admin},
        {&a->agent, HEM__AGENT_SOCKET, HEM__UPGRADE_AGENT, o->agent},
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && rc == 0; i++) {
        if (ways[i].text)
            rc = open_listener(a, &ways[i]);
    }
    return rc;
}

/* Started eagerly: its task lets go of what it was given, also when it is
 * cancelled at once. */
static int start(struct hem__admin *a, hem_fn *fn, hem_scope *scope)
{
    a->refs++;
    int rc = hem_scope_spawn_with(scope, NULL, fn, a, .name = "admin",
                                  .eager = true);
    if (rc < 0)
        a->refs--;
    return rc < 0 ? rc : a->error;
}

static int start_all(hem__service *s, hem_scope *scope)
{
    const hem_prefork_options *o = s->options;
    struct hem__admin *a = hem__calloc(sizeof(*a));
    if (!a)
        return HEM_ENOMEM;
    a->service = s;
    a->refs = 1;
    s->admin = a;
    int rc = open_listeners(a, o);
    if (rc == 0 && o->admin)
        rc = start(a, serve_http, scope);
    if (rc == 0 && o->agent)
        rc = start(a, serve_agent, scope);
    if (rc < 0) {
        (void)hem_listener_close(&a->http);
        (void)hem_listener_close(&a->agent);
    }
    release(a);
    return rc;
}

int hem__admin_start(hem__service *s, hem_scope *scope)
{
    const hem_prefork_options *o = s->options;
    int rc = hem__metrics_check(o);
    if (rc == 0 && (o->admin || o->agent))
        rc = start_all(s, scope);
    if (rc < 0) /* hem_prefork() can tell no more than the error */
        hem_log(HEM_LOG_ERROR, "%s", hem_failure_text(rc));
    return rc;
}

static int socket_of(const hem_listener *l)
{
    return hem__fd_is_open(&l->sockets[0].fd) ? l->sockets[0].fd.fd : -1;
}

int hem__admin_socket(const hem__service *s)
{
    return s->admin ? socket_of(&s->admin->http) : -1;
}

int hem__agent_socket(const hem__service *s)
{
    return s->admin ? socket_of(&s->admin->agent) : -1;
}

static void hand_over(hem_listener *l)
{
    l->sockets[0].inode = 0; /* the file is the other's to remove */
    (void)hem_listener_close(l);
}

void hem__admin_hand_over(hem__service *s)
{
    struct hem__admin *a = s->admin;
    if (!a)
        return;
    hand_over(&a->http);
    hand_over(&a->agent);
}

/* Those that are no files of Unix sockets have none to find. */
static void take_over(hem_listener *l)
{
    struct hem__listening *s = &l->sockets[0];
    hem_address a;
    hem__unix_file file;
    if (hem__fd_is_open(&s->fd) && hem_address_of_socket(&a, s->fd.fd) == 0 &&
        hem__unix_find(&a, &file) == 0) {
        s->device = file.device;
        s->inode = file.inode;
    }
}

void hem__admin_take_over(hem__service *s)
{
    struct hem__admin *a = s->admin;
    if (!a || !a->succeeds)
        return;
    take_over(&a->http);
    take_over(&a->agent);
}
