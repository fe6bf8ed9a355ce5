/* SPDX-License-Identifier: MIT */
/* How many CPUs there are for a process: by its affinity, and by the quota of
 * its cgroups, which are made up here below a directory. */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <sys/stat.h>

#include "files.h"
#include "forked.h"
#include "service/cpus.h"

#define CGROUP2 "31 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw\n"

/* Make the file `name` below the directory of the test, with what is above. */
static void put(const char *name, const char *text)
{
    char path[5000];
    snprintf(path, sizeof(path), "%s%s", file_path(""), name + 1);
    char *start = path + strlen(file_path(""));
    for (char *at = strchr(start, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        check(mkdir(path, 0755) == 0 || errno == EEXIST);
        *at = '/';
    }
    FILE *f = fopen(path, "we");
    if (!check(f != NULL))
        return;
    fputs(text, f);
    fclose(f);
}

static uint32_t quota(void)
{
    char root[512];
    snprintf(root, sizeof(root), "%s", file_path(""));
    root[strlen(root) - 1] = '\0';
    return hem__cpu_quota(root);
}

static void a_quota_is_rounded_up(void **state)
{
    static const struct {
        const char *text;
        uint32_t cpus;
    } cases[] = {
        {"100000 100000\n", 1},
        {"100001 100000\n", 2},
        {"1000 100000\n", 1},
        {"250000 100000\n", 3},
        {"max 100000\n", UINT32_MAX},
        {"", UINT32_MAX},
        {"0 100000\n", UINT32_MAX},
        {"7 0\n", UINT32_MAX},
        {"-1 100000\n", UINT32_MAX},
        {"x\n", UINT32_MAX},
        {"9999999999999999 1\n", UINT32_MAX},
    };
    (void)state;
    put("/proc/self/cgroup", "0::/\n");
    put("/proc/self/mountinfo", CGROUP2);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        put("/sys/fs/cgroup/cpu.max", cases[i].text);
        check_int(quota(), cases[i].cpus);
    }
}

static void the_least_quota_on_the_way_up_holds(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "0::/kubepods/pod1/main\n");
    put("/proc/self/mountinfo", CGROUP2);
    put("/sys/fs/cgroup/kubepods/pod1/main/cpu.max", "max 100000\n");
    check_int(quota(), UINT32_MAX);
    put("/sys/fs/cgroup/kubepods/cpu.max", "900000 100000\n");
    check_int(quota(), 9);
    put("/sys/fs/cgroup/kubepods/pod1/cpu.max", "400000 100000\n");
    check_int(quota(), 4);
    put("/sys/fs/cgroup/kubepods/pod1/main/cpu.max", "600000 100000\n");
    check_int(quota(), 4);
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    check_int(quota(), 2);
}

static void
a_group_is_found_below_what_is_mounted_of_its_hierarchy(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "5:memory:/docker/x\n"
                             "4:cpu,cpuacct:/docker/x/y\n"
                             "0::/docker/x\n");
    put("/proc/self/mountinfo",
        "9 1 0:9 / / rw - overlay none rw,cpu\n"
        "32 31 0:29 /docker/x /sys/fs/my\\040cpu ro master:1 - cgroup cgroup "
        "rw,cpuacct,cpu\n"
        "33 31 0:30 /docker/x /sys/fs/memory ro - cgroup cgroup rw,memory\n");
    put("/sys/fs/my cpu/y/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/my cpu/y/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/memory/cpu.cfs_quota_us", "100000\n");
    put("/sys/fs/memory/cpu.cfs_period_us", "100000\n");
    check_int(quota(), UINT32_MAX);
    put("/sys/fs/my cpu/y/cpu.cfs_quota_us", "550000\n");
    check_int(quota(), 6);
    put("/sys/fs/my cpu/cpu.cfs_quota_us", "30000\n");
    check_int(quota(), 6); /* without a period */
    put("/sys/fs/my cpu/cpu.cfs_period_us", "10000\n");
    check_int(quota(), 3);
}

static void of_two_versions_the_less_counts(void **state)
{
    (void)state;
    put("/proc/self/cgroup", "1:cpu:/\n0::/\n");
    put("/proc/self/mountinfo", "2 1 0:2 / /v1 rw - cgroup cgroup rw,cpu\n"
                                "3 1 0:3 / /v2 rw - cgroup2 cgroup2 rw\n");
    put("/v1/cpu.cfs_quota_us", "500000\n");
    put("/v1/cpu.cfs_period_us", "100000\n");
    check_int(quota(), 5);
    put("/v2/cpu.max", "700000 100000\n");
    check_int(quota(), 5);
    put("/v2/cpu.max", "300000 100000\n");
    check_int(quota(), 3);
}

