/* SPDX-License-Identifier: MIT */
/*
 * Files: what asyncio's programs do with aiofiles. One is written, read line by
 * line, and read whole, while the disk holds no other task up.
 */
#include <hem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int write_poem(const char *path)
{
    static const char *const lines[] = {"roses are red\n", "files are slow\n",
                                        "tasks go ahead\n"};
    HEM_FILE(f);
    HEM_TRY(hem_file_open(&f, path, O_WRONLY | O_CREAT | O_TRUNC, NULL));
    for (int i = 0; i < 3; i++)
        HEM_TRY(hem_file_write(&f, lines[i], strlen(lines[i])));
    return hem_file_sync(&f);
}

static int number_lines(const char *path)
{
    HEM_FILE(f);
    HEM_TRY(hem_file_open(&f, path, O_RDONLY, NULL));
    HEM_FILE_READER(r, &f);
    char *line;
    ssize_t n;
    for (int i = 1; (n = hem_file_reader_read_line(&r, &line)) > 0; i++)
        printf("%d %.*s", i, (int)n, line);
    return (int)n;
}

static int main_task(void *path)
{
    HEM_TRY(write_poem(path));
    HEM_TRY(number_lines(path));
    char *all;
    ssize_t size = hem_file_read_all(path, &all, NULL);
    HEM_TRY(size);
    printf("%zd bytes, of which the first are %.5s\n", size, all);
    hem_free(all);
    return hem_unlink(path);
}

int main(void)
{
    char path[] = "/tmp/hem-files-XXXXXX";
    int fd = mkstemp(path);
    return fd < 0 || close(fd) < 0 || hem_run(main_task, path, NULL) < 0;
}

/*
 * Output:
 *     1 roses are red
 *     2 files are slow
 *     3 tasks go ahead
 *     44 bytes, of which the first are roses
 */
