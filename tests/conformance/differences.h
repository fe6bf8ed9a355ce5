/* SPDX-License-Identifier: MIT */
/*
 * Where hem differs from the originals deliberately: programs with hem's own
 * traces, which replace the recorded ones. They are in the packs of the folder
 * `differences`, each of which says why; a program there is word for word that
 * of the corpus.
 */
#ifndef CONFORMANCE_DIFFERENCES_H
#define CONFORMANCE_DIFFERENCES_H

#include "corpus.h"

/* Read all in `path`. Returns false, with a message written, if something
 * cannot be read. */
bool differences_read(const char *path);

/* hem's trace of a program, NULL: it does not differ. */
const char *differences_find(const struct sample *s);

#endif
