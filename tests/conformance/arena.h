/* SPDX-License-Identifier: MIT */
/*
 * Memory of one run: everything that belongs to a program, its parse and its
 * execution lives until the process ends, so nothing is freed one by one.
 * Without memory the process ends with a message.
 */
#ifndef CONFORMANCE_ARENA_H
#define CONFORMANCE_ARENA_H

#include <stddef.h>

/* Zeroed, aligned for everything. */
void *arena_alloc(size_t bytes);

/* A copy of the first `length` characters, terminated. */
char *arena_copy(const char *s, size_t length);

char *arena_format(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* An array in the arena that grows: make room for one element more. */
void *arena_room(void *array, size_t count, size_t *capacity, size_t element);

#endif
