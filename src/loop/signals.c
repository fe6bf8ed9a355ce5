/* SPDX-License-Identifier: MIT */
#include "loop/signals.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/sys.h"
#include "loop/fd.h"

struct hem__signals {
    hem__fd fd;      /* the signalfd */
    hem__list boxes; /* all that are open */
    hem__list
        queues[HEM__SIGNAL_COUNT]; /* of each number, in order of opening */
    hem__signal_mask wanted;       /* numbers that have a queue */
    hem__signal_mask held;         /* of these, left to the kernel */
    hem__signal_mask added;        /* of these, blocked by us */
    uint64_t serial;               /* arrivals so far */
};

static hem__signal_mask bit_of(int signo)
{
    return UINT64_C(1) << (signo - 1);
}

/* Those that are delivered to the thread that made the mistake, or cannot be
 * caught. */
static bool unfit(int signo)
{
    switch (signo) {
    case SIGKILL:
    case SIGSTOP:
    case SIGSEGV:
    case SIGBUS:
    case SIGFPE:
    case SIGILL:
        return true;
    default:
        return signo < 1 || signo > HEM__SIGNAL_COUNT;
    }
}

hem__signal_mask hem__signal_mask_of(const int *signals)
{
    hem__signal_mask mask = 0;
    sigset_t set;
    sigemptyset(&set);
    for (; *signals; signals++) {
        if (unfit(*signals) || sigaddset(&set, *signals) < 0)
            return 0;
        mask |= bit_of(*signals);
    }
    return mask;
}

static void to_set(sigset_t *ret, hem__signal_mask mask)
{
    sigemptyset(ret);
    for (int signo = 1; signo <= HEM__SIGNAL_COUNT; signo++) {
        if (mask & bit_of(signo))
            sigaddset(ret, signo);
    }
}

/* Block the signals of `mask` on this thread; returns those that were not. */
static hem__signal_mask block(hem__signal_mask mask)
{
    sigset_t set, before;
    to_set(&set, mask);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    hem__signal_mask added = 0;
    for (int signo = 1; signo <= HEM__SIGNAL_COUNT; signo++) {
        if (mask & bit_of(signo) && sigismember(&before, signo) == 0)
            added |= bit_of(signo);
    }
    return added;
}

