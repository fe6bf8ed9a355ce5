/* SPDX-License-Identifier: MIT */
/*
 * What the tasks of http_load share: what to ask for, and what came of it.
 */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include <hem.h>

#include "histogram.h"

typedef struct load_options {
    const char *host;
    uint16_t port;
    uint32_t connections;
    hem_ns duration;     /* 0: `requests` counts */
    uint64_t requests;   /* 0: `duration` counts */
    const char *root;    /* where the files lie that are asked for */
    const char *account; /* file for the machine's account, or NULL */
    hem_ns timeout;      /* for a request */
    hem_ns pause;        /* of each connection, before the next one */
    bool close;          /* a connection for each request */
    bool strict;         /* nothing is sent again */
    const char *const *paths;
    size_t path_count;
} load_options;

/* A file as it should arrive. */
typedef struct load_file {
    const char *path;
    char *request; /* that asks for it */
    size_t request_bytes;
    char *content;
    size_t bytes; /* of `content` */
} load_file;

/*
 * Each request is counted once in `sent`, and once in one of the others up to
 * `abandoned`, which sum up to it.
 */
typedef struct load_account {
    uint64_t sent;
    uint64_t answered;  /* every byte was right */
    uint64_t refused;   /* no connection could be made */
    uint64_t reset;     /* the connection ended before a byte of the response */
    uint64_t partial;   /* and within it */
    uint64_t timeout;   /* it took too long */
    uint64_t wrong;     /* something else than the file came */
    uint64_t abandoned; /* under way when http_load was interrupted */
    /* How it went about. */
    uint64_t retried;   /* sent again, as a connection that had been kept
                           open was closed before a byte of the response */
    uint64_t opened;    /* connections */
    uint64_t announced; /* their ends, by the response before */
} load_account;

typedef struct load {
    load_options options;
    load_file *files; /* one for each path */
    uint64_t next;    /* file, modulo their number */
    hem_ns begin;
    hem_ns end; /* HEM_NEVER: after `requests` */
    load_account account;
    uint64_t bytes; /* of right answers, heads not counted */
    uint32_t complaints;
    histogram latencies; /* of right answers */
} load;

/* Return the requests that were not answered as they should be. */
static inline uint64_t load_lost(const load *l)
{
    return l->account.sent - l->account.answered - l->account.abandoned;
}

/* Whether each request is accounted for. */
static inline bool load_balances(const load *l)
{
    const load_account *a = &l->account;
    return load_lost(l) ==
           a->refused + a->reset + a->partial + a->timeout + a->wrong;
}

/* Read the files. False: one is of no use, which has been said. */
bool load_files_open(load *l);
void load_files_close(load *l);

/* One connection after the other, until the load ends, and never within a
 * request; a hem_fn on a load. */
int load_client(void *arg);

/* Show how it goes, for ever; a hem_fn on a load. */
int load_progress(void *arg);

/* Print the report. `elapsed`: since the beginning. */
void load_report(const load *l, hem_ns elapsed);

/* Write the account for machines, "sent 17\n..." False: failed, and said. */
bool load_write_account(const load *l, hem_ns elapsed);

#endif
