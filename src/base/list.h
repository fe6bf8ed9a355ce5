/* SPDX-License-Identifier: MIT */
/*
 * Intrusive doubly linked rings. A head and its elements are the same struct;
 * an element in no ring points at itself, so removing it again is harmless.
 */
#ifndef HEM__BASE_LIST_H
#define HEM__BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "hem/base.h"

typedef struct hem__list hem__list;

/* The struct of which `ptr` points at `member`. */
#define HEM__CONTAINER(ptr, type, member)                                      \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define HEM__CONST_CONTAINER(ptr, type, member)                                \
    ((const type *)(const void *)((const char *)(ptr)-offsetof(type, member)))

static inline void hem__list_init(hem__list *l)
{
    l->next = l;
    l->prev = l;
}

static inline bool hem__list_empty(const hem__list *head)
{
    return head->next == head;
}

/* Put `e`, in no ring, before `at`: at the end, if that is the head. */
static inline void hem__list_insert(hem__list *at, hem__list *e)
{
    hem__list *prev = at->prev;
    e->next = at;
    e->prev = prev;
    prev->next = e;
    at->prev = e;
}

/* Unlink without making `e` usable again: for what is freed or relinked. */
static inline void hem__list_unlink(hem__list *e)
{
    e->prev->next = e->next;
    e->next->prev = e->prev;
}

static inline void hem__list_remove(hem__list *e)
{
    hem__list_unlink(e);
    hem__list_init(e);
}

#endif
