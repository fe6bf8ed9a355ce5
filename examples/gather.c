/* SPDX-License-Identifier: MIT */
/*
 * hem_gather(): several calls at once. All of them, or the first error; with
 * HEM_RETURN_ERRORS failures are results, and are reported besides.
 */
#include <hem.h>
#include <stdio.h>

struct quote {
    const char *shop;
    int price; /* 0: the shop has none */
};

static int get_quote(void *arg)
{
    const struct quote *q = arg;
    HEM_TRY(hem_sleep(q->price * HEM_MSEC));
    return q->price ? q->price : hem_fail(HEM_ENOENT, "%s: none", q->shop);
}

static int compare(struct quote *a, struct quote *b, unsigned flags)
{
    hem_call c[] = {HEM_CALL(get_quote, a),
                    HEM_CALL(get_quote, b, .name = "other quote")};
    int rc = hem_gather(c, 2, flags);
    printf("%s: %d %d\n", rc < 0 ? hem_failure_text(rc) : "both", c[0].status,
           c[1].status);
    return rc == HEM_ENOENT ? 0 : rc;
}

static int main_task(void *arg)
{
    (void)arg;
    struct quote north = {"north", 120}, south = {"south", 0},
                 west = {"west", 90};
    HEM_TRY(compare(&north, &west, 0));
    HEM_TRY(compare(&north, &south, 0)); /* cancels the call to north */
    return compare(&north, &south, HEM_RETURN_ERRORS);
}

static void report(void *arg, const hem_report *r)
{
    (void)arg;
    printf("report: %s: %s\n", hem_task_name(r->task), r->error->message);
}

int main(void)
{
    hem_virtual_clock clock = {0};
    hem_run_options o = {.clock = &clock, .on_report = report};
    return hem_run(main_task, NULL, &o) < 0;
}

/*
 * Output:
 *     both: 120 90
 *     south: none: -125 -2
 *     report: other quote: south: none
 *     both: 120 -2
 */
