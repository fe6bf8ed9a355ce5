/* SPDX-License-Identifier: MIT */
/* From a target to a file: nothing outside of the root is ever opened. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "http_server/path.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct decode_case {
    const char *target;
    int status;
    const char *path;
    bool slash;
} decodes[] = {
    {"/", 0, ".", true},
    {"//", 0, ".", true},
    {"/.", 0, ".", true},
    {"/?a=/b", 0, ".", true},
    {"/a", 0, "a", false},
    {"//a", 0, "a", false},
    {"/a/", 0, "a", true},
    {"/a/.", 0, "a", true},
    {"/a//b", 0, "a/b", false},
    {"/a/./b", 0, "a/b", false},
    {"/a%2Fb", 0, "a/b", false},
    {"/%61%2fb", 0, "a/b", false},
    {"/a%20b", 0, "a b", false},
    {"/a+b", 0, "a+b", false},
    {"/a%3Fb?c", 0, "a?b", false},
    {"/a%2541", 0, "a%41", false}, /* decoded once */
    {"/a..b", 0, "a..b", false},
    {"/a\\..\\b", 0, "a\\..\\b", false}, /* a name like others */
    {"/%", 400, NULL, false},
    {"/%4", 400, NULL, false},
    {"/%4g", 400, NULL, false},
    {"/%g4", 400, NULL, false},
    {"/a%00", 400, NULL, false},
    {"/a%00/../b", 400, NULL, false},
    {"/..", 404, NULL, false},
    {"/../", 404, NULL, false},
    {"/../a", 404, NULL, false},
    {"/a/..", 404, NULL, false},
    {"/a/../a", 404, NULL, false},
    {"/%2e%2e/a", 404, NULL, false},
    {"/%2e./a", 404, NULL, false},
    {"/..%2fa", 404, NULL, false},
    {"/%2e%2e%2fa", 404, NULL, false},
    {"/a/%2e%2e/%2e%2e/b", 404, NULL, false},
    {"//../a", 404, NULL, false},
    {"/...", 404, NULL, false},
    {"/.git/config", 404, NULL, false},
    {"/a/.b", 404, NULL, false},
};

static void targets_become_paths(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(decodes); i++) {
        const struct decode_case *c = &decodes[i];
        http_path path;
        int status =
            http_path_decode(&path, (http_slice){c->target, strlen(c->target)});
        if (status != c->status)
            fail_msg("%s: status %d", c->target, status);
        if (status == 0 &&
            (strcmp(path.text, c->path) != 0 || path.slash != c->slash))
            fail_msg("%s: '%s', %d", c->target, path.text, path.slash);
    }
}

static void the_longest_target_fits(void **state)
{
    (void)state;
    char target[HTTP_TARGET_MAX];
    memset(target, 'a', sizeof(target));
    target[0] = '/';
    http_path path;
    http_slice s = {target, sizeof(target)};
    assert_int_equal(http_path_decode(&path, s), 0);
    assert_int_equal(strlen(path.text), HTTP_TARGET_MAX - 1);
}

/* A place with a root, and what is in it and beside it. */
struct place {
    char top[64];
    int top_fd;
    int root;
};

static void write_file(int dir, const char *name)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, name, strlen(name)), strlen(name));
    close(fd);
}

