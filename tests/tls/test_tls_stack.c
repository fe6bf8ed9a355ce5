/* SPDX-License-Identifier: MIT */
/* How much of a task's stack a handshake with verification takes: less than
 * half of what tasks have by default. */
#include "support.h"

#include "pair.h"

#define PAINTED ((size_t)56 << 10) /* of 64 KiB */
#define MOST    ((size_t)32 << 10)

static size_t used[2];
static struct pair pair;

/* Fill the stack below this frame, or find out how much of it is as it was. One
 * function for both, that both have one frame. */
static __attribute__((noinline)) size_t stack(bool paint)
{
    volatile unsigned char bytes[PAINTED];
    size_t clean = 0, odd = 0;
    __asm__ volatile("" : : "r"(bytes) : "memory"); /* what is there is used */
    for (size_t i = 0; paint && i < PAINTED; i++)
        bytes[i] = 0xa5;
    /* A word in each page may be the compiler's probe of this very frame. */
    for (size_t i = 0; i < PAINTED && odd <= sizeof(uint64_t); i++) {
        odd = bytes[i] == 0xa5 ? 0 : odd + 1;
        if (odd == 0)
            clean = i + 1;
    }
    return PAINTED - clean;
}

static int run_client(void *arg)
{
    hem_tls *tls = arg;
    (void)stack(true);
    int rc = hem_tls_start_client(&pair.a, tls,
                                  &(hem_tls_options){.host = "localhost"});
    check_int(rc, 0);
    check_int(pair_send(&pair.a, 0, 100), 0);
    used[0] = stack(false);
    return rc;
}

static int run_server(void *arg)
{
    hem_tls *tls = arg;
    (void)stack(true);
    int rc = hem_tls_start_server(&pair.b, tls, NULL);
    check_int(rc, 0);
    check_int(pair_expect(&pair.b, 0, 100), 0);
    used[1] = stack(false);
    return rc;
}

static void shake(int version)
{
    const struct cert *c = &certs()->client;
    hem_tls *client = pair_client((hem_tls_config){
        .max_version = version, .cert_pem = c->cert, .key_pem = c->key});
    hem_tls *server =
        pair_server(&certs()->chained,
                    (hem_tls_config){.verify_client = HEM_TLS_VERIFY_REQUIRED});
    hem_task *a = NULL, *b = NULL;
    check_int(hem_socket_pair(&pair.a, &pair.b), 0);
    check_int(hem_spawn(&a, run_client, client), 0);
    check_int(hem_spawn(&b, run_server, server), 0);
    check_int(hem_await(a), 0);
    check_int(hem_await(b), 0);
    pair_close(&pair);
    hem_tls_destroy(client);
    hem_tls_destroy(server);
    print_message("TLS %x: client %zu, server %zu bytes\n", (unsigned)version,
                  used[0], used[1]);
    check(used[0] > 1000 && used[0] < MOST);
    check(used[1] > 1000 && used[1] < MOST);
}

VIRTUAL_TEST(a_handshake_takes_less_than_half_of_the_default_stack)
{
    shake(HEM_TLS_1_2);
    shake(HEM_TLS_1_3);
    return 0;
}

int main(void)
{
    if (SANITIZED || in_valgrind()) {
        fputs("skipped: stacks are other ones here\n", stderr);
        return 77;
    }
    certs();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_handshake_takes_less_than_half_of_the_default_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
