/* SPDX-License-Identifier: MIT */
/* Addresses of Unix sockets, and their text. */
#include "support.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#define HEADER offsetof(struct sockaddr_un, sun_path)

/* The text of the address of such a name. */
static const char *text_of(const char *name, size_t length)
{
    static char text[HEM_ADDRESS_TEXT];
    hem_address a;
    check_int(hem_address_unix(&a, name, length), 0);
    return hem_address_format(&a, text);
}

static void a_path_is_what_the_kernel_takes(void **state)
{
    (void)state;
    hem_address a;
    struct sockaddr_un sa;
    check_int(hem_address_unix(&a, "/tmp/x", 6), 0);
    check_int(a.length, HEADER + 7);
    memcpy(&sa, &a.storage, sizeof(sa));
    check_int(sa.sun_family, AF_UNIX);
    check_str(sa.sun_path, "/tmp/x");
    check_int(hem_address_unix(&a, "\0x\0y", 4), 0);
    check_int(a.length, HEADER + 4);
    memcpy(&sa, &a.storage, sizeof(sa));
    check(memcmp(sa.sun_path, "\0x\0y\0\0", 6) == 0);
    check_int(hem_address_port(&a), 0);
}

static void the_text_tells_all_addresses_apart(void **state)
{
    (void)state;
    check_str(text_of("/run/x.sock", 11), "unix:/run/x.sock");
    check_str(text_of("x", 1), "unix:x");
    check_str(text_of("\0name", 5), "unix:@name");
    check_str(text_of("@name", 5), "unix:\\x40name");
    check_str(text_of("\0@name", 6), "unix:@@name");
    check_str(text_of("\0a\0b", 4), "unix:@a\\x00b");
    check_str(text_of("\0a\0b\0", 5), "unix:@a\\x00b\\x00");
    check_str(text_of("a\n\\\x7f\xc3\xa4 ~", 8),
              "unix:a\\x0a\\x5c\\x7f\\xc3\\xa4 ~");
    check_str(text_of("\0", 1), "unix:@");
}

static void the_longest_text_has_room(void **state)
{
    (void)state;
    char text[HEM_ADDRESS_TEXT];
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    hem_address a = {.length = sizeof(sa)};
    memset(sa.sun_path, 0xff, sizeof(sa.sun_path)); /* as the kernel has it */
    memcpy(&a.storage, &sa, sizeof(sa));
    check_int(strlen(hem_address_format(&a, text)), 5 + 4 * 108);
    check_contains(text, "unix:\\xff\\xff");
    a.length = sizeof(a.storage); /* more than such an address has */
    check_int(strlen(hem_address_format(&a, text)), 5 + 4 * 108);
    a.length = 0;
    check_str(hem_address_format(&a, text), "unix:");
}

static void what_does_not_fit_is_refused_and_never_cut(void **state)
{
    (void)state;
    char path[4096];
    hem_address a = {.length = 77};
    memset(path, 'x', sizeof(path));
    static const size_t lengths[] = {108, 109, 4096};
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        path[0] = 'x';
        check_int(hem_address_unix(&a, path, lengths[i]), HEM_ENAMETOOLONG);
        path[0] = '\0';
        check_int(hem_address_unix(&a, path, lengths[i]), HEM_ENAMETOOLONG);
    }
    check_int(hem_address_unix(&a, path, 0), HEM_EINVAL);
    check_int(hem_address_unix(&a, "a\0b", 3), HEM_EINVAL);
    check_int(hem_address_unix(&a, "a\0", 2), HEM_EINVAL);
    check_int(a.length, 77);
    check_int(hem_address_unix(&a, path, 107), 0);
    check_int(a.length, HEADER + 107);
    path[0] = 'x';
    check_int(hem_address_unix(&a, path, 107), 0);
    check_int(a.length, HEADER + 108);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_path_is_what_the_kernel_takes),
        LEDGER_TEST(the_text_tells_all_addresses_apart),
        LEDGER_TEST(the_longest_text_has_room),
        LEDGER_TEST(what_does_not_fit_is_refused_and_never_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
