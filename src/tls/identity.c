/* SPDX-License-Identifier: MIT */
/* Own certificates and keys, and authorities, from files and from text. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "tls/tls.h"

#define WHAT_BYTES 200

/* What is being read, for messages. */
static const char *name_of(char *buf, const char *what, const char *file)
{
    snprintf(buf, WHAT_BYTES, "%s %s", what, file ? file : "given as text");
    return buf;
}

static BIO *source(const char *file, const char *text)
{
    return file ? BIO_new_file(file, "re") : BIO_new_mem_buf(text, -1);
}

/* OpenSSL's own callback would ask on the terminal. */
static int give_password(char *buf, int size, int writing, void *arg)
{
    (void)writing;
    const char *password = arg;
    size_t n = password ? strlen(password) : 0;
    if (!password || n > (size_t)size)
        return -1;
    memcpy(buf, password, n);
    return (int)n;
}

/* Whether the last certificate was read: PEM has no other sign of it. */
static bool at_end(void)
{
    unsigned long e = ERR_peek_last_error();
    bool end = ERR_GET_LIB(e) == ERR_LIB_PEM &&
               ERR_GET_REASON(e) == PEM_R_NO_START_LINE;
    if (end)
        ERR_clear_error();
    return end;
}

/* The first certificate is the own one, the others its chain. */
static int use_chain(SSL_CTX *ctx, BIO *b, const char *what)
{
    X509 *x = PEM_read_bio_X509_AUX(b, NULL, give_password, NULL);
    int ok = x && SSL_CTX_use_certificate(ctx, x) == 1;
    X509_free(x);
    while (ok) {
        x = PEM_read_bio_X509(b, NULL, give_password, NULL);
        if (!x)
            break;
        ok = SSL_CTX_add0_chain_cert(ctx, x) == 1;
        if (!ok)
            X509_free(x);
    }
    return ok && at_end() ? 0 : tls__fail(what, "no certificate");
}

static int use_key(SSL_CTX *ctx, BIO *b, const char *what, const char *password)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, give_password,
                                            (void *)(uintptr_t)password);
    int ok = key && SSL_CTX_use_PrivateKey(ctx, key) == 1;
    EVP_PKEY_free(key);
    return ok ? 0 : tls__fail(what, "no private key");
}

static int load_certificate(SSL_CTX *ctx, const hem_tls_config *c)
{
    char buf[WHAT_BYTES];
    const char *what = name_of(buf, "certificate", c->cert_file);
    BIO *b = source(c->cert_file, c->cert_pem);
    int rc = b ? use_chain(ctx, b, what) : tls__fail(what, "cannot be read");
    BIO_free(b);
    return rc;
}

static int load_key(SSL_CTX *ctx, const hem_tls_config *c)
{
    char buf[WHAT_BYTES];
    bool apart = c->key_file || c->key_pem;
    const char *file = apart ? c->key_file : c->cert_file;
    const char *what = name_of(buf, "private key", file);
    BIO *b = source(file, apart ? c->key_pem : c->cert_pem);
    int rc =
        b ? use_key(ctx, b, what, c->password) : tls__fail(what, "no file");
    BIO_free(b);
    if (rc == 0 && SSL_CTX_check_private_key(ctx) != 1)
        rc = tls__fail(what, "does not fit the certificate");
    return rc;
}

int tls__load_identity(SSL_CTX *ctx, const hem_tls_config *c)
{
    SSL_CTX_set_default_passwd_cb(ctx, give_password);
    if (!c->cert_file && !c->cert_pem)
        return 0;
    HEM_TRY(load_certificate(ctx, c));
    return load_key(ctx, c);
}

/* Trust all certificates in `b`, at least one. */
static int trust_all(SSL_CTX *ctx, BIO *b, const char *what)
{
    int ok = 1;
    size_t count = 0;
    X509 *x;
    while (ok && (x = PEM_read_bio_X509_AUX(b, NULL, give_password, NULL))) {
        ok = X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), x);
        X509_free(x);
        count++;
    }
    return ok && at_end() && count ? 0 : tls__fail(what, "no certificate");
}

static int trust(SSL_CTX *ctx, const char *file, const char *text)
{
    char buf[WHAT_BYTES];
    const char *what = name_of(buf, "authorities", file);
    BIO *b = source(file, text);
    int rc = b ? trust_all(ctx, b, what) : tls__fail(what, "cannot be read");
    BIO_free(b);
    return rc;
}

int tls__load_authorities(SSL_CTX *ctx, const hem_tls_config *c, bool server)
{
    if (c->ca_file)
        HEM_TRY(trust(ctx, c->ca_file, NULL));
    if (c->ca_pem)
        HEM_TRY(trust(ctx, NULL, c->ca_pem));
    if (c->ca_dir && !SSL_CTX_load_verify_dir(ctx, c->ca_dir))
        return tls__fail("directory of authorities", "cannot be read");
    bool own = c->ca_file || c->ca_pem || c->ca_dir;
    if (!own && !server && !SSL_CTX_set_default_verify_paths(ctx))
        return tls__fail("authorities of the system", "cannot be read");
    return 0;
}