static int set_up(void **state)
{
    static struct place p;
    snprintf(p.top, sizeof(p.top), "/tmp/hem-path-XXXXXX");
    assert_non_null(mkdtemp(p.top));
    p.top_fd = open(p.top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(p.top_fd, "root", 0755), 0);
    assert_int_equal(mkdirat(p.top_fd, "root/d", 0755), 0);
    write_file(p.top_fd, "secret");
    write_file(p.top_fd, "root/f");
    write_file(p.top_fd, "root/d/f");
    assert_int_equal(symlinkat("f", p.top_fd, "root/inside"), 0);
    assert_int_equal(symlinkat("d", p.top_fd, "root/inside-d"), 0);
    assert_int_equal(symlinkat("../f", p.top_fd, "root/d/inside"), 0);
    assert_int_equal(symlinkat("../secret", p.top_fd, "root/out"), 0);
    assert_int_equal(symlinkat("/", p.top_fd, "root/slash"), 0);
    assert_int_equal(symlinkat("..", p.top_fd, "root/up"), 0);
    assert_int_equal(symlinkat("loop", p.top_fd, "root/loop"), 0);
    assert_int_equal(mkfifoat(p.top_fd, "root/fifo", 0644), 0);
    p.root = openat(p.top_fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(p.root >= 0);
    *state = &p;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {
        "root/inside", "root/inside-d", "root/d/inside", "root/out",
        "root/slash",  "root/up",       "root/loop",     "root/fifo",
        "root/f",      "root/d/f",      "secret"};
    struct place *p = *state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlinkat(p->top_fd, names[i], 0);
    unlinkat(p->top_fd, "root/d", AT_REMOVEDIR);
    unlinkat(p->top_fd, "root", AT_REMOVEDIR);
    close(p->root);
    close(p->top_fd);
    return rmdir(p->top);
}

typedef int open_fn(int root, const char *path);

/* Whether the path can be opened: by the kernel's resolution, and by steps,
 * which follow no link. */
static const struct {
    const char *path;
    bool beneath;
    bool by_steps;
} opens[] = {
    {".", true, true},
    {"f", true, true},
    {"d", true, true},
    {"d/f", true, true},
    {"fifo", true, true}, /* without blocking */
    {"inside", true, false},
    {"inside-d", true, false},
    {"inside-d/f", true, false},
    {"d/inside", true, false},
    {"out", false, false},
    {"slash", false, false},
    {"slash/etc/passwd", false, false},
    {"up", false, false},
    {"up/secret", false, false},
    {"up/root/f", false, false},
    {"loop", false, false},
    {"nothing", false, false},
    {"f/f", false, false},
};

static void try_all(const struct place *p, open_fn *fn, bool by_steps)
{
    for (size_t i = 0; i < COUNT_OF(opens); i++) {
        int fd = fn(p->root, opens[i].path);
        bool wanted = by_steps ? opens[i].by_steps : opens[i].beneath;
        if ((fd >= 0) != wanted)
            fail_msg("%s: %s", opens[i].path,
                     fd >= 0 ? "opened" : strerror(-fd));
        if (fd >= 0)
            close(fd);
    }
}

static void paths_open_beneath_the_root(void **state)
{
    const struct place *p = *state;
    int fd = http_path_open(p->root, "inside");
    bool follows = fd >= 0; /* else: a kernel without openat2 */
    if (follows)
        close(fd);
    try_all(p, http_path_open, !follows);
}

static void steps_follow_no_link(void **state)
{
    try_all(*state, http_path_open_by_steps, true);
}

static void steps_leave_no_descriptor_open(void **state)
{
    const struct place *p = *state;
    int before = dup(p->root);
    assert_true(before >= 0);
    close(before);
    for (size_t i = 0; i < COUNT_OF(opens); i++) {
        int fd = http_path_open_by_steps(p->root, opens[i].path);
        if (fd >= 0)
            close(fd);
    }
    int after = dup(p->root);
    assert_int_equal(after, before);
    close(after);
}

static void a_name_too_long_is_an_error(void **state)
{
    const struct place *p = *state;
    char name[300];
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(http_path_open(p->root, name), -ENAMETOOLONG);
    assert_int_equal(http_path_open_by_steps(p->root, name), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_become_paths),
        cmocka_unit_test(the_longest_target_fits),
        cmocka_unit_test(paths_open_beneath_the_root),
        cmocka_unit_test(steps_follow_no_link),
        cmocka_unit_test(steps_leave_no_descriptor_open),
        cmocka_unit_test(a_name_too_long_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
