/* SPDX-License-Identifier: MIT */
/* Headers of the PROXY protocol, in all forms, and what is none. */
#include "support.h"

#include <sys/socket.h>

#include "net.h"
#include "proxied.h"

#define NEXT "next" /* bytes behind a header: none of its business */

/* What came of a header. */
struct outcome {
    hem_proxy proxy;
    int rc;
    char from[HEM_ADDRESS_TEXT], to[HEM_ADDRESS_TEXT];
};

static struct header header; /* large */

/* A header on its way, and who reads it. */
struct reading {
    hem_stream stream;
    struct outcome *ret;
};

static int read_it(void *arg)
{
    struct reading *r = arg;
    r->ret->rc = hem_stream_read_proxy(&r->stream, &r->ret->proxy);
    return 0;
}

/* Send the bytes in pieces of `piece`, each seen by the reader by itself, and
 * what is behind; then the reader is done, and what is behind is still there. */
static void pass(const void *p, size_t size, size_t piece, struct outcome *ret)
{
    struct reading r = {.ret = ret};
    hem_task *t;
    char rest[8] = "";
    memset(ret, 0, sizeof(*ret));
    int peer = net_open(&r.stream, 0);
    check_int(hem_spawn(&t, read_it, &r), 0);
    for (size_t i = 0; i < size; i += piece) {
        while (!hem_task_done(t) && r.stream.bytes_read < i)
            check_int(hem_yield(), 0);
        net_send(peer, (const char *)p + i,
                 size - i < piece ? size - i : piece);
    }
    net_say(peer, NEXT);
    net_finish(peer);
    check_int(hem_await(t), 0);
    if (ret->rc == 0) {
        check_int(hem_stream_read_exactly(&r.stream, rest, strlen(NEXT), NULL),
                  strlen(NEXT));
        check_str(rest, NEXT);
        check_int(hem_stream_read(&r.stream, rest, sizeof(rest)), 0);
    }
    hem_address_format(&ret->proxy.source, ret->from);
    hem_address_format(&ret->proxy.destination, ret->to);
    check_int(hem_stream_close(&r.stream), 0);
    net_close(peer);
}

/* The same whole, byte by byte, and in pieces of some other sizes. */
static void pass_anyhow(const void *p, size_t size, struct outcome *ret)
{
    static const size_t pieces[] = {1, 2, 7, 13, 17};
    struct outcome other;
    pass(p, size, size, ret);
    for (size_t i = 0; i < COUNT_OF(pieces) && size < 400; i++) {
        pass(p, size, pieces[i], &other);
        check_int(other.rc, ret->rc);
        check_int(other.proxy.announced, ret->proxy.announced);
        check_str(other.from, ret->from);
        check_str(other.to, ret->to);
    }
}

static void check_accepted(const void *p, size_t size, const char *from,
                           const char *to)
{
    struct outcome o;
    pass_anyhow(p, size, &o);
    check_int(o.rc, 0);
    check(o.proxy.announced == (from != NULL));
    check_int(o.proxy.version, *(const char *)p == 'P' ? 1 : 2);
    if (from) {
        check_str(o.from, from);
        check_str(o.to, to);
    }
}

static void check_refused(const void *p, size_t size)
{
    struct outcome o;
    pass_anyhow(p, size, &o);
    check_int(o.rc, HEM_EPROTO);
    check_int(o.proxy.version, 0); /* `ret` is untouched */
}

static void check_line(const char *line, const char *from, const char *to)
{
    check_accepted(line, strlen(line), from, to);
}

VIRTUAL_TEST(lines_of_version_1_announce_addresses)
{
    check_line("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n",
               "192.168.0.1:56324", "192.168.0.11:443");
    check_line("PROXY TCP4 1.1.1.1 2.2.2.2 0 1\r\n", "1.1.1.1:0", "2.2.2.2:1");
    check_line("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
               "255.255.255.255:65535", "255.255.255.255:65535");
    check_line("PROXY TCP6 :: ::1 1 2\r\n", "[::]:1", "[::1]:2");
    check_line("PROXY TCP6 2001:db8::1 2001:DB8::2 1024 80\r\n",
               "[2001:db8::1]:1024", "[2001:db8::2]:80");
    check_line("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65535\r\n",
               "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
               "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535");
    check_line("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 9 80\r\n",
               "[::ffff:192.0.2.1]:9", "[::ffff:192.0.2.2]:80");
    return 0;
}

