/* SPDX-License-Identifier: MIT */
#include "record.h"

#include <sys/mman.h>

static struct record *current;
static bool quiet; /* the scenario asked for no more faults */

static size_t bytes_of(size_t calls_max)
{
    return sizeof(struct record) + calls_max * sizeof(hem__fault_call);
}

struct record *record_create(size_t calls_max)
{
    struct record *r = mmap(NULL, bytes_of(calls_max), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r == MAP_FAILED)
        abort();
    r->calls_max = calls_max;
    return r;
}

void record_destroy(struct record *r)
{
    munmap(r, bytes_of(r->calls_max));
}

void record_clear(struct record *r)
{
    r->phase = PHASE_FAULTY;
    r->child_failures = 0;
    r->fired = 0;
    r->noticeable = 0;
    r->error_count = 0;
    r->call_count = 0;
    memset(&r->first, 0, sizeof(r->first));
}

static bool was_injected(const struct record *r, int error)
{
    unsigned count = r->error_count;
    for (unsigned i = 0; i < count && i < RECORD_ERRORS_MAX; i++) {
        if (r->errors[i] == error)
            return true;
    }
    return false;
}

/* Note an error as one that calls may pass on. */
static void note_error(struct record *r, int error)
{
    if (was_injected(r, error))
        return;
    unsigned i = atomic_fetch_add(&r->error_count, 1);
    if (i < RECORD_ERRORS_MAX)
        r->errors[i] = error;
}

/* Whether it is for a stack, of which only HEM_ENOMEM is told. */
static bool is_for_stack(enum hem__sys_id id)
{
    return id == HEM__SYS_map_stacks || id == HEM__SYS_guard_region ||
           id == HEM__SYS_guard_protect || id == HEM__SYS_sigaltstack;
}

static void observe(void *arg, const hem__fault_call *call)
{
    struct record *r = arg;
    if (call->error) {
        note_error(r, is_for_stack(call->id) ? HEM_ENOMEM : call->error);
        if (call->error != HEM_EINTR)
            atomic_fetch_add(&r->noticeable, 1);
        if (atomic_fetch_add(&r->fired, 1) == 0)
            r->first = *call;
    }
    if (r->phase != PHASE_FAULTY || quiet || !r->calls_max)
        return;
    unsigned i = atomic_fetch_add(&r->call_count, 1);
    if (i < r->calls_max)
        r->calls[i] = *call;
}

void record_use(struct record *r)
{
    current = r;
    hem__fault_observe(observe, r);
}

void record_enter(enum phase phase)
{
    current->phase = phase;
    quiet = false;
}

void in_child(void)
{
    current->child_failures += check_failures_take();
    fflush(stderr);
}

int record_failures_take(void)
{
    return check_failures_take() + atomic_exchange(&current->child_failures, 0);
}

const char *record_describe(const hem__fault_call *call, char *buf)
{
    const char *error = hem_errname(call->error);
    if (strncmp(error, "HEM_", 4) == 0)
        error += 4;
    snprintf(buf, 100, "%s %s", hem__fault_name(call->id), error);
    return buf;
}

bool faulty(void)
{
    return current->phase == PHASE_FAULTY && current->noticeable && !quiet;
}

void calm(void)
{
    hem__fault_disarm();
    quiet = true;
}

bool in_haste(void)
{
    return current->phase == PHASE_FAULTY && current->noticeable > 1;
}

hem_ns child_limit(void)
{
    bool fails = current->phase == PHASE_FAULTY && !current->calls_max;
    return fails ? HEM_SEC : 3600 * HEM_SEC;
}

static bool is_among(const int *list, long long rc)
{
    while (*list && *list != rc)
        list++;
    return *list == rc;
}

bool check_success_at(long long rc, const int *also, const char *expr,
                      const char *file, int line)
{
    if (rc >= 0)
        return true;
    bool excused =
        faulty() && (was_injected(current, (int)rc) || is_among(also, rc));
    if (!excused)
        check_equal(rc, 0, expr, file, line);
    return false;
}
