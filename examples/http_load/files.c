/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

/* Read all of a file into malloc's memory. */
static int read_all(FILE *in, char **ret, size_t *ret_bytes)
{
    char *content = NULL;
    size_t bytes = 0, size = 0;
    do {
        size = size > 0 ? size * 2 : 64 * 1024;
        char *more = realloc(content, size);
        if (more == NULL) {
            free(content);
            return HEM_ENOMEM;
        }
        content = more;
        bytes += fread(content + bytes, 1, size - bytes, in);
    } while (bytes == size);
    if (ferror(in)) {
        free(content);
        return HEM_EIO;
    }
    *ret = content;
    *ret_bytes = bytes;
    return 0;
}

static int open_file(load_file *f, const load_options *o)
{
    while (*f->path == '/')
        f->path++;
    if (strpbrk(f->path, " %?#\r\n") != NULL)
        return HEM_EINVAL;
    int length = asprintf(&f->request,
                          "GET /%s HTTP/1.1\r\nHost: %s:%u\r\n"
                          "User-Agent: http_load\r\n%s\r\n",
                          f->path, o->host, (unsigned)o->port,
                          o->close ? "Connection: close\r\n" : "");
    char *name;
    if (length < 0 || asprintf(&name, "%s/%s", o->root, f->path) < 0)
        return HEM_ENOMEM;
    f->request_bytes = (size_t)length;
    FILE *in = fopen(name, "rbe");
    int rc = in != NULL ? read_all(in, &f->content, &f->bytes) : -errno;
    if (in != NULL)
        fclose(in);
    free(name);
    return rc;
}

bool load_files_open(load *l)
{
    l->files = calloc(l->options.path_count, sizeof(*l->files));
    int rc = l->files != NULL ? 0 : HEM_ENOMEM;
    for (size_t i = 0; rc == 0 && i < l->options.path_count; i++) {
        load_file *f = &l->files[i];
        f->path = l->options.paths[i];
        rc = open_file(f, &l->options);
        if (rc < 0)
            fprintf(stderr, "http_load: %s, beneath %s: %s\n", f->path,
                    l->options.root, hem_strerror(rc));
    }
    return rc == 0;
}

void load_files_close(load *l)
{
    for (size_t i = 0; l->files != NULL && i < l->options.path_count; i++) {
        free(l->files[i].request);
        free(l->files[i].content);
    }
    free(l->files);
}
