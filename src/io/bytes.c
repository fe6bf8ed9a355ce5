/* SPDX-License-Identifier: MIT */
#include "io/bytes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "hem/error.h"

int hem__bytes_reserve(hem__bytes *b, size_t size)
{
    size_t need;
    if (__builtin_add_overflow(b->size, size, &need))
        return HEM_ENOMEM;
    if (size <= b->capacity - b->begin - b->size)
        return 0;
    if (need <= b->capacity && b->begin >= b->capacity / 2) {
        memmove(b->data, hem__bytes_first(b), b->size);
        b->begin = 0;
        return 0;
    }
    char *data = hem__alloc(need > b->size * 2 ? need : b->size * 2);
    if (!data)
        return HEM_ENOMEM;
    if (b->size > 0)
        memcpy(data, hem__bytes_first(b), b->size);
    hem__free(b->data);
    b->capacity = need > b->size * 2 ? need : b->size * 2;
    b->data = data;
    b->begin = 0;
    return 0;
}

void hem__bytes_add(hem__bytes *b, const void *p, size_t size)
{
    HEM__ASSERT(size <= b->capacity - b->begin - b->size);
    if (size > 0)
        memcpy(b->data + b->begin + b->size, p, size);
    b->size += size;
}

void hem__bytes_drop(hem__bytes *b, size_t size)
{
    HEM__ASSERT(size <= b->size);
    b->begin += size;
    b->size -= size;
    if (b->size == 0)
        hem__bytes_clear(b);
}

void hem__bytes_clear(hem__bytes *b)
{
    hem__free(b->data);
    *b = (hem__bytes){0};
}
