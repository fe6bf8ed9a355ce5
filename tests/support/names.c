/* SPDX-License-Identifier: MIT */
#include "names.h"

#include <netinet/in.h>

#include "io/resolver.h"
#include "support.h"

#define NAMES_MAX 16

const char hem__resolver_kind[] = "test";

static struct name known[NAMES_MAX];
static size_t known_count;
static int asked;
static char last[HEM_ADDRESS_TEXT];

void names_begin(void)
{
    known_count = 0;
    asked = 0;
    last[0] = '\0';
}

void names_add(struct name n)
{
    check(known_count < NAMES_MAX);
    known[known_count++] = n;
}

int names_asked(void)
{
    return asked;
}

const char *names_last(void)
{
    return last;
}

static ssize_t answer(const struct name *n, int family, hem_address *ret,
                      size_t max)
{
    char text[1024];
    size_t count = 0;
    snprintf(text, sizeof(text), "%s", n->addresses ? n->addresses : "");
    char *rest = NULL;
    for (char *host = strtok_r(text, " ", &rest); host;
         host = strtok_r(NULL, " ", &rest)) {
        hem_address a;
        check_int(hem_address_parse(&a, host, 0), 0);
        if (family != AF_UNSPEC && a.storage.ss_family != family)
            continue;
        if (count < max)
            ret[count] = a;
        count++;
    }
    return count > 0 ? (ssize_t)count : HEM_ENAME;
}

ssize_t hem__resolver_find(hem_address *ret, size_t max, const char *name,
                           int family)
{
    asked++;
    snprintf(last, sizeof(last), "%s", name);
    const struct name *n = known;
    while (n < known + known_count && strcmp(n->name, name) != 0)
        n++;
    if (n == known + known_count) {
        HEM_TRY(hem_yield());
        return HEM_ENAME;
    }
    HEM_TRY(hem_sleep(n->delay));
    return n->error ? n->error : answer(n, family, ret, max);
}

int hem__resolver_name(char *ret_name, const hem_address *a)
{
    char text[HEM_ADDRESS_TEXT], host[HEM_ADDRESS_TEXT];
    asked++;
    hem_address_format(a, text);
    snprintf(last, sizeof(last), "%s", text);
    for (const struct name *n = known; n < known + known_count; n++) {
        hem_address own;
        snprintf(host, sizeof(host), "%s", n->addresses);
        host[strcspn(host, " ")] = '\0';
        check_int(hem_address_parse(&own, host, hem_address_port(a)), 0);
        if (own.length != a->length ||
            memcmp(&own.storage, &a->storage, own.length) != 0)
            continue;
        HEM_TRY(hem_sleep(n->delay));
        if (n->error)
            return n->error;
        snprintf(ret_name, HEM_HOST_TEXT, "%s", n->name);
        return 0;
    }
    HEM_TRY(hem_yield());
    return HEM_ENAME;
}
