/* SPDX-License-Identifier: MIT */
/* Subprocesses that tests are made of: shells that report what they got. */
#ifndef SUPPORT_SHELL_H
#define SUPPORT_SHELL_H

#include "hem.h"

/* What the script prints, without its last line feed, started with `opts`,
 * which may be NULL. Valid until the next call. */
const char *shell_says(const char *script, const hem_subprocess_options *opts);

/* Start a shell that lives until it is killed. */
int shell_linger(hem_subprocess *p, const hem_subprocess_options *opts);

/* The exit code of a script, or minus the signal that killed it. */
int shell_ends(const char *script, const hem_subprocess_options *opts);

/* The descriptors of a child, as "0 1 2". */
extern const char shell_lists_descriptors[];

/* Do a test of spawning in each of the ways there are. */
#define EACH_WAY(call)                                                         \
    do {                                                                       \
        shell_share(true);                                                     \
        call;                                                                  \
        shell_share(false);                                                    \
        call;                                                                  \
        shell_share(true);                                                     \
    } while (0)

/* Have children made in the parent's memory, where that is possible, or as
 * copies. */
void shell_share(bool on);

#endif
