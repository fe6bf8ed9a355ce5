/* SPDX-License-Identifier: MIT */
#include "runner.h"

#include <dlfcn.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define WATCHDOG_SECONDS 5
#define SLOW_SECONDS     20
#define SLOTS_MAX        64
#define OUTPUT_BYTES     4000
#define LINES_MAX        12

struct slot { /* a run under way */
    struct attempt attempt;
    struct record *record; /* shared with it */
    int output;            /* what it wrote */
    pid_t pid;             /* 0: none */
    int64_t deadline;
};

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * INT64_C(1000) + ts.tv_nsec / 1000000;
}

static bool is_slow(void)
{
    return SANITIZED || in_valgrind();
}

/* The run's side. */

static void log_line(void *arg, hem_log_level level, const char *line)
{
    (void)arg;
    (void)level;
    fprintf(stderr, "log: %s\n", line);
}

/* Of LeakSanitizer, where that is there: true if something is lost. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static bool left_nothing(void)
{
    return ledger_end(NULL) == 0 && !(__lsan_do_recoverable_leak_check &&
                                      __lsan_do_recoverable_leak_check());
}

static bool run_phases(const struct scenario *s)
{
    record_enter(PHASE_FAULTY);
    s->run();
    hem__fault_disarm();
    if (record_failures_take())
        return false;
    record_enter(PHASE_LEDGER);
    if (!left_nothing())
        return false;
    record_enter(PHASE_AGAIN);
    ledger_begin(NULL);
    hem_log_set(log_line, NULL);
    s->run();
    if (record_failures_take() || !left_nothing())
        return false;
    record_enter(PHASE_DONE);
    return true;
}

static void prepare(struct record *r)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* for the ledger to see all */
    signal(SIGINT, SIG_DFL);          /* a shell may have it ignored */
    ledger_begin(NULL);
    hem_log_set(log_line, NULL);
    record_use(r);
}

int runner_replay(const struct scenario *s)
{
    struct record *r = record_create(0);
    record_clear(r);
    prepare(r);
    bool ok = run_phases(s);
    char text[100];
    if (r->fired)
        printf("%s: call %llu, %s, failed, and %u after it: %s\n", s->name,
               (unsigned long long)r->first.n, record_describe(&r->first, text),
               r->fired - 1, ok ? "clean" : "not clean");
    else
        printf("%s: no call failed: %s\n", s->name, ok ? "clean" : "not clean");
    return !ok;
}

/* The runner keeps it blocked, and takes it when it has nothing else to do. */
static void get_child_signal(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGCHLD);
}

