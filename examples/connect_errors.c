/* SPDX-License-Identifier: MIT */
/*
 * A name may have several addresses: "localhost" has two. They are tried at 250 ms
 * from each other, or as soon as one fails; the record of the failure has a member
 * for each. Nobody listens at port 1, it is hoped.
 */
#include <hem.h>
#include <stdio.h>

static int try_to_connect(const char *host)
{
    HEM_STREAM(s);
    return hem_connect(&s, host, 1,
                       &(hem_connect_options){.timeout = 5 * HEM_SEC,
                                              .attempt_delay = 100 * HEM_MSEC});
}

static int main_task(void *arg)
{
    (void)arg;
    int rc = try_to_connect("localhost");
    const hem_error *e = hem_failure();
    if (!e || e->code != rc || e->count == 0)
        return rc;
    printf("%s: %s\n", hem_errname(rc), e->message);
    printf("%zu addresses were tried, the last failure:\n", e->count);
    printf("    %s\n", e->errors[e->count - 1]->message);

    hem_stream s;
    rc = hem_connect_unix(&s, "/no/such/socket", NULL);
    printf("%s\n", hem_errname(rc));
    rc = try_to_connect("127.1"); /* an address in a disguise */
    printf("%s\n", hem_errname(rc));
    return 0;
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     HEM_ECONNREFUSED: connect to "localhost", port 1: Connection refused
 *     2 addresses were tried, the last failure:
 *         connect to 127.0.0.1:1: Connection refused
 *     HEM_ENOENT
 *     HEM_EINVAL
 */
