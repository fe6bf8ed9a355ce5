/* SPDX-License-Identifier: MIT */
/* What a service does to its own process never suspends. */
#include "support.h"
#include "suspension.h"

CASE(daemon)
{
    hem_pid_file p = {.held = NULL};
    hem_user u;
    (void)f;
    check(hem_cpu_count() >= 1);
    check_int(hem_cpu_pin(0), 0);
    check_int(hem_pid_file_create(&p, ""), HEM_EINVAL);
    hem_pid_file_remove(&p);
    check_int(hem_user_find(&u, "", NULL), HEM_EINVAL);
    u = (hem_user){.uid = (uid_t)-1};
    check_int(hem_user_become(&u), HEM_EINVAL);
    return 0;
}

static const struct suspension table[] = {
    NEVER(hem_cpu_count, daemon),       NEVER(hem_cpu_pin, daemon),
    NEVER(hem_pid_file_create, daemon), NEVER(hem_pid_file_remove, daemon),
    NEVER(hem_user_find, daemon),       NEVER(hem_user_become, daemon),
};

int main(void)
{
    static const char *const headers[] = {"daemon"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}
