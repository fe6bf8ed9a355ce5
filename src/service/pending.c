/* SPDX-License-Identifier: MIT */
/* Parts of the service that are not there yet. */
#include "hem/error.h"
#include "service/service.h"

void hem__service_notify(hem__service *s, const char *state)
{
    (void)s;
    (void)state;
}

int hem__watchdog_start(hem__service *s, hem_scope *scope)
{
    (void)s;
    (void)scope;
    return 0;
}

int hem__health_start(hem__service *s, hem_scope *scope)
{
    (void)s;
    (void)scope;
    return 0;
}

int hem__upgrade_start(hem__service *s)
{
    (void)s;
    return HEM_ENOTSUP;
}

void hem__upgrade_report(hem__service *s)
{
    (void)s;
}
