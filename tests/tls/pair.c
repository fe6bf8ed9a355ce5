/* SPDX-License-Identifier: MIT */
#include "pair.h"

#include "net.h"
#include "support.h"

hem_tls *pair_client(hem_tls_config config)
{
    hem_tls *tls = NULL;
    if (!config.insecure && !config.ca_pem)
        config.ca_pem = certs()->ca.cert;
    check_int(hem_tls_create_client(&tls, &config), 0);
    return tls;
}

hem_tls *pair_server(const struct cert *cert, hem_tls_config config)
{
    hem_tls *tls = NULL;
    config.cert_pem = cert->cert;
    config.key_pem = cert->key;
    if (config.verify_client && !config.ca_pem)
        config.ca_pem = certs()->ca.cert;
    check_int(hem_tls_create_server(&tls, &config), 0);
    return tls;
}

static void note(char *ret, int rc)
{
    const hem_error *e = hem_failure();
    snprintf(ret, 500, "%s", rc < 0 && e && e->code == rc ? e->message : "");
}

static int shake_server(void *arg)
{
    struct pair *p = arg;
    p->server_rc = hem_tls_start_server(&p->b, p->server, &p->server_opts);
    note(p->server_text, p->server_rc);
    return 0;
}

void pair_shake(struct pair *p)
{
    hem_task *t = NULL;
    bool own_client = !p->client, own_server = !p->server;
    if (own_client)
        p->client = pair_client((hem_tls_config){.insecure = false});
    if (own_server)
        p->server =
            pair_server(&certs()->server, (hem_tls_config){.insecure = false});
    if (!p->client_opts.host)
        p->client_opts.host = "localhost";
    check_int(hem_spawn(&t, shake_server, p), 0);
    p->client_rc = hem_tls_start_client(&p->a, p->client, &p->client_opts);
    note(p->client_text, p->client_rc);
    check_int(hem_await(t), 0);
    hem_task_forget(t);
    if (own_client)
        hem_tls_destroy(p->client);
    if (own_server)
        hem_tls_destroy(p->server);
    p->client = own_client ? NULL : p->client;
    p->server = own_server ? NULL : p->server;
}

void pair_open(struct pair *p)
{
    net_open_pair(&p->a, &p->b);
    pair_shake(p);
}

void pair_open_well(struct pair *p)
{
    pair_open(p);
    if (!check(p->client_rc == 0 && p->server_rc == 0))
        print_error("client: %s %s, server: %s %s\n", hem_errname(p->client_rc),
                    p->client_text, hem_errname(p->server_rc), p->server_text);
}

void pair_close(struct pair *p)
{
    (void)hem_stream_close(&p->a);
    (void)hem_stream_close(&p->b);
}

char pair_byte(size_t at)
{
    return (char)(at * 7 + at / 251);
}

int pair_send(hem_stream *s, size_t from, size_t size)
{
    char buf[4096];
    while (size > 0) {
        size_t n = size < sizeof(buf) ? size : sizeof(buf);
        for (size_t i = 0; i < n; i++)
            buf[i] = pair_byte(from + i);
        HEM_TRY(hem_stream_write(s, buf, n));
        from += n;
        size -= n;
    }
    return 0;
}

int pair_expect(hem_stream *s, size_t from, size_t size)
{
    char buf[4096];
    while (size > 0) {
        ssize_t n =
            hem_stream_read(s, buf, size < sizeof(buf) ? size : sizeof(buf));
        if (n <= 0)
            return n < 0 ? (int)n : HEM_EINCOMPLETE;
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] != pair_byte(from + (size_t)i))
                return HEM_EPROTO;
        }
        from += (size_t)n;
        size -= (size_t)n;
    }
    return 0;
}
