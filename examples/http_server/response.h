/* SPDX-License-Identifier: MIT */
/*
 * The head of a response, and the small tables behind it.
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "text.h"

typedef struct http_response {
    int status;
    bool close;       /* the connection ends behind it */
    bool is_http10;   /* the request was: staying open must be said */
    const char *type; /* NULL: no content, as in 304 */
    uint64_t length;  /* of the content, also where it is not sent (HEAD) */
    time_t modified;  /* 0: not known */
    const char *path; /* 301: where it is, not yet escaped; else NULL */
} http_response;

/* Room for a date as HTTP writes it, "Sun, 06 Nov 1994 08:49:37 GMT". */
enum { HTTP_DATE_BYTES = 32 };

/* Write a whole head, its empty line included. */
void http_response_put(http_text *t, const http_response *r);

/* Return the phrase of a status, "Not Found". */
const char *http_status_text(int status);

/* Return the type of a file by the extension of its name. */
const char *http_type_of(const char *path);

/* Write a time as a date into `buf` of HTTP_DATE_BYTES and return it. */
const char *http_date_format(char *buf, time_t t);

#endif
