/* SPDX-License-Identifier: MIT */
/* Errors have names and explanations. */
#include "support.h"

static const struct {
    int number;
    const char *name;
    const char *text;
} own[] = {
#define ENTRY(name, number, text) {number, #name, text},
    HEM_ERRORS(ENTRY)
#undef ENTRY
};

static const struct {
    int number;
    int error;
    const char *name;
} errnos[] = {
#define ENTRY(name) {E##name, HEM_E##name, "HEM_E" #name},
    HEM_ERRNOS(ENTRY)
#undef ENTRY
};

static void own_errors_have_names_and_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        assert_string_equal(hem_errname(own[i].number), own[i].name);
        assert_string_equal(hem_strerror(own[i].number), own[i].text);
    }
    assert_int_equal(HEM_ESTATE, -5001);
}

static void own_errors_are_no_errnos_and_differ(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        assert_true(own[i].number < -4095); /* the kernel's last */
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(own[i].number, own[j].number);
    }
}

static void errnos_are_the_same_numbers_negated(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(errnos); i++) {
        int error = errnos[i].error;
        assert_int_equal(error, -errnos[i].number);
        assert_string_equal(hem_errname(error), errnos[i].name);
        if (error != HEM_ECANCELED && error != HEM_ETIMEDOUT)
            assert_string_equal(hem_strerror(error), strerror(-error));
    }
    assert_int_equal(HEM_ECANCELED, -ECANCELED);
    assert_string_equal(hem_strerror(HEM_ECANCELED), "cancelled");
    assert_string_equal(hem_strerror(HEM_ETIMEDOUT), "timed out");
}

static void other_errnos_have_their_own_names(void **state)
{
    (void)state;
    assert_string_equal(hem_errname(-ELIBACC), "ELIBACC");
    assert_string_equal(hem_errname(-ESTALE), "ESTALE");
    assert_string_equal(hem_strerror(-ELIBACC), strerror(ELIBACC));
}

static void what_is_no_error_is_unknown(void **state)
{
    (void)state;
    static const int unknown[] = {1, EIO, INT32_MAX, -4000, -100000, INT32_MIN};
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        assert_string_equal(hem_errname(unknown[i]), "HEM_UNKNOWN");
        assert_string_equal(hem_strerror(unknown[i]), "unknown error");
    }
    assert_string_equal(hem_errname(0), "HEM_OK");
    assert_string_equal(hem_strerror(0), strerror(0));
}

static void the_strings_are_static(void **state)
{
    (void)state;
    for (int error = -6000; error < 100; error++) {
        assert_ptr_equal(hem_errname(error), hem_errname(error));
        assert_ptr_equal(hem_strerror(error), hem_strerror(error));
    }
}

static void the_version_is_that_of_the_header(void **state)
{
    (void)state;
    char version[32];
    snprintf(version, sizeof(version), "%d.%d.%d", HEM_VERSION_MAJOR,
             HEM_VERSION_MINOR, HEM_VERSION_PATCH);
    assert_string_equal(hem_version(), version);
}

static int pass_on(int value, int *evaluated)
{
    HEM_TRY((++*evaluated, value));
    return 1000;
}

static void try_leaves_the_function_with_an_error(void **state)
{
    (void)state;
    int evaluated = 0;
    assert_int_equal(pass_on(0, &evaluated), 1000);
    assert_int_equal(pass_on(7, &evaluated), 1000);
    assert_int_equal(pass_on(HEM_EIO, &evaluated), HEM_EIO);
    assert_int_equal(evaluated, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(own_errors_have_names_and_texts),
        LEDGER_TEST(own_errors_are_no_errnos_and_differ),
        LEDGER_TEST(errnos_are_the_same_numbers_negated),
        LEDGER_TEST(other_errnos_have_their_own_names),
        LEDGER_TEST(what_is_no_error_is_unknown),
        LEDGER_TEST(the_strings_are_static),
        LEDGER_TEST(the_version_is_that_of_the_header),
        LEDGER_TEST(try_leaves_the_function_with_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
