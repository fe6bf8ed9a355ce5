/* SPDX-License-Identifier: MIT */
/*
 * The head of a request and its path, out of any bytes: the verdict does not
 * depend on how the bytes were cut, what it points at lies in the head, and no
 * path leads out.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http_server/path.h"
#include "http_server/request.h"

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static int scan_in_two(const char *bytes, size_t n, size_t cut)
{
    http_scan scan = {0};
    int rc = http_head_scan(&scan, bytes, cut);
    return rc != 0 ? rc : http_head_scan(&scan, bytes, n);
}

static void check_path(http_slice target)
{
    http_path path;
    int status = http_path_decode(&path, target);
    CHECK(status == 0 || status == 400 || status == 404);
    if (status != 0)
        return;
    CHECK(path.text[0] != '/' && path.text[0] != '\0');
    CHECK(strlen(path.text) <= target.length);
    CHECK(strcmp(path.text, ".") == 0 || path.text[0] != '.');
    CHECK(strstr(path.text, "/.") == NULL && strstr(path.text, "//") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t cut = data[0];
    size_t n = size - 1;
    char *bytes = malloc(n + 1);
    CHECK(bytes != NULL);
    memcpy(bytes, data + 1, n);
    http_scan scan = {0};
    int rc = http_head_scan(&scan, bytes, n);
    CHECK(scan_in_two(bytes, n, cut < n ? cut : n) == rc);
    CHECK(rc <= (int)n && (rc <= 0 || rc >= 4));
    if (rc > 0) {
        http_request r;
        http_request_parse(&r, bytes, (size_t)rc);
        CHECK(r.status == 200 || !r.keep_alive || r.status == 405);
        if (r.status == 200) {
            CHECK(r.method != HTTP_OTHER && r.target.length > 0);
            CHECK(*r.target.at == '/' && r.target.length <= HTTP_TARGET_MAX);
            check_path(r.target);
        }
    }
    free(bytes);
    return 0;
}
