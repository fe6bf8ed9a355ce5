/* SPDX-License-Identifier: MIT */
#include "base/hash_map.h"

#include <string.h>
#include <sys/auxv.h>

#include "base/alloc.h"
#include "hem/error.h"

#define FIRST_BUCKETS ((size_t)16)

/* SipHash: four words of state, mixed by additions, rotations and xors. */
struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void mix(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline void absorb(struct sip *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s);
    s->v0 ^= word;
}

/* The kernel gives each process 16 random bytes. The C library has its own use
 * for them; nothing of them can be seen in the order of a map. */
static void random_key(uint64_t ret[2])
{
    const void *bytes = (const void *)(uintptr_t)getauxval(AT_RANDOM);
    if (bytes)
        memcpy(ret, bytes, 2 * sizeof(*ret));
    else
        ret[0] = ret[1] = (uintptr_t)random_key;
}

uint64_t hem__hash(const void *key, size_t bytes)
{
    uint64_t k[2];
    random_key(k);
    struct sip s = {k[0] ^ UINT64_C(0x736f6d6570736575),
                    k[1] ^ UINT64_C(0x646f72616e646f6d),
                    k[0] ^ UINT64_C(0x6c7967656e657261),
                    k[1] ^ UINT64_C(0x7465646279746573)};
    const unsigned char *p = key;
    size_t left = bytes;
    for (; left >= sizeof(uint64_t); left -= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, p, sizeof(word));
        absorb(&s, word);
        p += sizeof(word);
    }
    uint64_t last = (uint64_t)bytes << 56;
    for (size_t i = 0; i < left; i++)
        last |= (uint64_t)p[i] << (8 * i);
    absorb(&s, last);
    s.v2 ^= 0xff;
    mix(&s);
    mix(&s);
    mix(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

int hem__hash_map_init(hem__hash_map *m)
{
    hem__hash_node **buckets = hem__calloc(FIRST_BUCKETS * sizeof(*buckets));
    if (!buckets)
        return HEM_ENOMEM;
    *m = (hem__hash_map){.buckets = buckets, .mask = FIRST_BUCKETS - 1};
    return 0;
}

void hem__hash_map_deinit(hem__hash_map *m)
{
    hem__free(m->buckets);
    *m = (hem__hash_map){0};
}

static hem__hash_node *with_hash(hem__hash_node *n, uint64_t hash)
{
    while (n && n->hash != hash)
        n = n->next;
    return n;
}

hem__hash_node *hem__hash_map_find(const hem__hash_map *m, uint64_t hash)
{
    return with_hash(m->buckets[hash & m->mask], hash);
}

hem__hash_node *hem__hash_map_next(const hem__hash_node *n)
{
    return with_hash(n->next, n->hash);
}

static void push(hem__hash_node **buckets, size_t mask, hem__hash_node *n)
{
    hem__hash_node **bucket = &buckets[n->hash & mask];
    n->next = *bucket;
    *bucket = n;
}

/* Double the buckets, or go on with those that there are. */
static void grow(hem__hash_map *m)
{
    size_t count = (m->mask + 1) * 2;
    hem__hash_node **buckets = hem__calloc(count * sizeof(hem__hash_node *));
    if (!buckets)
        return;
    for (size_t i = 0; i <= m->mask; i++) {
        while (m->buckets[i]) {
            hem__hash_node *n = m->buckets[i];
            m->buckets[i] = n->next;
            push(buckets, count - 1, n);
        }
    }
    hem__free(m->buckets);
    m->buckets = buckets;
    m->mask = count - 1;
}

void hem__hash_map_add(hem__hash_map *m, hem__hash_node *n, uint64_t hash)
{
    if (m->count > m->mask)
        grow(m);
    n->hash = hash;
    push(m->buckets, m->mask, n);
    m->count++;
}

void hem__hash_map_remove(hem__hash_map *m, hem__hash_node *n)
{
    hem__hash_node **at = &m->buckets[n->hash & m->mask];
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    m->count--;
}
