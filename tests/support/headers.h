/* SPDX-License-Identifier: MIT */
/* What the public headers say, for tests that hold the code to it. */
#ifndef SUPPORT_HEADERS_H
#define SUPPORT_HEADERS_H

#include <stddef.h>

/*
 * Call fn for each function that include/hem/<name>.h declares, but hem__ ones,
 * with the comment before it, as one line. Returns how many there are; 0 where
 * the sources are not at hand.
 */
size_t headers_each_function(const char *name, void (*fn)(const char *function,
                                                          const char *comment));

#endif
