/* SPDX-License-Identifier: MIT */
/*
 * Callbacks, which run in the loop and cannot wait: a document is saved half a
 * second after the last key, and when a minute is over.
 */
#include <hem.h>
#include <stdio.h>

static void say(void *what)
{
    printf("%.1f s: %s\n", (double)hem_now() / 1e9, (char *)what);
}

static int key_pressed(hem_callback *save)
{
    say(hem_callback_cancel(save) ? "key, not yet saved" : "key");
    return hem_call_later(save, 500 * HEM_MSEC);
}

static int type(hem_callback *save)
{
    HEM_TRY(key_pressed(save));
    HEM_TRY(hem_sleep(200 * HEM_MSEC));
    HEM_TRY(key_pressed(save));
    HEM_TRY(hem_sleep(900 * HEM_MSEC));
    return key_pressed(save);
}

static int main_task(void *arg)
{
    (void)arg;
    hem_callback ready, save, minute; /* in place until they have run */
    hem_callback_init(&ready, say, "ready");
    hem_callback_init(&save, say, "save");
    hem_callback_init(&minute, say, "save, a minute is over");
    HEM_TRY(hem_call_soon(&ready));
    int rc = hem_call_at(&minute, 60 * HEM_SEC);
    if (rc == 0)
        rc = type(&save);
    hem_callback_cancel(&ready);
    hem_callback_cancel(&minute);
    say(hem_callback_cancel(&save) ? "closed, not saved" : "closed");
    return rc;
}

int main(void)
{
    hem_virtual_clock clock = {0};
    return hem_run(main_task, NULL, &(hem_run_options){.clock = &clock}) < 0;
}

/*
 * Output:
 *     0.0 s: key
 *     0.0 s: ready
 *     0.2 s: key, not yet saved
 *     0.7 s: save
 *     1.1 s: key
 *     1.1 s: closed, not saved
 */
