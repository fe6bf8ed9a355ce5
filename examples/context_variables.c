/* SPDX-License-Identifier: MIT */
/*
 * Context variables: each request has its id, which all that it calls and
 * spawns can see; nobody hands it around, and no request sees another's.
 */
#include <hem.h>
#include <stdio.h>

static hem_var request_id = HEM_VAR("request_id", "-");

static int log_line(void *text)
{
    printf("[%s] %s\n", (char *)hem_var_get(&request_id), (char *)text);
    return 0;
}

static int handle(void *id)
{
    HEM_TRY(hem_var_set(&request_id, id)); /* for this task and its children */
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, log_line, "a child"));
    hem_var_token token;
    HEM_TRY(hem_var_push(&request_id, "retry", &token)); /* for a while */
    log_line("once more");
    HEM_TRY(hem_var_pop(&token));
    return hem_scope_close(&s, 0);
}

static int main_task(void *arg)
{
    (void)arg;
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, handle, "r1"));
    HEM_TRY(hem_scope_spawn(&s, NULL, handle, "r2"));
    HEM_TRY(hem_scope_close(&s, 0));
    log_line("outside");
    hem_context admin; /* a set of bindings, to call or to spawn with */
    hem_context_copy(&admin);
    int rc = hem_context_run(&admin, handle, "admin");
    hem_context_deinit(&admin);
    return rc;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     [retry] once more
 *     [retry] once more
 *     [r1] a child
 *     [r2] a child
 *     [-] outside
 *     [retry] once more
 *     [admin] a child
 */