VIRTUAL_TEST(an_unknown_origin_is_accepted_and_its_rest_ignored)
{
    check_line("PROXY UNKNOWN\r\n", NULL, NULL);
    check_line("PROXY UNKNOWN \r\n", NULL, NULL);
    check_line("PROXY UNKNOWN whatever it is, 1 2 3 4 5 6 7\r\n", NULL, NULL);
    check_line("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
               NULL, NULL); /* 107 bytes */
    check_accepted("PROXY UNKNOWN \0\0\r\n", 18, NULL, NULL);
    return 0;
}

VIRTUAL_TEST(lines_that_are_not_right_are_refused)
{
    static const char *const lines[] = {
        "GET / HTTP/1.1\r\n",
        "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03\x01\x01\x01",
        "proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY\tTCP4 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n......",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 \r\n...",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 99999999999999999999\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 02\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 0x1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.02 1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.256 1 2\r\n",
        "PROXY TCP4 127.1 127.1 1 2\r\n......................",
        "PROXY TCP4 1.1.1.1 ::1 1 2\r\n......................",
        "PROXY TCP4 ::ffff:1.1.1.1 ::ffff:1.1.1.2 1 2\r\n",
        "PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP6 fe80::1%lo fe80::2%lo 1 2\r\n",
        "PROXY TCP6 ::1::2 ::1 1 2\r\n",
        "PROXY TCP6 gggg::1 ::1 1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\rX\n",
        "PROXY TCP4\r\n........................",
        "PROXY \r\n.......",
        "PROXY UNKNOWN\n.",
        "PROXY UNKNOWN\r.\n",
        "PROXY UNKNOWNS\r\n",
        "PROXY UNKNOWN x\ny\r\n",
        "PROXY UNKNOWN x\ry\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        check_refused(lines[i], strlen(lines[i]));
    check_refused("PROXY UNKNOWN\0\r\n", 16);
    check_refused("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\0\r\n", 33);
    check_refused("PROXY TCP4 1.1.1.1\0 2.2.2.2 1 2\r\n", 33);
    return 0;
}

VIRTUAL_TEST(a_line_above_107_bytes_is_refused)
{
    char line[300];
    for (size_t size = 106; size < 112; size++) {
        memset(line, 'x', sizeof(line));
        memcpy(line, "PROXY UNKNOWN ", 14);
        memcpy(line + size - 2, "\r\n", 2);
        if (size <= 107)
            check_accepted(line, size, NULL, NULL);
        else
            check_refused(line, size);
    }
    memset(line + 14, 'x', sizeof(line) - 14); /* without end */
    check_refused(line, sizeof(line));
    memcpy(line, "PROXY TCP4 ", 11);
    memset(line + 11, '1', sizeof(line) - 11);
    check_refused(line, sizeof(line));
    return 0;
}

VIRTUAL_TEST(headers_of_version_2_announce_addresses)
{
    uint8_t block[216] = {0};
    header_init_tcp4(&header);
    check_accepted(header.bytes, header.size, "192.0.2.1:56324",
                   "198.51.100.2:443");
    header.bytes[13] = 0x12; /* datagrams */
    check_accepted(header.bytes, header.size, "192.0.2.1:56324",
                   "198.51.100.2:443");
    for (uint8_t protocol = 1; protocol <= 2; protocol++) {
        memset(block, 0, sizeof(block));
        block[15] = 1;
        block[16] = 0xfe;
        block[17] = 0x80;
        block[32] = 1;
        block[35] = 80;
        header_init(&header, 0x21, 0x20 | protocol);
        header_add(&header, block, 36);
        check_accepted(header.bytes, header.size, "[::1]:256", "[fe80::]:80");
    }
    for (uint8_t protocol = 1; protocol <= 2; protocol++) {
        memset(block, 0, sizeof(block));
        memcpy(block, "/run/x", 6);
        memcpy(block + 108, "\0na\0me", 6);
        header_init(&header, 0x21, 0x30 | protocol);
        header_add(&header, block, 216);
        check_accepted(header.bytes, header.size, "unix:/run/x",
                       "unix:@na\\x00me");
    }
    return 0;
}

VIRTUAL_TEST(paths_are_taken_as_they_are_or_refused)
{
    uint8_t block[216] = {0};
    header_init(&header, 0x21, 0x31);
    header_add(&header, block, 216); /* of nobody */
    check_accepted(header.bytes, header.size, "unix:", "unix:");
    memset(header.bytes + 16, 'x', 107);
    check_int(header.bytes[16 + 107], 0);
    struct outcome o;
    pass(header.bytes, header.size, header.size, &o);
    check_int(o.rc, 0);
    check_int(strlen(o.from), 5 + 107);
    header.bytes[16 + 107] = 'x'; /* without an end: nothing is cut */
    check_refused(header.bytes, header.size);
    return 0;
}

VIRTUAL_TEST(headers_without_addresses_are_skipped_whole)
{
    static const struct {
        uint8_t command, family;
    } cases[] = {{0x20, 0x00}, {0x20, 0x11}, {0x20, 0xff}, {0x21, 0x00},
                 {0x21, 0x01}, {0x21, 0x10}, {0x21, 0x20}, {0x21, 0x30}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        static const size_t sizes[] = {0, 1, 12, 255, 65535};
        for (size_t k = 0; k < COUNT_OF(sizes); k++) {
            static uint8_t rest[65535];
            struct outcome o;
            memset(rest, 0xff, sizeof(rest));
            header_init(&header, cases[i].command, cases[i].family);
            header_add(&header, rest, sizes[k]);
            pass(header.bytes, header.size, header.size, &o);
            check_int(o.rc, 0);
            check(!o.proxy.announced);
            check_int(o.proxy.local, cases[i].command == 0x20);
        }
    }
    return 0;
}

VIRTUAL_TEST(heads_that_the_specification_does_not_know_are_refused)
{
    for (int version = 0; version < 16; version++) {
        header_init_tcp4(&header);
        header.bytes[12] = (uint8_t)(version << 4 | 1);
        if (version != 2)
            check_refused(header.bytes, header.size);
    }
    for (uint8_t command = 2; command < 16; command++) {
        header_init_tcp4(&header);
        header.bytes[12] = 0x20 | command;
        check_refused(header.bytes, header.size);
    }
    for (int family = 0; family < 256; family++) {
        struct outcome o;
        uint8_t block[216] = {0};
        header_init(&header, 0x21, (uint8_t)family);
        header_add(&header, block, sizeof(block));
        pass(header.bytes, header.size, header.size, &o);
        bool known = family >> 4 <= 3 && (family & 15) <= 2;
        check(known ? o.rc == 0 : o.rc == HEM_EPROTO);
    }
    for (size_t i = 0; i < 12; i++) { /* each byte of the signature */
        header_init_tcp4(&header);
        header.bytes[i] ^= 1;
        check_refused(header.bytes, header.size);
    }
    return 0;
}

VIRTUAL_TEST(addresses_that_do_not_fit_their_length_are_refused)
{
    static const struct {
        uint8_t family;
        size_t size;
    } cases[] = {{0x11, 12}, {0x12, 12}, {0x21, 36}, {0x22, 36}, {0x31, 216}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t size = 0; size < cases[i].size; size += 5) {
            uint8_t block[216] = {0};
            struct outcome o;
            header_init(&header, 0x21, cases[i].family);
            header_add(&header, block, size);
            pass(header.bytes, header.size, header.size, &o);
            check_int(o.rc, HEM_EPROTO);
        }
    }
    return 0;
}

