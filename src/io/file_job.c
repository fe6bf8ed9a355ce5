/* SPDX-License-Identifier: MIT */
/* Work on files that cannot be done at once. */
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "io/file.h"

const hem_thread_lane hem__files_lane = HEM_THREAD_LANE("files", 8);

/* HEM_FILES in the environment: "threads" or "io_uring"; with "-always", for
 * tests, nothing is done at once. */
static const char *wish(void)
{
    const char *text = getenv("HEM_FILES");
    return text ? text : "";
}

/* The ring, made when it is first needed; NULL: threads do all. */
static hem__uring *uring_of(hem_loop *l, struct hem__files *files)
{
    hem__uring *made;
    if (files->asked)
        return files->uring;
    files->asked = true;
    if (strncmp(wish(), "threads", 7) != 0 && hem__uring_create(l, &made) == 0)
        files->uring = made;
    return files->uring;
}

static void end_files(hem_loop *l)
{
    if (l->files->uring)
        hem__uring_destroy(l, l->files->uring);
    hem__free(l->files);
    l->files = NULL;
}

struct hem__files *hem__files_get(hem_loop *l)
{
    if (l->files)
        return l->files;
    struct hem__files *files = hem__calloc(sizeof(*files));
    if (!files)
        return NULL;
    files->at_once = !strstr(wish(), "-always");
    l->end_files = end_files;
    l->files = files;
    return files;
}

const char *hem_file_backend(void)
{
    hem_loop *l = hem__loop_need("hem_file_backend");
    struct hem__files *files = hem__files_get(l);
    return files && uring_of(l, files) ? "io_uring" : "threads";
}

static int run_on_thread(void *arg)
{
    hem__file_job *job = arg;
    job->run(job);
    job->ran = true;
    return 0;
}

/* What the kernel says when it would do it another way. HEM_ECANCELED: signals
 * kept it from starting a thread of its own; hem cancels nothing there. */
static bool must_be_retried(int64_t result)
{
    return result == HEM_EAGAIN || result == HEM_EINTR ||
           result == HEM_ENOTSUP || result == HEM_ENOMEM ||
           result == HEM_ECANCELED;
}

/* HEM_EAGAIN: it is for a thread. `*ret_left`: it is the loop's now. */
static int do_on_uring(hem_loop *l, hem__file_job *job, bool *ret_left)
{
    *ret_left = false;
    if (job->op.code == HEM__URING_NOTHING)
        return HEM_EAGAIN;
    hem__uring *uring = uring_of(l, l->files);
    if (!uring)
        return HEM_EAGAIN;
    job->op.fd = job->fd;
    job->op.data = job->data;
    job->op.size = (uint32_t)job->size;
    job->op.offset = job->offset;
    int rc = hem__uring_do(l, uring, &job->op, ret_left);
    if (*ret_left || !job->op.done)
        return rc;
    job->result = job->op.result;
    job->ran = !must_be_retried(job->result);
    return job->ran || rc < 0 ? rc : HEM_EAGAIN;
}

int64_t hem__file_await(hem_loop *l, hem__file_job *job)
{
    hem__fiber *f = l->current;
    const char *reason = f->reason;
    job->ran = false;
    job->op.drop = NULL;
    bool left;
    int rc = do_on_uring(l, job, &left);
    if (rc == HEM_EAGAIN)
        rc = hem_thread_call(run_on_thread, job,
                             &(hem_thread_options){.lane = &hem__files_lane});
    if (!job->ran)
        return rc;
    if (rc == HEM_ECANCELED) {
        f->pending = true;
        f->reason = reason;
    }
    return job->result;
}

static void drop_job(void *arg)
{
    hem__file_job *job = arg;
    if (job->drop && job->ran && job->result >= 0)
        job->drop(job);
    if (job->file)
        hem__file_release(job->file);
    hem__free(job);
}

static void drop_op(hem__uring_op *op)
{
    hem__file_job *job = HEM__CONTAINER(op, hem__file_job, op);
    job->result = op->result;
    job->ran = true;
    drop_job(job);
}

/* HEM_ECANCELED: it is gone. */
static int try_to_do(hem_loop *l, hem__file_job *job)
{
    job->op.drop = drop_op;
    bool left;
    int rc = do_on_uring(l, job, &left);
    if (rc == HEM_EAGAIN) {
        hem_thread_options o = {.lane = &hem__files_lane, .abandon = drop_job};
        return hem_thread_call(run_on_thread, job, &o);
    }
    if (rc == HEM_ECANCELED && !left)
        drop_job(job);
    return rc;
}

int64_t hem__file_leave(hem_loop *l, hem__file_job *job)
{
    job->ran = false;
    if (job->file)
        hem__file_hold(job->file);
    int rc = try_to_do(l, job);
    if (rc == HEM_ECANCELED)
        return rc;
    int64_t result = rc < 0 ? rc : job->result;
    if (result < 0)
        drop_job(job);
    else if (job->file)
        hem__file_release(job->file);
    return result;
}

hem__file_job *hem__file_job_create(size_t bytes)
{
    hem__file_job *job = hem__alloc(sizeof(*job) + bytes);
    if (!job)
        return NULL;
    memset(job, 0, sizeof(*job));
    job->data = job->memory;
    job->size = bytes;
    return job;
}

int hem__path_check(const char *path)
{
    return strnlen(path, HEM__PATH_BYTES) < HEM__PATH_BYTES ? 0
                                                            : HEM_ENAMETOOLONG;
}

int hem__file_job_of_path(hem__file_job **ret, const char *path)
{
    HEM_TRY(hem__path_check(path));
    size_t bytes = strlen(path) + 1;
    hem__file_job *job = hem__file_job_create(bytes);
    if (!job)
        return HEM_ENOMEM;
    job->path = memcpy(job->memory, path, bytes);
    *ret = job;
    return 0;
}
