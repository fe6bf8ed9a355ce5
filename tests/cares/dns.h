/* SPDX-License-Identifier: MIT */
/*
 * A tiny server of names, on a port of 127.0.0.1, in the loop of the test; c-ares
 * asks it and nobody else.
 *
 *     dns_start();
 *     dns_add((struct dns_host){"host.example", "192.0.2.1 2001:db8::1"});
 *     hem_resolve(...);
 *     dns_stop();
 */
#ifndef CARES_DNS_H
#define CARES_DNS_H

#include "hem.h"

enum dns_manner {
    DNS_ANSWERS,
    DNS_IS_SILENT,
    DNS_FAILS,      /* SERVFAIL */
    DNS_REFUSES,    /* REFUSED */
    DNS_BABBLES,    /* bytes that are no message, and then nothing */
    DNS_LIES,       /* the id of another question, and then nothing */
    DNS_CUTS,       /* a message that ends before it should */
    DNS_TRUNCATES,  /* "ask by TCP", where it answers */
    DNS_GOES_ROUND, /* a name that is compressed with itself */
    DNS_FLOODS,     /* fifty wrong answers before the right one */
};

struct dns_host {
    const char *name;      /* static, as is all */
    const char *addresses; /* or the name, of one under .arpa; NULL: none */
    enum dns_manner manner;
    hem_ns delay;
};

/* In a task. */
void dns_start(void);
void dns_stop(void);

void dns_add(struct dns_host h);

/* So many questions came so far, by datagrams, and by TCP. */
size_t dns_asked(void);
size_t dns_asked_by_tcp(void);

#endif
