/* SPDX-License-Identifier: MIT */
/*
 * A client: asks for one file after the other over one connection, and takes
 * nothing on trust. The response is read in pieces of a fixed buffer and each
 * piece compared with the file as it comes.
 *
 * A request on a connection that was kept open may cross the server's closing
 * of it. HTTP lets a client send it again on a new connection if no byte of a
 * response has come; such requests are counted as `retried`.
 */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "load.h"

/* How an attempt ended, if not with an error of hem. */
enum { RIGHT = 0, WRONG = 1 };

enum { BUFFER_BYTES = 16 * 1024, COMPLAINTS_MAX = 5 };

#define REFUSED_PAUSE (20 * HEM_MSEC)

typedef struct client {
    load *load;
    hem_stream stream;
    bool is_open;
    bool is_kept;   /* open, and has brought a response before */
    bool is_last;   /* the response says that the connection ends */
    bool has_begun; /* a byte of the response has come */
    size_t used;    /* bytes in `buffer` */
    char buffer[BUFFER_BYTES];
} client;

/* What matters of the head of a response. */
struct head {
    int status;
    bool has_length;
    uint64_t length;
    bool close;
};

static int complain(client *c, const load_file *f, const char *what)
{
    if (c->load->complaints++ < COMPLAINTS_MAX)
        fprintf(stderr, "http_load: /%s: %s\n", f->path, what);
    return WRONG;
}

static const char *value_of(const char *line, const char *name)
{
    size_t length = strlen(name);
    if (strncasecmp(line, name, length) != 0 || line[length] != ':')
        return NULL;
    return line + length + 1 + strspn(line + length + 1, " \t");
}

/* Parse a head, a string here. The server is to be tested, not this: what it
 * says otherwise does not matter. */
static bool parse_head(struct head *ret, char *text)
{
    int minor;
    if (sscanf(text, "HTTP/1.%1d %3d ", &minor, &ret->status) != 2)
        return false;
    char *rest = text;
    while (strsep(&rest, "\n") != NULL && rest != NULL) {
        const char *value = value_of(rest, "content-length");
        if (value != NULL) {
            if (ret->has_length)
                return false;
            ret->has_length = true;
            ret->length = strtoull(value, NULL, 10);
        }
        value = value_of(rest, "connection");
        if (value != NULL && strncasecmp(value, "close", 5) == 0)
            ret->close = true;
    }
    return true;
}

/* Read what has come into the rest of the buffer. */
static int read_more(client *c)
{
    ssize_t n = hem_stream_read(&c->stream, c->buffer + c->used,
                                BUFFER_BYTES - c->used);
    if (n <= 0)
        return n < 0 ? (int)n : HEM_EINCOMPLETE;
    c->used += (size_t)n;
    c->has_begun = true;
    return 0;
}

/* Read a head, and leave what follows it in the buffer. */
static int read_head(client *c, const load_file *f)
{
    char *end;
    do {
        if (c->used == BUFFER_BYTES)
            return complain(c, f, "the head of the response has no end");
        HEM_TRY(read_more(c));
        end = memmem(c->buffer, c->used, "\r\n\r\n", 4);
    } while (end == NULL);
    size_t length = (size_t)(end - c->buffer) + 4;
    end[3] = '\0';
    struct head head = {0};
    char what[64] = "no head of HTTP/1.1";
    if (!parse_head(&head, c->buffer))
        return complain(c, f, what);
    c->is_last = head.close;
    snprintf(what, sizeof(what), "status %d", head.status);
    if (head.status != 200)
        return complain(c, f, what);
    if (!head.has_length || head.length != f->bytes)
        return complain(c, f, "the Content-Length is not the file's");
    c->used -= length;
    memmove(c->buffer, c->buffer + length, c->used);
    return RIGHT;
}

static int read_body(client *c, const load_file *f)
{
    size_t got = 0;
    for (;;) {
        if (c->used > f->bytes - got)
            return complain(c, f, "more bytes than the file has");
        if (memcmp(c->buffer, f->content + got, c->used) != 0)
            return complain(c, f, "the bytes are not the file's");
        got += c->used;
        c->used = 0;
        if (got == f->bytes)
            return RIGHT;
        HEM_TRY(read_more(c));
    }
}

static int exchange(client *c, const load_file *f)
{
    c->used = 0;
    c->is_last = false;
    c->has_begun = false;
    HEM_TRY(hem_stream_write(&c->stream, f->request, f->request_bytes));
    int rc = read_head(c, f);
    return rc == RIGHT ? read_body(c, f) : rc;
}

static void disconnect(client *c)
{
    if (c->is_open)
        hem_stream_close(&c->stream);
    c->is_open = false;
    c->is_kept = false;
}

static int attempt(client *c, const load_file *f)
{
    const load_options *o = &c->load->options;
    hem_timeout t;
    HEM_TRY(hem_timeout_open(&t, o->timeout));
    int rc = 0;
    if (!c->is_open) {
        rc = hem_connect(&c->stream, o->host, o->port, NULL);
        c->is_open = rc >= 0;
        c->load->account.opened += c->is_open;
    }
    if (rc >= 0)
        rc = exchange(c, f);
    return hem_timeout_close(&t, rc);
}

/* Whether a failed attempt is one that may be made again. */
static bool is_stale(const client *c, int error)
{
    return c->is_kept && !c->has_begun && !c->load->options.strict &&
           (error == HEM_EINCOMPLETE || error == HEM_ECONNRESET ||
            error == HEM_EPIPE);
}

/* Where a request that failed is counted. */
static uint64_t *count_of(client *c, int error)
{
    load_account *a = &c->load->account;
    if (error == WRONG)
        return &a->wrong;
    if (error == HEM_ECANCELED)
        return &a->abandoned;
    if (error == HEM_ETIMEDOUT)
        return &a->timeout;
    if (!c->is_open)
        return &a->refused;
    return c->has_begun ? &a->partial : &a->reset;
}

/* Count a request that was answered, or failed with `rc`. */
static int settle(client *c, const load_file *f, int rc, hem_ns time)
{
    load *l = c->load;
    if (rc == RIGHT) {
        l->account.answered++;
        l->account.announced += c->is_last;
        l->bytes += f->bytes;
        histogram_record(&l->latencies, time);
        return 0;
    }
    ++*count_of(c, rc);
    if (rc == HEM_ECANCELED)
        return rc;
    if (rc < 0)
        complain(c, f, hem_strerror(rc));
    return c->is_open ? 0 : hem_sleep(REFUSED_PAUSE);
}

static int request(client *c)
{
    load *l = c->load;
    const load_file *f = &l->files[l->next++ % l->options.path_count];
    l->account.sent++;
    hem_ns begin = hem_now();
    int rc = attempt(c, f);
    if (is_stale(c, rc)) {
        l->account.retried++;
        disconnect(c);
        rc = attempt(c, f);
    }
    int status = settle(c, f, rc, hem_now() - begin);
    c->is_kept = rc == RIGHT && !c->is_last;
    if (!c->is_kept)
        disconnect(c);
    return status;
}

static bool goes_on(const load *l)
{
    return hem_now() < l->end &&
           (l->options.requests == 0 || l->account.sent < l->options.requests);
}

int load_client(void *arg)
{
    load *l = arg;
    client *c = calloc(1, sizeof(*c));
    if (c == NULL)
        return HEM_ENOMEM;
    c->load = l;
    int rc = 0;
    while (rc == 0 && goes_on(l)) {
        rc = request(c);
        if (rc == 0 && l->options.pause > 0)
            rc = hem_sleep(l->options.pause);
    }
    disconnect(c);
    free(c);
    return rc;
}
