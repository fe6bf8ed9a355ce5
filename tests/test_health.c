/* SPDX-License-Identifier: MIT */
/* Heartbeats and memory, by a parent that has nothing but their slots; then by a
 * whole service. */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "base/list.h"
#include "forked.h"
#include "ms.h"
#include "service/health.h"
#include "support.h"

/* ---- made-up instances ---- */

#define COUNT 3

struct fake {
    hem_prefork_options options;
    hem__role role;
    hem__service service;
    hem__seat seat;
    hem__instance all[COUNT];
    hem_scope *scope;
    int stuck; /* events */
    uint32_t stuck_index;
};

static void on_event(void *arg, const hem_prefork_event *e)
{
    struct fake *f = arg;
    check_int(e->kind, HEM_WORKER_IS_STUCK);
    f->stuck++;
    f->stuck_index = e->index;
}

static void begin(struct fake *f)
{
    hem__service *s = &f->service;
    f->options.on_event = on_event;
    f->options.on_event_arg = f;
    f->role.name = "worker";
    s->options = &f->options;
    s->role = f->role;
    s->state = HEM__SERVICE_READY;
    hem_event_init(&s->roll);
    hem__list_init(&s->instances);
    check_int(hem__scoreboard_init(&s->scoreboard, COUNT), 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        f->all[i] = (hem__instance){.service = s,
                                    .role = &f->role,
                                    .seat = &f->seat,
                                    .index = i,
                                    .alive = true,
                                    .killed = true, /* nobody is to be */
                                    .state = HEM__INSTANCE_READY};
        f->all[i].slot = hem__scoreboard_take(&s->scoreboard);
        hem__list_insert(&s->instances, &f->all[i].link);
    }
}

static void beat_all(struct fake *f)
{
    for (int i = 0; i < COUNT; i++)
        atomic_fetch_add(&f->all[i].slot->beats, 1);
}

/* For so long, all of them but `but`. */
static int beat_for(struct fake *f, hem_ns time, int but)
{
    for (; time > 0; time -= 25 * MS) {
        HEM_TRY(hem_sleep(25 * MS));
        for (int i = 0; i < COUNT; i++) {
            if (i != but)
                atomic_fetch_add(&f->all[i].slot->beats, 1);
        }
    }
    return 0;
}

static void end(struct fake *f)
{
    hem__scoreboard_deinit(&f->service.scoreboard);
}

static const hem_prefork_options beating = {.heartbeat = 100 * MS};

VIRTUAL_TEST(the_pulse_is_a_quarter_of_the_heartbeat_and_a_second_at_most)
{
    check_int(hem__health_period(100 * MS), 25 * MS);
    check_int(hem__health_period(4 * HEM_SEC), HEM_SEC);
    check_int(hem__health_period(60 * HEM_SEC), HEM_SEC);
    check_int(hem__health_period(HEM_NEVER), HEM_SEC);
    check_int(hem__health_period(0), HEM_SEC);
    check_int(hem__health_period(1), HEM_MSEC);
    struct fake f = {.options = beating};
    begin(&f);
    HEM_SCOPE(s);
    check_int(hem__health_start(&f.service, &s), 0);
    check_int(f.service.pulse, 25 * MS);
    hem_scope_abort(&s, NULL);
    check_int(hem_scope_close(&s, 0), 0);
    end(&f);
    return 0;
}

VIRTUAL_TEST(without_heartbeat_or_limit_nobody_looks)
{
    struct fake f = {.options = {.grace = HEM_SEC}};
    begin(&f);
    HEM_SCOPE(s);
    check_int(hem__health_start(&f.service, &s), 0);
    check_int(f.service.pulse, 0);
    check_int(hem_scope_close(&s, 0), 0); /* there is no task to wait for */
    end(&f);
    return 0;
}

