/* SPDX-License-Identifier: MIT */
/*
 * Names of hosts: resolve HOST... prints their addresses; without arguments, what
 * can be known without asking, and what is refused.
 */
#include <hem.h>
#include <stdio.h>

static int show(const char *host)
{
    hem_address a[8];
    ssize_t n = hem_resolve(a, 8, host, 80, NULL);
    if (n < 0)
        printf("%s: %s\n", host, hem_errname((int)n));
    for (ssize_t i = 0; i < n && i < 8; i++) {
        char text[HEM_ADDRESS_TEXT];
        printf("%s: %s\n", host, hem_address_format(&a[i], text));
    }
    return n < 0 && n != HEM_EINVAL ? (int)n : 0;
}

static int main_task(void *arg)
{
    static const char *const hosts[] = {"192.0.2.1",    "::1",   "localhost",
                                        "db.localhost", "127.1", "0x7f000001",
                                        "two words",    NULL};
    char **given = arg;
    for (size_t i = 0; !*given && hosts[i]; i++)
        HEM_TRY(show(hosts[i]));
    for (; *given; given++)
        HEM_TRY(show(*given));

    hem_address a; /* 127.1 only for those who know what they ask for */
    char text[HEM_ADDRESS_TEXT];
    HEM_TRY(hem_resolve(&a, 1, "127.1", 80,
                        &(hem_resolve_options){.numeric_forms = true}));
    printf("127.1 is %s\n", hem_address_format(&a, text));
    return 0;
}

int main(int argc, char **argv)
{
    (void)argc;
    return hem_run(main_task, argv + 1, NULL) < 0;
}

/*
 * Output:
 *     192.0.2.1: 192.0.2.1:80
 *     ::1: [::1]:80
 *     localhost: [::1]:80
 *     localhost: 127.0.0.1:80
 *     db.localhost: [::1]:80
 *     db.localhost: 127.0.0.1:80
 *     127.1: HEM_EINVAL
 *     0x7f000001: HEM_EINVAL
 *     two words: HEM_EINVAL
 *     127.1 is 127.0.0.1:80
 */
