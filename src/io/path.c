/* SPDX-License-Identifier: MIT */
#include "hem/path.h"

#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "io/file.h"

static int await(hem__file_job *job, const char *function)
{
    hem__file_call c;
    HEM_TRY(hem__path_check(job->path));
    if (job->to)
        HEM_TRY(hem__path_check(job->to));
    HEM_TRY(hem__file_begin(&c, NULL, function));
    return (int)hem__file_await(c.loop, job);
}

/* What changes something: awaited, so the paths stay. `function` is called
 * hem_WHAT. */
static int change(hem__file_job *job, const char *function)
{
    const char *what = function + strlen("hem_");
    int rc = await(job, function);
    if (rc >= 0)
        return rc;
    return job->to ? hem__path_fail_of_two(rc, what, job->path, job->to)
                   : hem__path_fail(rc, what, job->path);
}

static void run_stat(hem__file_job *job)
{
    job->result = hem__sys_fstatat(AT_FDCWD, job->path, job->data, job->flags);
}

static int look(const char *path, struct stat *ret,
                const hem_stat_options *opts)
{
    hem__file_call c;
    HEM_TRY(hem__path_check(path));
    HEM_TRY(hem__file_begin(&c, NULL, "hem_stat"));
    size_t bytes = strlen(path) + 1;
    hem__file_job *job = hem__file_job_create(sizeof(*ret) + bytes);
    if (!job)
        return HEM_ENOMEM;
    job->path = memcpy(job->memory + sizeof(*ret), path, bytes);
    job->run = run_stat;
    job->flags = opts && opts->no_follow ? AT_SYMLINK_NOFOLLOW : 0;
    HEM_TRY(hem__file_leave(c.loop, job));
    memcpy(ret, job->memory, sizeof(*ret));
    hem__free(job);
    return 0;
}

int hem_stat(const char *path, struct stat *ret, const hem_stat_options *opts)
{
    int rc = look(path, ret, opts);
    return rc < 0 ? hem__path_fail(rc, "stat", path) : 0;
}

static void run_rename(hem__file_job *job)
{
    job->result = hem__sys_renameat2(AT_FDCWD, job->path, AT_FDCWD, job->to,
                                     (unsigned)job->flags);
}

int hem_rename(const char *from, const char *to, const hem_rename_options *opts)
{
    hem__file_job job = {.run = run_rename,
                         .path = from,
                         .to = to,
                         .flags = opts && opts->keep ? RENAME_NOREPLACE : 0};
    return change(&job, "hem_rename");
}

static void run_unlink(hem__file_job *job)
{
    job->result = hem__sys_unlinkat(AT_FDCWD, job->path, job->flags);
}

int hem_unlink(const char *path)
{
    hem__file_job job = {.run = run_unlink, .path = path};
    return change(&job, "hem_unlink");
}

int hem_rmdir(const char *path)
{
    hem__file_job job = {
        .run = run_unlink, .path = path, .flags = AT_REMOVEDIR};
    return change(&job, "hem_rmdir");
}

static void run_mkdir(hem__file_job *job)
{
    job->result = hem__sys_mkdir(job->path, job->mode);
}

int hem_mkdir(const char *path, mode_t mode)
{
    hem__file_job job = {
        .run = run_mkdir, .path = path, .mode = mode ? mode : 0777};
    return change(&job, "hem_mkdir");
}
