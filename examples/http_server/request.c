/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "request.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

/* What the fields of one head say, before it is judged. */
struct fields {
    size_t count;
    size_t hosts;
    size_t lengths;   /* Content-Length */
    size_t encodings; /* Transfer-Encoding */
    bool has_body;    /* Content-Length is not 0 */
    bool chunked;     /* the transfer coding is "chunked" and nothing else */
    bool says_close;  /* Connection: close */
    bool says_keep;   /* Connection: keep-alive */
    http_slice if_modified_since;
};

int http_head_scan(http_scan *scan, const char *bytes, size_t n)
{
    size_t end = n < HTTP_HEAD_MAX ? n : HTTP_HEAD_MAX;
    for (size_t i = scan->seen; i < end; i++) {
        if (bytes[i] == '\0' || bytes[i] == '\n')
            return -400;
        if (bytes[i] != '\r')
            continue;
        if (i + 1 == end) {
            scan->seen = i;
            goto more;
        }
        if (bytes[i + 1] != '\n')
            return -400;
        if (i == 0)
            return -400; /* an empty request line */
        if (i >= 2 && bytes[i - 1] == '\n')
            return (int)i + 2;
        scan->line = true;
        i++;
    }
    scan->seen = end;
more:
    if (end < HTTP_HEAD_MAX)
        return 0;
    return scan->line ? -431 : -414;
}

static bool slice_is(http_slice s, const char *text)
{
    return s.length == strlen(text) && strncasecmp(s.at, text, s.length) == 0;
}

