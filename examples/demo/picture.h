/* SPDX-License-Identifier: MIT */
/*
 * The time line of the demonstration: a bar for each program.
 */
#ifndef DEMO_PICTURE_H
#define DEMO_PICTURE_H

#include "program.h"

/* Draw the lifetimes of `n` programs that have ended, on one scale that
 * begins at `origin`. */
void picture_draw(const program *const *programs, size_t n, hem_ns origin);

#endif
