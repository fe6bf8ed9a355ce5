/* SPDX-License-Identifier: MIT */
/* Until the real ones are there. */
#include "service/service.h"

#include "base/sys.h"
#include "hem/error.h"
#include "hem/notify.h"

#pragma GCC diagnostic ignored "-Wredundant-decls"

__attribute__((weak)) int hem_inherited_fd(const char *name, size_t i)
{
    (void)name;
    (void)i;
    return HEM_ENOENT;
}

__attribute__((weak)) uint32_t hem__service_ready_workers(const hem__service *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->seat_count; i++) {
        const hem__instance *now = s->seats[i].now;
        n += !s->seats[i].role->extra && now &&
             now->state == HEM__INSTANCE_READY;
    }
    return n;
}
