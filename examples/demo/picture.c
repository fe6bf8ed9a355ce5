/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELLS = 48 };

static double seconds(hem_ns d)
{
    return (double)d / (double)HEM_SEC;
}

static bool terminal_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && *value != '\0')
            return strcasestr(value, "utf-8") != NULL ||
                   strcasestr(value, "utf8") != NULL;
    }
    return false;
}

/* What a cell of the bar shows: the time at its middle. */
static const char *cell(const life *p, hem_ns at, bool utf8)
{
    if (at < p->began || at >= p->ended)
        return " ";
    if (p->told > 0 && at >= p->told)
        return utf8 ? "░" : "-";
    return utf8 ? "█" : "#";
}

static void draw_life(const life *p, hem_ns origin, hem_ns length)
{
    bool utf8 = terminal_is_utf8();
    printf("  %-14s ", p->name);
    for (int i = 0; i < CELLS; i++)
        fputs(cell(p, origin + length * (2 * i + 1) / (2 * CELLS), utf8),
              stdout);
    printf(" %5.2f - %5.2f s\n", seconds(p->began - origin),
           seconds(p->ended - origin));
}

static void draw_scale(hem_ns length)
{
    char scale[CELLS + 8];
    memset(scale, ' ', sizeof(scale));
    for (hem_ns t = 0; t < length; t += 2 * HEM_SEC) {
        char mark[16];
        int n = snprintf(mark, sizeof(mark), "|%.0f s", seconds(t));
        size_t at = (size_t)(t * CELLS / length);
        if (at + (size_t)n < sizeof(scale))
            memcpy(scale + at, mark, (size_t)n);
    }
    scale[sizeof(scale) - 1] = '\0';
    printf("  %-14s %s\n", "", scale);
}

void picture_draw(const life *const *lives, size_t n, hem_ns origin)
{
    hem_ns length = HEM_SEC;
    for (size_t i = 0; i < n; i++)
        if (lives[i]->ended - origin > length)
            length = lives[i]->ended - origin;
    draw_scale(length);
    for (size_t i = 0; i < n; i++)
        draw_life(lives[i], origin, length);
}
