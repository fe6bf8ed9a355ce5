/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

static void *default_alloc(void *arg, size_t bytes)
{
    (void)arg;
    return malloc(bytes);
}

static void *default_realloc(void *arg, void *p, size_t bytes)
{
    (void)arg;
    return realloc(p, bytes);
}

static void default_free(void *arg, void *p)
{
    (void)arg;
    free(p);
}

static const hem_allocator default_allocator = {default_alloc, default_realloc,
                                                default_free, NULL};

static hem_allocator allocator = {default_alloc, default_realloc, default_free,
                                  NULL};

void hem_allocator_set(const hem_allocator *a)
{
    allocator = a ? *a : default_allocator;
}

void *hem__alloc(size_t bytes)
{
    if (hem__fault_at(HEM__SYS_alloc, __builtin_return_address(0)))
        return NULL;
    return allocator.alloc(allocator.arg, bytes);
}

void *hem__calloc(size_t bytes)
{
    if (hem__fault_at(HEM__SYS_alloc, __builtin_return_address(0)))
        return NULL;
    void *p = allocator.alloc(allocator.arg, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void *hem__realloc(void *p, size_t bytes)
{
    if (hem__fault_at(HEM__SYS_alloc, __builtin_return_address(0)))
        return NULL;
    return allocator.realloc(allocator.arg, p, bytes);
}

void hem__free(void *p)
{
    if (p)
        allocator.free(allocator.arg, p);
}

void hem_free(void *p)
{
    hem__free(p);
}
