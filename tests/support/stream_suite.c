/* SPDX-License-Identifier: MIT */
#include "stream_suite.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>

#include "support.h"

#define MANY ((size_t)16 << 20) /* more than any stream takes by itself */
#define SOME ((size_t)3 << 20)
#define HIGH ((size_t)64 << 10)

static const struct stream_kind *kind;
static char many[MANY];
static char got[MANY];

/* A pair: bytes go from `out` to `in`. */
struct pipe {
    hem_stream in;
    hem_stream out;
};

static void open_pair(struct pipe *p)
{
    check_int(kind->open(&p->in, &p->out), 0);
}

static void close_pair(struct pipe *p)
{
    (void)hem_stream_close(&p->out);
    (void)hem_stream_close(&p->in);
}

/* The result of a close that has nothing to send but a goodbye: it has one try. */
static bool is_closed(int rc)
{
    bool late = kind->goodbye && evil_io() && rc == HEM_EINCOMPLETE;
    return check_int(late ? 0 : rc, 0);
}

static void settle_all(void)
{
    check_int(hem_sleep(HEM_MSEC), 0);
}

/* A call in a task of its own, on bytes from `many` or to `got`. */
struct use {
    hem_stream *stream;
    size_t from;
    size_t size;
    size_t piece;
    ssize_t result;
};

static int keep_result(struct use *u, ssize_t n)
{
    u->result = n;
    return n < 0 ? (int)n : 0;
}

static int write_it(void *arg)
{
    struct use *u = arg;
    return keep_result(u, hem_stream_write(u->stream, many + u->from, u->size));
}

static int writev_it(void *arg)
{
    struct use *u = arg;
    struct iovec v[40];
    size_t part = u->size / COUNT_OF(v);
    for (size_t i = 0; i < COUNT_OF(v); i++)
        v[i] = (struct iovec){many + u->from + i * part, part};
    v[COUNT_OF(v) - 1].iov_len += u->size - part * COUNT_OF(v);
    return keep_result(u, hem_stream_writev(u->stream, v, COUNT_OF(v)));
}

static int put_it(void *arg)
{
    struct use *u = arg;
    for (size_t at = 0; at < u->size;) {
        size_t n = u->piece ? u->piece : 10000;
        if (n > u->size - at)
            n = u->size - at;
        HEM_TRY(hem_stream_put(u->stream, many + u->from + at, n));
        check(hem_stream_pending(u->stream) <= HIGH + n);
        HEM_TRY(hem_stream_drain(u->stream));
        at += n;
    }
    HEM_TRY(hem_stream_flush(u->stream));
    u->result = (ssize_t)u->size;
    return 0;
}

static int send_it(void *arg)
{
    struct use *u = arg;
    int fd = memfd_create("suite", MFD_CLOEXEC);
    check_int(write(fd, many, u->from + u->size), u->from + u->size);
    ssize_t n = hem_stream_send_file(u->stream, fd, (off_t)u->from, u->size);
    close(fd);
    return keep_result(u, n);
}

static int read_it(void *arg)
{
    struct use *u = arg;
    return keep_result(u, hem_stream_read(u->stream, got, u->size));
}

static int read_exactly_it(void *arg)
{
    struct use *u = arg;
    size_t n = 0;
    int rc = (int)hem_stream_read_exactly(u->stream, got, u->size, &n);
    u->result = (ssize_t)n;
    return rc < 0 ? rc : 0;
}

static int flush_it(void *arg)
{
    return hem_stream_flush(((struct use *)arg)->stream);
}

static int aclose_it(void *arg)
{
    return hem_stream_aclose(((struct use *)arg)->stream);
}

static hem_fn *const writes[] = {write_it, writev_it, put_it, send_it};

static hem_task *start(hem_fn *fn, struct use *u)
{
    hem_task *t = NULL;
    check_int(hem_spawn(&t, fn, u), 0);
    return t;
}

/* The next bytes are those of `many` from `from` on. */
static void expect(hem_stream *s, size_t from, size_t size)
{
    check_int(hem_stream_read_exactly(s, got, size, NULL), size);
    check(memcmp(got, many + from, size) == 0);
}

static void expect_text(hem_stream *s, const char *text)
{
    size_t n = strlen(text);
    check_int(hem_stream_read_exactly(s, got, n, NULL), n);
    check(memcmp(got, text, n) == 0);
}

static void say(hem_stream *s, const char *text)
{
    check_int(hem_stream_write(s, text, strlen(text)), strlen(text));
}