static bool is_alnum(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_one_of(unsigned char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* `length` bytes, one at least, all alphanumeric or in `others`. */
static bool consists_of(http_slice s, const char *others)
{
    for (size_t i = 0; i < s.length; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (!is_alnum(c) && !is_one_of(c, others))
            return false;
    }
    return s.length > 0;
}

static bool is_token(http_slice s)
{
    return consists_of(s, "!#$%&'*+-.^_`|~");
}

/* A host and port, as far as the characters tell. */
static bool is_authority(http_slice s)
{
    return consists_of(s, "-._~!$&'()*+,;=:[]%");
}

/* Cut the first `n` bytes off `s` and return them. */
static http_slice take(http_slice *s, size_t n)
{
    assert(n <= s->length);
    http_slice head = {s->at, n};
    s->at += n;
    s->length -= n;
    return head;
}

/* Cut everything before the first `c` off `s`, and `c`. False: there is none;
 * `ret` is then all of it. */
static bool take_until(http_slice *ret, http_slice *s, char c)
{
    const char *at = memchr(s->at, c, s->length);
    *ret = take(s, at != NULL ? (size_t)(at - s->at) : s->length);
    if (at != NULL)
        take(s, 1);
    return at != NULL;
}

static http_slice trim(http_slice s)
{
    while (s.length > 0 && (*s.at == ' ' || *s.at == '\t'))
        take(&s, 1);
    while (s.length > 0 &&
           (s.at[s.length - 1] == ' ' || s.at[s.length - 1] == '\t'))
        s.length--;
    return s;
}

/* The path and query of a target: all of "/path", of "http://host/path" what
 * follows the host. Returns 0, or the status to refuse with. */
static int parse_target(http_request *r, http_slice t)
{
    if (t.length > HTTP_TARGET_MAX)
        return 414;
    for (size_t i = 0; i < t.length; i++)
        if (t.at[i] <= ' ' || t.at[i] > '~' || t.at[i] == '#')
            return 400;
    if (r->method == HTTP_OTHER) /* has forms of its own, and no answer */
        return t.length > 0 ? 0 : 400;
    if (t.length > 7 && strncasecmp(t.at, "http://", 7) == 0) {
        take(&t, 7);
        size_t n = 0;
        while (n < t.length && t.at[n] != '/' && t.at[n] != '?')
            n++;
        if (!is_authority(take(&t, n)))
            return 400;
        if (t.length == 0 || *t.at == '?')
            t = (http_slice){"/", 1};
    }
    if (t.length == 0 || *t.at != '/')
        return 400;
    r->target = t;
    return 0;
}

static int parse_version(http_request *r, http_slice v)
{
    if (v.length != 8 || memcmp(v.at, "HTTP/", 5) != 0 || v.at[6] != '.' ||
        v.at[5] < '0' || v.at[5] > '9' || v.at[7] < '0' || v.at[7] > '9')
        return 400;
    if (v.at[5] != '1')
        return 505;
    r->is_http10 = v.at[7] == '0';
    return 0;
}

static int parse_request_line(http_request *r, http_slice line)
{
    http_slice method, target;
    if (!take_until(&method, &line, ' ') || !take_until(&target, &line, ' '))
        return 400;
    if (!is_token(method))
        return 400;
    if (method.length == 3 && memcmp(method.at, "GET", 3) == 0)
        r->method = HTTP_GET;
    else if (method.length == 4 && memcmp(method.at, "HEAD", 4) == 0)
        r->method = HTTP_HEAD;
    else
        r->method = HTTP_OTHER;
    int status = parse_version(r, line);
    return status != 0 ? status : parse_target(r, target);
}

/* Content-Length. A number that no counter holds is as wrong as a word. */
static int parse_length(struct fields *f, http_slice v)
{
    size_t length = 0;
    for (size_t i = 0; i < v.length; i++) {
        if (v.at[i] < '0' || v.at[i] > '9')
            return 400;
        if (__builtin_mul_overflow(length, 10u, &length) ||
            __builtin_add_overflow(length, (size_t)(v.at[i] - '0'), &length))
            return 400;
    }
    f->has_body = length > 0;
    return v.length > 0 && f->lengths++ == 0 ? 0 : 400;
}

static void parse_connection(struct fields *f, http_slice v)
{
    bool more;
    do {
        http_slice option;
        more = take_until(&option, &v, ',');
        option = trim(option);
        f->says_close |= slice_is(option, "close");
        f->says_keep |= slice_is(option, "keep-alive");
    } while (more);
}

static int parse_field(struct fields *f, http_slice line)
{
    http_slice name;
    if (!take_until(&name, &line, ':') || !is_token(name))
        return 400;
    http_slice value = trim(line);
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return 400;
    }
    if (++f->count > HTTP_FIELDS_MAX)
        return 431;
    if (slice_is(name, "content-length"))
        return parse_length(f, value);
    if (slice_is(name, "host")) {
        f->hosts++;
        return value.length == 0 || is_authority(value) ? 0 : 400;
    }
    if (slice_is(name, "transfer-encoding")) {
        f->chunked = f->encodings++ == 0 && slice_is(value, "chunked");
    } else if (slice_is(name, "connection")) {
        parse_connection(f, value);
    } else if (slice_is(name, "if-modified-since")) {
        f->if_modified_since = value;
    }
    return 0;
}

/* The answer to a head without mistakes of form, and whether the connection
 * outlives it: not, where a body would be taken for the next request. */
static int judge(http_request *r, const struct fields *f)
{
    if (f->hosts > 1 || (f->hosts == 0 && !r->is_http10))
        return 400;
    if (f->encodings > 0 && (f->lengths > 0 || r->is_http10 || !f->chunked))
        return 400;
    bool has_body = f->has_body || f->encodings > 0;
    r->keep_alive =
        !has_body && !f->says_close && (!r->is_http10 || f->says_keep);
    r->if_modified_since = f->if_modified_since;
    if (r->method == HTTP_OTHER)
        return 405;
    return has_body ? 413 : 200;
}

/* Cut the next line off, without its CRLF. */
static http_slice take_line(http_slice *s)
{
    http_slice line;
    bool found = take_until(&line, s, '\r');
    assert(found && s->length > 0 && *s->at == '\n');
    (void)found;
    take(s, 1);
    return line;
}

void http_request_parse(http_request *ret, const char *head, size_t n)
{
    assert(n >= 4 && memcmp(head + n - 4, "\r\n\r\n", 4) == 0);
    *ret = (http_request){.status = 200};
    struct fields fields = {0};
    http_slice rest = {head, n};
    int status = parse_request_line(ret, take_line(&rest));
    while (status == 0) {
        http_slice line = take_line(&rest);
        if (line.length == 0) {
            status = judge(ret, &fields);
            break;
        }
        status = parse_field(&fields, line);
    }
    ret->status = status;
}
