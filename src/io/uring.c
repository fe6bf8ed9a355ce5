/* SPDX-License-Identifier: MIT */
#include "io/uring.h"

#include <linux/io_uring.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sys.h"

#define ENTRIES 64
/* One mapping for both queues, completions that are not lost, and, with
 * Linux 5.6, the operations that are used here. */
#define NEEDED                                                                 \
    (IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS)

struct hem__uring {
    hem__fd fd; /* must be first */
    void *queues;
    size_t queues_bytes;
    struct io_uring_sqe *entries;
    size_t entries_bytes;
    uint32_t tail; /* of the submissions */
    uint32_t mask;
    _Atomic(uint32_t) *shared_tail;
    _Atomic(uint32_t) *done_head;
    _Atomic(uint32_t) *done_tail;
    uint32_t done_mask;
    const struct io_uring_cqe *done;
    uint32_t under_way;
    uint32_t under_way_max;
};

static void complete(hem_loop *l, const struct io_uring_cqe *e)
{
    hem__uring_op *op = (hem__uring_op *)(uintptr_t)e->user_data;
    l->outside--;
    op->result = e->res;
    op->done = true;
    if (op->left)
        op->drop(op);
    else if (op->fiber)
        hem__wake(l, op->fiber, 0);
}

/* Take all that is complete. */
static void take(hem_loop *l, hem__uring *r)
{
    uint32_t head = atomic_load_explicit(r->done_head, memory_order_relaxed);
    while (head != atomic_load_explicit(r->done_tail, memory_order_acquire)) {
        struct io_uring_cqe e = r->done[head & r->done_mask];
        atomic_store_explicit(r->done_head, ++head, memory_order_release);
        r->under_way--;
        complete(l, &e);
    }
}

static void on_ready(hem__fd *fd)
{
    take(hem__loop, (hem__uring *)(void *)fd);
}

static void find_queues(hem__uring *r, const struct io_uring_params *p)
{
    char *base = r->queues;
    uint32_t *order = (uint32_t *)(void *)(base + p->sq_off.array);
    r->mask = *(uint32_t *)(void *)(base + p->sq_off.ring_mask);
    r->shared_tail = (_Atomic(uint32_t) *)(void *)(base + p->sq_off.tail);
    r->done_mask = *(uint32_t *)(void *)(base + p->cq_off.ring_mask);
    r->done_head = (_Atomic(uint32_t) *)(void *)(base + p->cq_off.head);
    r->done_tail = (_Atomic(uint32_t) *)(void *)(base + p->cq_off.tail);
    r->done = (const struct io_uring_cqe *)(void *)(base + p->cq_off.cqes);
    r->under_way_max = p->cq_entries;
    for (uint32_t i = 0; i < p->sq_entries; i++)
        order[i] = i;
}

static int map_queues(hem__uring *r, int fd, const struct io_uring_params *p)
{
    size_t submissions = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
    size_t done = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
    void *entries;
    r->queues_bytes = submissions > done ? submissions : done;
    r->entries_bytes = p->sq_entries * sizeof(struct io_uring_sqe);
    HEM_TRY(hem__sys_uring_map(&r->queues, fd, r->queues_bytes,
                               IORING_OFF_SQ_RING));
    int rc =
        hem__sys_uring_map(&entries, fd, r->entries_bytes, IORING_OFF_SQES);
    if (rc < 0) {
        munmap(r->queues, r->queues_bytes);
        return rc;
    }
    r->entries = entries;
    find_queues(r, p);
    return 0;
}

static void unmap_queues(hem__uring *r)
{
    munmap(r->entries, r->entries_bytes);
    munmap(r->queues, r->queues_bytes);
}

/* Give the descriptor to the loop, which closes it on failure as well. */
static int watch(hem_loop *l, hem__uring *r, int fd)
{
    int rc = hem__fd_init(l, &r->fd, fd);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    r->fd.on_ready = on_ready;
    rc = hem__fd_watch(l, &r->fd, HEM__FD_READ);
    if (rc < 0)
        (void)hem__fd_close(l, &r->fd);
    return rc;
}

