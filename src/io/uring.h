/* SPDX-License-Identifier: MIT */
/*
 * io_uring, for operations of files, by the bare system calls. A ring of the
 * loop: each operation is handed in by itself, for a task has but one; the
 * descriptor of the ring is watched like others, and at its events all that is
 * complete is taken. No more operations are under way than there is room for
 * completions, so none overflows.
 *
 *     handed in --completion--> done
 *     handed in --cancelled, may be left--> left --completion--> dropped
 *
 * Where it is not compiled in (uring_none.c) there is never a ring.
 */
#ifndef HEM__IO_URING_H
#define HEM__IO_URING_H

#include "loop/fd.h"

typedef struct hem__uring hem__uring;

enum hem__uring_code {                     /* what to do */
                       HEM__URING_NOTHING, /* nothing that io_uring does */
                       HEM__URING_READ,
                       HEM__URING_WRITE,
                       HEM__URING_SYNC,
                       HEM__URING_DATASYNC,
};

typedef struct hem__uring_op {
    uint8_t code;
    int fd;
    void *data;
    uint32_t size;
    int64_t offset; /* -1: the kernel's position */
    /* The task may leave it; then this is called on the loop in the end. NULL:
     * the task waits. */
    void (*drop)(struct hem__uring_op *op);
    hem__fiber *fiber; /* parked for it; NULL: not yet, or left */
    bool left;         /* it is the loop's, which may have dropped it */
    bool done;
    int result; /* once it is done */
} hem__uring_op;

/* Make a ring. HEM_ENOSYS, HEM_EPERM: this kernel or its policy has none;
 * HEM_ENOMEM, HEM_EMFILE. */
int hem__uring_create(hem_loop *l, hem__uring **ret);

/* Wait for what is under way and free it. */
void hem__uring_destroy(hem_loop *l, hem__uring *r);

/* Do `op`, the task suspended. 0: done; HEM_ECANCELED: with `*ret_left` it is
 * left, and may be gone, else it is done; HEM_EAGAIN: not handed in, for now. */
int hem__uring_do(hem_loop *l, hem__uring *r, hem__uring_op *op,
                  bool *ret_left);

#endif
