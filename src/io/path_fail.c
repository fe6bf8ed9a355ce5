/* SPDX-License-Identifier: MIT */
/* Records of failures of calls that were given a path. The end of a long path
 * tells more than its beginning, and the reason is not to be cut off. */
#include <string.h>

#include "hem/failure.h"
#include "io/file.h"

#define SHOWN_MAX ((size_t)380) /* bytes of paths in a message */

static const char *cut(const char *path, size_t most, const char **ret_dots)
{
    size_t n = strlen(path);
    *ret_dots = n > most ? "..." : "";
    return n > most ? path + n - most : path;
}

int hem__path_fail(int rc, const char *what, const char *path)
{
    if (rc == HEM_ECANCELED)
        return rc;
    const char *dots;
    const char *shown = cut(path, SHOWN_MAX, &dots);
    return hem_fail(rc, "%s \"%s%s\": %s", what, dots, shown, hem_strerror(rc));
}

int hem__path_fail_of_two(int rc, const char *what, const char *from,
                          const char *to)
{
    if (rc == HEM_ECANCELED)
        return rc;
    const char *dots, *to_dots;
    const char *shown = cut(from, SHOWN_MAX / 2, &dots);
    const char *to_shown = cut(to, SHOWN_MAX / 2, &to_dots);
    return hem_fail(rc, "%s \"%s%s\" to \"%s%s\": %s", what, dots, shown,
                    to_dots, to_shown, hem_strerror(rc));
}