int hem__uring_create(hem_loop *l, hem__uring **ret)
{
    struct io_uring_params p;
    memset(&p, 0, sizeof(p));
    hem__uring *r = hem__calloc(sizeof(*r));
    if (!r)
        return HEM_ENOMEM;
    int fd = hem__sys_uring_setup(ENTRIES, &p);
    int rc = fd;
    if (fd < 0)
        goto fail_setup;
    rc = (p.features & NEEDED) == NEEDED ? map_queues(r, fd, &p) : HEM_ENOSYS;
    if (rc < 0) {
        close(fd);
        goto fail_setup;
    }
    rc = watch(l, r, fd);
    if (rc < 0)
        goto fail_watch;
    *ret = r;
    return 0;

fail_watch:
    unmap_queues(r);
fail_setup:
    hem__free(r);
    return rc;
}

void hem__uring_destroy(hem_loop *l, hem__uring *r)
{
    while (r->under_way > 0) {
        /* Not by the table: the end may not fail. */
        (void)syscall(SYS_io_uring_enter, r->fd.fd, 0U, 1U,
                      IORING_ENTER_GETEVENTS, (void *)0, (size_t)0);
        take(l, r);
    }
    (void)hem__fd_close(l, &r->fd);
    unmap_queues(r);
    hem__free(r);
}

static void describe(struct io_uring_sqe *e, hem__uring_op *op)
{
    static const uint8_t codes[] = {[HEM__URING_READ] = IORING_OP_READ,
                                    [HEM__URING_WRITE] = IORING_OP_WRITE,
                                    [HEM__URING_SYNC] = IORING_OP_FSYNC,
                                    [HEM__URING_DATASYNC] = IORING_OP_FSYNC};
    memset(e, 0, sizeof(*e));
    e->opcode = codes[op->code];
    e->fd = op->fd;
    e->addr = (uintptr_t)op->data;
    e->len = op->size;
    e->off = (uint64_t)op->offset;
    if (op->code == HEM__URING_DATASYNC)
        e->fsync_flags = IORING_FSYNC_DATASYNC;
    e->user_data = (uintptr_t)op;
}

/* The kernel looks at the queue during the call only: what it does not take is
 * taken back. */
static int hand_in(hem_loop *l, hem__uring *r, hem__uring_op *op)
{
    if (r->under_way == r->under_way_max)
        return HEM_EAGAIN;
    describe(&r->entries[r->tail & r->mask], op);
    atomic_store_explicit(r->shared_tail, r->tail + 1, memory_order_release);
    int rc;
    do {
        rc = hem__sys_uring_submit(r->fd.fd);
    } while (rc == HEM_EINTR);
    if (rc != 1) {
        atomic_store_explicit(r->shared_tail, r->tail, memory_order_release);
        return HEM_EAGAIN;
    }
    r->tail++;
    r->under_way++;
    l->outside++;
    return 0;
}

static bool cancel_op(hem_loop *l, hem__fiber *f, const char *why)
{
    hem__uring_op *op = f->wait_on;
    if (!op->drop)
        return false;
    op->left = true;
    op->fiber = NULL;
    f->wait_on = NULL; /* it may be dropped before the task runs */
    return hem__wake_cancelled(l, f, why);
}

static const hem__wait wait_op = {"file", cancel_op};

int hem__uring_do(hem_loop *l, hem__uring *r, hem__uring_op *op, bool *ret_left)
{
    hem__fiber *f = l->current;
    *ret_left = false;
    op->fiber = NULL;
    op->left = op->done = false;
    HEM_TRY(hand_in(l, r, op));
    take(l, r); /* it may have been done meanwhile */
    if (op->done)
        return hem__defer(l, f);
    op->fiber = f;
    f->wait_on = op;
    int rc = hem__park(l, f, &wait_op);
    *ret_left = !f->wait_on;
    return rc;
}
