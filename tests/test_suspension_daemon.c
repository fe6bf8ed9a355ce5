/* SPDX-License-Identifier: MIT */
/* What a service does to its own process, and what it tells, never suspends. */
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

CASE(notify)
{
    (void)f;
    check_int(hem_notify("READY=1"), 0);
    check_int(hem_notify_fds("READY=1", NULL, 0), 0);
    check_int(hem_fd_store("a", 0), 0);
    check_int(hem_fd_store_remove("a"), 0);
    check_int(hem_inherited_fd("a", 0), HEM_ENOENT);
    check(hem_watchdog_interval() == HEM_NEVER);
    return 0;
}

static const struct suspension table[] = {
    NEVER(hem_cpu_count, daemon),       NEVER(hem_cpu_pin, daemon),
    NEVER(hem_pid_file_create, daemon), NEVER(hem_pid_file_remove, daemon),
    NEVER(hem_user_find, daemon),       NEVER(hem_user_become, daemon),
    NEVER(hem_notify, notify),          NEVER(hem_notify_fds, notify),
    NEVER(hem_fd_store, notify),        NEVER(hem_fd_store_remove, notify),
    NEVER(hem_inherited_fd, notify),    NEVER(hem_watchdog_interval, notify),
};

int main(void)
{
    static const char *const variables[] = {"NOTIFY_SOCKET", "LISTEN_PID",
                                            "WATCHDOG_USEC"};
    for (size_t i = 0; i < COUNT_OF(variables); i++)
        unsetenv(variables[i]);
    static const char *const headers[] = {"daemon", "notify"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}
