/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line holds a name twice: up to 3 bytes for each in the link, 6 in the
 * text, and the tags round them. */
enum { LINE_MAX_BYTES = 255 * 9 + 64, FRAME_BYTES = 4096 * 6 + 512 };

struct name {
    char text[257]; /* "/" behind a directory's */
};

static int compare(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    return strcmp(x->text, y->text);
}

/* Whether the entry leads to a directory; links count as what they are not,
 * files: where they lead is found out when they are asked for. */
static bool is_directory(int dir, const struct dirent *e)
{
    if (e->d_type != DT_UNKNOWN)
        return e->d_type == DT_DIR;
    struct stat st;
    return fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(st.st_mode);
}

/* Read up to HTTP_LISTING_MAX names, sorted. Returns how many or an error. */
static int read_names(int dir, struct name *names)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    if (d == NULL) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        return -error;
    }
    int count = 0;
    struct dirent *e;
    while (count < HTTP_LISTING_MAX && (e = readdir(d)) != NULL) {
        size_t length = strlen(e->d_name);
        char *text = names[count].text;
        if (e->d_name[0] == '.' || length + 2 > sizeof(names[count].text))
            continue;
        memcpy(text, e->d_name, length + 1);
        if (is_directory(dir, e))
            memcpy(text + length, "/", 2);
        count++;
    }
    closedir(d);
    qsort(names, (size_t)count, sizeof(*names), compare);
    return count;
}

static void put_page(http_text *t, const char *path, const struct name *names,
                     int count)
{
    http_text_print(t, "<!doctype html>\n<meta charset=\"utf-8\">\n<title>/");
    http_text_put_html(t, path);
    http_text_print(t, "</title>\n<h1>/");
    http_text_put_html(t, path);
    http_text_print(t, "</h1>\n<ul>\n");
    if (path[0] != '\0')
        http_text_print(t, "<li><a href=\"../\">../</a></li>\n");
    for (int i = 0; i < count; i++) {
        /* "./" keeps a colon in a name from making it a scheme. */
        http_text_print(t, "<li><a href=\"./");
        http_text_put_url(t, names[i].text);
        http_text_print(t, "\">");
        http_text_put_html(t, names[i].text);
        http_text_print(t, "</a></li>\n");
    }
    http_text_print(t, "</ul>\n");
    if (count == HTTP_LISTING_MAX)
        http_text_print(t, "<p>Only %d names are shown.</p>\n", count);
}

int http_listing(http_text *ret, int dir, const char *path)
{
    struct name *names = malloc(HTTP_LISTING_MAX * sizeof(*names));
    if (names == NULL)
        return -ENOMEM;
    int count = read_names(dir, names);
    if (count < 0) {
        free(names);
        return count;
    }
    http_text t = {.size = FRAME_BYTES + (size_t)count * LINE_MAX_BYTES};
    t.at = malloc(t.size);
    if (t.at != NULL)
        put_page(&t, strcmp(path, ".") == 0 ? "" : path, names, count);
    free(names);
    if (t.at == NULL)
        return -ENOMEM;
    char *smaller = realloc(t.at, t.used + 1);
    if (smaller != NULL)
        t.at = smaller;
    *ret = t;
    return 0;
}
