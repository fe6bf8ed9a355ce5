/* SPDX-License-Identifier: MIT */
#include "base/standard.h"

#include "base/sys.h"

int hem__standard_ensure(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        /* It gets the lowest number there is. Programs that are run inherit
         * it, as they do all three. */
        int rc = hem__sys_open("/dev/null", O_RDWR, 0);
        if (rc < 0)
            return rc;
        if (rc > STDERR_FILENO)
            close(rc); /* another thread was faster */
    }
    return 0;
}
