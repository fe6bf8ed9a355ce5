/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "answer.h"
#include "metrics.h"

#define LAST_TIME HEM_SEC

static int grow(http_connection *c)
{
    assert(c->capacity < HTTP_HEAD_MAX);
    char *head = malloc(HTTP_HEAD_MAX);
    if (head == NULL)
        return HEM_ENOMEM;
    memcpy(head, c->head, c->used);
    c->head = head;
    c->capacity = HTTP_HEAD_MAX;
    return 0;
}

/* Drop the first `n` bytes, and the large buffer as soon as the rest fits in
 * the small one. */
static void consume(http_connection *c, size_t n)
{
    assert(n <= c->used);
    c->used -= n;
    if (c->head == c->small || c->used > sizeof(c->small)) {
        memmove(c->head, c->head + n, c->used);
        return;
    }
    memcpy(c->small, c->head + n, c->used);
    free(c->head);
    c->head = c->small;
    c->capacity = sizeof(c->small);
}

/* Whether bytes of the client are there that nobody has read. */
static bool has_come(const http_connection *c)
{
    hem_stream_info info;
    char byte;
    return hem_stream_get_info(c->stream, &info) == 0 &&
           recv(info.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* How long it may take from now on: to begin, or to be complete. As the server
 * ends, who has not asked yet may do so once more: it cannot know. */
static hem_ns patience(const http_connection *c)
{
    const http_worker *w = c->worker;
    bool has_begun = c->used > 0 || (w->draining && has_come(c));
    if (has_begun || (c->is_first && !w->draining))
        return w->header_timeout;
    if (!w->draining || w->idle_timeout < w->linger)
        return w->idle_timeout;
    return w->linger;
}

static void wait_begin(http_connection *c, hem_timeout *deadline)
{
    http_worker *w = c->worker;
    c->deadline = deadline;
    c->before = NULL;
    c->behind = w->waiting;
    if (w->waiting != NULL)
        w->waiting->before = c;
    w->waiting = c;
}

static void wait_end(http_connection *c)
{
    if (c->before != NULL)
        c->before->behind = c->behind;
    else
        c->worker->waiting = c->behind;
    if (c->behind != NULL)
        c->behind->before = c->before;
}

void http_worker_drain(http_worker *w)
{
    w->draining = true;
    for (http_connection *c = w->waiting; c != NULL; c = c->behind) {
        hem_ns when = hem_now() + patience(c);
        if (when < hem_timeout_when(c->deadline) &&
            hem_timeout_reschedule(c->deadline, when) < 0)
            continue; /* it is over */
    }
}

/* Read until the scan has a verdict or the stream ends. */
static int fill(http_connection *c, http_scan *scan, hem_timeout *deadline)
{
    while (c->verdict == 0) {
        if (c->used == c->capacity)
            HEM_TRY(grow(c));
        ssize_t n = hem_stream_read(c->stream, c->head + c->used,
                                    c->capacity - c->used);
        if (n <= 0)
            return (int)n;
        bool is_begin = c->used == 0 && (!c->is_first || c->worker->draining);
        c->used += (size_t)n;
        c->verdict = http_head_scan(scan, c->head, c->used);
        if (is_begin && c->verdict == 0 &&
            hem_timeout_reschedule(deadline,
                                   hem_now() + c->worker->header_timeout) < 0)
            return HEM_ETIMEDOUT;
    }
    return 0;
}

/* Wait for a head, as long as patience() has it. */
static int wait_for_head(http_connection *c, http_scan *scan)
{
    hem_timeout deadline;
    hem_ns time = patience(c);
    if (time == 0)
        return HEM_ETIMEDOUT;
    HEM_TRY(hem_timeout_open(&deadline, time));
    wait_begin(c, &deadline);
    int rc = fill(c, scan, &deadline);
    wait_end(c);
    return hem_timeout_close(&deadline, rc);
}

/*
 * Have a head at the beginning of the buffer. Returns 200: it is there, of
 * `verdict` bytes; another status to refuse with; 0: the client has gone or
 * said nothing in time; or an error.
 */
static int read_head(http_connection *c)
{
    http_scan scan = {0};
    int rc = 0;
    c->verdict = http_head_scan(&scan, c->head, c->used);
    if (c->verdict == 0)
        rc = wait_for_head(c, &scan);
    if (rc == HEM_ETIMEDOUT && c->used == 0 && c->worker->draining &&
        has_come(c)) /* it began right when it was told to end */
        rc = wait_for_head(c, &scan);
    if (rc == HEM_ETIMEDOUT)
        return c->used > 0 ? 408 : 0;
    if (rc == HEM_ENOMEM)
        return 503;
    HEM_TRY(rc);
    if (c->verdict == 0) /* the stream has ended, maybe within a head */
        return c->used > 0 ? 400 : 0;
    return c->verdict > 0 ? 200 : -c->verdict;
}

/* Returns HTTP_GO_ON, HTTP_CLOSE, 0: closed without a word; or an error. */
static int serve_request(http_connection *c)
{
    int status = read_head(c);
    if (status <= 0)
        return status;
    http_request request = {.status = status};
    size_t length = status == 200 ? (size_t)c->verdict : 0;
    if (length > 0)
        http_request_parse(&request, c->head, length);
    c->sent = 0;
    int rc = http_answer(c, &request);
    if (rc >= 0)
        http_metrics_count(c->worker->process, c->status, c->sent);
    c->is_first = false;
    consume(c, length);
    return rc;
}

static int drop_input(http_connection *c)
{
    ssize_t n;
    do
        n = hem_stream_read(c->stream, c->small, sizeof(c->small));
    while (n > 0);
    return (int)n;
}

static int linger(http_connection *c)
{
    if (hem_stream_shutdown_write(c->stream) < 0)
        return 0; /* the client has gone */
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, LAST_TIME));
    int rc = hem_timeout_close(&t, drop_input(c));
    return rc == HEM_ECANCELED ? rc : 0;
}

/* One request after the other. */
static int serve(http_connection *c)
{
    int rc;
    do
        rc = serve_request(c);
    while (rc == HTTP_GO_ON);
    if (rc == HTTP_CLOSE)
        rc = linger(c);
    else if (rc < 0 && rc != HEM_ECANCELED)
        hem_stream_abort(c->stream); /* nothing more is worth sending */
    if (c->head != c->small)
        free(c->head);
    return rc;
}

int http_connection_serve(hem_stream *s, void *arg)
{
    http_worker *worker = arg;
    http_connection c;
    c.stream = s;
    c.worker = worker;
    c.is_first = true;
    c.head = c.small;
    c.capacity = sizeof(c.small);
    c.used = 0;
    hem_worker_metric_add(worker->process, HTTP_CONNECTIONS, 1);
    hem_worker_metric_add(worker->process, HTTP_OPEN, 1);
    int rc = serve(&c);
    hem_worker_metric_add(worker->process, HTTP_OPEN, -1);
    return rc;
}
