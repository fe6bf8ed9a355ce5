/* SPDX-License-Identifier: MIT */
/*
 * The time line of the demonstration: a bar for each process.
 */
#ifndef DEMO_PICTURE_H
#define DEMO_PICTURE_H

#include "life.h"

/* Draw `n` lives that have ended, on one scale that begins at `origin`. */
void picture_draw(const life *const *lives, size_t n, hem_ns origin);

#endif