static int what_is_written_is_read(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        static const size_t sizes[] = {1, 100, 4096, 70001, SOME};
        struct pipe p;
        size_t sum = 0;
        open_pair(&p);
        for (size_t k = 0; k < COUNT_OF(sizes); k++) {
            struct use u = {&p.out, 1234 * k, sizes[k], 0, 0};
            hem_task *t = start(writes[i], &u);
            expect(&p.in, u.from, u.size);
            check_int(hem_await(t), 0);
            check_int(u.result, u.size);
            sum += u.size;
            check_int(hem_stream_bytes_written(&p.out), sum);
            check_int(hem_stream_bytes_read(&p.in), sum);
        }
        check(!hem_stream_at_eof(&p.in));
        close_pair(&p);
    }
    return 0;
}

static int every_way_to_read_works(void *arg)
{
    struct pipe p;
    char *at = NULL, byte;
    (void)arg;
    open_pair(&p);
    say(&p.out, "one\ntwo;three--four.rest\nlast");
    check(hem_stream_peek(&p.in, 5, &at) >= 5);
    check_int(hem_stream_peek(&p.in, 29, &at), 29);
    check(at && memcmp(at, "one\nt", 5) == 0);
    check_int(hem_stream_read_line(&p.in, &at), 4);
    check_int(hem_stream_read_until(&p.in, ";", &at), 4);
    check_int(hem_stream_read_until(&p.in, "--", &at), 7);
    check(at && memcmp(at, "three--", 7) == 0);
    check_int(hem_stream_read(&p.in, &byte, 1), 1);
    check_int(byte, 'f');
    expect_text(&p.in, "our.");
    check_int(hem_stream_read_some(&p.in, &at), 9);
    check(at && memcmp(at, "rest\nlast", 9) == 0);
    say(&p.out, "unended");
    check_int(hem_stream_aclose(&p.out), 0);
    check_int(hem_stream_read_until(&p.in, "\n", &at), HEM_EINCOMPLETE);
    check(!hem_stream_at_eof(&p.in));
    check_int(hem_stream_peek(&p.in, 100, &at), 7);
    check_int(hem_stream_read_line(&p.in, &at), 7);
    check_int(hem_stream_read_line(&p.in, &at), 0);
    check_int(hem_stream_peek(&p.in, 1, &at), 0);
    check_int(hem_stream_read_some(&p.in, &at), 0);
    check(hem_stream_at_eof(&p.in));
    close_pair(&p);
    return 0;
}

static int a_short_end_is_told_from_a_clean_one(void *arg)
{
    struct pipe p;
    size_t n = 77;
    (void)arg;
    open_pair(&p);
    say(&p.out, "wholepart");
    check_int(hem_stream_aclose(&p.out), 0);
    expect_text(&p.in, "whole");
    check_int(hem_stream_read_exactly(&p.in, got, 5, &n), HEM_EINCOMPLETE);
    check_int(n, 4);
    check_int(hem_stream_read_exactly(&p.in, got, 5, &n), HEM_EINCOMPLETE);
    check_int(n, 0);
    check_int(hem_stream_read(&p.in, got, 5), 0);
    check(hem_stream_at_eof(&p.in));
    close_pair(&p);
    return 0;
}

static int lines_may_come_in_pieces(void *arg)
{
    static const char text[] = "a\r\nbc\r\n\r\nd\re\r\n";
    static const int lengths[] = {3, 4, 2, 5};
    struct pipe p;
    char *at;
    (void)arg;
    open_pair(&p);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        check_int(hem_stream_put(&p.out, text + i, 1), 0);
        check_int(hem_yield(), 0);
    }
    for (size_t i = 0; i < COUNT_OF(lengths); i++)
        check_int(hem_stream_read_until(&p.in, "\r\n", &at), lengths[i]);
    close_pair(&p);
    return 0;
}

static int put_lines(void *arg)
{
    static char text[1001];
    struct use *u = arg;
    memset(text, 'x', sizeof(text));
    text[99] = text[1000] = '\n';
    return keep_result(u, hem_stream_write(u->stream, text, sizeof(text)));
}

