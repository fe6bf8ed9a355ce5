/* SPDX-License-Identifier: MIT */
#include "hem/actx.h"

#include "flow/gen.h"
#include "flow/kept.h"

/* The body of the generator. What the manager is given must live as long as
 * it does, which may be longer than the caller's struct. */
static int run(hem_gen *g, void *arg)
{
    const hem_actx *cm = arg;
    hem_actx inner = {.gen = *g};
    return cm->fn(&inner, cm->arg);
}

int hem_actx_open_at(hem_actx *cm, hem_actx_fn *fn, void *arg, void **ret,
                     const hem_gen_options *opts)
{
    hem_loop *l = hem__loop_need("hem_actx_open");
    (void)hem__task_need(l, "hem_actx_open");
    *cm = (hem_actx){.fn = fn, .arg = arg};
    hem_gen_init_at(&cm->gen, run, cm, opts);
    int rc = hem_gen_next(&cm->gen, ret);
    if (rc == 0)
        return HEM_EREFUSED;
    cm->open = rc > 0;
    return cm->open ? 0 : rc;
}

/* It has yielded again: how the block ends. */
static int yielded_again(hem_actx *cm)
{
    int rc = hem_gen_close(&cm->gen);
    return rc < 0 ? rc : HEM_EREFUSED;
}

/* The block failed with `rc`, whose record is among what was `kept`. */
static int close_failed(hem_task *t, hem_actx *cm, int rc)
{
    hem__kept kept = hem__keep(t);
    int status = hem_gen_throw(&cm->gen, rc, NULL);
    if (status > 0)
        status = yielded_again(cm);
    hem__kept_pass(&kept, t, rc, status);
    return status;
}

int hem_actx_close(hem_actx *cm, int rc)
{
    hem_loop *l = hem__loop_need("hem_actx_close");
    hem_task *t = hem__task_need(l, "hem_actx_close");
    if (!cm->open)
        return HEM_EMISUSE;
    bool ended = hem_gen_done(&cm->gen); /* by the end of the run */
    if (!ended && cm->gen.live->running)
        return HEM_EREFUSED;
    cm->open = false;
    if (ended)
        return rc;
    if (rc < 0)
        return close_failed(t, cm, rc);
    int status = hem_gen_next(&cm->gen, NULL);
    if (status > 0)
        status = yielded_again(cm);
    return status < 0 ? status : rc;
}

void hem__actx_cleanup(hem_actx *cm)
{
    if (!cm->open)
        return;
    hem_task *t = hem__task_need(hem__loop_need("HEM_ACTX"), "HEM_ACTX");
    hem__kept kept = hem__keep(t);
    const hem__gen *live = hem_gen_done(&cm->gen) ? NULL : cm->gen.live;
    int rc;
    if (live && live->running && !live->handle && live->closer != t)
        rc = hem_await(live->closer); /* the end of the run closes it */
    else
        rc = hem_actx_close(cm, HEM_ECLOSED);
    hem__kept_restore_untold(&kept, t, rc);
}

int hem_actx_yield(hem_actx *cm, const void *value)
{
    return hem_gen_yield(&cm->gen, value);
}
