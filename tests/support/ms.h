/* SPDX-License-Identifier: MIT */
/* Milliseconds of virtual time. */
#ifndef SUPPORT_MS_H
#define SUPPORT_MS_H

#include "hem.h"

#define MS HEM_MSEC

static inline int now_ms(void)
{
    return (int)(hem_now() / MS);
}

#endif