static int a_line_is_limited(void *arg)
{
    struct pipe p;
    char *at;
    (void)arg;
    open_pair(&p);
    check_int(
        hem_stream_set_limits(&p.in, &(hem_stream_limits){.read_limit = 100}),
        0);
    struct use u = {&p.out, 0, 0, 0, 0};
    hem_task *t = start(put_lines, &u);
    check_int(hem_stream_read_line(&p.in, &at), 100);
    check_int(hem_stream_read_line(&p.in, &at), HEM_ELIMIT);
    check_int(hem_stream_peek(&p.in, 101, &at), HEM_ELIMIT);
    check_int(hem_stream_peek(&p.in, 100, &at), 100);
    check_int(hem_stream_read_exactly(&p.in, got, 901, NULL), 901);
    check(got[899] == 'x' && got[900] == '\n');
    check_int(hem_await(t), 0);
    check_int(u.result, 1001);
    close_pair(&p);
    return 0;
}

static int a_cancelled_read_consumes_nothing(void *arg)
{
    (void)arg;
    struct pipe p;
    open_pair(&p);
    struct use u = {&p.in, 0, 10, 0, 0};
    hem_task *t = start(read_it, &u);
    settle_all();
    check_int(hem_cancel_and_wait(t, "test"), 0);
    t = start(read_exactly_it, &u);
    say(&p.out, "first");
    settle_all();
    check_int(hem_cancel_and_wait(t, "test"), 0);
    check_int(u.result, 5); /* it says what it has */
    check(memcmp(got, "first", 5) == 0);
    say(&p.out, "second");
    expect_text(&p.in, "second");
    close_pair(&p);
    return 0;
}

static int a_cancelled_write_tells_how_much_went(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        struct pipe p;
        open_pair(&p);
        if (writes[i] == put_it) {
            close_pair(&p);
            continue;
        }
        struct use u = {&p.out, 0, MANY, 0, 0};
        hem_task *t = start(writes[i], &u);
        settle_all();
        check(!hem_task_done(t));
        check_int(hem_cancel_and_wait(t, "test"), 0);
        size_t sent = (size_t)hem_stream_bytes_written(&p.out);
        if (!check(sent < MANY))
            print_error("%zu: sent %zu of %zu\n", i, sent, MANY);
        u = (struct use){&p.out, sent, MANY - sent, 0, 0};
        t = start(writes[i], &u);
        expect(&p.in, 0, MANY);
        check_int(hem_await(t), 0);
        check_int(hem_stream_bytes_written(&p.out), MANY);
        close_pair(&p);
    }
    return 0;
}

static int two_in_one_direction_are_refused(void *arg)
{
    struct pipe p;
    char byte, *at;
    (void)arg;
    open_pair(&p);
    struct use r = {&p.in, 0, 10, 0, 0};
    hem_task *t = start(read_it, &r);
    settle_all();
    check_int(hem_stream_read(&p.in, &byte, 1), HEM_EBUSY);
    check_int(hem_stream_peek(&p.in, 1, &at), HEM_EBUSY);
    check_int(hem_cancel_and_wait(t, "test"), 0);
    struct use w = {&p.out, 0, MANY, 0, 0};
    t = start(write_it, &w);
    settle_all();
    check_int(hem_stream_write(&p.out, "x", 1), HEM_EBUSY);
    check_int(hem_stream_writev(&p.out, NULL, 0), HEM_EBUSY);
    check_int(hem_stream_send_file(&p.out, 0, 0, 1), HEM_EBUSY);
    check_int(hem_stream_shutdown_write(&p.out), HEM_EBUSY);
    expect(&p.in, 0, MANY);
    check_int(hem_await(t), 0);
    close_pair(&p);
    return 0;
}

static int closing_wakes_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2; i++) {
        struct pipe p;
        open_pair(&p);
        struct use r = {&p.in, 0, 10, 0, 0};
        struct use w = {&p.out, 0, MANY, 0, 0};
        hem_task *reader = start(read_it, &r);
        settle_all();
        is_closed(i ? hem_stream_abort(&p.in) : hem_stream_close(&p.in));
        check_int(hem_await(reader), HEM_EBADF);
        close_pair(&p);
        open_pair(&p);
        hem_task *writer = start(write_it, &w);
        settle_all();
        check_int(hem_stream_put(&p.out, "kept", 4), 0);
        hem_task *flusher = start(flush_it, &w);
        settle_all();
        if (i)
            check_int(hem_stream_abort(&p.out), 0);
        else
            check_int(hem_stream_close(&p.out), HEM_EINCOMPLETE);
        check_int(hem_await(writer), HEM_EBADF);
        check_int(hem_await(flusher), HEM_EBADF);
        close_pair(&p);
    }
    return 0;
}

