/* SPDX-License-Identifier: MIT */
/*
 * A thread that is a worker. It talks to the parent's thread as a process would:
 * through its channel and its slot, and shares nothing else with it.
 */
#include <unistd.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "service/worker.h"

struct thread_worker {
    hem__worker_start start;
    int channel;
    int last; /* the same, for the last word, when the loop has closed it */
};

static int be_worker(const struct thread_worker *t)
{
    hem__thread_index_set((int)t->start.index);
    int rc = hem__worker_pin(&t->start);
    if (rc == 0)
        return hem__worker_run(&t->start, t->channel);
    hem__worker_failed(&t->start, t->channel, rc, hem_strerror(rc));
    close(t->channel);
    return rc;
}

static void *thread_main(void *arg)
{
    struct thread_worker *t = arg;
    int last = t->last;
    int rc = be_worker(t);
    hem__free(t);
    hem__message m;
    hem__message_make(&m, HEM__MESSAGE_DONE, rc, NULL);
    (void)!hem__channel_send_raw(last, &m); /* its end says the same */
    close(last);
    return NULL;
}

static int start_thread(pthread_t *ret, struct thread_worker *t)
{
    t->last = hem__sys_fcntl_dup(t->channel, 0);
    if (t->last < 0)
        return t->last;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = hem__sys_thread_create(ret, NULL, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc < 0)
        close(t->last);
    return rc;
}

int hem__thread_worker_start(pthread_t *ret, const hem__worker_start *start,
                             int channel)
{
    struct thread_worker *t = hem__alloc(sizeof(*t));
    int rc = HEM_ENOMEM;
    if (t) {
        *t = (struct thread_worker){.start = *start, .channel = channel};
        rc = start_thread(ret, t);
    }
    if (rc < 0) {
        hem__free(t);
        close(channel);
    }
    return rc;
}
