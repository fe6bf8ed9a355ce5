/* SPDX-License-Identifier: MIT */
/*
 * Programs with their expected traces, from files NAME.prog with NAME.trace
 * beside them, from FILE.pack or one entry FILE.pack:NAME, and from folders:
 * corpus/SPEC.md, section 9.
 */
#ifndef CONFORMANCE_CORPUS_H
#define CONFORMANCE_CORPUS_H

#include <stdbool.h>

#include "program.h"

enum sample_class { CLASS_ANY, CLASS_FIFO, CLASS_EXACT };

struct sample {
    const char *name;     /* FILE, or FILE:NAME in a pack */
    struct source source; /* of the program */
    const char *trace;    /* expected, NULL: there is none */
    enum sample_class order_class;
    bool strict;
};

typedef void sample_fn(void *arg, const struct sample *s);

/* Call fn(arg, sample) for each in `path`, in the order of their names. Returns
 * false, with a message written, if something cannot be read. */
bool corpus_each(const char *path, sample_fn *fn, void *arg);

/* The whole file, terminated, to be freed; NULL: see errno. */
char *file_read(const char *path);

#endif