/* Put until it is too much, and remains so; how much that was. */
static size_t put_much(hem_stream *s, size_t from)
{
    size_t sum = 0;
    for (int full = 0; full < 5;) {
        int rc = hem_stream_put(s, many + from + sum, 5000);
        if (rc == HEM_ELIMIT) {
            check(hem_stream_pending(s) > HIGH);
            check(hem_stream_pending(s) <= HIGH + 5000 + 5000);
            settle_all();
            full++;
            continue;
        }
        if (!check_int(rc, 0))
            break;
        sum += 5000;
        full = 0;
    }
    return sum;
}

static int what_is_put_is_kept_in_order_and_bounded(void *arg)
{
    struct pipe p;
    (void)arg;
    open_pair(&p);
    size_t sum = put_much(&p.out, 0);
    struct use w = {&p.out, sum, MANY - sum, 0, 0};
    hem_task *t = start(write_it, &w);
    settle_all();
    check(!hem_task_done(t));
    expect(&p.in, 0, MANY);
    check_int(hem_await(t), 0);
    check_int(hem_stream_pending(&p.out), 0);

    w = (struct use){&p.out, 0, MANY - 100, 0, 0};
    t = start(write_it, &w);
    settle_all();
    check_int(hem_stream_put(&p.out, many + MANY - 100, 60), 0);
    check_int(hem_stream_put(&p.out, many + MANY - 40, 40), 0);
    expect(&p.in, 0, MANY);
    check_int(hem_await(t), 0);
    close_pair(&p);
    return 0;
}

static int aclose_sends_all(void *arg)
{
    struct pipe p;
    char byte;
    (void)arg;
    open_pair(&p);
    size_t sum = put_much(&p.out, 0);
    struct use u = {&p.out, 0, 0, 0, 0};
    hem_task *t = start(aclose_it, &u);
    settle_all();
    check(!hem_task_done(t) || hem_stream_bytes_written(&p.out) == sum);
    expect(&p.in, 0, sum);
    check_int(hem_stream_read(&p.in, &byte, 1), 0);
    check_int(hem_await(t), 0);
    check_int(hem_stream_close(&p.out), HEM_EBADF);
    close_pair(&p);

    open_pair(&p);
    (void)put_much(&p.out, 0);
    u.stream = &p.out;
    t = start(aclose_it, &u);
    settle_all();
    check_int(hem_cancel_and_wait(t, "test"), 0);
    check_int(hem_stream_aclose(&p.out), HEM_EBADF);
    close_pair(&p);
    return 0;
}

static int closing_drops_nothing_that_was_flushed(void *arg)
{
    struct pipe p;
    (void)arg;
    open_pair(&p);
    check_int(hem_stream_put(&p.out, "all goes", 8), 0);
    check_int(hem_stream_flush(&p.out), 0);
    is_closed(hem_stream_close(&p.out));
    expect_text(&p.in, "all goes");
    close_pair(&p);
    return 0;
}

static int each_direction_ends_by_itself(void *arg)
{
    struct pipe p;
    char byte;
    (void)arg;
    open_pair(&p);
    say(&p.out, "bye");
    check_int(hem_stream_shutdown_write(&p.out), 0);
    check_int(hem_stream_write(&p.out, "x", 1), HEM_EPIPE);
    check_int(hem_stream_shutdown_write(&p.out), 0);
    expect_text(&p.in, "bye");
    check_int(hem_stream_read(&p.in, &byte, 1), 0);
    if (!kind->one_way) {
        struct use u = {&p.in, 0, SOME, 0, 0};
        hem_task *t = start(write_it, &u);
        expect(&p.out, 0, SOME);
        check_int(hem_await(t), 0);
        check_int(hem_stream_aclose(&p.in), 0);
        check_int(hem_stream_read(&p.out, &byte, 1), 0);
    }
    check_int(hem_stream_aclose(&p.out), 0);
    close_pair(&p);
    return 0;
}

static bool pipe_signal_pends(void)
{
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
}

/* A peer that went away; some kinds find that out with the second write. */
static int writing_to_nobody_fails_without_a_signal(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        struct pipe p;
        int rc = 0;
        open_pair(&p);
        say(&p.out, "unread");
        settle_all();
        check_int(hem_stream_abort(&p.in), 0);
        for (int k = 0; k < 3 && rc == 0; k++) {
            struct use u = {&p.out, 0, 1000, 0, 0};
            settle_all();
            rc = writes[i](&u);
        }
        if (!check(rc == HEM_EPIPE || rc == HEM_ECONNRESET))
            print_error("%s: write %zu: %s\n", kind->name, i, hem_errname(rc));
        check(!pipe_signal_pends());
        close_pair(&p);
    }
    return 0;
}

