/* SPDX-License-Identifier: MIT */
/*
 * Several hosts at once: a subprocess for each, all of them within a second;
 * what does not answer by then is terminated. After the guide to asyncio,
 * whose example is ping; the shell's `ping` here needs no network.
 */
#include <hem.h>
#include <stdio.h>

static const char ping[] = "case $0 in localhost) echo up;; "
                           "slow) exec sleep 1000;; *) exit 2;; esac";

struct host {
    char *name;
    char answer[40];
};

static int ping_host(void *arg)
{
    struct host *h = arg;
    char *argv[] = {"sh", "-c", (char *)ping, h->name, NULL};
    hem_subprocess_output o;
    hem_subprocess_run_options r = {.start = {.out = HEM_PIPE},
                                    .communicate = {.timeout = HEM_SEC},
                                    .check = true};
    int rc = hem_subprocess_run(argv, &r, &o);
    if (rc == 0)
        snprintf(h->answer, sizeof(h->answer), "%.*s", (int)o.out_size - 1,
                 o.out);
    hem_subprocess_output_free(&o);
    return rc;
}

static int main_task(void *arg)
{
    struct host hosts[] = {{"localhost", ""}, {"slow", ""}, {"nowhere", ""}};
    (void)arg;
    hem_call c[3];
    for (int i = 0; i < 3; i++)
        c[i] = (hem_call)HEM_CALL(ping_host, &hosts[i]);
    HEM_TRY(hem_gather(c, 3, HEM_RETURN_ERRORS | HEM_QUIET));
    for (int i = 0; i < 3; i++) {
        bool up = c[i].status == 0;
        printf("%s: %s\n", hosts[i].name,
               up ? hosts[i].answer : hem_strerror(c[i].status));
    }
    return 0;
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     localhost: up
 *     slow: timed out
 *     nowhere: process exited with a failure
 */
