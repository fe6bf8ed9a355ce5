/* SPDX-License-Identifier: MIT */
#include "service/request.h"

#include <string.h>
#include <strings.h>

#include "base/log.h"

typedef struct piece { /* of the head */
    const char *at;
    size_t size;
} piece;

struct fields { /* what counts of all of them */
    unsigned hosts;
    unsigned lengths;
    bool body; /* one is announced */
};

int hem__head_scan(const char *bytes, size_t n, size_t *seen)
{
    size_t end = n < HEM__HEAD_MAX ? n : HEM__HEAD_MAX;
    size_t i = *seen;
    for (; i < end; i++) {
        if (bytes[i] == '\0')
            return -400;
        if (bytes[i] != '\n')
            continue;
        if (i < 2 || bytes[i - 1] != '\r') /* or an empty request line */
            return -400;
        if (i >= 3 && bytes[i - 2] == '\n')
            return (int)i + 1;
    }
    *seen = i;
    return end < HEM__HEAD_MAX ? 0 : -431;
}

static bool is(piece p, const char *text)
{
    return p.size == strlen(text) && memcmp(p.at, text, p.size) == 0;
}

static bool is_named(piece p, const char *name)
{
    return p.size == strlen(name) && strncasecmp(p.at, name, p.size) == 0;
}

/* Cut `p` at the first `c`, which goes: the part before. Without one, all. */
static piece cut(piece *p, char c)
{
    piece first = *p;
    const char *at = memchr(p->at, c, p->size);
    if (at)
        first.size = (size_t)(at - p->at);
    size_t gone = first.size + (at ? 1 : 0);
    p->at += gone;
    p->size -= gone;
    return first;
}

static bool is_token(piece p)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < p.size; i++) {
        char c = p.at[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
        if (!letter && !(c >= '0' && c <= '9') && !strchr(others, c))
            return false;
    }
    return p.size > 0;
}

/* Printable, with no space, and no fragment. */
static bool is_target(piece p)
{
    for (size_t i = 0; i < p.size; i++) {
        if (p.at[i] <= ' ' || p.at[i] > '~' || p.at[i] == '#')
            return false;
    }
    return p.size > 0;
}

/* "HTTP/1.1": 200. */
static int judge_version(piece v)
{
    if (v.size != 8 || memcmp(v.at, "HTTP/", 5) != 0 || v.at[6] != '.' ||
        v.at[5] < '0' || v.at[5] > '9' || v.at[7] < '0' || v.at[7] > '9')
        return 400;
    return v.at[5] == '1' ? 200 : 505;
}

static int parse_line(hem__request *ret, piece line, bool *old)
{
    piece method = cut(&line, ' ');
    piece target = cut(&line, ' ');
    if (!is_token(method) || !is_target(target))
        return 400;
    int status = judge_version(line);
    if (status != 200)
        return status;
    *old = line.at[7] == '0';
    ret->head = is(method, "HEAD");
    if (!ret->head && !is(method, "GET"))
        return 405;
    if (*target.at != '/')
        return 400;
    piece path = cut(&target, '?');
    ret->path = path.at;
    ret->path_size = path.size;
    return 200;
}

static piece trim(piece p)
{
    while (p.size > 0 && (*p.at == ' ' || *p.at == '\t')) {
        p.at++;
        p.size--;
    }
    while (p.size > 0 && (p.at[p.size - 1] == ' ' || p.at[p.size - 1] == '\t'))
        p.size--;
    return p;
}

/* No control characters but tabs. */
static bool is_value(piece p)
{
    for (size_t i = 0; i < p.size; i++) {
        unsigned char c = (unsigned char)p.at[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_number(piece p)
{
    for (size_t i = 0; i < p.size; i++) {
        if (p.at[i] < '0' || p.at[i] > '9')
            return false;
    }
    return p.size > 0;
}

static bool parse_field(struct fields *f, piece line)
{
    if (!memchr(line.at, ':', line.size))
        return false;
    piece name = cut(&line, ':');
    piece value = trim(line);
    if (!is_token(name) || !is_value(value))
        return false;
    if (is_named(name, "Host"))
        return f->hosts++ == 0;
    if (is_named(name, "Transfer-Encoding"))
        f->body = true;
    if (!is_named(name, "Content-Length"))
        return true;
    f->body |= !is(value, "0");
    return is_number(value) && f->lengths++ == 0;
}

/* Cut the first line off, without its end, which the scan has seen. */
static piece cut_line(piece *p)
{
    piece line = cut(p, '\n');
    line.size--;
    return line;
}

int hem__head_parse(hem__request *ret, const char *bytes, size_t n)
{
    HEM__ASSERT(n >= 4 && memcmp(bytes + n - 4, "\r\n\r\n", 4) == 0);
    piece rest = {bytes, n - 2};
    struct fields f = {0};
    bool old = false;
    int status = parse_line(ret, cut_line(&rest), &old);
    if (status == 400 || status == 505)
        return status;
    while (rest.size > 0) {
        if (!parse_field(&f, cut_line(&rest)))
            return 400;
    }
    if (f.hosts == 0 && !old)
        return 400;
    return status == 200 && f.body ? 400 : status;
}
