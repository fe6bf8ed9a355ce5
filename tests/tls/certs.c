/* SPDX-License-Identifier: MIT */
#include "certs.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAY (24L * 60 * 60)

static struct certs all;
static bool made;
static pid_t maker;
static char directory[64];

static void need(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "certs: %s fails\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

static char *take_text(BIO *b)
{
    char *p = NULL;
    long n = BIO_get_mem_data(b, &p);
    char *text = strndup(p, (size_t)n);
    need(text != NULL, "strndup");
    BIO_free(b);
    return text;
}

static char *key_text(EVP_PKEY *key, const char *password)
{
    BIO *b = BIO_new(BIO_s_mem());
    const EVP_CIPHER *cipher = password ? EVP_aes_128_cbc() : NULL;
    int size = password ? (int)strlen(password) : 0;
    need(PEM_write_bio_PrivateKey(b, key, cipher,
                                  (const unsigned char *)password, size, NULL,
                                  NULL) == 1,
         "PEM_write_bio_PrivateKey");
    return take_text(b);
}

static char *cert_text(X509 *x, X509 *issuer)
{
    BIO *b = BIO_new(BIO_s_mem());
    need(PEM_write_bio_X509(b, x) == 1, "PEM_write_bio_X509");
    if (issuer)
        need(PEM_write_bio_X509(b, issuer) == 1, "PEM_write_bio_X509");
    return take_text(b);
}

static void add(X509 *x, X509V3_CTX *ctx, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
    need(e && X509_add_ext(x, e, -1) == 1, value);
    X509_EXTENSION_free(e);
}

/* Who signs. */
struct issuer {
    X509 *cert;
    EVP_PKEY *key;
};

struct request {
    const char *name;
    const char *alt; /* NULL: it is an authority */
    long from, to;   /* seconds from now */
};

/* Make a certificate and its key; `by` NULL: signed by itself. */
static struct issuer sign(const struct request *r, const struct issuer *by)
{
    static long serial = 1000;
    struct issuer self = {X509_new(), EVP_EC_gen("P-256")};
    need(self.cert && self.key, "EVP_EC_gen");
    const struct issuer *issuer = by ? by : &self;
    X509 *x = self.cert;
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
    X509_gmtime_adj(X509_getm_notBefore(x), r->from);
    X509_gmtime_adj(X509_getm_notAfter(x), r->to);
    X509_set_pubkey(x, self.key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)r->name, -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer->cert));
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer->cert, x, NULL, NULL, 0);
    add(x, &ctx, NID_basic_constraints,
        r->alt ? "critical,CA:FALSE" : "critical,CA:TRUE");
    if (r->alt)
        add(x, &ctx, NID_subject_alt_name, r->alt);
    add(x, &ctx, NID_subject_key_identifier, "hash");
    need(X509_sign(x, issuer->key, EVP_sha256()) > 0, "X509_sign");
    return self;
}

static void drop(struct issuer *i)
{
    X509_free(i->cert);
    EVP_PKEY_free(i->key);
}

/* Sign, and keep the text only; `chain`: that of the issuer as well. */
static void issue(struct cert *ret, const struct request *r,
                  const struct issuer *by, bool chain)
{
    struct issuer i = sign(r, by);
    ret->cert = cert_text(i.cert, chain ? by->cert : NULL);
    ret->key = key_text(i.key, NULL);
    drop(&i);
}

#define LOCAL "DNS:localhost,IP:127.0.0.1,IP:::1"

static void make(void)
{
    static const struct request root = {"hem test root", NULL, -DAY, DAY},
                                middle = {"hem test intermediate", NULL, -DAY,
                                          DAY},
                                server = {"localhost", LOCAL ",DNS:*.wild.test",
                                          -DAY, DAY},
                                other = {"other.test", "DNS:other.test", -DAY,
                                         DAY},
                                local = {"localhost", LOCAL, -DAY, DAY},
                                expired = {"localhost", LOCAL, -2 * DAY, -DAY},
                                future = {"localhost", LOCAL, DAY, 2 * DAY},
                                client = {"tester", "email:tester@localhost",
                                          -DAY, DAY};
    struct issuer ca = sign(&root, NULL), unknown = sign(&root, NULL),
                  intermediate = sign(&middle, &ca), own = sign(&server, &ca);
    all.ca.cert = cert_text(ca.cert, NULL);
    all.ca.key = key_text(ca.key, NULL);
    all.server.cert = cert_text(own.cert, NULL);
    all.server.key = key_text(own.key, NULL);
    all.encrypted = key_text(own.key, "secret");
    issue(&all.other, &other, &ca, false);
    issue(&all.chained, &local, &intermediate, true);
    issue(&all.expired, &expired, &ca, false);
    issue(&all.future, &future, &ca, false);
    issue(&all.alone, &local, NULL, false);
    issue(&all.client, &client, &ca, false);
    issue(&all.stranger, &local, &unknown, false);
    drop(&ca);
    drop(&unknown);
    drop(&intermediate);
    drop(&own);
}

static void free_cert(struct cert *c)
{
    free(c->cert);
    free(c->key);
}

static void clean_up(void)
{
    struct cert *const each[] = {&all.ca,      &all.server,  &all.other,
                                 &all.chained, &all.expired, &all.future,
                                 &all.alone,   &all.client,  &all.stranger};
    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++)
        free_cert(each[i]);
    free(all.encrypted);
    static const char *const files[] = {
        "ca.pem",     "server.pem",   "server.key",   "client.pem",
        "client.key", "stranger.pem", "stranger.key", "script.py"};
    if (!directory[0] || getpid() != maker)
        return;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        (void)unlink(certs_path(files[i]));
    (void)rmdir(directory);
}

const struct certs *certs(void)
{
    if (!made) {
        made = true;
        maker = getpid();
        make();
        atexit(clean_up);
    }
    return &all;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(certs_path(name), "we");
    need(f && fputs(text, f) >= 0 && fclose(f) == 0, name);
}

const char *certs_directory(void)
{
    const struct certs *c = certs();
    if (directory[0])
        return directory;
    strcpy(directory, "/tmp/hem-tls-XXXXXX");
    need(mkdtemp(directory) != NULL, "mkdtemp");
    write_file("ca.pem", c->ca.cert);
    write_file("server.pem", c->server.cert);
    write_file("server.key", c->server.key);
    write_file("client.pem", c->client.cert);
    write_file("client.key", c->client.key);
    write_file("stranger.pem", c->stranger.cert);
    write_file("stranger.key", c->stranger.key);
    return directory;
}

const char *certs_path(const char *name)
{
    static char paths[16][256];
    static size_t next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof(paths[0]), "%s/%s", certs_directory(), name);
    return path;
}
