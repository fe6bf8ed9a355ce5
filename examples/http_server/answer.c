/* SPDX-License-Identifier: MIT */
/*
 * Small files are read into a block behind their head, and leave with it in
 * one piece. Larger ones are sent by the kernel, so that a client that does
 * not read costs a descriptor and no memory of ours. Blocks are kept for the
 * next response: a worker needs as many as responses are stalled at once.
 */
#define _GNU_SOURCE 1
#include "answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "listing.h"
#include "response.h"

enum {
    BLOCK_HEAD = 1024,        /* of a block, for the head of a file */
    BLOCK_BODY = 16 * 1024,   /* and for its content */
    BLOCKS_KEPT = 64,         /* by a worker */
    PIECE_BYTES = 256 * 1024, /* to be sent within the write deadline */
};

struct http_block {
    struct http_block *next; /* among those not in use */
    char bytes[BLOCK_HEAD + BLOCK_BODY];
};

static struct http_block *take_block(http_worker *w)
{
    struct http_block *b = w->blocks;
    if (b == NULL)
        return malloc(sizeof(*b));
    w->blocks = b->next;
    w->block_count--;
    return b;
}

static void give_block(http_worker *w, struct http_block *b)
{
    if (w->block_count == BLOCKS_KEPT) {
        free(b);
        return;
    }
    b->next = w->blocks;
    w->blocks = b;
    w->block_count++;
}

void http_worker_deinit(http_worker *w)
{
    while (w->blocks != NULL)
        free(take_block(w));
}

/* Send `n` bytes of the file `fd`, or of memory if that is -1. */
static int send_all(http_connection *c, const char *at, int fd, size_t n)
{
    hem_ns limit = c->worker->write_timeout;
    hem_timeout stall;
    HEM_TRY(hem_timeout_open(&stall, limit));
    ssize_t rc = 0;
    for (size_t sent = 0; sent < n && rc >= 0;) {
        if (sent > 0 && hem_timeout_reschedule(&stall, hem_now() + limit) < 0) {
            rc = HEM_ETIMEDOUT;
            break;
        }
        size_t piece = n - sent < PIECE_BYTES ? n - sent : PIECE_BYTES;
        if (fd < 0)
            rc = hem_stream_write(c->stream, at + sent, piece);
        else
            rc = hem_stream_send_file(c->stream, fd, (off_t)sent, piece);
        sent += piece;
    }
    c->sent += n;
    return hem_timeout_close(&stall, rc < 0 ? (int)rc : 0);
}

static http_response respond(http_connection *c, const http_request *r,
                             int status)
{
    c->status = status;
    return (http_response){
        .status = status,
        .close = !r->keep_alive || c->worker->draining,
        .is_http10 = r->is_http10,
    };
}

static int next_step(int rc, const http_response *response)
{
    if (rc < 0)
        return rc;
    return response->close ? HTTP_CLOSE : HTTP_GO_ON;
}

/* Answer with a status and a line of text that says it. `path`: where else
 * to look, or NULL. */
static int send_status(http_connection *c, const http_request *r, int status,
                       const char *path)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "%d %s\n", status,
                     http_status_text(status));
    http_response response = respond(c, r, status);
    if (status != 304) {
        response.type = "text/plain; charset=utf-8";
        response.length = (uint64_t)n;
    }
    response.path = path;
    struct http_block *b = take_block(c->worker);
    if (b == NULL)
        return HEM_ENOMEM;
    http_text t = {.at = b->bytes, .size = sizeof(b->bytes)};
    http_response_put(&t, &response);
    if (status != 304 && r->method != HTTP_HEAD)
        http_text_print(&t, "%s", text);
    assert(!t.is_cut); /* a block holds three times the longest target */
    int rc = send_all(c, t.at, -1, t.used);
    give_block(c->worker, b);
    return next_step(rc, &response);
}

static int status_of(int error)
{
    switch (error) {
    case HEM_EACCES:
    case HEM_EPERM:
        return 403;
    case HEM_EMFILE:
    case HEM_ENFILE:
    case HEM_ENOMEM:
    case HEM_EAGAIN:
        return 503;
    case HEM_EIO:
        return 500;
    default: /* not there, not beneath the root, a loop, a socket, ... */
        return 404;
    }
}

/* Read up to `n` bytes of a file. Returns how many there are, or an error. */
static ssize_t read_file(int fd, char *buf, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t more = pread(fd, buf + got, n - got, (off_t)got);
        if (more < 0 && errno != EINTR)
            return -errno;
        if (more == 0)
            break;
        got += more > 0 ? (size_t)more : 0;
    }
    return (ssize_t)got;
}