_Noreturn static void be_run(const struct slot *slot)
{
    const struct attempt *a = &slot->attempt;
    sigset_t child_signal;
    get_child_signal(&child_signal);
    sigprocmask(SIG_UNBLOCK, &child_signal, NULL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    dup2(slot->output, STDERR_FILENO);
    prepare(slot->record);
    hem__fault_arm(a->n, a->error, a->mode);
    int status = run_phases(a->scenario) ? 0 : 1;
    fflush(stderr);
    _exit(status);
}

/* The runner's side. */

static void slot_start(struct slot *slot, const struct attempt *a)
{
    slot->attempt = *a;
    record_clear(slot->record);
    if (ftruncate(slot->output, 0) < 0 || lseek(slot->output, 0, SEEK_SET) < 0)
        abort();
    fflush(NULL);
    slot->pid = fork();
    if (slot->pid < 0)
        abort();
    if (slot->pid == 0)
        be_run(slot);
    setpgid(slot->pid, slot->pid); /* whoever comes first */
    slot->deadline =
        now_ms() + (is_slow() ? SLOW_SECONDS : WATCHDOG_SECONDS) * 1000;
}

static void slot_init(struct slot *slot, struct record *record)
{
    sigset_t child_signal;
    get_child_signal(&child_signal);
    sigprocmask(SIG_BLOCK, &child_signal, NULL);
    *slot = (struct slot){.record = record};
    slot->output = memfd_create("output", MFD_CLOEXEC);
    if (slot->output < 0)
        abort();
}

static enum outcome judge(const struct slot *slot, bool hung, int status)
{
    if (hung)
        return RUN_HUNG;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return RUN_CLEAN;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
        return RUN_DIED;
    switch ((enum phase)(int)slot->record->phase) {
    case PHASE_FAULTY:
        return RUN_WRONG;
    case PHASE_LEDGER:
        return RUN_LEFT;
    default:
        return RUN_STUCK;
    }
}

static enum outcome slot_end(struct slot *slot, bool hung, int *ret_status)
{
    kill(-slot->pid, SIGKILL); /* also what it may have left */
    if (waitpid(slot->pid, ret_status, 0) != slot->pid)
        abort();
    slot->pid = 0;
    return judge(slot, hung, *ret_status);
}

const char *outcome_name(enum outcome o)
{
    static const char *const names[] = {
        [RUN_CLEAN] = "clean",    [RUN_WRONG] = "WRONG", [RUN_LEFT] = "LEAK",
        [RUN_STUCK] = "UNUSABLE", [RUN_DIED] = "DIED",   [RUN_HUNG] = "HANG",
    };
    return names[o];
}

static const char *phase_name(int phase)
{
    static const char *const names[] = {
        [PHASE_FAULTY] = "while calls failed",
        [PHASE_LEDGER] = "counting what was left",
        [PHASE_AGAIN] = "when run again, with no failures",
        [PHASE_DONE] = "at its exit",
    };
    return names[phase];
}

static void print_output(const struct slot *slot)
{
    char text[OUTPUT_BYTES + 1];
    ssize_t n = pread(slot->output, text, OUTPUT_BYTES, 0);
    text[n > 0 ? n : 0] = '\0';
    char *rest = text;
    char *line;
    for (int i = 0; i < LINES_MAX && (line = strtok_r(rest, "\n", &rest)); i++)
        printf("    | %s\n", line);
}

/* For addr2line: its offset in the program. */
static size_t offset_of(const void *site)
{
    Dl_info info;
    if (!site || !dladdr(site, &info))
        return 0;
    return (size_t)((const char *)site - (const char *)info.dli_fbase);
}

static void report(const struct slot *slot, enum outcome o, int status)
{
    const struct record *r = slot->record;
    const char *name = slot->attempt.scenario->name;
    char text[100];
    printf("%s %s, %s", outcome_name(o), name, phase_name(r->phase));
    if (o == RUN_DIED && WIFSIGNALED(status))
        printf(", of SIG%s", sigabbrev_np(WTERMSIG(status)));
    else if (o == RUN_DIED)
        printf(", exit status %d", WEXITSTATUS(status));
    if (r->fired)
        printf(": call %llu, %s, at +0x%zx, and %u after it",
               (unsigned long long)r->first.n, record_describe(&r->first, text),
               offset_of(r->first.site), r->fired - 1);
    if (slot->attempt.n)
        printf("\n    HEM_FAULT=%s %s %s",
               attempt_describe(&slot->attempt, text), program_invocation_name,
               name);
    putchar('\n');
    print_output(slot);
    fflush(stdout);
}

static void finish(struct slot *slot, bool hung, struct tally *t)
{
    int status;
    enum outcome o = slot_end(slot, hung, &status);
    t->runs++;
    t->by_outcome[o]++;
    t->fired += slot->record->fired > 0;
    if (o != RUN_CLEAN)
        report(slot, o, status);
}

static bool has_ended(const struct slot *slot)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)slot->pid, &info, WEXITED | WNOHANG | WNOWAIT) ==
               0 &&
           info.si_pid == slot->pid;
}

/* Wait until one of the runs has ended, or is to be ended. */
static void wait_for_one(struct slot *slots, size_t count, struct tally *t)
{
    int64_t until = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        if (slots[i].pid && slots[i].deadline < until)
            until = slots[i].deadline;
    }
    int64_t left = until > now_ms() ? until - now_ms() : 0;
    struct timespec ts = {.tv_sec = left / 1000,
                          .tv_nsec = left % 1000 * 1000000};
    sigset_t child_signal;
    get_child_signal(&child_signal);
    sigtimedwait(&child_signal, NULL, &ts);
    for (size_t i = 0; i < count; i++) {
        struct slot *slot = &slots[i];
        if (!slot->pid)
            continue;
        if (has_ended(slot))
            finish(slot, false, t);
        else if (slot->deadline <= now_ms())
            finish(slot, true, t);
    }
}

static struct slot *slot_free(struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!slots[i].pid)
            return &slots[i];
    }
    return NULL;
}

static bool any_busy(const struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slots[i].pid)
            return true;
    }
    return false;
}

/* Some runs wait more than they work. */
static size_t slots_wanted(void)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = cpus > 0 ? (size_t)cpus * 2 : 2;
    return n < SLOTS_MAX ? n : SLOTS_MAX;
}

void runner_run(const struct plan *p, struct tally *t)
{
    struct slot slots[SLOTS_MAX];
    size_t count = slots_wanted();
    for (size_t i = 0; i < count; i++)
        slot_init(&slots[i], record_create(0));
    for (size_t next = 0; next < p->count || any_busy(slots, count);) {
        struct slot *idle = slot_free(slots, count);
        if (idle && next < p->count)
            slot_start(idle, &p->attempts[next++]);
        else
            wait_for_one(slots, count, t);
    }
    for (size_t i = 0; i < count; i++) {
        record_destroy(slots[i].record);
        close(slots[i].output);
    }
}

bool runner_count(const struct scenario *s, struct record *r)
{
    struct slot slot;
    struct tally t = {0};
    slot_init(&slot, r);
    slot_start(&slot, &(struct attempt){.scenario = s});
    while (slot.pid)
        wait_for_one(&slot, 1, &t);
    close(slot.output);
    return t.by_outcome[RUN_CLEAN] == 1;
}