static void
a_group_that_is_not_to_be_seen_has_the_quota_of_the_mount(void **state)
{
    static const char *const groups[] = {"0::/../outside\n", "0::/other\n",
                                         "0::/topmost\n"};
    (void)state;
    put("/proc/self/mountinfo",
        "3 1 0:3 /top /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    put("/sys/fs/cgroup/cpu.max", "300000 100000\n");
    put("/sys/fs/outside/cpu.max", "100000 100000\n");
    put("/sys/fs/cgroupmost/cpu.max", "100000 100000\n");
    for (size_t i = 0; i < COUNT_OF(groups); i++) {
        put("/proc/self/cgroup", groups[i]);
        check_int(quota(), 3);
    }
    /* Another mount shows it. */
    put("/proc/self/mountinfo",
        "3 1 0:3 /top /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
        "4 1 0:3 / /all rw - cgroup2 cgroup2 rw\n");
    put("/all/topmost/cpu.max", "700000 100000\n");
    check_int(quota(), 7);
}

static void lines_that_are_long_or_odd_are_passed_over(void **state)
{
    static char text[20000];
    (void)state;
    check_int(quota(), UINT32_MAX); /* nothing is there */
    put("/proc/self/cgroup", "\n:\n::\n0::\n0:cpu\n0::relative\n1:cpux:/\n");
    check_int(quota(), UINT32_MAX);
    put("/proc/self/cgroup", "0::/\n");
    check_int(quota(), UINT32_MAX);
    for (int length = 4000; length < 13000; length += 997) {
        memset(text, 'a', sizeof(text));
        snprintf(text + length, sizeof(text) - (size_t)length,
                 "\n - \n1 2 - cgroup2 x y\n- cgroup2\n1 2 3 / /no rw - "
                 "cgroup2\n1 2 3 / /no rw - cgroup x rw,cpus\n"
                 "%s1 2 3 / /else\\04 - cgroup2 x rw",
                 CGROUP2);
        put("/proc/self/mountinfo", text);
        put("/sys/fs/cgroup/cpu.max", "300000 100000\n");
        check_int(quota(), 3);
    }
}

static uint32_t allowed(cpu_set_t *ret)
{
    check_int(sched_getaffinity(0, sizeof(*ret), ret), 0);
    return (uint32_t)CPU_COUNT(ret);
}

/* Each CPU in turn, from all. */
static int pin_to_each(void *arg)
{
    cpu_set_t all, now;
    uint32_t n = allowed(&all), at = 0;
    (void)arg;
    check(hem_cpu_count() >= 1);
    check(hem_cpu_count() <= n);
    for (uint32_t i = 0; i < 2 * n; i++) {
        check_int(hem_cpu_pin(i), 0);
        check_int(allowed(&now), 1);
        check_int(hem_cpu_count(), 1);
        while (!CPU_ISSET(at % CPU_SETSIZE, &all))
            at++;
        check(CPU_ISSET(at++ % CPU_SETSIZE, &now));
        check_int(hem_cpu_pin(i + 1), 0); /* there is no other any more */
        check_int(CPU_EQUAL(&now, (allowed(&now), &now)), 1);
        check_int(sched_setaffinity(0, sizeof(all), &all), 0);
        at %= CPU_SETSIZE;
    }
    return check_failures_take();
}

static void a_thread_stays_on_the_cpu_that_it_is_pinned_to(void **state)
{
    (void)state;
    forked_apart(pin_to_each, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILE_TEST(a_quota_is_rounded_up),
        FILE_TEST(the_least_quota_on_the_way_up_holds),
        FILE_TEST(a_group_is_found_below_what_is_mounted_of_its_hierarchy),
        FILE_TEST(of_two_versions_the_less_counts),
        FILE_TEST(a_group_that_is_not_to_be_seen_has_the_quota_of_the_mount),
        FILE_TEST(lines_that_are_long_or_odd_are_passed_over),
        LEDGER_TEST(a_thread_stays_on_the_cpu_that_it_is_pinned_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
