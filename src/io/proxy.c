/* SPDX-License-Identifier: MIT */
/*
 * Headers of the PROXY protocol. Nothing behind one may be read, and not every
 * stream can peek: so each read asks for no more than what the header still
 * has at least. Of version 2 that is known exactly; of the line of version 1 it
 * follows from the fields that are missing, which makes some seven reads.
 */
#include "hem/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/alloc.h"
#include "hem/error.h"

#define LINE_MAX_BYTES 107
#define SIGNATURE      "\r\n\r\n\0\r\nQUIT\n"
#define SIGNATURE_SIZE 12
#define V2_HEAD        16
#define UNIX_BYTES     108
#define AHEAD_BYTES    256
#define TLV_CRC32C     3

/* A header that is being read. */
struct input {
    hem_stream *stream;
    size_t size; /* bytes of `text` */
    union {
        char text[LINE_MAX_BYTES + 1]; /* version 1, and the first 12 bytes */
        uint8_t head[V2_HEAD];
    };
    /* Version 2 behind its head: */
    uint32_t coming;     /* bytes not read yet */
    uint32_t left;       /* and those of them or of `ahead` not used */
    uint32_t crc;        /* of those used so far */
    uint32_t begin, end; /* of what is in `ahead` */
    uint8_t ahead[AHEAD_BYTES];
};

/* Read up to `size` more bytes to `text`, at least one. */
static int read_text(struct input *in, size_t size)
{
    ssize_t n = hem_stream_read(in->stream, in->text + in->size, size);
    if (n <= 0)
        return n < 0 ? (int)n : HEM_EINCOMPLETE;
    in->size += (size_t)n;
    return 0;
}

/* Whether what is there is, as far as it goes, `want`. */
static bool begins(const struct input *in, const char *want, size_t size)
{
    return memcmp(in->text, want, in->size < size ? in->size : size) == 0;
}

/* Read what both versions have, as far as they differ; which one it is. */
static int read_beginning(struct input *in)
{
    while (in->size < SIGNATURE_SIZE) {
        HEM_TRY(read_text(in, SIGNATURE_SIZE - in->size));
        if (!begins(in, "PROXY ", 6) && !begins(in, SIGNATURE, SIGNATURE_SIZE))
            return HEM_EPROTO;
    }
    return in->text[0] == 'P' ? 1 : 2;
}

/* Version 1. */

static bool is_unknown(const struct input *in)
{
    static const char unknown[] = "PROXY UNKNOWN";
    if (!begins(in, unknown, sizeof(unknown) - 1))
        return false;
    return in->size < sizeof(unknown) || in->text[13] == ' ' ||
           in->text[13] == '\r';
}

/* How many bytes a line with addresses of at least `least` characters lacks. */
static int missing_fields(const struct input *in, size_t least)
{
    const size_t lengths[] = {5, 4, least, least, 1, 1};
    size_t field = 0, begin = 0, missing = 2;
    for (size_t i = 0; i < in->size; i++) {
        if (in->text[i] != ' ')
            continue;
        if (i - begin < lengths[field] || ++field == 6)
            return HEM_EPROTO;
        begin = i + 1;
    }
    if (in->size - begin < lengths[field])
        missing += lengths[field] - (in->size - begin);
    while (++field < 6)
        missing += 1 + lengths[field];
    return (int)missing;
}

/* How many bytes the line lacks at least; 0: it is there. HEM_EPROTO. */
static int missing(const struct input *in)
{
    size_t end = 0;
    while (end < in->size && in->text[end] != '\r' && in->text[end] != '\n')
        end++;
    if (end + 2 == in->size && memcmp(in->text + end, "\r\n", 2) == 0)
        return 0;
    if (end + 1 == in->size && in->text[end] == '\r')
        return 1;
    if (end < in->size)
        return HEM_EPROTO;
    if (is_unknown(in))
        return in->size < 13 ? (int)(15 - in->size) : 2;
    if (begins(in, "PROXY TCP4 ", 11))
        return missing_fields(in, 7);
    return begins(in, "PROXY TCP6 ", 11) ? missing_fields(in, 2) : HEM_EPROTO;
}

/* A port, a decimal number without leading zeros; -1: it is none. */
static int parse_port(const char *text)
{
    int port = 0;
    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
        return -1;
    for (; *text >= '0' && *text <= '9' && port <= UINT16_MAX; text++)
        port = port * 10 + (*text - '0');
    return *text == '\0' && port <= UINT16_MAX ? port : -1;
}

