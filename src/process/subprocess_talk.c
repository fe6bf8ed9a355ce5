/* SPDX-License-Identifier: MIT */
/*
 * Communicating: input is written while outputs are read, each pipe by a task
 * of its own where there is more than one. A pipe that has ended is closed at
 * once; what was read when something goes wrong is not lost.
 */
#include <string.h>

#include "base/alloc.h"
#include "hem/error.h"
#include "hem/gather.h"
#include "hem/subprocess.h"
#include "hem/task.h"
#include "hem/timeout.h"
#include "loop/fd.h"

#define DEFAULT_LIMIT ((size_t)64 << 20)
#define FIRST_BYTES   ((size_t)4096)
#define PIECE_BYTES   ((size_t)64 << 10)
#define PIPES         3

/* What is written to the child. */
struct feed {
    hem_stream *stream;
    const void *input; /* `size` bytes */
    size_t size;
    hem_subprocess_source *source; /* or NULL */
    void *source_arg;
};

/* What is read from the child. */
struct drain {
    hem_stream *stream;
    hem_subprocess_sink *sink; /* NULL: it is kept */
    void *sink_arg;
    bool drop;    /* nobody wants it */
    size_t limit; /* of `size` */
    char *data;   /* with room for a NUL, or NULL */
    size_t size;
    size_t capacity;
};

/* A child that has enough is no error. */
static ssize_t write_all(hem_stream *s, const void *p, size_t size)
{
    ssize_t n = hem_stream_write(s, p, size);
    return n == HEM_EPIPE || n == HEM_ECONNRESET ? 0 : n;
}

static int feed_from_source(struct feed *f)
{
    char *piece = hem__alloc(PIECE_BYTES);
    if (!piece)
        return HEM_ENOMEM;
    ssize_t n;
    do {
        n = f->source(f->source_arg, piece, PIECE_BYTES);
        if (n > 0)
            n = write_all(f->stream, piece, (size_t)n);
    } while (n > 0);
    hem__free(piece);
    return (int)n;
}

static int feed(void *arg)
{
    struct feed *f = arg;
    ssize_t n = f->size ? write_all(f->stream, f->input, f->size) : 1;
    if (n > 0 && f->source)
        n = feed_from_source(f);
    if (n < 0)
        return (int)n;
    hem_stream_close(f->stream);
    return 0;
}

/* Room for another byte and a NUL. */
static int grow(struct drain *d)
{
    if (d->size + 1 < d->capacity)
        return 0;
    size_t capacity = d->capacity ? d->capacity * 2 : FIRST_BYTES;
    if (capacity > d->limit + 2)
        capacity = d->limit + 2;
    char *data = hem__realloc(d->data, capacity);
    if (!data)
        return HEM_ENOMEM;
    d->data = data;
    d->capacity = capacity;
    return 0;
}

/* One byte more than the limit is read, to know that there is more. */
static ssize_t keep(struct drain *d)
{
    HEM_TRY(grow(d));
    ssize_t n = hem_stream_read(d->stream, d->data + d->size,
                                d->capacity - d->size - 1);
    if (n <= 0)
        return n;
    d->size += (size_t)n;
    if (d->size <= d->limit)
        return n;
    d->size = d->limit;
    return HEM_ELIMIT;
}

static ssize_t pass_on(struct drain *d)
{
    char *data;
    ssize_t n = hem_stream_read_some(d->stream, &data);
    if (n > 0 && d->sink)
        HEM_TRY(d->sink(d->sink_arg, data, (size_t)n));
    return n;
}

static int drain(void *arg)
{
    struct drain *d = arg;
    ssize_t n;
    do {
        n = d->sink || d->drop ? pass_on(d) : keep(d);
    } while (n > 0);
    if (n < 0)
        return (int)n;
    hem_stream_close(d->stream);
    return 0;
}

struct talk {
    hem_subprocess *p;
    struct feed in;
    struct drain out;
    struct drain err;
    hem_child_status status;
};

static bool pipe_is_open(const hem_stream *s)
{
    return hem__fd_is_open(&s->fd);
}

/* Move what the pipes hold. */
static int move(struct talk *t)
{
    hem_call c[PIPES];
    size_t n = 0;
    if (pipe_is_open(t->in.stream))
        c[n++] = (hem_call)HEM_CALL(feed, &t->in);
    if (pipe_is_open(t->out.stream))
        c[n++] = (hem_call)HEM_CALL(drain, &t->out);
    if (pipe_is_open(t->err.stream))
        c[n++] = (hem_call)HEM_CALL(drain, &t->err);
    return n == 1 ? c[0].fn(c[0].arg) : hem_gather(c, n, 0);
}

