/* SPDX-License-Identifier: MIT */
#include "metrics.h"

#include <assert.h>

const hem_metric http_metrics[HTTP_METRICS] = {
    [HTTP_CONNECTIONS] = {"http_connections_total", "Accepted.", false},
    [HTTP_OPEN] = {"http_connections_open", "Open now.", true},
    [HTTP_2XX] = {"http_responses_2xx_total", "What was asked for.", false},
    [HTTP_3XX] = {"http_responses_3xx_total", "Elsewhere, not new.", false},
    [HTTP_4XX] = {"http_responses_4xx_total", "The client's fault.", false},
    [HTTP_5XX] = {"http_responses_5xx_total", "The server's.", false},
    [HTTP_BYTES] = {"http_sent_bytes_total", "Heads and bodies.", false},
};

void http_metrics_count(hem_worker *w, int status, uint64_t bytes)
{
    assert(status >= 200 && status < 600);
    hem_worker_metric_add(w, (size_t)(HTTP_2XX + status / 100 - 2), 1);
    hem_worker_metric_add(w, HTTP_BYTES, (int64_t)bytes);
    hem_worker_count(w, 1);
}
