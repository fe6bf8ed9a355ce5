/* SPDX-License-Identifier: MIT */
/*
 * Errors are negative numbers: negated values of errno, and a few of hem's
 * own. A new name for each errno is defined so that programs read alike; any
 * other negated errno may be returned as well.
 *
 *     int rc = hem_sleep(HEM_SEC);
 *     if (rc < 0)
 *         fprintf(stderr, "%s: %s\n", hem_errname(rc), hem_strerror(rc));
 *
 * Which is for what: HEM_EINVAL, an argument that is never right;
 * HEM_EREFUSED, a call that is not allowed now, or to this task;
 * HEM_ESTATE, a result that is there already, or not yet; HEM_EMISUSE, an
 * object that is not open, or was closed before; HEM_EBADF, the same of a
 * descriptor.
 */
#ifndef HEM_ERROR_H
#define HEM_ERROR_H

#include <errno.h>

#include "base.h"

HEM_BEGIN_DECLS

/* clang-format off */
/* hem's own errors: name, number, explanation. */
#define HEM_ERRORS(X)                                                                   \
    X(HEM_ESTATE,      -5001, "invalid state: already done, or not yet")                \
    X(HEM_EREFUSED,    -5002, "operation refused in the present state of the object")   \
    X(HEM_EGROUP,      -5003, "several children failed")                                \
    X(HEM_EINCOMPLETE, -5004, "end of stream before all was read")                      \
    X(HEM_ELIMIT,      -5005, "limit exceeded")                                         \
    X(HEM_EBROKEN,     -5006, "barrier broken")                                         \
    X(HEM_ESHUTDOWN,   -5007, "shut down")                                              \
    X(HEM_ESWALLOWED,  -5008, "task swallowed its cancellation")                        \
    X(HEM_EFULL,       -5009, "queue full")                                             \
    X(HEM_EEMPTY,      -5010, "queue empty")                                            \
    X(HEM_ECLOSED,     -5011, "generator is being closed")                              \
    X(HEM_EMISUSE,     -5012, "library misuse")                                         \
    X(HEM_ENAME,       -5013, "host name not found")                                    \
    X(HEM_ENAMETEMP,   -5014, "host name lookup failed for now")                        \
    X(HEM_ESIGNALED,   -5015, "process killed by a signal")                             \
    X(HEM_EEXITED,     -5016, "process exited with a failure")                          \
    X(HEM_ETLS,        -5017, "TLS failure")                                            \
    X(HEM_ECERTIFICATE, -5018, "certificate not accepted")                              \
    X(HEM_ETRUNCATED,  -5019, "connection cut off before its end was announced")

/* The errnos that hem itself names; the same numbers, negated. */
#define HEM_ERRNOS(X)                                                                   \
    X(2BIG) X(ACCES) X(ADDRINUSE) X(ADDRNOTAVAIL) X(AFNOSUPPORT) X(AGAIN) X(ALREADY)    \
    X(BADF) X(BUSY) X(CANCELED) X(CHILD) X(CONNABORTED) X(CONNREFUSED) X(CONNRESET)     \
    X(DEADLK) X(DESTADDRREQ) X(DQUOT) X(EXIST) X(FAULT) X(FBIG) X(HOSTDOWN)             \
    X(HOSTUNREACH) X(INPROGRESS) X(INTR) X(INVAL) X(IO) X(ISCONN) X(ISDIR) X(LOOP)      \
    X(MFILE) X(MSGSIZE) X(NAMETOOLONG) X(NETDOWN) X(NETUNREACH) X(NFILE) X(NOBUFS)      \
    X(NODEV) X(NOENT) X(NOEXEC) X(NOMEM) X(NOPROTOOPT) X(NOSPC) X(NOSYS) X(NOTCONN)     \
    X(NOTDIR) X(NOTEMPTY) X(NOTSOCK) X(NOTSUP) X(NOTTY) X(NXIO) X(OVERFLOW) X(PERM)     \
    X(PIPE) X(PROTO) X(PROTONOSUPPORT) X(RANGE) X(ROFS) X(SPIPE) X(SRCH) X(TIMEDOUT)    \
    X(TXTBSY) X(XDEV)
/* clang-format on */

enum hem_status_code {
#define HEM__DEFINE(name, number, text) name = number,
    HEM_ERRORS(HEM__DEFINE)
#undef HEM__DEFINE
#define HEM__DEFINE(name) HEM_E##name = -E##name,
        HEM_ERRNOS(HEM__DEFINE)
#undef HEM__DEFINE
};

/*
 * Return the name of an error, "HEM_ECANCELED" or "ELIBACC"; of 0 "HEM_OK", of
 * what is no error "HEM_UNKNOWN".
 * The string is static. [any thread]
 */
HEM_API const char *hem_errname(int error);

/* Return an explanation of an error. The string is static. [any thread] */
HEM_API const char *hem_strerror(int error);

HEM_END_DECLS

#endif
