/* SPDX-License-Identifier: MIT */
/*
 * Streams, cancelled everywhere. Each byte is accounted for: what a call that
 * was cancelled has read, it returns or leaves in the stream; what it has
 * written, the stream says; what was put, arrives. So in the end the reader has
 * exactly what went, in order, whoever was cancelled.
 */
#include "cancel_everywhere.h"

#include <sys/mman.h>

#include "rot13.h"
#include "support.h"

#define TOTAL 3000

static char text[TOTAL];

/* `out` is written to by one task and `in` read from by another. */
struct flow_state {
    hem_stream in, out;
    char got[TOTAL];
    size_t read;  /* bytes of `got` */
    size_t given; /* bytes of `text` that calls took, by their own account */
    int file;
    int step;
    hem_task *tasks[2]; /* that writes, that reads */
    hem_done done[2];
};

static void begin(struct flow_state *s)
{
    for (size_t i = 0; i < TOTAL; i++)
        text[i] = (char)('a' + i % 26);
    s->file = -1;
}

/* Read by all ways in turn; what they consume is in `got`. */
static int read_all(void *arg)
{
    struct flow_state *s = arg;
    for (;;) {
        char *at = s->got + s->read, *p = at;
        size_t room = TOTAL - s->read, got = 0;
        ssize_t n;
        switch (s->step++ % 5) {
        case 0:
            n = hem_stream_read(&s->in, at, room < 100 ? room + 1 : 100);
            break;
        case 1:
            n = hem_stream_read_some(&s->in, &p);
            break;
        case 2:
            n = hem_stream_read_until(&s->in, "yz", &p);
            if (n == HEM_EINCOMPLETE)
                continue;
            break;
        case 3:
            n = hem_stream_peek(&s->in, 30, &p);
            if (n >= 0)
                continue;
            break;
        default:
            n = hem_stream_read_exactly(&s->in, at, room < 50 ? 1 : 50, &got);
            s->read += got; /* also of one that was cancelled */
            if (n == HEM_EINCOMPLETE)
                continue;
            HEM_TRY(n);
            continue;
        }
        HEM_TRY(n);
        if (n == 0)
            return 0;
        if (p != at && check((size_t)n <= room))
            memcpy(at, p, (size_t)n);
        s->read += (size_t)n;
    }
}

/* Read what is left, undisturbed, and compare. */
static void end(struct flow_state *s)
{
    uint64_t went = hem_stream_bytes_written(&s->out);
    size_t kept = hem_stream_pending(&s->out);
    (void)hem_stream_close(&s->out);
    s->step = 0;
    check_int(read_all(s), 0);
    check(s->read >= went && s->read <= went + kept);
    check(s->read + kept >= s->given); /* close drops what is kept */
    check(memcmp(s->got, text, s->read) == 0);
    check_int(hem_stream_bytes_read(&s->in), s->read);
    check_int(hem_stream_close(&s->in), 0);
    if (s->file >= 0)
        close(s->file);
}

static void account(struct flow_state *s, ssize_t n)
{
    if (n > 0)
        s->given += (size_t)n;
}

/* All ways to write, the last two in any state of the stream. */
static int write_all(void *arg)
{
    struct flow_state *s = arg;
    struct iovec v[2] = {{text + 700, 300}, {text + 1000, 300}};
    ssize_t n = hem_stream_write(&s->out, text, 700);
    account(s, n);
    HEM_TRY(n);
    n = hem_stream_writev(&s->out, v, 2);
    account(s, n);
    HEM_TRY(n);
    for (size_t at = 1300; at < 2300; at += 100) {
        HEM_TRY(hem_stream_put(&s->out, text + at, 100));
        s->given += 100;
        HEM_TRY(hem_stream_drain(&s->out));
    }
    HEM_TRY(hem_stream_write(&s->out, text + 2300, 200));
    s->given += 200;
    HEM_TRY(hem_stream_put(&s->out, text + 2500, 500));
    s->given += 500;
    HEM_TRY(hem_stream_flush(&s->out));
    return hem_stream_shutdown_write(&s->out);
}

