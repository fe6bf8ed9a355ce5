/* SPDX-License-Identifier: MIT */
/* What every kind of stream keeps to, over TLS. */
#include "stream_suite.h"

#include "net.h"
#include "pair.h"
#include "support.h"

static hem_tls *client, *server;

static int open_over(hem_stream *a, hem_stream *b, int (*open)(struct pair *p))
{
    struct pair *p = calloc(1, sizeof(*p));
    p->client = client;
    p->server = server;
    int rc = open(p);
    if (rc == 0)
        pair_shake(p);
    rc = rc < 0 ? rc : p->client_rc < 0 ? p->client_rc : p->server_rc;
    *a = p->a;
    *b = p->b;
    free(p);
    return rc;
}

static int open_tcp(struct pair *p)
{
    net_open_pair(&p->a, &p->b);
    return 0;
}

static int open_memory(struct pair *p)
{
    return hem_stream_pair(&p->a, &p->b, NULL);
}

static int open_tls(hem_stream *a, hem_stream *b)
{
    return open_over(a, b, open_tcp);
}

static int open_tls_in_memory(hem_stream *a, hem_stream *b)
{
    return open_over(a, b, open_memory);
}

int main(void)
{
    client = pair_client((hem_tls_config){.insecure = false});
    server = pair_server(&certs()->server, (hem_tls_config){.sni = NULL});
    const struct stream_kind kinds[] = {
        {.name = "TLS over TCP", .open = open_tls, .goodbye = true},
        {.name = "TLS in memory", .open = open_tls_in_memory, .goodbye = true},
    };
    int rc = stream_suite(kinds, COUNT_OF(kinds));
    hem_tls_destroy(client);
    hem_tls_destroy(server);
    return rc;
}
