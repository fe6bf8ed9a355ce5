/* SPDX-License-Identifier: MIT */
/*
 * The channel between the parent and a worker: a pair of sockets that keep
 * messages apart (SOCK_SEQPACKET), so none is ever half there. Its end at
 * either side says that the other process, or thread, is gone.
 */
#ifndef HEM__SERVICE_CHANNEL_H
#define HEM__SERVICE_CHANNEL_H

#include "hem/base.h"
#include "hem/loop.h"
#include "loop/loop.h"

typedef enum hem__message_kind {
    /* from a worker */
    HEM__MESSAGE_READY = 1, /* set up is over */
    HEM__MESSAGE_FAILED,    /* in `phase`, with error `code` and `text` */
    HEM__MESSAGE_REPLACE,   /* asks to be replaced; `text` says why */
    HEM__MESSAGE_DONE,      /* a thread's last word; `code` is its result */
    /* from the parent */
    HEM__MESSAGE_STOP,   /* with signal `code` */
    HEM__MESSAGE_CANCEL, /* the main task */
} hem__message_kind;

typedef struct hem__message {
    uint32_t kind;
    int32_t code;
    uint32_t phase;
    char text[244]; /* NUL-terminated */
} hem__message;

/* One side, open in the loop. */
typedef struct hem__channel {
    hem__fd fd;
    hem_callback retry; /* scheduled while a message is kept */
    hem__message kept;  /* that could not be sent yet */
    bool keeps;         /* there is one */
} hem__channel;

/* Take the descriptor of a side into the loop. HEM_ENOMEM, HEM_ENOSPC: closed. */
int hem__channel_open(hem__channel *c, int fd);

/* Send; never suspends. One message that the kernel has no room for now is kept,
 * and sent in a while. HEM_EPIPE: nobody is there any more; HEM_EAGAIN: one is
 * kept already; HEM_ENOMEM. */
int hem__channel_send(hem__channel *c, const hem__message *m);

/* The same by the descriptor alone, where no loop runs, and nothing is kept.
 * HEM_EPIPE; HEM_EAGAIN, HEM_ENOBUFS, HEM_ENOMEM: there is no room. */
int hem__channel_send_raw(int fd, const hem__message *m);

/* Wait for the next message. 1: there it is; 0: the other side is gone, and all
 * that it has sent was received. HEM_ECANCELED; HEM_EBADF: closed meanwhile;
 * HEM_ENOMEM. [suspends] [cancel point] */
int hem__channel_receive(hem__channel *c, hem__message *ret);

/* The same without waiting. HEM_EAGAIN: there is none. */
int hem__channel_try_receive(hem__channel *c, hem__message *ret);

void hem__channel_close(hem__channel *c);

/* Fill in a message; `text` may be NULL, and is cut. */
void hem__message_make(hem__message *ret, hem__message_kind kind, int code,
                       const char *text);

#endif
