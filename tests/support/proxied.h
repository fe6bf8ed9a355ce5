/* SPDX-License-Identifier: MIT */
/* Headers of the PROXY protocol, version 2, made by hand. */
#ifndef SUPPORT_PROXIED_H
#define SUPPORT_PROXIED_H

#include <stddef.h>
#include <stdint.h>

struct header {
    uint8_t bytes[16 + 65535];
    size_t size;
};

/* A header with this command and family, and nothing behind its 16 bytes. */
void header_init(struct header *h, uint8_t command, uint8_t family);

/* Put bytes at the end; a record. The length in the head follows. */
void header_add(struct header *h, const void *p, size_t size);
void header_add_record(struct header *h, uint8_t type, const void *p,
                       size_t size);

/* CRC32c, computed bit by bit; put that of the header at its end. */
uint32_t header_crc(const void *p, size_t size);
void header_add_crc(struct header *h);

/* From 192.0.2.1:56324 to 198.51.100.2:443. */
void header_init_tcp4(struct header *h);

#endif
