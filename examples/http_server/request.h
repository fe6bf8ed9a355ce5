/* SPDX-License-Identifier: MIT */
/*
 * The head of an HTTP/1.1 request: bytes in, a verdict out, no I/O.
 *
 * Strict wherever leniency would let two programs disagree about where a
 * request ends (request smuggling, RFC 9112, section 11): lines end in CRLF,
 * are not folded, no space stands before a colon, there is one Host, and at
 * most one Content-Length, of digits, never beside a Transfer-Encoding.
 * Bodies are not taken at all.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum {
    HTTP_HEAD_MAX = 8192,   /* bytes of a head, its empty line included */
    HTTP_TARGET_MAX = 4096, /* bytes of a target */
    HTTP_FIELDS_MAX = 100,  /* fields of a head */
};

/* Bytes that belong to somebody else. */
typedef struct http_slice {
    const char *at;
    size_t length;
} http_slice;

typedef enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_OTHER, /* any other token */
} http_method;

typedef struct http_request {
    int status; /* 200: to be served; else the answer to give */
    http_method method;
    bool keep_alive; /* the connection may go on after the answer */
    bool is_http10;
    http_slice target;            /* begins with '/', in the head's bytes */
    http_slice if_modified_since; /* empty: not given */
} http_request;

/* How far a head has been looked through; zero at its beginning. */
typedef struct http_scan {
    size_t seen; /* bytes known to be no end and no mistake */
    bool line;   /* the request line is complete */
} http_scan;

/*
 * Look for the end of the head in `bytes[0..n)`, which may have grown since
 * the last call. Returns the length of the head; 0: it goes on; negative: the
 * negated status to refuse with (400 a NUL, a bare CR or LF; 414, 431 longer
 * than HTTP_HEAD_MAX).
 */
int http_head_scan(http_scan *scan, const char *bytes, size_t n);

/* Parse a complete head of `n` bytes as found by http_head_scan(). */
void http_request_parse(http_request *ret, const char *head, size_t n);

#endif
