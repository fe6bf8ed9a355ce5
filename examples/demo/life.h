/* SPDX-License-Identifier: MIT */
/*
 * From when to when a process lived, for the picture.
 */
#ifndef DEMO_LIFE_H
#define DEMO_LIFE_H

#include <hem.h>

typedef struct life {
    char name[24];
    hem_ns began, told, ended; /* 0: not yet; `told`: to end */
} life;

#endif
