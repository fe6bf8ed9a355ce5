/* SPDX-License-Identifier: MIT */
/* Names of hosts as they are compared with certificates, and sent. */
#include <string.h>

#include "hem/address.h"
#include "tls/tls.h"

static bool is_address(char *host)
{
    hem_address a;
    char *zone = strchr(host, '%');
    if (zone && strchr(host, ':'))
        *zone = '\0'; /* certificates know no interfaces of this machine */
    return hem_address_parse(&a, host, 0) == 0;
}

static bool is_name(const char *host)
{
    for (const char *p = host; *p; p++) {
        bool fine = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                    (*p >= '0' && *p <= '9') || *p == '-' || *p == '_' ||
                    (*p == '.' && p > host && p[-1] != '.');
        if (!fine)
            return false;
    }
    return host[0] != '\0';
}

int tls__host_normalise(char *ret, const char *host, bool *ret_address)
{
    size_t n = strnlen(host, TLS__HOST_MAX + 2);
    if (n > 1 && host[n - 1] == '.')
        n--;
    if (n > TLS__HOST_MAX)
        return HEM_ENAMETOOLONG;
    char copy[TLS__HOST_MAX + 1] = "";
    memcpy(copy, host, n);
    bool address = is_address(copy);
    if (!address && !is_name(copy))
        return HEM_EINVAL;
    memcpy(ret, copy, sizeof(copy));
    *ret_address = address;
    return 0;
}
