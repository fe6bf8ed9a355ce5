/* SPDX-License-Identifier: MIT */
/* A certificate for "localhost", signed by itself, for an hour. */
#ifndef CERTIFICATE_H
#define CERTIFICATE_H

#define CERTIFICATE_MAX 4096

/* Write certificate and key as PEM; 0, or -1. */
int certificate_make(char ret[CERTIFICATE_MAX]);

#endif
