/* SPDX-License-Identifier: MIT */
/*
 * Lines of a file: aiofiles' `async for line in f`.
 *
 *     HEM_FILE(f);
 *     HEM_TRY(hem_file_open(&f, "/etc/passwd", O_RDONLY, NULL));
 *     HEM_FILE_READER(r, &f);
 *     char *line;
 *     ssize_t n;
 *     while ((n = hem_file_reader_read_line(&r, &line)) > 0)
 *         printf("%.*s", (int)n, line);
 *
 * A reader reads ahead from the position of its file, which it moves; the file
 * stays open and in place while the reader is used, and its owner closes it. It
 * is used by one task at a time. Cancelled, it has lost nothing and goes on.
 */
#ifndef HEM_FILE_READER_H
#define HEM_FILE_READER_H

#include "base.h"
#include "file.h"

HEM_BEGIN_DECLS

/* The caller's own; private. */
typedef struct hem_file_reader {
    hem_file *file;
    char *buffer;      /* bytes read ahead, or NULL */
    uint32_t begin;    /* of those not yet consumed */
    uint32_t end;      /* behind them */
    uint32_t capacity; /* of `buffer` */
    uint32_t limit;    /* of `capacity`; 0: the default */
} hem_file_reader;

typedef struct hem_file_reader_options {
    uint32_t limit; /* of a line, 0: 64 KiB */
} hem_file_reader_options;

/* Make a reader of `f`. [any thread] */
HEM_API void hem_file_reader_init(hem_file_reader *r, hem_file *f,
                                  const hem_file_reader_options *opts);

/* Free what it holds; what it read ahead is lost. NULL does nothing.
 * [any thread] */
HEM_API void hem_file_reader_deinit(hem_file_reader *r);

/* Declare a reader `var` of the hem_file `*f`, freed with its block. */
#define HEM_FILE_READER(var, f)                                                \
    hem_file_reader var                                                        \
        __attribute__((cleanup(hem_file_reader_deinit))) = {.file = (f)}

/*
 * Read a line with its "\n"; the last line may lack it. Returns its length and
 * in `*ret` where it is: in the reader, valid until its next call. Returns at
 * once while a whole line is there. 0: the file has ended. HEM_ELIMIT: the line
 * is longer than the limit; its bytes remain, for hem_file_reader_read().
 * HEM_ENOMEM, and the errors of hem_file_read(). [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_file_reader_read_line(hem_file_reader *r,
                                                    char **ret);

/*
 * Read what is there, at most the limit, without a copy; returns how many bytes
 * and in `*ret` where, valid as above. Returns at once while there are some.
 * 0: the file has ended. [suspends] [cancel point]
 */
HEM_API HEM_CHECK ssize_t hem_file_reader_read(hem_file_reader *r, char **ret);

HEM_END_DECLS

#endif
