/* SPDX-License-Identifier: MIT */
#include "support.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define FDS_MAX   1024
#define LINES_MAX 32

static struct snapshot {
    bool open[FDS_MAX];
    size_t threads;
    size_t stacks;
    bool alternate; /* a stack for signals is set */
    sigset_t mask;
    struct sigaction actions[NSIG];
} before;

static atomic_size_t live, total;
static atomic_size_t fail_first, fail_last; /* these fail; 0: none */

static char lines[LINES_MAX][512];
static size_t first_line, end_line; /* those nobody asked for */

/* The allocator. */

static bool must_fail(void)
{
    size_t n = atomic_fetch_add(&total, 1) + 1;
    return n >= atomic_load(&fail_first) && n <= atomic_load(&fail_last);
}

static void *count_alloc(void *arg, size_t bytes)
{
    (void)arg;
    if (must_fail())
        return NULL;
    atomic_fetch_add(&live, 1);
    return malloc(bytes);
}

static void *count_realloc(void *arg, void *p, size_t bytes)
{
    (void)arg;
    if (must_fail())
        return NULL;
    if (!p)
        atomic_fetch_add(&live, 1);
    return realloc(p, bytes);
}

static void count_free(void *arg, void *p)
{
    (void)arg;
    atomic_fetch_sub(&live, 1);
    free(p);
}

size_t ledger_live(void)
{
    return atomic_load(&live);
}

size_t ledger_allocations(void)
{
    return atomic_load(&total);
}

void ledger_fail_at(size_t n)
{
    size_t at = n ? atomic_load(&total) + n : 0;
    atomic_store(&fail_first, at);
    atomic_store(&fail_last, at);
}

void ledger_fail_from(size_t n)
{
    atomic_store(&fail_first, n ? atomic_load(&total) + n : 0);
    atomic_store(&fail_last, n ? SIZE_MAX : 0);
}

/* The log. */

static void keep_line(void *arg, hem_log_level level, const char *line)
{
    (void)arg;
    if (level < HEM_LOG_WARNING || end_line == LINES_MAX)
        return;
    snprintf(lines[end_line++], sizeof(lines[0]), "%s", line);
}

void ledger_check_logged(const char *part, const char *file, int line)
{
    if (check_that(first_line < end_line, "a line was logged", file, line))
        check_part(lines[first_line++], part, "the log", file, line);
}

void ledger_in_child(void)
{
    hem_log_set(NULL, NULL);
}

/* What the kernel says. */

static size_t count_directory(const char *path, bool *ret_numbers)
{
    DIR *dir = opendir(path);
    if (!dir)
        return 0;
    size_t count = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        int number = atoi(e->d_name);
        if (e->d_name[0] == '.' || (ret_numbers && number == dirfd(dir)))
            continue;
        count++;
        if (ret_numbers && number < FDS_MAX)
            ret_numbers[number] = true;
    }
    closedir(dir);
    return count;
}

size_t ledger_descriptors(void)
{
    bool open[FDS_MAX];
    return count_directory("/proc/self/fd", open);
}

size_t ledger_threads(void)
{
    return count_directory("/proc/self/task", NULL) - in_emulator();
}

/* Call fn for each line of a file of /proc; the sum of its results. */
static size_t sum_lines(const char *path, size_t (*fn)(const char *line))
{
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    char line[1024];
    size_t sum = 0;
    while (fgets(line, sizeof(line), f))
        sum += fn(line);
    fclose(f);
    return sum;
}

static size_t resident_of(const char *line)
{
    size_t kib = 0;
    return sscanf(line, "VmRSS: %zu", &kib) == 1 ? kib << 10 : 0;
}

size_t ledger_resident(void)
{
    return sum_lines("/proc/self/status", resident_of);
}

static size_t one(const char *line)
{
    return strchr(line, '\n') != NULL;
}

size_t ledger_mappings(void)
{
    return sum_lines("/proc/self/maps", one);
}

static size_t is_stack(const char *line)
{
    return strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " nr") &&
           strstr(line, " nh");
}

size_t ledger_stack_mappings(void)
{
    return sum_lines("/proc/self/smaps", is_stack);
}

static bool has_alternate_stack(void)
{
    stack_t now;
    sigaltstack(NULL, &now);
    return !(now.ss_flags & SS_DISABLE);
}

static void take(struct snapshot *s)
{
    memset(s, 0, sizeof(*s));
    count_directory("/proc/self/fd", s->open);
    s->threads = ledger_threads();
    if (!SANITIZED)
        s->stacks = ledger_stack_mappings();
    s->alternate = has_alternate_stack();
    pthread_sigmask(SIG_SETMASK, NULL, &s->mask);
    for (int signo = 1; signo < NSIG; signo++)
        sigaction(signo, NULL, &s->actions[signo]);
}

/* A joined thread may be seen for a moment, until the kernel has run it for
 * the last time; nothing tells of that. */
static size_t settled_threads(size_t want)
{
    size_t count = ledger_threads();
    for (int tries = 0; count > want && tries < 100000; tries++) {
        sched_yield();
        count = ledger_threads();
    }
    return count;
}

static void compare_signals(const struct snapshot *now)
{
    for (int signo = 1; signo < NSIG; signo++) {
        const struct sigaction *a = &before.actions[signo];
        const struct sigaction *b = &now->actions[signo];
        bool same =
            a->sa_handler == b->sa_handler &&
            sigismember(&before.mask, signo) == sigismember(&now->mask, signo);
        if (!check(same))
            print_error("signal %d is handled in another way\n", signo);
    }
}

static void compare(void)
{
    static struct snapshot now;
    take(&now);
    for (int fd = 0; fd < FDS_MAX; fd++) {
        if (!check(before.open[fd] == now.open[fd]))
            print_error("descriptor %d was left\n", fd);
    }
    if (!SANITIZED) /* which may have started a thread of its own */
        check_int(settled_threads(before.threads), before.threads);
    check_int(now.stacks, before.stacks);
    check_int(now.alternate, before.alternate);
    compare_signals(&now);
    siginfo_t info;
    check(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0);
    check_int(errno, ECHILD);
}

int ledger_begin(void **state)
{
    (void)state;
    check_failures_take();
    reports_take();
    trace_clear();
    first_line = end_line = 0;
    live = total = 0;
    ledger_fail_at(0);
    static const hem_allocator counting = {count_alloc, count_realloc,
                                           count_free, NULL};
    hem_allocator_set(&counting);
    hem_log_set(keep_line, NULL);
    take(&before);
    return 0;
}

int ledger_end(void **state)
{
    (void)state;
    ledger_fail_at(0);
    compare();
    check(hem_loop_current() == NULL);
    check_int(reports_take(), 0);
    for (; first_line < end_line; first_line++)
        check_str(lines[first_line], NULL);
    check_int(ledger_live(), 0);
    hem_allocator_set(NULL);
    hem_log_set(NULL, NULL);
    return check_failures_take() ? -1 : 0;
}
