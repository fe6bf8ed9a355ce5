/* SPDX-License-Identifier: MIT */
#include <openssl/crypto.h>
#include <string.h>

#include "tls/tls.h"

#define FIRST_ROOM 512

int tls__bytes_reserve(tls__bytes *b, size_t size)
{
    size_t need;
    if (__builtin_add_overflow(b->size, size, &need))
        return HEM_ENOMEM;
    if (need <= b->room)
        return 0;
    size_t room = b->room ? b->room : FIRST_ROOM;
    while (room < need)
        room += room / 2;
    char *data = OPENSSL_realloc(b->data, room);
    if (!data)
        return HEM_ENOMEM;
    b->data = data;
    b->room = room;
    return 0;
}

int tls__bytes_add(tls__bytes *b, const void *p, size_t size)
{
    HEM_TRY(tls__bytes_reserve(b, size));
    memcpy(b->data + b->size, p, size);
    b->size += size;
    return 0;
}

void tls__bytes_drop(tls__bytes *b)
{
    OPENSSL_free(b->data);
    *b = (tls__bytes){.data = NULL};
}
