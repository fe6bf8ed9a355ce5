/* SPDX-License-Identifier: MIT */
/*
 * Loads: one task for each key that is not known, for all who ask meanwhile.
 *
 * Who waits does so for the outcome of the load, not for its task, so that no
 * cancellation is passed on to that. The outcome is settled by the done
 * callback of the task; this is also told of a task that was cancelled before
 * its first step.
 */
#include <string.h>

#include "flow/cache.h"
#include "task/failure.h"

static int run_load(void *arg)
{
    hem__cache_load *load = arg;
    hem_cache *c = load->cache;
    hem__cache_entry *e = load->entry;
    int rc = c->load(c->options.arg, hem__cache_key(c, e), e->value);
    e->filled = rc >= 0;
    return rc;
}

static void release(hem__cache_load *load)
{
    if (--load->refs > 0)
        return;
    hem_cache *c = load->cache;
    hem_error_release(load->error);
    hem__cache_entry_release(c, load->entry);
    hem__free(load);
    hem__cache_release(c);
}

/* The load has failed, or was cancelled. If nobody waits, nobody is told: then
 * to forget its task reports it. */
static void fail(hem__cache_load *load)
{
    hem_task *t = load->task;
    hem__cache_drop(load->cache, load->entry);
    load->error = hem_error_hold(hem_task_error(t));
    if (!hem__list_empty(&load->outcome.waiters))
        t->future.outcome.flags |= HEM__TASK_RETRIEVED;
}

/* The done callback of its task. */
static void ended(void *arg, int status)
{
    hem_loop *l = hem__loop;
    hem__cache_load *load = arg;
    hem_cache *c = load->cache;
    hem_task *t = load->task;
    load->entry->load = NULL;
    load->entry->status = status;
    hem__list_unlink(&load->link);
    c->loading--;
    if (status < 0)
        fail(load);
    else
        hem__cache_expire(c, load->entry);
    hem__cache_tell_closers(l, c, t);
    load->task = NULL;
    hem_task_forget(t);
    hem__outcome_settle(l, &load->outcome,
                        status == HEM_ECANCELED ? HEM__CANCELLED : HEM__DONE,
                        status);
    release(load);
}

static hem__cache_load *create(hem_cache *c, const void *key)
{
    hem__cache_load *load = hem__calloc(sizeof(*load));
    if (!load)
        return NULL;
    load->entry = hem__cache_entry_create(c, key);
    if (!load->entry) {
        hem__free(load);
        return NULL;
    }
    load->cache = c;
    load->refs = 1;
    c->refs++;
    hem__outcome_init(&load->outcome);
    return load;
}

int hem__cache_load_start(hem_cache *c, const void *key, hem__cache_load **ret)
{
    hem__cache_load *load = create(c, key);
    if (!load)
        return HEM_ENOMEM;
    hem_spawn_options opts = {.name = c->options.name,
                              .stack_bytes = c->options.stack_bytes,
                              .site = c->site};
    int rc = hem_spawn_with_at(&load->task, run_load, load, &opts);
    if (rc < 0) {
        release(load);
        return rc;
    }
    load->seq = c->next_seq++;
    load->entry->load = load;
    hem__list_insert(&c->loads, &load->link);
    c->loading++;
    hem__outcome_on_done(c->loop, &load->task->future.outcome, &load->done,
                         ended, load);
    hem__cache_keep(c, load->entry);
    *ret = load;
    return 0;
}

static bool cancel_wait(hem_loop *l, hem__fiber *f, const char *why)
{
    hem__list_unlink(&f->waiter.link);
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_load = {"cache", cancel_wait};

int hem__cache_give(hem_cache *c, hem__cache_entry *e, void *ret)
{
    const hem_cache_options *o = &c->options;
    int status = e->status;
    if (ret && o->copy) {
        e->refs++; /* the hook may forget it */
        int rc = o->copy(o->arg, ret, e->value);
        hem__cache_entry_release(c, e);
        HEM_TRY(rc);
    } else if (ret && o->value_bytes) {
        memcpy(ret, e->value, o->value_bytes);
    }
    return status;
}

int hem__cache_load_wait(hem_loop *l, hem_task *self, hem__cache_load *load,
                         void *ret)
{
    load->refs++;
    int rc = hem__outcome_wait(l, &self->fiber, &load->outcome, &wait_load);
    if (rc >= 0)
        rc = hem__cache_give(load->cache, load->entry, ret);
    else if (load->error && load->error->code == rc)
        hem__error_record(self, hem_error_hold(load->error));
    release(load);
    return rc;
}
