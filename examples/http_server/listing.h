/* SPDX-License-Identifier: MIT */
/*
 * The page that stands for a directory without an index.html.
 */
#ifndef HTTP_LISTING_H
#define HTTP_LISTING_H

#include "text.h"

/* Names on a page at most. */
enum { HTTP_LISTING_MAX = 1000 };

/*
 * Make the page for the open directory `dir`, known to readers as `path`, in
 * malloc's memory. Returns 0 or a negated errno; `dir` remains the caller's.
 */
int http_listing(http_text *ret, int dir, const char *path);

#endif
