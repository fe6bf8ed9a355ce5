/* SPDX-License-Identifier: MIT */
/* Evil I/O is evil, the same for the same seed, and nothing is lost by it. */
#include "base/evil.h"
#include "support.h"

#define BYTES 200000

static char sent[BYTES], got[BYTES];

static int send_all(void *arg)
{
    return hem_stream_write(arg, sent, BYTES) == BYTES ? 0 : HEM_EIO;
}

static int transfer(void *arg)
{
    hem_stream a, b;
    hem_task *t;
    (void)arg;
    HEM_TRY(hem_socket_pair(&a, &b));
    HEM_TRY(hem_spawn(&t, send_all, &a));
    HEM_TRY(hem_stream_read_exactly(&b, got, BYTES, NULL));
    HEM_TRY(hem_await(t));
    check_int(hem_stream_close(&a), 0);
    check_int(hem_stream_close(&b), 0);
    return 0;
}

static void evil_loses_nothing_and_is_the_same_for_a_seed(void **state)
{
    (void)state;
    uint64_t total = 0;
    for (size_t i = 0; i < BYTES; i++)
        sent[i] = (char)(i * 31 % 251);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t counts[2];
        for (int i = 0; i < 2; i++) {
            memset(got, 0, BYTES);
            hem__evil_set(seed, 50);
            assert_int_equal(run_fifo(transfer, NULL), 0);
            counts[i] = hem__evil_count();
            hem__evil_set(0, 0);
            assert_memory_equal(got, sent, BYTES);
        }
        assert_int_equal(counts[0], counts[1]);
        total += counts[0];
    }
    assert_true(total > 100);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(evil_loses_nothing_and_is_the_same_for_a_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
