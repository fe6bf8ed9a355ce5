/* SPDX-License-Identifier: MIT */
/* [begin, end) of the buffer is what was read ahead. */
#include "hem/file_reader.h"

#include <string.h>

#include "base/alloc.h"
#include "hem/error.h"

#define LIMIT_DEFAULT 65536
#define FIRST_BYTES   8192

void hem_file_reader_init(hem_file_reader *r, hem_file *f,
                          const hem_file_reader_options *opts)
{
    *r = (hem_file_reader){.file = f, .limit = opts ? opts->limit : 0};
}

void hem_file_reader_deinit(hem_file_reader *r)
{
    if (!r)
        return;
    hem__free(r->buffer);
    r->buffer = NULL;
    r->begin = r->end = r->capacity = 0;
}

static uint32_t limit_of(const hem_file_reader *r)
{
    return r->limit ? r->limit : LIMIT_DEFAULT;
}

/* Make room for more; HEM_ELIMIT: the buffer is full of what is wanted. */
static int make_room(hem_file_reader *r)
{
    if (r->begin > 0) {
        memmove(r->buffer, r->buffer + r->begin, r->end - r->begin);
        r->end -= r->begin;
        r->begin = 0;
    }
    if (r->end < r->capacity)
        return 0;
    uint32_t limit = limit_of(r);
    if (r->capacity >= limit)
        return HEM_ELIMIT;
    uint32_t wanted = r->capacity ? 2 * r->capacity : FIRST_BYTES;
    if (wanted > limit || wanted < r->capacity)
        wanted = limit;
    char *buffer = hem__realloc(r->buffer, wanted);
    if (!buffer)
        return HEM_ENOMEM;
    r->buffer = buffer;
    r->capacity = wanted;
    return 0;
}

/* Read more; 0: the file has ended. */
static ssize_t fill(hem_file_reader *r)
{
    HEM_TRY(make_room(r));
    ssize_t n =
        hem_file_read(r->file, r->buffer + r->end, r->capacity - r->end);
    if (n > 0)
        r->end += (uint32_t)n;
    return n;
}

static ssize_t give(hem_file_reader *r, size_t n, char **ret)
{
    *ret = r->buffer + r->begin;
    r->begin += (uint32_t)n;
    return (ssize_t)n;
}

ssize_t hem_file_reader_read_line(hem_file_reader *r, char **ret)
{
    uint32_t looked = 0; /* no newline among so many */
    for (;;) {
        uint32_t left = r->end - r->begin;
        const char *from = left ? r->buffer + r->begin : "";
        const char *found =
            left > looked ? memchr(from + looked, '\n', left - looked) : NULL;
        if (found)
            return give(r, (size_t)(found - from) + 1, ret);
        looked = left;
        ssize_t n = fill(r);
        if (n < 0)
            return n;
        if (n == 0)
            return left ? give(r, left, ret) : 0;
    }
}

ssize_t hem_file_reader_read(hem_file_reader *r, char **ret)
{
    if (r->begin == r->end) {
        ssize_t n = fill(r);
        if (n <= 0)
            return n;
    }
    return give(r, r->end - r->begin, ret);
}