/* Without the other, a task would wait for ever. */
static void one_ended(void *arg, int status)
{
    struct flow_state *s = arg;
    for (int i = 0; status < 0 && i < 2; i++)
        (void)hem_task_cancel(s->tasks[i], NULL);
}

static int run_both(struct flow_state *s, hem_fn *writer)
{
    HEM_SCOPE(scope, .kind = HEM_SUPERVISOR);
    HEM_TRY(hem_scope_spawn(&scope, &s->tasks[0], writer, s));
    HEM_TRY(hem_scope_spawn(&scope, &s->tasks[1], read_all, s));
    for (int i = 0; i < 2; i++)
        hem_task_on_done(s->tasks[i], &s->done[i], one_ended, s);
    int rc = hem_scope_close(&scope, 0);
    for (int i = 0; i < 2; i++)
        (void)hem_done_remove(&s->done[i]);
    return rc;
}

static int move_bytes(void *arg)
{
    return run_both(arg, write_all);
}

/* Memory, with room for little. */

struct memory {
    struct flow_state s;
};

static void memory_begin(void *state)
{
    struct flow_state *s = state;
    hem_stream_pair_options o = {.size = 64, .limits = {.high_water = 128}};
    begin(s);
    check_int(hem_stream_pair(&s->in, &s->out, &o), 0);
}

#define memory_body move_bytes

static void memory_end(void *state, const struct disturbance *d)
{
    end(state);
    if (d->requests == 0)
        check(((struct flow_state *)state)->read >= 1000);
}

/* Two layers on that. */

struct layers {
    struct flow_state s;
};

static void layers_begin(void *state)
{
    struct flow_state *s = state;
    memory_begin(state);
    for (int i = 0; i < 2; i++) {
        check_int(hem_stream_push(&s->in, &rot13, NULL), 0);
        check_int(hem_stream_push(&s->out, &rot13, NULL), 0);
    }
}

#define layers_body move_bytes
#define layers_end  memory_end

/* A pipe, which is never full. */

struct pipe {
    struct flow_state s;
};

static void pipe_begin(void *state)
{
    struct flow_state *s = state;
    begin(s);
    check_int(hem_pipe(&s->in, &s->out, NULL), 0);
}

#define pipe_body move_bytes
#define pipe_end  memory_end

/* From a file, read on threads, through memory. */

struct file {
    struct flow_state s;
};

static void file_begin(void *state)
{
    struct flow_state *s = state;
    memory_begin(state);
    s->file = memfd_create("x", MFD_CLOEXEC);
    check_int(write(s->file, text, TOTAL), TOTAL);
}

static int send_it(void *arg)
{
    struct flow_state *s = arg;
    ssize_t n = hem_stream_send_file(&s->out, s->file, 0, 1000);
    account(s, n);
    HEM_TRY(n);
    return hem_stream_aclose(&s->out);
}

static int file_body(void *arg)
{
    return run_both(arg, send_it);
}

#define file_end memory_end

/* Closing, while all is full. */

struct closing {
    struct flow_state s;
};

#define closing_begin memory_begin

static int close_it(void *arg)
{
    struct flow_state *s = arg;
    check_int(hem_stream_put(&s->out, text, 300), 0);
    s->given = 300;
    return hem_stream_aclose(&s->out);
}

static int closing_body(void *arg)
{
    return run_both(arg, close_it);
}

static void closing_end(void *state, const struct disturbance *d)
{
    struct flow_state *s = state;
    (void)hem_stream_close(&s->out);
    if (d->requests == 0)
        check_int(s->read, 300);
    check(memcmp(s->got, text, s->read) == 0);
    check_int(hem_stream_close(&s->in), 0);
}

int main(void)
{
    static const struct flow flows[] = {FLOW(memory), FLOW(layers), FLOW(pipe),
                                        FLOW(file), FLOW(closing)};
    return cancel_everywhere(flows, COUNT_OF(flows));
}