static int an_abort_is_seen(void *arg)
{
    struct pipe p;
    char byte;
    (void)arg;
    if (kind->one_way || kind->no_reset)
        return 0;
    open_pair(&p);
    check_int(hem_stream_abort(&p.out), 0);
    check_int(hem_stream_read(&p.in, &byte, 1),
              kind->reset_error ? kind->reset_error : HEM_ECONNRESET);
    close_pair(&p);
    return 0;
}

static int impossible_sizes_are_refused(void *arg)
{
    static const size_t sizes[] = {SIZE_MAX, (size_t)SSIZE_MAX + 1};
    struct pipe p;
    char *at;
    (void)arg;
    open_pair(&p);
    size_t live = ledger_live();
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        size_t n = sizes[i];
        struct iovec v[2] = {{many, 1}, {many, n}};
        check_int(hem_stream_read(&p.in, got, n), HEM_EMSGSIZE);
        check_int(hem_stream_read_exactly(&p.in, got, n, NULL), HEM_EMSGSIZE);
        check_int(hem_stream_peek(&p.in, n, &at), HEM_ELIMIT);
        check_int(hem_stream_write(&p.out, many, n), HEM_EMSGSIZE);
        check_int(hem_stream_writev(&p.out, v, 2), HEM_EMSGSIZE);
        check_int(hem_stream_put(&p.out, many, n), HEM_EMSGSIZE);
        check_int(hem_stream_send_file(&p.out, 0, 0, n), HEM_EMSGSIZE);
    }
    check_int(hem_stream_read(&p.in, got, 0), HEM_EINVAL);
    check_int(hem_stream_peek(&p.in, 0, &at), HEM_EINVAL);
    check_int(hem_stream_writev(&p.out, NULL, -1), HEM_EINVAL);
    check_int(hem_stream_writev(&p.out, NULL, 0), 0);
    check_int(hem_stream_write(&p.out, NULL, 0), 0);
    check_int(hem_stream_put(&p.out, NULL, 0), 0);
    check_int(hem_stream_bytes_written(&p.out), 0);
    check_int(ledger_live(), live);
    say(&p.out, "fine");
    expect_text(&p.in, "fine");
    close_pair(&p);
    return 0;
}

static int files_end_early_or_are_none(void *arg)
{
    struct pipe p;
    (void)arg;
    open_pair(&p);
    int fd = memfd_create("suite", MFD_CLOEXEC);
    check_int(write(fd, "0123456789", 10), 10);
    check_int(hem_stream_send_file(&p.out, fd, 4, 3), 3);
    expect_text(&p.in, "456");
    check_int(hem_stream_send_file(&p.out, fd, 4, 0), 0);
    check_int(hem_stream_send_file(&p.out, fd, 8, 3), HEM_EINCOMPLETE);
    expect_text(&p.in, "89");
    check_int(hem_stream_send_file(&p.out, fd, -1, 3), HEM_EINVAL);
    check_int(hem_stream_send_file(&p.out, 9999, 0, 3), HEM_EBADF);
    close(fd);
    say(&p.out, "fine");
    expect_text(&p.in, "fine");
    close_pair(&p);
    return 0;
}

static int info_tells_what_it_is(void *arg)
{
    struct pipe p;
    hem_stream_info info = {.fd = -2};
    (void)arg;
    open_pair(&p);
    say(&p.out, "12345");
    expect_text(&p.in, "123");
    check_int(hem_stream_get_info(&p.out, &info), 0);
    check(info.kind && info.kind[0]);
    check_int(info.bytes_written, 5);
    check_int(info.pending, 0);
    check_int(hem_stream_get_info(&p.in, &info), 0);
    check_int(info.bytes_read, 3);
    check_int(
        hem_stream_set_limits(&p.in, &(hem_stream_limits){.read_stall = -1}),
        HEM_EINVAL);
    check_int(hem_stream_set_limits(&p.in, NULL), 0);
    close_pair(&p);
    check_int(hem_stream_get_info(&p.in, &info), HEM_EBADF);
    check_int(hem_stream_set_limits(&p.in, NULL), HEM_EBADF);
    check_int(hem_stream_bytes_read(&p.in), 3);
    check(hem_stream_at_eof(&p.in));
    return 0;
}

