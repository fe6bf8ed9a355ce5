/* SPDX-License-Identifier: MIT */
#include "shell.h"

#include "process/spawn.h"
#include "support.h"

const char shell_lists_descriptors[] =
    "for f in /proc/$$/fd/*; do [ -L $f ] && n=\"$n ${f##*/}\"; done; echo $n";

const char *shell_says(const char *script, const hem_subprocess_options *opts)
{
    static char said[4096];
    hem_subprocess_run_options o = {.check = true};
    if (opts)
        o.start = *opts;
    o.start.out = HEM_PIPE;
    char *argv[] = {"/bin/sh", "-c", (char *)(uintptr_t)script, NULL};
    hem_subprocess_output output;
    int rc = hem_subprocess_run(argv, &o, &output);
    if (!check_int(rc, 0) && hem_failure())
        print_error("%s: %s\n", script, hem_failure()->message);
    snprintf(said, sizeof(said), "%s", output.out ? output.out : "");
    if (*said)
        said[strlen(said) - 1] = '\0';
    hem_subprocess_output_free(&output);
    return said;
}

int shell_linger(hem_subprocess *p, const hem_subprocess_options *opts)
{
    hem_subprocess_options o = {.pdeathsig = SIGKILL};
    if (opts) {
        o = *opts;
        o.pdeathsig = SIGKILL;
    }
    return hem_subprocess_shell(p, "exec sleep 1000", &o);
}

int shell_ends(const char *script, const hem_subprocess_options *opts)
{
    hem_child_status status = {.exit_code = 255};
    HEM_SUBPROCESS(p);
    if (check_int(hem_subprocess_shell(&p, script, opts), 0))
        check_int(hem_subprocess_wait(&p, &status), 0);
    return status.signal ? -status.signal : status.exit_code;
}

void shell_share(bool on)
{
    static int best = HEM__SPAWN_UNKNOWN;
    if (best == HEM__SPAWN_UNKNOWN)
        best = atomic_load(&hem__spawn_way);
    atomic_store(&hem__spawn_way, on ? best : HEM__SPAWN_COPIES);
}
