/* SPDX-License-Identifier: MIT */
#include "rot13.h"

#include <string.h>

int rot13_released;

static void rotate(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char base = p[i] >= 'a' && p[i] <= 'z' ? 'a' : 'A';
        if (p[i] >= base && p[i] < base + 26)
            p[i] = (char)(base + (p[i] - base + 13) % 26);
    }
}

static ssize_t rot13_read(void *layer, hem_stream *below, void *buf,
                          size_t size)
{
    (void)layer;
    ssize_t n = hem_stream_read(below, buf, size);
    if (n > 0)
        rotate(buf, (size_t)n);
    return n;
}

static int rot13_put(void *layer, hem_stream *below, const void *buf,
                     size_t size)
{
    char piece[4096];
    (void)layer;
    for (size_t at = 0; at < size;) {
        size_t n = size - at < sizeof(piece) ? size - at : sizeof(piece);
        memcpy(piece, (const char *)buf + at, n);
        rotate(piece, n);
        HEM_TRY(hem_stream_put(below, piece, n));
        at += n;
    }
    return 0;
}

static ssize_t rot13_write(void *layer, hem_stream *below, const void *buf,
                           size_t size)
{
    size_t n = size < 4096 ? size : 4096;
    HEM_TRY(hem_stream_drain(below));
    HEM_TRY(rot13_put(layer, below, buf, n));
    return (ssize_t)n;
}

static int rot13_shutdown_write(void *layer, hem_stream *below)
{
    (void)layer;
    return hem_stream_shutdown_write(below);
}

static void rot13_release(void *layer)
{
    (void)layer;
    rot13_released++;
}

const hem_transport rot13 = {.name = "rot13",
                             .read = rot13_read,
                             .write = rot13_write,
                             .put = rot13_put,
                             .shutdown_write = rot13_shutdown_write,
                             .release = rot13_release};