/* Send head and content of a small file from the block `b`. */
static int send_small(http_connection *c, const http_request *r, int fd,
                      http_response *response, struct http_block *b)
{
    char *body = b->bytes + BLOCK_HEAD;
    size_t length = 0;
    if (r->method == HTTP_GET) {
        ssize_t n = read_file(fd, body, (size_t)response->length);
        if (n < 0)
            return send_status(c, r, status_of((int)n), NULL);
        length = (size_t)n; /* it may have shrunk meanwhile */
        response->length = length;
    }
    http_text head = {.at = b->bytes, .size = BLOCK_HEAD};
    http_response_put(&head, response);
    assert(!head.is_cut);
    char *start = memmove(body - head.used, head.at, head.used);
    return send_all(c, start, -1, head.used + length);
}

static int send_file(http_connection *c, const http_request *r, int fd,
                     http_response *response)
{
    struct http_block *b = take_block(c->worker);
    if (b == NULL)
        return HEM_ENOMEM;
    if (response->length <= BLOCK_BODY) {
        int rc = send_small(c, r, fd, response, b);
        give_block(c->worker, b);
        return rc;
    }
    http_text head = {.at = b->bytes, .size = sizeof(b->bytes)};
    http_response_put(&head, response);
    int rc = send_all(c, head.at, -1, head.used);
    give_block(c->worker, b);
    if (rc >= 0 && r->method == HTTP_GET)
        rc = send_all(c, NULL, fd, (size_t)response->length);
    return rc;
}

static int answer_file(http_connection *c, const http_request *r, int fd,
                       const struct stat *st)
{
    char date[HTTP_DATE_BYTES];
    http_date_format(date, st->st_mtime);
    if (r->if_modified_since.length == strlen(date) &&
        memcmp(r->if_modified_since.at, date, strlen(date)) == 0)
        return send_status(c, r, 304, NULL);
    http_response response = respond(c, r, 200);
    response.type = http_type_of(c->worker->path.text);
    response.length = (uint64_t)st->st_size;
    response.modified = st->st_mtime;
    return next_step(send_file(c, r, fd, &response), &response);
}

static int answer_listing(http_connection *c, const http_request *r, int dir)
{
    http_text page;
    int rc = http_listing(&page, dir, c->worker->path.text);
    if (rc < 0)
        return send_status(c, r, status_of(rc), NULL);
    http_response response = respond(c, r, 200);
    response.type = "text/html; charset=utf-8";
    response.length = page.used;
    char head[BLOCK_HEAD];
    http_text t = {.at = head, .size = sizeof(head)};
    http_response_put(&t, &response);
    rc = send_all(c, t.at, -1, t.used);
    if (rc >= 0 && r->method == HTTP_GET)
        rc = send_all(c, page.at, -1, page.used);
    free(page.at);
    return next_step(rc, &response);
}

static int answer_directory(http_connection *c, const http_request *r, int dir)
{
    http_path *path = &c->worker->path;
    if (!path->slash) /* else its relative links would lead astray */
        return send_status(c, r, 301, path->text);
    static const char name[] = "index.html";
    int index = http_path_open(dir, name);
    if (index < 0) {
        int status = status_of(index);
        return status == 404 ? answer_listing(c, r, dir)
                             : send_status(c, r, status, NULL);
    }
    struct stat st;
    int rc;
    if (fstat(index, &st) == 0 && S_ISREG(st.st_mode)) {
        memcpy(path->text, name, sizeof(name));
        rc = answer_file(c, r, index, &st);
    } else {
        rc = answer_listing(c, r, dir);
    }
    close(index);
    return rc;
}

int http_answer(http_connection *c, const http_request *r)
{
    if (r->status != 200)
        return send_status(c, r, r->status, NULL);
    http_path *path = &c->worker->path;
    int status = http_path_decode(path, r->target);
    if (status != 0)
        return send_status(c, r, status, NULL);
    int fd = http_path_open(c->worker->root, path->text);
    if (fd < 0)
        return send_status(c, r, status_of(fd), NULL);
    struct stat st;
    int rc;
    if (fstat(fd, &st) < 0)
        rc = send_status(c, r, 500, NULL);
    else if (S_ISDIR(st.st_mode))
        rc = answer_directory(c, r, fd);
    else if (S_ISREG(st.st_mode) && !path->slash)
        rc = answer_file(c, r, fd, &st);
    else
        rc = send_status(c, r, 404, NULL);
    close(fd);
    return rc;
}
