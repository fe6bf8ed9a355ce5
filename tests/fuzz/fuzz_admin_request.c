/* SPDX-License-Identifier: MIT */
/*
 * The head of a request for operators' pages, out of any bytes: the verdict does
 * not depend on how the bytes were cut, and the path lies in the head.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/request.h"

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static int scan_in_two(const char *bytes, size_t n, size_t cut)
{
    size_t seen = 0;
    int rc = hem__head_scan(bytes, cut, &seen);
    return rc != 0 ? rc : hem__head_scan(bytes, n, &seen);
}

static void check_head(const char *bytes, size_t n)
{
    hem__request r;
    int status = hem__head_parse(&r, bytes, n);
    CHECK(status == 200 || status == 400 || status == 405 || status == 505);
    if (status != 200)
        return;
    CHECK(r.path > bytes && r.path + r.path_size < bytes + n);
    CHECK(r.path_size > 0 && *r.path == '/');
    CHECK(!memchr(r.path, ' ', r.path_size) &&
          !memchr(r.path, '?', r.path_size));
    CHECK(memcmp(bytes, r.head ? "HEAD " : "GET /", 5) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t cut = data[0], n = size - 1, seen = 0;
    char *bytes = malloc(n + 1);
    CHECK(bytes != NULL);
    memcpy(bytes, data + 1, n);
    int rc = hem__head_scan(bytes, n, &seen);
    CHECK(scan_in_two(bytes, n, cut < n ? cut : n) == rc);
    CHECK(rc <= (int)n && (rc <= 0 || rc >= 5));
    if (rc > 0)
        check_head(bytes, (size_t)rc);
    free(bytes);
    return 0;
}
