/* SPDX-License-Identifier: MIT */
/* All that may happen to a service, in any order (HEM_SEED), and at once. When
 * it is over the service is whole again, and ends as it should. */
#include "support.h"

#include <signal.h>

#include "prefork.h"

#define ACTS 150

static uint64_t random_state;

/* One of `n`. */
static unsigned pick(unsigned n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(random_state >> 33) % n;
}

/* Some ask to be replaced. */
static int serve(hem_worker *w, void *arg)
{
    hem_worker_ready(w);
    if ((hem_worker_index(w) + hem_worker_generation(w)) % 8 == 7)
        hem_worker_replace(w, "test");
    return prefork_serve(w, arg);
}

/* Whether it has ended, as the service knows. */
static bool has_ended(const struct prefork *p, pid_t pid)
{
    const hem_prefork_event *e;
    for (size_t n = 0;
         (e = prefork_event(p, HEM_WORKER_HAS_ENDED, -1, n)) != NULL; n++) {
        if (e->pid == pid)
            return true;
    }
    return false;
}

/* Send a signal to one of the last that were started, if it lives. */
static void send_to_some(const struct prefork *p, int signo)
{
    unsigned n = (unsigned)prefork_count(p, HEM_WORKER_IS_STARTED, -1);
    if (!check(n > 0))
        return;
    unsigned latest = n < 8 ? n : 8;
    pid_t pid =
        prefork_event(p, HEM_WORKER_IS_STARTED, -1, n - 1 - pick(latest))->pid;
    if (!has_ended(p, pid))
        (void)kill(pid, signo);
}

/* Those that are stopped, go on. */
static void continue_all(const struct prefork *p)
{
    const hem_prefork_event *e;
    for (size_t n = 0;
         (e = prefork_event(p, HEM_WORKER_IS_STARTED, -1, n)) != NULL; n++) {
        if (!has_ended(p, e->pid))
            (void)kill(e->pid, SIGCONT);
    }
}

/* Until a rolling restart has replaced all: nobody who was killed before is
 * left to be noticed. */
static void reload_all(struct prefork *p)
{
    const hem_prefork_event *last = NULL;
    while (!last || last->error < 0) {
        unsigned n = (unsigned)prefork_count(p, HEM_SERVICE_RELOADS, -1);
        prefork_await(p, PREFORK_RELOADED, n); /* those under way */
        prefork_signal(p, SIGHUP);
        prefork_await(p, PREFORK_RELOADED, n + 1);
        last = prefork_event(p, HEM_SERVICE_RELOADED, -1, n);
    }
}

static void act(struct prefork *p)
{
    static const int signals[] = {SIGTTIN, SIGTTOU, SIGHUP, SIGHUP};
    unsigned what = pick(16);
    if (what < COUNT_OF(signals)) {
        prefork_signal(p, signals[what]);
    } else if (what < 9) {
        send_to_some(p, SIGKILL);
    } else if (what < 13) {
        send_to_some(p, SIGSTOP);
    } else { /* a lull */
        continue_all(p);
        reload_all(p);
    }
}

static void storm(hem_ns heartbeat)
{
    struct ending e;
    struct prefork p = {.worker = serve,
                        .options = {.num_workers = 3,
                                    .max_workers = 6,
                                    .restart = HEM_RESTART_ALWAYS,
                                    .backoff_min = HEM_USEC,
                                    .backoff_max = HEM_MSEC,
                                    .heartbeat = heartbeat,
                                    .grace = HEM_NEVER}};
    const char *seed = getenv("HEM_SEED");
    random_state = seed ? strtoull(seed, NULL, 10) : 0;
    prefork_start_ready(&p);
    for (int n = 0; n < ACTS; n++)
        act(&p);
    continue_all(&p);
    reload_all(&p);
    prefork_signal(&p, SIGTERM);
    prefork_end(&p, &e);
    check_int(prefork_count(&p, HEM_WORKER_IS_STARTED, -1),
              prefork_count(&p, HEM_WORKER_HAS_ENDED, -1));
    prefork_free(&p);
    run_assert_checks();
}

static void hostile_30_a_service_outlives_storms(void **state)
{
    (void)state;
    storm(0);
}

static void hostile_30_a_service_with_heartbeats_outlives_storms(void **state)
{
    (void)state;
    storm(10 * HEM_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(hostile_30_a_service_outlives_storms),
        LEDGER_TEST(hostile_30_a_service_with_heartbeats_outlives_storms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
