/* SPDX-License-Identifier: MIT */
/*
 * Intrusive hash maps: what is put in has a node, and a bucket is a chain of
 * nodes. The array of buckets doubles as the map fills; where memory lacks for
 * that, the chains get longer instead: so adding never fails once the map is
 * made, and removing never allocates.
 *
 * Keys are hashed by SipHash-1-3 with a key that differs from process to
 * process: who chooses the keys from outside cannot choose their buckets.
 */
#ifndef HEM__BASE_HASH_MAP_H
#define HEM__BASE_HASH_MAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct hem__hash_node {
    struct hem__hash_node *next; /* in its bucket */
    uint64_t hash;               /* of its key */
} hem__hash_node;

typedef struct hem__hash_map {
    hem__hash_node **buckets;
    size_t mask;  /* number of buckets, a power of two, less 1 */
    size_t count; /* of nodes */
} hem__hash_map;

uint64_t hem__hash(const void *key, size_t bytes);

/* Make an empty map. HEM_ENOMEM. */
int hem__hash_map_init(hem__hash_map *m);

/* Nobody cares for the nodes any more. */
void hem__hash_map_deinit(hem__hash_map *m);

/* The first node with that hash, and the next one after it; NULL: none. */
hem__hash_node *hem__hash_map_find(const hem__hash_map *m, uint64_t hash);
hem__hash_node *hem__hash_map_next(const hem__hash_node *n);

/* Add a node, before others with the same hash. */
void hem__hash_map_add(hem__hash_map *m, hem__hash_node *n, uint64_t hash);

/* Take a node out that is in. */
void hem__hash_map_remove(hem__hash_map *m, hem__hash_node *n);

#endif