VIRTUAL_TEST(one_that_stops_beating_is_stuck_after_the_heartbeat)
{
    struct fake f = {.options = beating};
    begin(&f);
    HEM_SCOPE(s);
    HEM_TRY(hem__health_start(&f.service, &s));
    HEM_TRY(beat_for(&f, 1000 * MS, -1));
    check_int(f.stuck, 0);
    HEM_TRY(beat_for(&f, 75 * MS, 1));
    check_int(f.stuck, 0);
    HEM_TRY(beat_for(&f, 75 * MS, 1));
    check_int(f.stuck, 1);
    check_int(f.stuck_index, 1);
    check_logged("worker 1 is stuck: no heartbeat for 1");
    HEM_TRY(beat_for(&f, 1000 * MS, 1)); /* and said once */
    check_int(f.stuck, 1);
    check(!hem__health_all_beat(&f.service, 200 * MS));
    hem_scope_abort(&s, NULL);
    check_int(hem_scope_close(&s, 0), 0);
    end(&f);
    return 0;
}

VIRTUAL_TEST(one_that_beats_again_may_be_stuck_again)
{
    struct fake f = {.options = beating};
    begin(&f);
    f.service.threads = true;
    HEM_SCOPE(s);
    HEM_TRY(hem__health_start(&f.service, &s));
    for (int i = 1; i <= 3; i++) {
        HEM_TRY(beat_for(&f, 200 * MS, -1));
        check(hem__health_all_beat(&f.service, 50 * MS));
        HEM_TRY(beat_for(&f, 300 * MS, 2));
        check_int(f.stuck, i);
        check_logged("is stuck");
    }
    hem_scope_abort(&s, NULL);
    check_int(hem_scope_close(&s, 0), 0);
    end(&f);
    return 0;
}

VIRTUAL_TEST(one_in_set_up_or_without_a_heart_is_not_stuck)
{
    struct fake f = {.options = beating};
    begin(&f);
    beat_all(&f);
    f.all[0].state = HEM__INSTANCE_STARTING;
    atomic_store(&f.all[1].slot->beats, 0);
    f.all[2].alive = false;
    HEM_SCOPE(s);
    HEM_TRY(hem__health_start(&f.service, &s));
    HEM_TRY(hem_sleep(HEM_SEC));
    check_int(f.stuck, 0);
    check(hem__health_all_beat(&f.service, 50 * MS));
    f.all[0].state = HEM__INSTANCE_TOLD; /* one that drains is held to it */
    HEM_TRY(hem_sleep(HEM_SEC));
    check_int(f.stuck, 1);
    check_logged("worker 0 is stuck");
    hem_scope_abort(&s, NULL);
    check_int(hem_scope_close(&s, 0), 0);
    end(&f);
    return 0;
}

/* All stood still for an hour, this process with them. */
static int sleep_through(struct fake *f)
{
    HEM_TRY(beat_for(f, 200 * MS, -1));
    hem__loop->virtual_clock->now += 3600 * HEM_SEC;
    HEM_TRY(hem_sleep(20 * MS));
    check_int(f->stuck, 0);
    check(hem__health_all_beat(&f->service, 100 * MS));
    return beat_for(f, 200 * MS, -1);
}

VIRTUAL_TEST(time_in_which_this_process_was_stopped_does_not_count)
{
    struct fake f = {.options = beating};
    begin(&f);
    HEM_SCOPE(s);
    HEM_TRY(hem__health_start(&f.service, &s));
    for (int i = 0; i < 5; i++)
        HEM_TRY(sleep_through(&f));
    check_int(f.stuck, 0);
    HEM_TRY(beat_for(&f, 200 * MS, 0)); /* and the rest does */
    check_int(f.stuck, 1);
    check_logged("worker 0 is stuck");
    hem_scope_abort(&s, NULL);
    check_int(hem_scope_close(&s, 0), 0);
    end(&f);
    return 0;
}

/* systemd.c, which came first, has forgiven it as well. */
VIRTUAL_TEST(time_that_others_have_not_counted_is_not_left_out_twice)
{
    struct fake f = {.options = beating};
    begin(&f);
    HEM_SCOPE(s);
    HEM_TRY(hem__health_start(&f.service, &s));
    HEM_TRY(beat_for(&f, 200 * MS, -1));
    HEM_TRY(hem_sleep(30 * MS)); /* the last beat has been seen */
    hem__loop->virtual_clock->now += 3600 * HEM_SEC;
    f.all[0].beat_at = hem_now();
    HEM_TRY(hem_sleep(20 * MS));
    check(f.all[0].beat_at <= hem_now());
    HEM_TRY(beat_for(&f, 200 * MS, 0));
    check_int(f.stuck, 1);
    check_logged("worker 0 is stuck");
    hem_scope_abort(&s, NULL);
    check_int(hem_scope_close(&s, 0), 0);
    end(&f);
    return 0;
}

