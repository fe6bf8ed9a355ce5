/* SPDX-License-Identifier: MIT */
#include "loop/forks.h"

#include <pthread.h>

#include "loop/pool.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static hem__list loops = {&loops, &loops}; /* under the mutex */

void hem__forks_lock(void)
{
    pthread_mutex_lock(&mutex);
}

void hem__forks_unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

void hem__forks_abandon(void)
{
    while (!hem__list_empty(&loops)) {
        hem_loop *l = HEM__CONTAINER(loops.next, hem_loop, link);
        hem__list_remove(&l->link);
        hem__loop_abandon(l);
    }
    hem__pool_of = NULL;
}

static void in_child(void)
{
    hem__forks_abandon();
    hem__forks_unlock();
}

static void watch_forks(void)
{
    /* Without memory for this, descriptors stay open in children of fork(). */
    (void)pthread_atfork(hem__forks_lock, hem__forks_unlock, in_child);
}

void hem__forks_add(hem_loop *l)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    hem__forks_lock();
    hem__list_insert(&loops, &l->link);
    hem__forks_unlock();
}

void hem__forks_remove(hem_loop *l)
{
    hem__forks_lock();
    hem__list_remove(&l->link);
    hem__forks_unlock();
}
