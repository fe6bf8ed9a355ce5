/* SPDX-License-Identifier: MIT */
#include "certificate.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static X509 *sign(EVP_PKEY *key)
{
    X509 *x = X509_new();
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost");
    if (!x || !names || !key)
        goto fail;
    X509_set_version(x, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 60L * 60);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, key);
    X509_add_ext(x, names, -1);
    if (X509_sign(x, key, EVP_sha256()) == 0)
        goto fail;
    X509_EXTENSION_free(names);
    return x;

fail:
    X509_EXTENSION_free(names);
    X509_free(x);
    return NULL;
}

int certificate_make(char ret[CERTIFICATE_MAX])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = sign(key);
    BIO *b = BIO_new(BIO_s_mem());
    int n = 0;
    if (x && b && PEM_write_bio_X509(b, x) == 1 &&
        PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1)
        n = BIO_read(b, ret, CERTIFICATE_MAX - 1);
    ret[n > 0 ? n : 0] = '\0';
    BIO_free(b);
    X509_free(x);
    EVP_PKEY_free(key);
    return n > 0 ? 0 : -1;
}