static void unblock(hem__signal_mask mask)
{
    sigset_t set;
    to_set(&set, mask);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Have the descriptor receive what is wanted and not held. */
static void set_mask(const struct hem__signals *g)
{
    sigset_t set;
    to_set(&set, g->wanted & ~g->held);
    (void)signalfd(g->fd.fd, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool has_room(const hem__list *queues, uint32_t places)
{
    for (hem__list *e = queues->next; e != queues; e = e->next) {
        const hem__signal_queue *q = HEM__CONTAINER(e, hem__signal_queue, link);
        if (q->room > 1 && q->room - q->count < places)
            return false;
    }
    return true;
}

/* Hold the numbers that lack room for another batch. */
static void hold(struct hem__signals *g, hem__signal_mask came)
{
    hem__signal_mask before = g->held;
    for (int signo = SIGSYS + 1; signo <= HEM__SIGNAL_COUNT; signo++) {
        if (came & bit_of(signo) &&
            !has_room(&g->queues[signo - 1], HEM__SIGNAL_BATCH))
            g->held |= bit_of(signo);
    }
    if (g->held != before)
        set_mask(g);
}

/* Let number `signo` come again if there is room. */
static void let_come(struct hem__signals *g, int signo)
{
    if (!(g->held & bit_of(signo)) ||
        !has_room(&g->queues[signo - 1], HEM__SIGNAL_ROOM / 2))
        return;
    g->held &= ~bit_of(signo);
    set_mask(g);
}

static void put(hem__signal_queue *q, const hem_signal_info *info,
                uint64_t serial)
{
    bool again = q->room == 1 && q->count == 1;
    if (!again) {
        HEM__ASSERT(q->count < q->room);
        q->count++;
        q->box->unread++;
    }
    hem__signal_entry *e = &q->entries[(q->first + q->count - 1) % q->room];
    uint64_t since = again ? e->since : serial;
    *e = (hem__signal_entry){.info = *info, .serial = serial, .since = since};
    q->box->arrived(q->box->owner);
}

static hem_signal_info translate(const struct signalfd_siginfo *i)
{
    return (hem_signal_info){.signo = (int)i->ssi_signo,
                             .code = i->ssi_code,
                             .pid = (pid_t)i->ssi_pid,
                             .uid = (uid_t)i->ssi_uid,
                             .status = i->ssi_status,
                             .value = i->ssi_int,
                             .pointer = (void *)(uintptr_t)i->ssi_ptr};
}

void hem__signals_read(hem_loop *l)
{
    struct hem__signals *g = l->signals;
    struct signalfd_siginfo batch[HEM__SIGNAL_BATCH];
    int n = hem__sys_read_signals(g->fd.fd, batch, HEM__SIGNAL_BATCH);
    hem__signal_mask came = 0;
    for (int i = 0; i < n; i++) {
        hem_signal_info info = translate(&batch[i]);
        hem__list *queues = &g->queues[info.signo - 1];
        g->serial++;
        for (hem__list *e = queues->next; e != queues; e = e->next)
            put(HEM__CONTAINER(e, hem__signal_queue, link), &info, g->serial);
        came |= bit_of(info.signo);
    }
    hold(g, came);
}

static void on_ready(hem__fd *d)
{
    (void)d;
    hem__signals_read(hem__loop);
}

/* The others, who have a copy of what was taken from `q`, need not see to it
 * that it is not lost. */
static void mark_taken(const hem__list *queues, const hem__signal_queue *q,
                       uint64_t serial)
{
    for (hem__list *e = queues->next; e != queues; e = e->next) {
        hem__signal_queue *other = HEM__CONTAINER(e, hem__signal_queue, link);
        for (uint32_t i = 0; other != q && i < other->count; i++) {
            hem__signal_entry *x =
                &other->entries[(other->first + i) % other->room];
            if (x->serial == serial)
                x->taken = true;
            if (x->serial >= serial)
                break;
        }
    }
}

hem_signal_info hem__signals_take(hem_loop *l, hem__signal_box *box)
{
    HEM__ASSERT(box->unread > 0);
    hem__signal_queue *q = NULL;
    for (uint32_t i = 0; i < box->count; i++) {
        hem__signal_queue *at = &box->queues[i];
        if (at->count &&
            (!q || at->entries[at->first].since < q->entries[q->first].since))
            q = at;
    }
    hem__signal_entry e = q->entries[q->first];
    q->first = (q->first + 1) % q->room;
    q->count--;
    box->unread--;
    mark_taken(&l->signals->queues[q->signo - 1], q, e.serial);
    let_come(l->signals, q->signo);
    return e.info;
}

static uint32_t room_of(int signo)
{
    return signo > SIGSYS ? HEM__SIGNAL_ROOM : 1;
}

static hem__signal_box *box_create(hem__signal_mask mask)
{
    uint32_t count = 0, room = 0;
    for (int signo = 1; signo <= HEM__SIGNAL_COUNT; signo++) {
        if (mask & bit_of(signo)) {
            count++;
            room += room_of(signo);
        }
    }
    size_t bytes = sizeof(hem__signal_box) + count * sizeof(hem__signal_queue);
    hem__signal_box *box =
        hem__calloc(bytes + room * sizeof(hem__signal_entry));
    if (!box)
        return NULL;
    hem__signal_entry *entries = (void *)((char *)box + bytes);
    for (int signo = 1; signo <= HEM__SIGNAL_COUNT; signo++) {
        if (!(mask & bit_of(signo)))
            continue;
        hem__signal_queue *q = &box->queues[box->count++];
        *q = (hem__signal_queue){.box = box,
                                 .entries = entries,
                                 .room = room_of(signo),
                                 .signo = signo};
        entries += q->room;
    }
    return box;
}

/* Make the signalfd. */
static int open_fd(hem_loop *l, struct hem__signals *g, const sigset_t *set)
{
    int fd = hem__sys_signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return fd;
    int rc = hem__fd_init(l, &g->fd, fd);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    g->fd.on_ready = on_ready;
    rc = hem__fd_watch(l, &g->fd, HEM__FD_READ | HEM__FD_LEVEL);
    if (rc < 0)
        (void)hem__fd_close(l, &g->fd);
    return rc;
}

/* Have the numbers of `mask` received as well. */
static int want(hem_loop *l, struct hem__signals *g, hem__signal_mask mask)
{
    sigset_t set;
    to_set(&set, (g->wanted | mask) & ~g->held);
    int rc = 0;
    if (!hem__fd_is_open(&g->fd))
        rc = open_fd(l, g, &set);
    else if (mask & ~g->wanted)
        rc = hem__sys_signalfd(g->fd.fd, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (rc < 0)
        return rc;
    g->added |= block(mask & ~g->wanted);
    g->wanted |= mask;
    return 0;
}

static struct hem__signals *signals_of(hem_loop *l)
{
    if (l->signals)
        return l->signals;
    struct hem__signals *g = hem__calloc(sizeof(*g));
    if (!g)
        return NULL;
    hem__list_init(&g->boxes);
    for (int i = 0; i < HEM__SIGNAL_COUNT; i++)
        hem__list_init(&g->queues[i]);
    return l->signals = g;
}

/* Nobody receives anything any more. */
static void release(hem_loop *l)
{
    struct hem__signals *g = l->signals;
    if (!hem__list_empty(&g->boxes))
        return;
    if (hem__fd_is_open(&g->fd))
        (void)hem__fd_close(l, &g->fd);
    hem__free(g);
    l->signals = NULL;
}

int hem__signals_open(hem_loop *l, hem__signal_mask mask,
                      void (*arrived)(void *owner), void *owner,
                      hem__signal_box **ret)
{
    struct hem__signals *g = mask ? signals_of(l) : NULL;
    if (!g)
        return mask ? HEM_ENOMEM : HEM_EINVAL;
    hem__signal_box *box = box_create(mask);
    int rc = box ? want(l, g, mask) : HEM_ENOMEM;
    if (rc < 0) {
        hem__free(box);
        release(l);
        return rc;
    }
    box->arrived = arrived;
    box->owner = owner;
    hem__list_insert(&g->boxes, &box->link);
    for (uint32_t i = 0; i < box->count; i++) {
        hem__signal_queue *q = &box->queues[i];
        hem__list_insert(&g->queues[q->signo - 1], &q->link);
    }
    *ret = box;
    return 0;
}

/* Send a signal to this thread, which blocks it, as it came. */
static void give_back(const hem_signal_info *i)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_signo = i->signo;
    info.si_code = i->code;
    info.si_pid = i->pid;
    info.si_uid = i->uid;
    if (i->signo == SIGCHLD)
        info.si_status = i->status;
    else
        info.si_value.sival_ptr = i->pointer;
    (void)syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid),
                  i->signo, &info);
}

/* Take `q` out. Returns its number's bit if it was the last of the number. */
static hem__signal_mask remove_queue(struct hem__signals *g,
                                     hem__signal_queue *q)
{
    hem__list *queues = &g->queues[q->signo - 1];
    hem__list_unlink(&q->link);
    if (!hem__list_empty(queues)) {
        let_come(g, q->signo);
        return 0;
    }
    for (uint32_t i = 0; i < q->count; i++) {
        const hem__signal_entry *e = &q->entries[(q->first + i) % q->room];
        if (!e->taken)
            give_back(&e->info);
    }
    return bit_of(q->signo);
}

void hem__signals_close(hem_loop *l, hem__signal_box *box)
{
    struct hem__signals *g = l->signals;
    hem__signal_mask gone = 0;
    for (uint32_t i = 0; i < box->count; i++)
        gone |= remove_queue(g, &box->queues[i]);
    hem__list_unlink(&box->link);
    hem__free(box);
    hem__signal_mask free = g->added & gone;
    g->wanted &= ~gone;
    g->held &= ~gone;
    g->added &= ~gone;
    if (gone)
        set_mask(g);
    release(l);
    unblock(free);
}

void hem__signals_deinit(hem_loop *l)
{
    while (l->signals)
        hem__signals_close(
            l, HEM__CONTAINER(l->signals->boxes.next, hem__signal_box, link));
}