VIRTUAL_TEST(one_above_max_memory_asks_to_be_replaced_once)
{
    struct fake f = {.options = {.max_memory = 1}};
    begin(&f);
    f.all[0].pid = getpid();
    f.all[1].pid = getpid();
    f.all[1].state = HEM__INSTANCE_STARTING;
    HEM_SCOPE(s);
    HEM_TRY(hem__health_start(&f.service, &s));
    HEM_TRY(hem_sleep(1001 * MS));
    check(f.all[0].wants_replacement);
    check(f.all[0].memory > 100000);
    check(!f.all[1].wants_replacement); /* not while it is set up */
    check(!f.all[2].wants_replacement); /* it has no process yet */
    check(hem_event_is_set(&f.service.roll));
    hem_event_clear(&f.service.roll);
    HEM_TRY(hem_sleep(2000 * MS));
    check(!hem_event_is_set(&f.service.roll));
    hem_scope_abort(&s, NULL);
    check_int(hem_scope_close(&s, 0), 0);
    end(&f);
    return 0;
}

VIRTUAL_TEST(one_below_max_memory_with_its_jitter_stays)
{
    struct fake f = {
        .options = {.max_memory = (size_t)1 << 50, .max_memory_jitter = 4096}};
    begin(&f);
    f.all[0].pid = getpid();
    f.all[1].pid = 0;
    HEM_SCOPE(s);
    HEM_TRY(hem__health_start(&f.service, &s));
    HEM_TRY(hem_sleep(1001 * MS));
    uint64_t jitter = f.all[0].jitter;
    check(jitter > 0 && jitter <= 4097);
    HEM_TRY(hem_sleep(3000 * MS));
    check(f.all[0].jitter == jitter); /* drawn once */
    check(!f.all[0].wants_replacement);
    hem_scope_abort(&s, NULL);
    check_int(hem_scope_close(&s, 0), 0);
    end(&f);
    return 0;
}

/* ---- a service ---- */

/* What the service's parent is told, and its workers share. */
struct watched {
    hem_worker_fn *worker;
    hem_prefork_options options;
    int expected;
    int ready, stuck, ended; /* events */
    int signal;              /* of the first end */
    int phase;
};

/* Stop when the second life of worker 0 is ready. */
static void watch(void *arg, const hem_prefork_event *e)
{
    struct watched *w = arg;
    w->stuck += e->kind == HEM_WORKER_IS_STUCK;
    if (e->kind == HEM_WORKER_HAS_ENDED && w->ended++ == 0) {
        w->signal = e->end.signal;
        w->phase = (int)e->end.phase;
    }
    if (e->kind == HEM_WORKER_IS_READY && e->generation > 0)
        check_int(kill(getpid(), SIGTERM), 0);
}

static void drop_line(void *arg, hem_log_level level, const char *line)
{
    (void)level;
    if (strstr(line, arg))
        process_say('l');
}

static int run_watched(void *arg)
{
    struct watched *w = arg;
    w->options.num_workers = 1;
    w->options.restart = HEM_RESTART_ALWAYS;
    w->options.backoff_min = w->options.backoff_max = HEM_NSEC;
    w->options.on_event = watch;
    w->options.on_event_arg = w;
    hem_log_set(drop_line, (char *)"is stuck");
    check_int(hem_prefork(w->worker, w, &w->options), 0);
    hem_log_set(NULL, NULL);
    check_int(w->ended, 2);
    return 0;
}

static int stop_itself(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_ready(w);
    if (hem_worker_generation(w) == 0)
        raise(SIGSTOP);
    int signo = hem_worker_wait(w);
    return signo < 0 ? signo : 0;
}

static int turn_for_ever(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_ready(w);
    while (hem_worker_generation(w) == 0)
        (void)getppid();
    int signo = hem_worker_wait(w);
    return signo < 0 ? signo : 0;
}

static int run_stuck(void *arg)
{
    struct watched *w = arg;
    w->options.heartbeat = 100 * HEM_MSEC;
    run_watched(w);
    check(w->stuck >= 1);
    check_int(w->signal, SIGKILL);
    check_int(w->phase, HEM_WORKER_BODY);
    return forked_verdict();
}