VIRTUAL_TEST(records_are_skipped_if_they_fit)
{
    static uint8_t value[65535];
    header_init_tcp4(&header);
    header_add_record(&header, 0x01, "h2", 2);
    header_add_record(&header, 0x02, "example.com", 11);
    header_add_record(&header, 0x04, "", 0);
    header_add_record(&header, 0x20, "\1\0\0\0\0\x21\0\7TLSv1.3", 15);
    header_add_record(&header, 0xff, value, 300);
    check_accepted(header.bytes, header.size, "192.0.2.1:56324",
                   "198.51.100.2:443");
    header_init_tcp4(&header); /* as large as can be */
    header_add_record(&header, 0x04, value, 65535 - 12 - 3);
    check_int(header.size, 16 + 65535);
    check_accepted(header.bytes, header.size, "192.0.2.1:56324",
                   "198.51.100.2:443");
    header_init_tcp4(&header); /* many small ones */
    while (header.size + 3 <= sizeof(header.bytes))
        header_add_record(&header, 0x04, "", 0);
    check_accepted(header.bytes, header.size, "192.0.2.1:56324",
                   "198.51.100.2:443");
    for (size_t size = 1; size < 3; size++) {
        header_init_tcp4(&header);
        header_add(&header, "\4\0", size); /* no room for a length */
        check_refused(header.bytes, header.size);
    }
    header_init_tcp4(&header);
    header_add_record(&header, 0x04, "abc", 3);
    header.bytes[header.size - 4] = 4; /* one more than there are */
    check_refused(header.bytes, header.size);
    header.bytes[header.size - 5] = 0xff;
    check_refused(header.bytes, header.size);
    return 0;
}

