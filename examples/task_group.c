/* SPDX-License-Identifier: MIT */
/*
 * Task groups: all succeed, or the first failure cancels the rest, and what
 * failed is known as a tree. A deployment to two sites of several hosts.
 */
#include <hem.h>
#include <stdio.h>

static int deploy(void *arg)
{
    const char *host = arg;
    int rc = hem_sleep(host[0] == 'a' ? HEM_SEC : 2 * HEM_SEC);
    if (rc == 0 && host[0] == 'a' && host[1] == '2')
        return hem_fail(HEM_ENOSPC, "%s: disk full", host);
    printf("%s: %s\n", host, rc < 0 ? "rolled back" : "deployed");
    return rc;
}

static int deploy_site(void *hosts)
{
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    for (char **host = hosts; *host; host++)
        HEM_TRY(hem_scope_spawn(&s, NULL, deploy, *host));
    return hem_scope_close(&s, 0);
}

static void show(const hem_error *e, int indent)
{
    printf("%*s%s: %s\n", indent, "", e->task, e->message);
    for (size_t i = 0; i < e->count; i++)
        show(e->errors[i], indent + 2);
}

static int main_task(void *arg)
{
    (void)arg;
    char *site_a[] = {"a1", "a2", NULL}, *site_b[] = {"b1", "b2", NULL};
    HEM_SCOPE(s, .kind = HEM_TASKGROUP);
    HEM_TRY(hem_scope_spawn(&s, NULL, deploy_site, site_a));
    HEM_TRY(hem_scope_spawn(&s, NULL, deploy_site, site_b));
    if (hem_scope_close(&s, 0) == HEM_EGROUP)
        show(hem_scope_errors(&s), 0);
    return 0;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     a1: deployed
 *     b1: rolled back
 *     b2: rolled back
 *     main: several children failed
 *       deploy_site: several children failed
 *         deploy: a2: disk full
 */
