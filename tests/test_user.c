/* SPDX-License-Identifier: MIT */
/*
 * Other users. The databases are made up here, by what libc's functions are
 * replaced with: the user agent (4242) in group agents (4343), and others.
 * Becoming one is for root, in a process of its own.
 */
#include "support.h"

#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <sys/prctl.h>

#include "forked.h"

#define SECBITS_KEPT 4 /* SECBIT_NO_SETUID_FIXUP */

static int error;         /* that each question gets; 0: none */
static int interruptions; /* before the answer */
static size_t room;       /* that an answer needs */
static int group_count;   /* of agent, its own among them; -1: no memory */

/* As getpwnam_r and the like return. */
static int answer(bool known, size_t size)
{
    if (interruptions > 0)
        return interruptions--, EINTR;
    if (error)
        return error;
    return known && size < room ? ERANGE : 0;
}

int odd_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t size,
                   struct passwd **ret) __asm__("getpwnam_r");
int odd_getpwuid_r(uid_t id, struct passwd *pw, char *buf, size_t size,
                   struct passwd **ret) __asm__("getpwuid_r");
int odd_getgrnam_r(const char *name, struct group *gr, char *buf, size_t size,
                   struct group **ret) __asm__("getgrnam_r");
int odd_getgrouplist(const char *user, gid_t group, gid_t *groups,
                     int *n) __asm__("getgrouplist");

static int answer_user(bool known, struct passwd *pw, char *buf, size_t size,
                       struct passwd **ret)
{
    int rc = answer(known, size);
    *ret = NULL;
    if (rc == 0 && known) {
        snprintf(buf, size, "agent");
        *pw = (struct passwd){.pw_name = buf, .pw_uid = 4242, .pw_gid = 4343};
        *ret = pw;
    }
    return rc;
}

int odd_getpwnam_r(const char *name, struct passwd *pw, char *buf, size_t size,
                   struct passwd **ret)
{
    return answer_user(strcmp(name, "agent") == 0, pw, buf, size, ret);
}

int odd_getpwuid_r(uid_t id, struct passwd *pw, char *buf, size_t size,
                   struct passwd **ret)
{
    return answer_user(id == 4242, pw, buf, size, ret);
}

int odd_getgrnam_r(const char *name, struct group *gr, char *buf, size_t size,
                   struct group **ret)
{
    bool known = strcmp(name, "readers") == 0;
    int rc = answer(known, size);
    (void)buf;
    *ret = NULL;
    if (rc == 0 && known) {
        *gr = (struct group){.gr_gid = 5555};
        *ret = gr;
    }
    return rc;
}

int odd_getgrouplist(const char *user, gid_t group, gid_t *groups, int *n)
{
    check_str(user, "agent");
    if (group_count < 0)
        return -1;
    for (int i = 0; i < group_count && i < *n; i++)
        groups[i] = i == 0 ? group : 6000 + (gid_t)i;
    int rc = group_count <= *n ? group_count : -1;
    *n = group_count;
    return rc;
}

static int begin(void **state)
{
    error = interruptions = 0;
    room = 100;
    group_count = 3;
    return ledger_begin(state);
}

#define USER_TEST(name) cmocka_unit_test_setup_teardown(name, begin, ledger_end)

static void a_user_is_found_with_the_groups_that_it_is_in(void **state)
{
    static const char *const names[] = {"agent", "4242"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        hem_user u;
        check_int(hem_user_find(&u, names[i], NULL), 0);
        check_int(u.uid, 4242);
        check_int(u.gid, 4343);
        check_int(u.group_count, 3);
        check_int(u.groups[0], 4343);
        check_int(u.groups[2], 6002);
    }
}

static void a_group_that_is_named_is_the_only_one(void **state)
{
    hem_user u;
    (void)state;
    check_int(hem_user_find(&u, "agent", "readers"), 0);
    check_int(u.uid, 4242);
    check_int(u.gid, 5555);
    check_int(u.group_count, 0);
    check_int(hem_user_find(&u, "agent", "77"), 0);
    check_int(u.gid, 77);
}