VIRTUAL_TEST(a_checksum_must_be_right)
{
    header_init_tcp4(&header);
    header_add_crc(&header);
    check_accepted(header.bytes, header.size, "192.0.2.1:56324",
                   "198.51.100.2:443");
    header_init_tcp4(&header); /* of what is behind it as well */
    header_add_record(&header, 0x02, "example.com", 11);
    size_t size = header.size;
    header_add_crc(&header);
    check_int(header.size, size + 7);
    for (size_t i = 16; i < header.size; i++) {
        struct outcome o;
        if (i == size) /* it would be a record of another type */
            continue;
        header.bytes[i] ^= 0x40;
        pass(header.bytes, header.size, header.size, &o);
        check_int(o.rc, HEM_EPROTO);
        header.bytes[i] ^= 0x40;
    }
    check_accepted(header.bytes, header.size, "192.0.2.1:56324",
                   "198.51.100.2:443");
    header_add_crc(&header); /* two */
    check_refused(header.bytes, header.size);
    header_init_tcp4(&header);
    header_add_record(&header, 3, "abc", 3);
    check_refused(header.bytes, header.size);
    header_init_tcp4(&header);
    header_add_record(&header, 3, "abcde", 5);
    check_refused(header.bytes, header.size);
    return 0;
}

/* RFC 3720, B.4, for the bit-wise one that header_add_crc() uses as well. */
VIRTUAL_TEST(the_checksum_is_that_of_the_standard)
{
    check_int(header_crc("123456789", 9), 0xe3069283);
    return 0;
}

