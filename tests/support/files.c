/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

static char directory[64];

int files_begin(void **state)
{
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof(directory), "%.40s/hem-XXXXXX",
             base ? base : "/tmp");
    if (!mkdtemp(directory))
        abort();
    return ledger_begin(state);
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

int files_end(void **state)
{
    int rc = ledger_end(state);
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    return rc;
}

const char *file_path(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % COUNT_OF(paths)];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

void file_make(const char *name, size_t size)
{
    FILE *f = fopen(file_path(name), "we");
    if (!f)
        abort();
    for (size_t i = 0; i < size; i++)
        putc((unsigned char)(i * 7), f);
    fclose(f);
}

bool file_matches(const void *bytes, size_t n, size_t offset)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < n; i++) {
        if (b[i] != (unsigned char)((offset + i) * 7))
            return false;
    }
    return true;
}

void file_check(const char *name, const char *text, const char *file, int line)
{
    char got[256] = "";
    FILE *f = fopen(file_path(name), "re");
    if (!check_that(f != NULL, "the file is there", file, line))
        return;
    got[fread(got, 1, sizeof(got) - 1, f)] = '\0';
    fclose(f);
    check_string(got, text, "the file", file, line);
}

static int name_backend(void *arg)
{
    *(const char **)arg = hem_file_backend();
    return 0;
}

static int run_by(const char *backend, const struct CMUnitTest *tests, size_t n)
{
    const char *got = "";
    setenv("HEM_FILES", backend, 1);
    if (hem_run(name_backend, &got, NULL) < 0)
        return 1;
    if (strncmp(backend, got, strlen(got)) != 0 && strcmp(backend, "auto")) {
        print_message("skipped by %s: the kernel, its policy or the build "
                      "has no io_uring\n",
                      backend);
        return 0;
    }
    return _cmocka_run_group_tests(backend, tests, n, NULL, NULL);
}

int files_run(const struct CMUnitTest *tests, size_t n)
{
    const char *wish = getenv("HEM_FILES");
    if (wish)
        return run_by(wish, tests, n);
    if (in_valgrind()) /* which does not see what the kernel writes later */
        return run_by("threads-always", tests, n) + run_by("threads", tests, n);
    return run_by("threads-always", tests, n) +
           run_by("io_uring-always", tests, n) + run_by("auto", tests, n);
}
