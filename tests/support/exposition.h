/* SPDX-License-Identifier: MIT */
/*
 * Prometheus' text format, version 0.0.4, read as strictly as its description
 * has it: https://prometheus.io/docs/instrumenting/exposition_formats/
 */
#ifndef SUPPORT_EXPOSITION_H
#define SUPPORT_EXPOSITION_H

/* The first line of the text that is wrong, until the next call; NULL: it is
 * right as a whole: lines, names, labels, escapes, numbers; each family together,
 * with one TYPE before its samples; no series twice. */
const char *exposition_wrong(const char *text);

/* The value of the series, as "hem_workers{state=\"ready\"}"; NAN: it is not
 * there. */
double exposition_value(const char *text, const char *series);

#endif