/* Each beginning of a header, and then the end. */
static void check_cut(const void *p, size_t size)
{
    for (size_t n = 0; n < size; n++) {
        hem_stream s;
        hem_proxy proxy = {.version = 77};
        int peer = net_open(&s, 0);
        net_send(peer, p, n);
        net_finish(peer);
        check_int(hem_stream_read_proxy(&s, &proxy), HEM_EINCOMPLETE);
        check_int(proxy.version, 77);
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
}

VIRTUAL_TEST(a_header_that_ends_early_is_incomplete)
{
    const char *line = "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n";
    check_cut(line, strlen(line));
    check_cut("PROXY UNKNOWN\r\n", 15);
    header_init_tcp4(&header);
    header_add_record(&header, 0x02, "example.com", 11);
    header_add_crc(&header);
    check_cut(header.bytes, header.size);
    return 0;
}

/* It is refused before more comes, and before the stream ends. */
VIRTUAL_TEST(garbage_is_refused_at_once)
{
    static const char *const beginnings[] = {"G", "PROXX", "\r\n\r\nX", "\n"};
    for (size_t i = 0; i < COUNT_OF(beginnings); i++) {
        hem_stream s;
        hem_ns begun = hem_now();
        int peer = net_open(&s, 0);
        net_say(peer, beginnings[i]);
        check_int(hem_stream_read_proxy(&s, NULL), HEM_EPROTO);
        check_int(hem_now(), begun);
        check_int(hem_stream_close(&s), 0);
        net_close(peer);
    }
    return 0;
}

VIRTUAL_TEST(the_stream_tells_what_was_announced)
{
    hem_stream s;
    hem_stream_info info;
    char text[HEM_ADDRESS_TEXT];
    int peer = net_open(&s, 0);
    net_say(peer, "PROXY UNKNOWN\r\n");
    check_int(hem_stream_read_proxy(&s, NULL), 0);
    check_int(hem_stream_get_info(&s, &info), 0);
    check(!info.proxied);
    check_contains(hem_address_format(&info.peer, text), "127.0.0.1:");
    net_say(peer, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
    check_int(hem_stream_read_proxy(&s, NULL), 0); /* of one behind another */
    check_int(hem_stream_get_info(&s, &info), 0);
    check(info.proxied);
    check_str(hem_address_format(&info.peer, text), "192.0.2.1:1");
    check_str(hem_address_format(&info.local, text), "192.0.2.2:2");
    check_int(info.bytes_read, 15 + 36);
    check_int(info.fd, s.fd.fd);
    net_say(peer, "nonsense");
    check_int(hem_stream_read_proxy(&s, NULL), HEM_EPROTO);
    check_int(hem_stream_get_info(&s, &info), 0);
    check_str(hem_address_format(&info.peer, text), "192.0.2.1:1");
    check_int(hem_stream_close(&s), 0);
    check_int(hem_stream_read_proxy(&s, NULL), HEM_EBADF);
    net_close(peer);
    return 0;
}

VIRTUAL_TEST(what_is_no_socket_tells_it_too)
{
    static const char text_header[] = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
    hem_stream a, b;
    hem_stream_info info;
    char text[HEM_ADDRESS_TEXT];
    check_int(hem_stream_pair(&a, &b, NULL), 0);
    check_int(hem_stream_put(&a, text_header, sizeof(text_header) - 1), 0);
    check_int(hem_stream_read_proxy(&b, NULL), 0);
    check_int(hem_stream_get_info(&b, &info), 0);
    check_str(info.kind, "memory");
    check(info.proxied);
    check_str(hem_address_format(&info.peer, text), "192.0.2.1:1");
    check_int(hem_stream_close(&a), 0);
    check_int(hem_stream_close(&b), 0);
    return 0;
}

VIRTUAL_TEST(memory_that_lacks_leaves_the_header_unread)
{
    hem_stream s;
    int peer = net_open(&s, 0);
    net_say(peer, "PROXY UNKNOWN\r\n");
    ledger_fail_at(1);
    check_int(hem_stream_read_proxy(&s, NULL), HEM_ENOMEM);
    ledger_fail_at(0);
    check_int(hem_stream_read_proxy(&s, NULL), 0);
    check_int(hem_stream_close(&s), 0);
    net_close(peer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(lines_of_version_1_announce_addresses),
        LEDGER_TEST(an_unknown_origin_is_accepted_and_its_rest_ignored),
        LEDGER_TEST(lines_that_are_not_right_are_refused),
        LEDGER_TEST(a_line_above_107_bytes_is_refused),
        LEDGER_TEST(headers_of_version_2_announce_addresses),
        LEDGER_TEST(paths_are_taken_as_they_are_or_refused),
        LEDGER_TEST(headers_without_addresses_are_skipped_whole),
        LEDGER_TEST(heads_that_the_specification_does_not_know_are_refused),
        LEDGER_TEST(addresses_that_do_not_fit_their_length_are_refused),
        LEDGER_TEST(records_are_skipped_if_they_fit),
        LEDGER_TEST(a_checksum_must_be_right),
        LEDGER_TEST(the_checksum_is_that_of_the_standard),
        LEDGER_TEST(a_header_that_ends_early_is_incomplete),
        LEDGER_TEST(garbage_is_refused_at_once),
        LEDGER_TEST(the_stream_tells_what_was_announced),
        LEDGER_TEST(what_is_no_socket_tells_it_too),
        LEDGER_TEST(memory_that_lacks_leaves_the_header_unread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
