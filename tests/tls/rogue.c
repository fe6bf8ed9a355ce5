/* SPDX-License-Identifier: MIT */
#include "rogue.h"

#include "support.h"

static int run(void *arg)
{
    struct rogue *r = arg;
    r->rc = -1;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (r->version)
        SSL_CTX_set_max_proto_version(ctx, r->version);
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, r->fd);
    if (SSL_connect(ssl) == 1)
        r->rc = r->act ? r->act(ssl) : 0;
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(r->fd);
    return 0;
}

static int call(void *arg)
{
    return hem_thread_call(run, arg, NULL);
}

void rogue_start(struct rogue *r)
{
    check_int(hem_spawn(&r->task, call, r), 0);
}

int rogue_end(struct rogue *r)
{
    check_int(hem_await(r->task), 0);
    hem_task_forget(r->task);
    return r->rc;
}

size_t rogue_hello(unsigned char *ret, size_t size)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
    SSL_set_connect_state(ssl);
    check_int(SSL_do_handshake(ssl), -1);
    int n = BIO_read(out, ret, (int)size);
    check(n > 0);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return (size_t)n;
}
