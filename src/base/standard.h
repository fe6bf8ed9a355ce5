/* SPDX-License-Identifier: MIT */
/*
 * Descriptors 0, 1 and 2. A program may be started without; then the next
 * socket would get such a number, and whatever prints would write to it. So
 * before hem opens anything, those that are closed become /dev/null, for good.
 */
#ifndef HEM__BASE_STANDARD_H
#define HEM__BASE_STANDARD_H

/* HEM_EMFILE, HEM_ENFILE, HEM_ENOMEM, HEM_ENOENT, HEM_EACCES: of open(). */
int hem__standard_ensure(void);

#endif
