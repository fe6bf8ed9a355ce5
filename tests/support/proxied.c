/* SPDX-License-Identifier: MIT */
#include "proxied.h"

#include "support.h"

void header_init(struct header *h, uint8_t command, uint8_t family)
{
    memcpy(h->bytes, "\r\n\r\n\0\r\nQUIT\n", 12);
    h->bytes[12] = command;
    h->bytes[13] = family;
    h->bytes[14] = h->bytes[15] = 0;
    h->size = 16;
}

void header_add(struct header *h, const void *p, size_t size)
{
    check(h->size + size <= sizeof(h->bytes));
    memcpy(h->bytes + h->size, p, size);
    h->size += size;
    h->bytes[14] = (uint8_t)((h->size - 16) >> 8);
    h->bytes[15] = (uint8_t)(h->size - 16);
}

void header_add_record(struct header *h, uint8_t type, const void *p,
                       size_t size)
{
    uint8_t head[3] = {type, (uint8_t)(size >> 8), (uint8_t)size};
    header_add(h, head, sizeof(head));
    header_add(h, p, size);
}

uint32_t header_crc(const void *p, size_t size)
{
    const uint8_t *at = p;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

void header_add_crc(struct header *h)
{
    header_add_record(h, 3, "\0\0\0\0", 4);
    uint32_t crc = header_crc(h->bytes, h->size);
    for (int i = 0; i < 4; i++)
        h->bytes[h->size - 4 + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
}

void header_init_tcp4(struct header *h)
{
    static const uint8_t block[12] = {192, 0, 2,    1,    198,  51,
                                      100, 2, 0xdc, 0x04, 0x01, 0xbb};
    header_init(h, 0x21, 0x11);
    header_add(h, block, sizeof(block));
}