static int parse_end(hem_address *ret, int family, const char *host,
                     const char *port)
{
    int number = parse_port(port);
    if (number < 0 || strchr(host, '%'))
        return HEM_EPROTO;
    if (hem_address_parse(ret, host, (uint16_t)number) < 0 ||
        ret->storage.ss_family != family)
        return HEM_EPROTO;
    return 0;
}

/* Cut the line, which is complete, into its fields. HEM_EPROTO. */
static int split(struct input *in, char *fields[6])
{
    size_t end = in->size - 2;
    if (memchr(in->text, '\0', end))
        return HEM_EPROTO;
    in->text[end] = '\0';
    char *at = in->text;
    for (int i = 0; i < 6; i++) {
        fields[i] = at;
        at = strchr(at, ' ');
        if ((at == NULL) != (i == 5))
            return HEM_EPROTO;
        if (at)
            *at++ = '\0';
    }
    return 0;
}

static int read_v1(struct input *in, hem_proxy *ret)
{
    int rc;
    while ((rc = missing(in)) > 0) {
        if (in->size + (size_t)rc > LINE_MAX_BYTES)
            return HEM_EPROTO;
        HEM_TRY(read_text(in, (size_t)rc));
    }
    HEM_TRY(rc);
    if (is_unknown(in))
        return 0;
    char *field[6];
    HEM_TRY(split(in, field));
    int family = field[1][3] == '4' ? AF_INET : AF_INET6;
    HEM_TRY(parse_end(&ret->source, family, field[2], field[4]));
    HEM_TRY(parse_end(&ret->destination, family, field[3], field[5]));
    ret->announced = true;
    return 0;
}

/* Version 2. */

/* CRC32c by half bytes: a header is short. */
static uint32_t crc32c(uint32_t crc, const void *p, size_t size)
{
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    const uint8_t *at = p;
    for (; size > 0; size--, at++) {
        crc = table[(crc ^ *at) & 15] ^ crc >> 4;
        crc = table[(crc ^ (uint32_t)*at >> 4) & 15] ^ crc >> 4;
    }
    return crc;
}

static int refill(struct input *in)
{
    size_t size = in->coming < AHEAD_BYTES ? in->coming : AHEAD_BYTES;
    ssize_t n = hem_stream_read(in->stream, in->ahead, size);
    if (n <= 0)
        return n < 0 ? (int)n : HEM_EINCOMPLETE;
    in->begin = 0;
    in->end = (uint32_t)n;
    in->coming -= (uint32_t)n;
    return 0;
}

/* Get exactly so many bytes. HEM_EPROTO: the header does not have them. */
static int read_exactly(struct input *in, void *ret, size_t size)
{
    uint8_t *at = ret;
    if (size > in->left)
        return HEM_EPROTO;
    in->left -= (uint32_t)size;
    while (size > 0) {
        if (in->begin == in->end)
            HEM_TRY(refill(in));
        size_t n = in->end - in->begin;
        n = n < size ? n : size;
        memcpy(at, in->ahead + in->begin, n);
        in->begin += (uint32_t)n;
        at += n;
        size -= n;
    }
    return 0;
}

/* So many bytes come. */
static void expect(struct input *in, uint32_t size)
{
    in->coming = in->left = size;
}

static int read_counted(struct input *in, void *ret, size_t size)
{
    HEM_TRY(read_exactly(in, ret, size));
    in->crc = crc32c(in->crc, ret, size);
    return 0;
}

static int skip(struct input *in, uint32_t size)
{
    uint8_t waste[256];
    if (size > in->left)
        return HEM_EPROTO;
    while (size > 0) {
        uint32_t n = size < sizeof(waste) ? size : sizeof(waste);
        HEM_TRY(read_counted(in, waste, n));
        size -= n;
    }
    return 0;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void set_inet(hem_address *ret, const uint8_t *ip, const uint8_t *port)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    memcpy(&sa.sin_addr, ip, 4);
    memcpy(&sa.sin_port, port, 2);
    memset(ret, 0, sizeof(*ret));
    memcpy(&ret->storage, &sa, sizeof(sa));
    ret->length = sizeof(sa);
}

