/* SPDX-License-Identifier: MIT */
#include "excused.h"

#include <fnmatch.h>

#include "support.h"

/* Whether the list has this test of this program. */
static bool is_excused(FILE *list, const char *name)
{
    char line[512], program[128], test[256];
    rewind(list);
    while (fgets(line, sizeof(line), list)) {
        if (sscanf(line, "%127s %255s", program, test) == 2 &&
            strcmp(program, program_invocation_short_name) == 0 &&
            fnmatch(test, name, 0) == 0)
            return true;
    }
    return false;
}

bool evil_io(void)
{
    return getenv("HEM_EVIL") != NULL;
}

static FILE *open_list(void)
{
    const char *root = getenv("HEM_SOURCE_DIR");
    char path[4096];
    if (!evil_io() || !root)
        return NULL;
    snprintf(path, sizeof(path), "%s/tests/evil/excused", root);
    return fopen(path, "re");
}

int excused_run(const char *group, const struct CMUnitTest *tests, size_t n,
                int (*setup)(void **state), int (*teardown)(void **state))
{
    struct CMUnitTest *left = calloc(n + 1, sizeof(*left));
    if (!left)
        abort();
    size_t count = 0;
    FILE *list = open_list();
    for (size_t i = 0; i < n; i++) {
        if (list && is_excused(list, tests[i].name))
            print_message("excused: %s\n", tests[i].name);
        else
            left[count++] = tests[i];
    }
    if (list) {
        fclose(list);
        setvbuf(stdout, NULL, _IOLBF, 0); /* says which one hangs */
    }
    int rc = count
                 ? _cmocka_run_group_tests(group, left, count, setup, teardown)
                 : 0;
    free(left);
    return rc;
}
