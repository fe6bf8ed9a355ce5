/* SPDX-License-Identifier: MIT */
/*
 * What the workers count, for /metrics.
 */
#ifndef HTTP_METRICS_H
#define HTTP_METRICS_H

#include <hem.h>

enum {
    HTTP_CONNECTIONS, /* accepted */
    HTTP_OPEN,        /* of them, now */
    HTTP_2XX,         /* responses, by the class of their status */
    HTTP_3XX,
    HTTP_4XX,
    HTTP_5XX,
    HTTP_BYTES, /* sent */
    HTTP_METRICS
};

extern const hem_metric http_metrics[HTTP_METRICS];

/* Count a response that has been sent. */
void http_metrics_count(hem_worker *w, int status, uint64_t bytes);

#endif
