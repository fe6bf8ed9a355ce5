/* SPDX-License-Identifier: MIT */
/* Contexts: what is made once for many streams. */
#include <openssl/err.h>
#include <openssl/rand.h>

#include "tls/tls.h"

#define SESSION_MAX 1024

/* Which sides, and names of the arguments, for messages. */
static int check_config(const hem_tls_config *c, bool server)
{
    const char *wrong = NULL;
    bool has_cert = c->cert_file || c->cert_pem;
    bool has_ca = c->ca_file || c->ca_dir || c->ca_pem;
    if (c->cert_file && c->cert_pem)
        wrong = "a certificate as file and as text";
    else if (c->key_file && c->key_pem)
        wrong = "a key as file and as text";
    else if ((c->key_file || c->key_pem) && !has_cert)
        wrong = "a key without a certificate";
    else if (server && !has_cert)
        wrong = "a server without certificate";
    else if (server && c->verify_client && !has_ca)
        wrong = "clients are to be verified, without authorities";
    else if (c->max_version && c->max_version < c->min_version)
        wrong = "min_version above max_version";
    return wrong ? tls__fail_plainly(HEM_EINVAL, "TLS: %s", wrong) : 0;
}

/* Sessions are resumed only by the context that they are of: what another one
 * asks of clients was not asked then. */
static int set_sessions(hem_tls *tls, const hem_tls_config *c)
{
    unsigned char id[16];
    if (RAND_bytes(id, sizeof(id)) != 1 ||
        !SSL_CTX_set_session_id_context(tls->ctx, id, sizeof(id)))
        return tls__fail("TLS", "no random bytes");
    if (c->no_sessions) {
        SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(tls->ctx, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(tls->ctx, 0);
    } else if (tls->server) {
        SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_SERVER);
        SSL_CTX_sess_set_cache_size(tls->ctx, c->session_max ? c->session_max
                                                             : SESSION_MAX);
        if (c->no_tickets)
            SSL_CTX_set_options(tls->ctx, SSL_OP_NO_TICKET);
    } else {
        SSL_CTX_set_session_cache_mode(
            tls->ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(tls->ctx, tls__session_taken);
    }
    return 0;
}

static int set_protocol(SSL_CTX *ctx, const hem_tls_config *c)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_clear_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_dh_auto(ctx, 1);
    int min = c->min_version ? c->min_version : HEM_TLS_1_2;
    if (min < HEM_TLS_1_2 || !SSL_CTX_set_min_proto_version(ctx, min) ||
        !SSL_CTX_set_max_proto_version(ctx, c->max_version))
        return tls__fail_plainly(HEM_EINVAL, "TLS: no such version");
    if (c->ciphers && !SSL_CTX_set_cipher_list(ctx, c->ciphers))
        return tls__fail("TLS ciphers", "none of them");
    if (c->cipher_suites && !SSL_CTX_set_ciphersuites(ctx, c->cipher_suites))
        return tls__fail("TLS cipher suites", "none of them");
    return 0;
}

static void set_verification(hem_tls *tls, const hem_tls_config *c)
{
    int mode = SSL_VERIFY_NONE;
    if (!tls->server && !tls->insecure)
        mode = SSL_VERIFY_PEER;
    if (tls->server && c->verify_client)
        mode = SSL_VERIFY_PEER;
    if (tls->server && c->verify_client == HEM_TLS_VERIFY_REQUIRED)
        mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(tls->ctx, mode, NULL);
}

static int configure(hem_tls *tls, const hem_tls_config *c)
{
    HEM_TRY(set_protocol(tls->ctx, c));
    HEM_TRY(tls__load_identity(tls->ctx, c));
    if (!tls->insecure)
        HEM_TRY(tls__load_authorities(tls->ctx, c, tls->server));
    set_verification(tls, c);
    HEM_TRY(set_sessions(tls, c));
    HEM_TRY(tls__alpn_prepare(tls, c->alpn));
    tls__hello_prepare(tls);
    return 0;
}

static int create(hem_tls **ret, const hem_tls_config *config, bool server)
{
    static const hem_tls_config defaults = {.insecure = false};
    const hem_tls_config *c = config ? config : &defaults;
    HEM_TRY(check_config(c, server));
    tls__errors_clear();
    hem_tls *tls = OPENSSL_zalloc(sizeof(*tls));
    if (!tls) {
        tls__errors_clear();
        return HEM_ENOMEM;
    }
    atomic_init(&tls->refs, 1);
    tls->server = server;
    tls->insecure = !server && c->insecure;
    tls->sni = server ? c->sni : NULL;
    tls->sni_arg = c->sni_arg;
    tls->ctx = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    int rc = tls->ctx ? configure(tls, c) : tls__fail("TLS", "not initialised");
    tls__errors_clear();
    if (rc < 0) {
        hem_tls_destroy(tls);
        return rc;
    }
    *ret = tls;
    return 0;
}

int hem_tls_create_client(hem_tls **ret, const hem_tls_config *config)
{
    return create(ret, config, false);
}

int hem_tls_create_server(hem_tls **ret, const hem_tls_config *config)
{
    return create(ret, config, true);
}

hem_tls *tls__hold(hem_tls *tls)
{
    atomic_fetch_add(&tls->refs, 1);
    return tls;
}

void hem_tls_destroy(hem_tls *tls)
{
    if (!tls || atomic_fetch_sub(&tls->refs, 1) > 1)
        return;
    SSL_CTX_free(tls->ctx);
    OPENSSL_free(tls->alpn);
    OPENSSL_free(tls);
}
