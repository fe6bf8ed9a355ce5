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
