/* SPDX-License-Identifier: MIT */
/* The cache: corpus/SPEC.md, section 6.13. What a function returns is all that
 * is kept. */
#include <hem.h>

#include "arena.h"
#include "statement.h"
#include "template.h"
#include "trace.h"

#define CACHE (1U << OBJECT_CACHE)

static int load(void *arg, const void *key, void *ret_value)
{
    (void)arg, (void)key, (void)ret_value;
    return template_run();
}

static hem_cache *cache_of(struct object *o)
{
    if (o->state)
        return o->state;
    hem_cache_options opts = {
        .key_bytes = sizeof(int),
        .max_items = o->n < 0 ? HEM_CACHE_NO_LIMIT : (size_t)o->n,
        .expire = o->expire < 0 ? 0 : o->expire * HEM_MSEC,
        .name = task_template(o->fn),
    };
    hem_cache *c;
    if (hem_cache_create(&c, load, &opts) < 0)
        return NULL;
    return o->state = c;
}

/* The line `STATEMENT OBJECT KEY OUT`. */
static struct flow run_cached(struct activation *a, const struct node *n)
{
    (void)a;
    hem_cache *c = cache_of(n->operands[0].object);
    struct outcome o =
        outcome_of(hem_cache_get(c, &n->operands[1].number, NULL));
    trace("cached %s %d %s", n->operands[0].word, n->operands[1].number,
          outcome_text(o));
    return flow_of(o);
}

static struct flow run_info(struct activation *a, const struct node *n)
{
    (void)a;
    hem_cache_stats s = hem_cache_info(cache_of(n->operands[0].object));
    trace("cache_info %s hits=%llu misses=%llu size=%zu", n->operands[0].word,
          (unsigned long long)s.hits, (unsigned long long)s.misses, s.items);
    return flow_next();
}

static struct flow run_clear(struct activation *a, const struct node *n)
{
    (void)a;
    hem_cache_clear(cache_of(n->operands[0].object));
    trace("cache_clear %s", n->operands[0].word);
    return flow_next();
}

static struct flow run_invalidate(struct activation *a, const struct node *n)
{
    (void)a;
    hem_cache *c = cache_of(n->operands[0].object);
    trace("cache_invalidate %s %d %d", n->operands[0].word,
          n->operands[1].number,
          hem_cache_invalidate(c, &n->operands[1].number));
    return flow_next();
}

static struct flow run_close(struct activation *a, const struct node *n)
{
    (void)a;
    hem_cache *c = cache_of(n->operands[0].object);
    return exec_done_on(
        n, outcome_of(hem_cache_close(c, n->options[OPTION_WAIT] != NULL)));
}

// clang-format off
const struct statement cache_statements[] = {
    {"cached",           "OI", NULL, 0, CACHE, run_cached},
    {"cache_info",       "O",  NULL, ST_SYNC, CACHE, run_info},
    {"cache_clear",      "O",  NULL, ST_SYNC, CACHE, run_clear},
    {"cache_invalidate", "OI", NULL, ST_SYNC, CACHE, run_invalidate},
    {"cache_close",      "O",  "wait", 0, CACHE, run_close},
    {0},
};
// clang-format on