static void a_number_with_a_group_need_not_be_in_the_database(void **state)
{
    hem_user u;
    (void)state;
    error = EIO;
    check_int(hem_user_find(&u, "10001", "0"), 0);
    check_int(u.uid, 10001);
    check_int(u.gid, 0);
    check_int(u.group_count, 0);
    check_int(hem_user_find(&u, "4294967294", "4294967294"), 0);
    check_int(u.uid, 4294967294);
}

VIRTUAL_TEST(who_is_not_there_is_named)
{
    hem_user u = {.uid = 1};
    check_int(hem_user_find(&u, "nemo", NULL), HEM_ENOENT);
    check_str(hem_failure_text(HEM_ENOENT), "there is no user nemo");
    check_int(hem_user_find(&u, "agent", "none"), HEM_ENOENT);
    check_str(hem_failure_text(HEM_ENOENT), "there is no group none");
    check_int(hem_user_find(&u, "10001", NULL), HEM_ENOENT);
    check_str(hem_failure_text(HEM_ENOENT), "there is no user 10001");
    error = ENOENT; /* as some databases say it */
    check_int(hem_user_find(&u, "nemo", NULL), HEM_ENOENT);
    check_int(u.uid, 1);
    return 0;
}

static void without_a_task_the_log_says_who_is_not_there(void **state)
{
    hem_user u;
    (void)state;
    check_int(hem_user_find(&u, "nemo", NULL), HEM_ENOENT);
    check_logged("there is no user nemo");
}

static void what_is_no_name_and_no_number_is_refused(void **state)
{
    static const char *const bad[] = {NULL, "", "4294967295", "4294967296",
                                      "99999999999999999999999"};
    hem_user u = {.uid = 1};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        check_int(hem_user_find(&u, bad[i], NULL), HEM_EINVAL);
        check_int(hem_user_find(&u, "agent", bad[i] ? bad[i] : ""), HEM_EINVAL);
    }
    check_int(u.uid, 1);
}

static void who_is_in_too_many_groups_is_refused(void **state)
{
    hem_user u = {.uid = 1};
    (void)state;
    group_count = HEM_USER_GROUPS;
    check_int(hem_user_find(&u, "agent", NULL), 0);
    check_int(u.group_count, HEM_USER_GROUPS);
    u.uid = 1;
    group_count = HEM_USER_GROUPS + 1;
    check_int(hem_user_find(&u, "agent", NULL), HEM_ELIMIT);
    check_int(u.uid, 1);
    check_int(hem_user_find(&u, "agent", "readers"), HEM_ELIMIT);
}

static void the_databases_may_fail(void **state)
{
    hem_user u;
    (void)state;
    group_count = -1;
    check_int(hem_user_find(&u, "agent", NULL), HEM_ENOMEM);
    group_count = 1;
    interruptions = 3;
    check_int(hem_user_find(&u, "agent", "readers"), 0);
    error = EMFILE;
    check_int(hem_user_find(&u, "agent", NULL), HEM_EMFILE);
    check_int(hem_user_find(&u, "1", "readers"), HEM_EMFILE);
    error = EIO;
    check_int(hem_user_find(&u, "4242", NULL), HEM_EIO);
}

static void answers_may_need_much_room(void **state)
{
    hem_user u;
    (void)state;
    room = 1 << 20;
    check_int(hem_user_find(&u, "agent", "readers"), 0);
    room++;
    check_int(hem_user_find(&u, "agent", NULL), HEM_ERANGE);
    room = 3000;
    for (size_t i = 1; i <= 3; i++) {
        ledger_fail_at(i);
        check_int(hem_user_find(&u, "agent", NULL), HEM_ENOMEM);
    }
    ledger_fail_at(0);
}

static const hem_user reader = {
    .uid = 4242, .gid = 5555, .groups = {6001, 6002, 6002}, .group_count = 3};

static void check_is_reader(void)
{
    uid_t uid[3];
    gid_t gid[3], groups[8];
    getresuid(&uid[0], &uid[1], &uid[2]);
    getresgid(&gid[0], &gid[1], &gid[2]);
    for (int i = 0; i < 3; i++) {
        check_int(uid[i], 4242);
        check_int(gid[i], 5555);
    }
    int n = getgroups(8, groups);
    check(n == 2 || n == 3); /* the kernel keeps one that is there twice */
    check_int(groups[0], 6001);
    check_int(groups[1], 6002);
}

