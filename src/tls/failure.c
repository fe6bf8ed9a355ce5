/* SPDX-License-Identifier: MIT */
/* OpenSSL's errors as hem's, in words. OpenSSL keeps a queue of errors for each
 * thread, on which all tasks of a loop would meet: it is emptied before a call
 * that may fail and after one that did. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>

#include "hem/failure.h"
#include "hem/log.h"
#include "hem/task.h"
#include "tls/tls.h"

#define REASON_BYTES 200
#define TEXT_BYTES   400

int tls__fail_plainly(int code, const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (hem_self())
        return hem_fail(code, "%s", text);
    hem_log(HEM_LOG_ERROR, "%s: %s", hem_strerror(code), text);
    return code;
}

void tls__errors_clear(void)
{
    ERR_clear_error();
}

/* hem's code for an error of OpenSSL's. */
static int code_of(unsigned long e)
{
    if (ERR_SYSTEM_ERROR(e) && ERR_GET_REASON(e) > 0)
        return -(int)ERR_GET_REASON(e);
    if (ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE)
        return HEM_ENOMEM;
    if (ERR_GET_LIB(e) == ERR_LIB_SSL &&
        (ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED ||
         ERR_GET_REASON(e) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE))
        return HEM_ECERTIFICATE;
    return HEM_ETLS;
}

/* Take the first error, or one that says that memory lacked, which may hide
 * behind what followed from it. */
static unsigned long take_error(char *reason, size_t size)
{
    const char *data = NULL;
    int flags = 0;
    unsigned long e = ERR_get_error_all(NULL, NULL, NULL, &data, &flags);
    const char *text = ERR_reason_error_string(e);
    if (e && ERR_SYSTEM_ERROR(e))
        text = hem_strerror(code_of(e));
    bool has_data = (flags & ERR_TXT_STRING) && data && data[0];
    snprintf(reason, size, "%s%s%s", text ? text : "unknown error",
             has_data ? ": " : "", has_data ? data : "");
    unsigned long other;
    while ((other = ERR_get_error()) != 0) {
        if (code_of(other) == HEM_ENOMEM)
            e = other;
    }
    return e;
}

int tls__fail(const char *what, const char *fallback)
{
    char reason[REASON_BYTES];
    unsigned long e = take_error(reason, sizeof(reason));
    if (!e)
        return tls__fail_plainly(HEM_ETLS, "%s: %s", what, fallback);
    int code = code_of(e);
    if (code == HEM_ENOMEM)
        return code;
    return tls__fail_plainly(code, "%s: %s", what, reason);
}

/* The certificate was not accepted: why. */
static int fail_certificate(const tls__stream *t, const char *what)
{
    long why = SSL_get_verify_result(t->ssl);
    if (why == X509_V_ERR_OUT_OF_MEM)
        return HEM_ENOMEM;
    const char *of = SSL_is_server(t->ssl) ? "the client" : t->host;
    const char *text =
        why == X509_V_OK ? "it has none" : X509_verify_cert_error_string(why);
    return tls__fail_plainly(HEM_ECERTIFICATE, "%s: certificate of %s: %s",
                             what, of[0] ? of : "the server", text);
}

int tls__outcome(tls__stream *t, int rc, const char *what)
{
    int kind = SSL_get_error(t->ssl, rc);
    if (kind == SSL_ERROR_WANT_READ)
        return HEM_EAGAIN;
    if (kind == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (code_of(ERR_peek_last_error()) == HEM_ECERTIFICATE) {
        ERR_clear_error();
        t->failed = fail_certificate(t, what);
    } else {
        t->failed = tls__fail(what, "connection unusable");
    }
    return t->failed;
}
