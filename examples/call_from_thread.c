/* SPDX-License-Identifier: MIT */
/* A thread that is not hem's calls functions of the loop, which it holds. */
#include <hem.h>
#include <pthread.h>
#include <stdio.h>

struct visitor {
    pthread_t thread;
    hem_loop *loop;    /* held */
    hem_event leaving; /* the loop's */
};

static int greet(void *arg) /* a task of the loop */
{
    return printf("task: hello, %s\n", (const char *)arg);
}

static int stay(void *arg) /* another */
{
    struct visitor *v = arg;
    hem_event_set(&v->leaving);
    return hem_sleep(HEM_NEVER);
}

static void *visit(void *arg) /* the thread */
{
    struct visitor *v = arg;
    int result = 0;
    int rc = hem_call_from_thread(v->loop, greet, "world", &result);
    printf("thread: %d, %d bytes\n", rc, result);
    while (rc == 0)
        rc = hem_call_from_thread(v->loop, stay, v, &result);
    printf("thread: %s, %s\n", hem_errname(result), hem_errname(rc));
    hem_loop_release(v->loop);
    return NULL;
}

static int main_task(void *arg)
{
    struct visitor *v = arg;
    v->loop = hem_loop_hold(hem_loop_current());
    hem_event_init(&v->leaving);
    int rc = pthread_create(&v->thread, NULL, visit, v);
    return rc ? -rc : hem_event_wait(&v->leaving);
}

int main(void)
{
    struct visitor v;
    return hem_run(main_task, &v, NULL) < 0 || pthread_join(v.thread, NULL);
}

/*
 * Output:
 *     task: hello, world
 *     thread: 0, 19 bytes
 *     thread: HEM_ECANCELED, HEM_ESHUTDOWN
 */