static void *be_reader_too(void *arg)
{
    pthread_barrier_t *b = arg;
    pthread_barrier_wait(b);
    pthread_barrier_wait(b);
    check_is_reader();
    return NULL;
}

static int become_reader(void *arg)
{
    pthread_barrier_t b;
    pthread_t other;
    (void)arg;
    pthread_barrier_init(&b, NULL, 2);
    check_int(pthread_create(&other, NULL, be_reader_too, &b), 0);
    pthread_barrier_wait(&b);
    check_int(hem_user_become(&reader), 0);
    check_is_reader();
    check(setuid(0) < 0);
    pthread_barrier_wait(&b);
    pthread_join(other, NULL);
    pthread_barrier_destroy(&b);
    check_int(hem_user_become(&reader), 0); /* again */
    hem_user u = reader;
    u.group_count = 1;
    check_int(hem_user_become(&u), HEM_EPERM); /* fewer groups */
    u = reader;
    u.uid++;
    check_int(hem_user_become(&u), HEM_EPERM);
    u = reader;
    u.gid = 6001;
    check_int(hem_user_become(&u), HEM_EPERM);
    check_is_reader();
    return check_failures_take();
}

/* Whether it is possible at all, tried in a process of its own. */
static int try_it(void *arg)
{
    (void)arg;
    return setgroups(0, NULL) < 0 || setresgid(5555, 5555, 5555) < 0 ||
           setresuid(4242, 4242, 4242) < 0;
}

static void need_root(void)
{
    struct ending e;
    process_run(try_it, NULL, &e);
    if (e.status != 0)
        skip();
}

static void
all_threads_become_the_user_with_its_groups_and_stay_it(void **state)
{
    (void)state;
    need_root();
    forked_apart(become_reader, NULL);
}

static int become_with_kept_capabilities(void *arg)
{
    (void)arg;
    check_int(prctl(PR_SET_SECUREBITS, SECBITS_KEPT, 0, 0, 0), 0);
    check_int(hem_user_become(&reader), HEM_EPERM);
    return check_failures_take();
}

static void who_could_become_root_again_is_told(void **state)
{
    struct ending e;
    (void)state;
    if (THREAD_SANITIZED) /* whose own thread would not keep them */
        skip();
    need_root();
    process_run(become_with_kept_capabilities, NULL, &e);
    check_int(e.signo, 0);
    check_int(e.status, 0);
    check_contains(e.text, "user 4242 can become root");
}

/* The primary group may be among the others, or not. */
static int become_oneself(void *arg)
{
    hem_user u = {.uid = getuid(), .gid = getgid()};
    (void)arg;
    if (geteuid() == 0)
        check_int(setgroups(0, NULL), 0);
    int n = getgroups(HEM_USER_GROUPS, u.groups);
    check(n >= 0);
    u.group_count = (size_t)n;
    check_int(hem_user_become(&u), 0);
    u.groups[u.group_count++] = u.gid;
    check_int(hem_user_become(&u), 0);
    u.group_count = HEM_USER_GROUPS + 1;
    check_int(hem_user_become(&u), HEM_EINVAL);
    u.group_count = 0;
    u.uid = (uid_t)-1;
    check_int(hem_user_become(&u), HEM_EINVAL);
    return check_failures_take();
}

static void who_is_the_user_already_needs_no_rights(void **state)
{
    (void)state;
    if (geteuid() == 0)
        need_root();
    forked_apart(become_oneself, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        USER_TEST(a_user_is_found_with_the_groups_that_it_is_in),
        USER_TEST(a_group_that_is_named_is_the_only_one),
        USER_TEST(a_number_with_a_group_need_not_be_in_the_database),
        USER_TEST(who_is_not_there_is_named),
        USER_TEST(without_a_task_the_log_says_who_is_not_there),
        USER_TEST(what_is_no_name_and_no_number_is_refused),
        USER_TEST(who_is_in_too_many_groups_is_refused),
        USER_TEST(the_databases_may_fail),
        USER_TEST(answers_may_need_much_room),
        USER_TEST(all_threads_become_the_user_with_its_groups_and_stay_it),
        USER_TEST(who_could_become_root_again_is_told),
        USER_TEST(who_is_the_user_already_needs_no_rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
