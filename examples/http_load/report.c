/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load.h"

static double seconds(hem_ns d)
{
    return (double)d / (double)HEM_SEC;
}

int load_progress(void *arg)
{
    const load *l = arg;
    bool is_tty = isatty(STDERR_FILENO);
    hem_ns step = is_tty ? 200 * HEM_MSEC : HEM_SEC;
    uint64_t before = 0;
    for (;;) {
        int rc = hem_sleep(step);
        if (rc < 0) {
            fputs(is_tty ? "\r\033[K" : "", stderr);
            return rc;
        }
        char rate[32], answered[32], lost[32];
        uint64_t now = l->account.answered;
        const load_account *a = &l->account;
        double per_second = (double)(now - before) / seconds(step);
        fprintf(stderr, "%s%5.1f s %10s requests/s %12s answered %6s lost%s",
                is_tty ? "\r\033[K" : "", seconds(hem_now() - l->begin),
                number_format(rate, (uint64_t)per_second),
                number_format(answered, now),
                number_format(lost, a->refused + a->reset + a->partial +
                                        a->timeout + a->wrong),
                is_tty ? "" : "\n");
        before = now;
    }
}

static void report_latencies(const histogram *h)
{
    static const struct {
        const char *name;
        double share;
    } shown[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};
    char text[16];
    printf("latency    ");
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
        printf("%s %s, ", shown[i].name,
               duration_format(text, histogram_quantile(h, shown[i].share)));
    printf("max %s\n\n", duration_format(text, h->max));
    histogram_draw(h, stdout);
    putchar('\n');
}

void load_report(const load *l, hem_ns elapsed)
{
    const load_account *a = &l->account;
    char total[32], rate[32];
    double time = seconds(elapsed);
    printf("requests   %s in %.2f s over %" PRIu32 " connections: %s/s, "
           "%.1f MB/s\n",
           number_format(total, a->answered), time, l->options.connections,
           number_format(rate, (uint64_t)((double)a->answered / time)),
           (double)l->bytes / 1e6 / time);
    if (a->answered > 0)
        report_latencies(&l->latencies);
    printf("account    sent %" PRIu64 " = answered %" PRIu64
           " + refused %" PRIu64 " + reset %" PRIu64 " + partial %" PRIu64
           " + timeout %" PRIu64 " + wrong %" PRIu64,
           a->sent, a->answered, a->refused, a->reset, a->partial, a->timeout,
           a->wrong);
    if (a->abandoned > 0)
        printf(" + abandoned %" PRIu64, a->abandoned);
    printf("\nconnected  %" PRIu64 " times, %" PRIu64 " told to end; %" PRIu64
           " requests sent again\n",
           a->opened, a->announced, a->retried);
    printf("lost       %" PRIu64 "\n", load_lost(l));
}

bool load_write_account(const load *l, hem_ns elapsed)
{
    const load_account *a = &l->account;
    FILE *out = fopen(l->options.account, "we");
    if (out == NULL) {
        fprintf(stderr, "http_load: cannot write '%s': %s\n",
                l->options.account, hem_strerror(-errno));
        return false;
    }
    const struct {
        const char *name;
        uint64_t value;
    } lines[] = {
        {"sent", a->sent},
        {"answered", a->answered},
        {"refused", a->refused},
        {"reset", a->reset},
        {"partial", a->partial},
        {"timeout", a->timeout},
        {"wrong", a->wrong},
        {"abandoned", a->abandoned},
        {"retried", a->retried},
        {"opened", a->opened},
        {"announced", a->announced},
        {"lost", load_lost(l)},
        {"bytes", l->bytes},
        {"elapsed_ns", (uint64_t)elapsed},
        {"p50_ns", (uint64_t)histogram_quantile(&l->latencies, 0.5)},
        {"p99_ns", (uint64_t)histogram_quantile(&l->latencies, 0.99)},
        {"max_ns", (uint64_t)l->latencies.max},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        fprintf(out, "%s %" PRIu64 "\n", lines[i].name, lines[i].value);
    bool is_bad = ferror(out) != 0;
    if (fclose(out) == 0 && !is_bad)
        return true;
    fprintf(stderr, "http_load: cannot write '%s'\n", l->options.account);
    return false;
}