/* Both directions at once, in pieces of many sizes. */
struct side {
    hem_stream *stream;
    size_t total;
    unsigned random;
    bool reads;
};

static size_t draw(struct side *s, size_t max)
{
    s->random = s->random * 1103515245 + 12345;
    size_t n = (s->random >> 8) % (1u << (s->random >> 28));
    return n < max ? n + 1 : max;
}

static int run_side(void *arg)
{
    struct side *s = arg;
    static char buf[2][1 << 16];
    for (size_t at = 0; at < s->total;) {
        size_t n = draw(s, s->total - at);
        ssize_t rc = (ssize_t)n;
        if (s->reads) {
            rc = hem_stream_read(s->stream, buf[0], n);
            HEM_TRY(rc);
            if (rc == 0 || memcmp(buf[0], many + at, (size_t)rc) != 0)
                return HEM_EIO;
        } else if (s->random & (1 << 20)) {
            HEM_TRY(hem_stream_put(s->stream, many + at, n));
            HEM_TRY(hem_stream_drain(s->stream));
        } else {
            HEM_TRY(hem_stream_write(s->stream, many + at, n));
        }
        at += (size_t)rc;
    }
    return s->reads ? 0 : hem_stream_flush(s->stream);
}

static int both_directions_at_once(void *arg)
{
    struct pipe p;
    hem_task *t[4];
    (void)arg;
    open_pair(&p);
    struct side sides[] = {{&p.out, SOME, 1, false},
                           {&p.in, SOME, 2, true},
                           {&p.in, SOME, 3, false},
                           {&p.out, SOME, 4, true}};
    size_t n = kind->one_way ? 2 : 4;
    for (size_t i = 0; i < n; i++)
        check_int(hem_spawn(&t[i], run_side, &sides[i]), 0);
    for (size_t i = 0; i < n; i++)
        check_int(hem_await(t[i]), 0);
    close_pair(&p);
    return 0;
}

struct suite_test {
    const char *name;
    hem_fn *body;
};

#define SUITE(name)                                                            \
    {                                                                          \
#name, name                                                            \
    }

static const struct suite_test suite[] = {
    SUITE(what_is_written_is_read),
    SUITE(every_way_to_read_works),
    SUITE(a_short_end_is_told_from_a_clean_one),
    SUITE(lines_may_come_in_pieces),
    SUITE(a_line_is_limited),
    SUITE(a_cancelled_read_consumes_nothing),
    SUITE(a_cancelled_write_tells_how_much_went),
    SUITE(two_in_one_direction_are_refused),
    SUITE(closing_wakes_all),
    SUITE(what_is_put_is_kept_in_order_and_bounded),
    SUITE(aclose_sends_all),
    SUITE(closing_drops_nothing_that_was_flushed),
    SUITE(each_direction_ends_by_itself),
    SUITE(writing_to_nobody_fails_without_a_signal),
    SUITE(an_abort_is_seen),
    SUITE(impossible_sizes_are_refused),
    SUITE(files_end_early_or_are_none),
    SUITE(info_tells_what_it_is),
    SUITE(both_directions_at_once),
};

struct case_ {
    const struct stream_kind *kind;
    const struct suite_test *test;
    char name[128];
};

static void run_case(void **state)
{
    const struct case_ *c = *state;
    kind = c->kind;
    for (size_t i = 0; !many[1] && i < MANY; i++)
        many[i] = (char)(i * 31 + (i >> 8) * 7 + (i >> 16));
    check_int(run_virtual(c->test->body, NULL), 0);
    run_assert_checks();
}

int stream_suite(const struct stream_kind *kinds, size_t n)
{
    size_t count = n * COUNT_OF(suite);
    struct CMUnitTest *tests = calloc(count, sizeof(*tests));
    struct case_ *cases = calloc(count, sizeof(*cases));
    if (!tests || !cases)
        return 1;
    signal(SIGPIPE, SIG_DFL);
    for (size_t i = 0; i < count; i++) {
        struct case_ *c = &cases[i];
        c->kind = &kinds[i / COUNT_OF(suite)];
        c->test = &suite[i % COUNT_OF(suite)];
        snprintf(c->name, sizeof(c->name), "%s: %s", c->kind->name,
                 c->test->name);
        tests[i] =
            (struct CMUnitTest){c->name, run_case, ledger_begin, ledger_end, c};
    }
    int rc = excused_run("streams", tests, count, NULL, NULL);
    free(tests);
    free(cases);
    return rc;
}