static void set_inet6(hem_address *ret, const uint8_t *ip, const uint8_t *port)
{
    struct sockaddr_in6 sa = {.sin6_family = AF_INET6};
    memcpy(&sa.sin6_addr, ip, 16);
    memcpy(&sa.sin6_port, port, 2);
    memset(ret, 0, sizeof(*ret));
    memcpy(&ret->storage, &sa, sizeof(sa));
    ret->length = sizeof(sa);
}

/* Of a name that begins with NUL, those that fill up at the end are none of
 * it; a name of nothing is that of a socket without one. */
static int set_unix(hem_address *ret, const uint8_t *name)
{
    size_t size = UNIX_BYTES;
    while (size > 0 && name[size - 1] == '\0')
        size--;
    if (size == 0) {
        memset(ret, 0, sizeof(*ret));
        ret->storage.ss_family = AF_UNIX;
        ret->length = sizeof(sa_family_t);
        return 0;
    }
    if (name[0] != '\0')
        size = strnlen((const char *)name, UNIX_BYTES);
    return hem_address_unix(ret, (const char *)name, size) < 0 ? HEM_EPROTO : 0;
}

static int read_addresses(struct input *in, int family, hem_proxy *ret)
{
    uint8_t block[2 * UNIX_BYTES];
    if (family == 1) {
        HEM_TRY(read_counted(in, block, 12));
        set_inet(&ret->source, block, block + 8);
        set_inet(&ret->destination, block + 4, block + 10);
    } else if (family == 2) {
        HEM_TRY(read_counted(in, block, 36));
        set_inet6(&ret->source, block, block + 32);
        set_inet6(&ret->destination, block + 16, block + 34);
    } else {
        HEM_TRY(read_counted(in, block, sizeof(block)));
        HEM_TRY(set_unix(&ret->source, block));
        HEM_TRY(set_unix(&ret->destination, block + UNIX_BYTES));
    }
    ret->announced = true;
    return 0;
}

/* Go through the records behind the addresses. */
static int read_records(struct input *in)
{
    static const uint8_t zeros[4];
    uint8_t head[3], sum[4];
    bool summed = false;
    while (in->left > 0) {
        HEM_TRY(read_counted(in, head, sizeof(head)));
        uint16_t size = get16(head + 1);
        if (head[0] != TLV_CRC32C) {
            HEM_TRY(skip(in, size));
            continue;
        }
        if (size != sizeof(sum) || summed)
            return HEM_EPROTO;
        HEM_TRY(read_exactly(in, sum, sizeof(sum)));
        in->crc = crc32c(in->crc, zeros, sizeof(zeros));
        summed = true;
    }
    uint32_t want = htonl(~in->crc);
    return summed && memcmp(&want, sum, sizeof(sum)) != 0 ? HEM_EPROTO : 0;
}

static int read_v2(struct input *in, hem_proxy *ret)
{
    expect(in, V2_HEAD - SIGNATURE_SIZE);
    HEM_TRY(read_exactly(in, in->head + SIGNATURE_SIZE, in->left));
    int version = in->head[12] >> 4, command = in->head[12] & 15;
    int family = in->head[13] >> 4, protocol = in->head[13] & 15;
    expect(in, get16(in->head + 14));
    if (version != 2 || command > 1)
        return HEM_EPROTO;
    ret->local = command == 0;
    if (ret->local)
        return skip(in, in->left);
    if (family > 3 || protocol > 2)
        return HEM_EPROTO;
    if (family == 0 || protocol == 0)
        return skip(in, in->left);
    in->crc = crc32c(UINT32_MAX, in->head, V2_HEAD);
    HEM_TRY(read_addresses(in, family, ret));
    return read_records(in);
}

static int read_header(hem_stream *s, hem_proxy *ret)
{
    struct input in;
    in.stream = s;
    in.size = 0;
    in.begin = in.end = in.crc = 0;
    memset(ret, 0, sizeof(*ret));
    int version = read_beginning(&in);
    HEM_TRY(version);
    ret->version = version;
    return version == 1 ? read_v1(&in, ret) : read_v2(&in, ret);
}

int hem_stream_read_proxy(hem_stream *s, hem_proxy *ret)
{
    hem_proxy *proxy = hem__alloc(sizeof(*proxy));
    if (!proxy)
        return HEM_ENOMEM;
    int rc = read_header(s, proxy);
    if (rc < 0) {
        hem__free(proxy);
        return rc;
    }
    hem__free(s->proxied);
    s->proxied = proxy;
    if (ret)
        *ret = *proxy;
    return 0;
}