static int talk(struct talk *t)
{
    HEM_TRY(hem_yield());
    HEM_TRY(move(t));
    return hem_subprocess_wait(t->p, &t->status);
}

static int talk_in_time(struct talk *t, hem_ns timeout)
{
    if (timeout == 0)
        return talk(t);
    hem_timeout limit;
    HEM_TRY(hem_timeout_open(&limit, timeout));
    return hem_timeout_close(&limit, talk(t));
}

/* The data of `d`, ended by a NUL; NULL: there is none. */
static char *give(struct drain *d)
{
    if (d->size > 0) {
        d->data[d->size] = '\0';
        return d->data;
    }
    hem__free(d->data);
    return NULL;
}

static void prepare_drain(struct drain *d, hem_stream *s,
                          hem_subprocess_sink *sink, void *arg)
{
    d->stream = s;
    d->sink = sink;
    d->sink_arg = arg;
}

int hem_subprocess_communicate(hem_subprocess *p, const void *input,
                               size_t size, hem_subprocess_output *ret,
                               const hem_subprocess_communicate_options *opts)
{
    static const hem_subprocess_communicate_options defaults;
    const hem_subprocess_communicate_options *o = opts ? opts : &defaults;
    size_t limit = o->limit ? o->limit : DEFAULT_LIMIT;
    if (limit > SIZE_MAX - 2)
        limit = SIZE_MAX - 2;
    struct talk t = {
        .p = p,
        .in = {&p->in, input, size, o->source, o->source_arg},
        .out = {.limit = limit, .drop = !ret},
        .err = {.limit = limit, .drop = !ret},
    };
    prepare_drain(&t.out, &p->out, o->out, o->out_arg);
    prepare_drain(&t.err, &p->err, o->err, o->err_arg);
    int rc = hem__fd_is_open(&p->child.fd) ? 0 : HEM_EBADF;
    if (rc == 0 && !input && size > 0)
        rc = HEM_EINVAL;
    if (rc == 0)
        rc = talk_in_time(&t, o->timeout);
    if (ret)
        *ret = (hem_subprocess_output){.status = t.status,
                                       .out = give(&t.out),
                                       .out_size = t.out.size,
                                       .err = give(&t.err),
                                       .err_size = t.err.size};
    return rc;
}

void hem_subprocess_output_free(hem_subprocess_output *o)
{
    if (!o)
        return;
    hem__free(o->out);
    hem__free(o->err);
    *o = (hem_subprocess_output){.out = NULL};
}

/* Of one that has ended. */
static int check_status(hem_subprocess *p)
{
    hem_child_status status;
    HEM_TRY(hem_subprocess_wait(p, &status));
    return hem_subprocess_check(&status);
}

/* Who gives input wants it read, not the parent's. */
static int choose_input(const hem_subprocess_run_options *o,
                        hem_subprocess_io *in)
{
    if (!o->input && o->input_size > 0)
        return hem_fail(HEM_EINVAL, "%zu bytes of input that are nowhere",
                        o->input_size);
    if (!o->input && !o->communicate.source)
        return 0;
    if (*in == HEM_NULL || *in == HEM_FD)
        return hem_fail(HEM_EINVAL, "input for a program that reads no pipe");
    if (*in == HEM_INHERIT)
        *in = HEM_PIPE;
    return 0;
}

int hem_subprocess_run(char *const argv[],
                       const hem_subprocess_run_options *opts,
                       hem_subprocess_output *ret)
{
    static const hem_subprocess_run_options defaults;
    const hem_subprocess_run_options *o = opts ? opts : &defaults;
    if (ret)
        *ret = (hem_subprocess_output){.out = NULL};
    hem_subprocess_options start = o->start;
    HEM_TRY(choose_input(o, &start.in));
    HEM_SUBPROCESS(p);
    HEM_TRY(hem_subprocess_start(&p, argv, &start));
    int rc = hem_subprocess_communicate(&p, o->input, o->input_size, ret,
                                        &o->communicate);
    if (rc == 0 && o->check)
        rc = check_status(&p);
    int closed = hem_subprocess_close(&p);
    return closed < 0 ? closed : rc;
}