static void check_apart(int (*fn)(void *arg), struct watched *w)
{
    struct process p;
    struct ending e;
    process_start(&p, fn, w);
    process_end(&p, &e);
    check_int(e.signo, 0);
    check_int(e.status, 0);
    check_str(e.text, "");
}

static void hostile_30_a_stopped_worker_is_killed_and_replaced(void **state)
{
    (void)state;
    check_apart(run_stuck, &(struct watched){.worker = stop_itself});
    run_assert_checks();
}

static void hostile_30_a_worker_that_never_yields_is_replaced(void **state)
{
    (void)state;
    check_apart(run_stuck, &(struct watched){.worker = turn_for_ever});
    run_assert_checks();
}

#define MUCH ((size_t)256 << 20)

static int eat(hem_worker *w, void *arg)
{
    (void)arg;
    hem_worker_ready(w);
    if (hem_worker_generation(w) == 0) {
        void *p = mmap(NULL, MUCH, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        check(p != MAP_FAILED);
    }
    int signo = hem_worker_wait(w);
    return signo < 0 ? signo : 0;
}

/* Told to stop, not killed, and when its successor is ready. */
static int run_eat(void *arg)
{
    struct watched *w = arg;
    w->options.max_memory = ledger_resident() + MUCH / 2;
    w->options.heartbeat = 200 * HEM_SEC;
    run_watched(w);
    check_int(w->stuck, 0);
    check_int(w->signal, 0);
    return forked_verdict();
}

static void a_worker_with_too_much_memory_is_replaced(void **state)
{
    (void)state;
    check_apart(run_eat, &(struct watched){.worker = eat});
    run_assert_checks();
}

/* The thread is stuck until the parent has said so. */
static int wait_to_be_noticed(hem_worker *w, void *arg)
{
    atomic_bool *noticed = arg;
    hem_worker_ready(w);
    while (!atomic_load(noticed))
        sched_yield();
    int signo = hem_worker_wait(w);
    return signo < 0 ? signo : 0;
}

static void notice(void *arg, const hem_prefork_event *e)
{
    if (e->kind != HEM_WORKER_IS_STUCK)
        return;
    atomic_store((atomic_bool *)arg, true);
    check_int(kill(getpid(), SIGTERM), 0);
}

static int run_threads(void *arg)
{
    atomic_bool noticed = false;
    hem_prefork_options o = {.num_workers = 2,
                             .threads = true,
                             .heartbeat = 20 * HEM_MSEC,
                             .grace = HEM_NEVER,
                             .on_event = notice,
                             .on_event_arg = &noticed};
    (void)arg;
    hem_log_set(drop_line, (char *)"is stuck");
    check_int(hem_prefork(wait_to_be_noticed, &noticed, &o), 0);
    hem_log_set(NULL, NULL);
    return forked_verdict();
}

static void a_stuck_thread_is_named_and_waited_for(void **state)
{
    (void)state;
    struct process p;
    struct ending e;
    char said = '?';
    process_start(&p, run_threads, NULL);
    check(process_hear(&p, &said));
    check_int(said, 'l');
    process_end(&p, &e);
    check_int(e.status, 0);
    check_str(e.text, "");
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(
            the_pulse_is_a_quarter_of_the_heartbeat_and_a_second_at_most),
        LEDGER_TEST(without_heartbeat_or_limit_nobody_looks),
        LEDGER_TEST(one_that_stops_beating_is_stuck_after_the_heartbeat),
        LEDGER_TEST(one_that_beats_again_may_be_stuck_again),
        LEDGER_TEST(one_in_set_up_or_without_a_heart_is_not_stuck),
        LEDGER_TEST(time_in_which_this_process_was_stopped_does_not_count),
        LEDGER_TEST(time_that_others_have_not_counted_is_not_left_out_twice),
        LEDGER_TEST(one_above_max_memory_asks_to_be_replaced_once),
        LEDGER_TEST(one_below_max_memory_with_its_jitter_stays),
        LEDGER_TEST(hostile_30_a_stopped_worker_is_killed_and_replaced),
        LEDGER_TEST(hostile_30_a_worker_that_never_yields_is_replaced),
        LEDGER_TEST(a_worker_with_too_much_memory_is_replaced),
        LEDGER_TEST(a_stuck_thread_is_named_and_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
