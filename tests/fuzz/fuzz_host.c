/* SPDX-License-Identifier: MIT */
/*
 * Hosts, out of any bytes: what is let through is an address, or a name that is
 * right and whole; addresses in disguise only where they are wanted.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hem/error.h"
#include "io/host.h"

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition))                                                      \
            abort();                                                           \
    } while (0)

static void check_name(const hem__host *h, const char *bytes, size_t n)
{
    static const char right[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    CHECK(strlen(h->text) == n && memcmp(h->text, bytes, n) == 0);
    CHECK(strspn(h->text, right) == n);
    CHECK(n > 0 && n <= 254 && h->text[0] != '.');
    CHECK(!strstr(h->text, ".."));
    CHECK(n <= 253 || h->text[253] == '.');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool forms = data[0] & 1;
    size_t n = size - 1;
    char *bytes = malloc(n);
    CHECK(bytes != NULL);
    memcpy(bytes, data + 1, n);
    hem__host h, strict;
    int rc = hem__host_read(&h, bytes, n, forms);
    CHECK(rc == 0 || rc == HEM_EINVAL || rc == HEM_ENAMETOOLONG);
    if (rc == 0 && h.kind != HEM__HOST_NUMERIC)
        check_name(&h, bytes, n);
    if (rc == 0 && !forms && h.kind == HEM__HOST_NUMERIC) {
        hem_address a;
        CHECK(hem_address_parse(&a, h.text, 0) == 0);
    }
    /* the forms add addresses, and change nothing else */
    int plain = hem__host_read(&strict, bytes, n, false);
    CHECK(plain == rc ||
          (forms && plain == HEM_EINVAL && h.kind == HEM__HOST_NUMERIC));
    free(bytes);
    return 0;
}
