/* SPDX-License-Identifier: MIT */
#include "io/inherited.h"
#include "hem/notify.h"

int hem_inherited_fd(const char *name, size_t i)
{
    return hem__inherited_take(name, i);
}
