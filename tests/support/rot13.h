/* SPDX-License-Identifier: MIT */
/* A layer that rotates letters: the least that a transport can be. */
#ifndef SUPPORT_ROT13_H
#define SUPPORT_ROT13_H

#include "hem.h"

extern const hem_transport rot13;

/* How many of its layers were released. */
extern int rot13_released;

#endif
