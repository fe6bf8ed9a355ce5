/* SPDX-License-Identifier: MIT */
/* Each function of streams either suspends and is a point of cancellation, or
 * never. */
#include "support.h"

#include <sys/mman.h>

#include "rot13.h"
#include "suspension.h"

#define SIZE 16 /* of the pairs */

static hem_stream a, b;

static void open_pair(void)
{
    hem_stream_pair_options o = {.size = SIZE, .limits = {.high_water = 4}};
    check_int(hem_stream_pair(&a, &b, &o), 0);
}

static int close_pair(int rc)
{
    (void)hem_stream_abort(&a);
    (void)hem_stream_abort(&b);
    return rc;
}

static int write_later(void *arg)
{
    (void)arg;
    (void)!hem_stream_put(&b, "12345678\n", 9);
    return 0;
}

static int read_later(void *arg)
{
    char buf[100];
    (void)arg;
    (void)!hem_stream_read(&b, buf, sizeof(buf));
    return 0;
}

/* Where `a` must wait until something has come. */
static void begin_to_read(void)
{
    open_pair();
    check_int(hem_spawn(NULL, write_later, NULL), 0);
}

/* Where it must wait until something has gone. */
static void begin_to_write(void)
{
    open_pair();
    check_int(hem_stream_put(&a, "12345678901234567890+", SIZE + 5), 0);
    check_int(hem_spawn(NULL, read_later, NULL), 0);
}

CASE(stream)
{
    (void)f;
    hem_stream_info info;
    open_pair();
    check_int(hem_stream_put(&a, "x", 1), 0);
    check_int(hem_stream_pending(&a), 0);
    check(!hem_stream_at_eof(&a));
    check_int(hem_stream_bytes_read(&a), 0);
    check_int(hem_stream_bytes_written(&a), 1);
    check_int(hem_stream_get_info(&a, &info), 0);
    check_int(hem_stream_set_limits(&a, NULL), 0);
    check_int(hem_stream_push(&a, &rot13, NULL), 0);
    check_int(hem_stream_close(&a), 0);
    check_int(hem_stream_abort(&b), 0);
    check_int(hem_stream_open(&a, &rot13, NULL, 0), 0);
    check_int(hem_stream_close(&a), 0);
    return 0;
}

CASE(pipe)
{
    (void)f;
    check_int(hem_pipe(&a, &b, NULL), 0);
    close_pair(0);
    check_int(hem_socket_pair(&a, &b), 0);
    close_pair(0);
    check_int(hem_stream_open_stdin(&a), 0);
    check_int(hem_stream_open_stdout(&b), 0);
    close_pair(0);
    check_int(hem_stream_open_fd(&a, memfd_create("x", MFD_CLOEXEC), NULL), 0);
    return close_pair(0);
}

CASE(hem_stream_read)
{
    char buf[4];
    (void)f;
    begin_to_read();
    return close_pair((int)hem_stream_read(&a, buf, sizeof(buf)));
}

CASE(hem_stream_read_some)
{
    char *at;
    (void)f;
    begin_to_read();
    return close_pair((int)hem_stream_read_some(&a, &at));
}

CASE(hem_stream_read_exactly)
{
    char buf[4];
    (void)f;
    begin_to_read();
    return close_pair((int)hem_stream_read_exactly(&a, buf, sizeof(buf), NULL));
}

CASE(hem_stream_read_until)
{
    char *at;
    (void)f;
    begin_to_read();
    return close_pair((int)hem_stream_read_until(&a, "78", &at));
}

CASE(hem_stream_read_line)
{
    char *at;
    (void)f;
    begin_to_read();
    return close_pair((int)hem_stream_read_line(&a, &at));
}

CASE(hem_stream_peek)
{
    char *at;
    (void)f;
    begin_to_read();
    return close_pair((int)hem_stream_peek(&a, 3, &at));
}

CASE(hem_stream_write)
{
    (void)f;
    begin_to_write();
    return close_pair((int)hem_stream_write(&a, "x", 1));
}

CASE(hem_stream_writev)
{
    struct iovec v = {(char[]){"x"}, 1};
    (void)f;
    begin_to_write();
    return close_pair((int)hem_stream_writev(&a, &v, 1));
}

CASE(hem_stream_send_file)
{
    (void)f;
    int file = memfd_create("x", MFD_CLOEXEC);
    check_int(write(file, "x", 1), 1);
    begin_to_write();
    int rc = (int)hem_stream_send_file(&a, file, 0, 1);
    close(file);
    return close_pair(rc);
}

CASE(hem_stream_drain)
{
    (void)f;
    begin_to_write();
    return close_pair(hem_stream_drain(&a));
}

CASE(hem_stream_drain_to)
{
    (void)f;
    begin_to_write();
    return close_pair(hem_stream_drain_to(&a, 0));
}

CASE(layers)
{
    (void)f;
    static const hem_transport none = {.name = "none"};
    void *layer = NULL;
    check_int(hem_socket_pair(&a, &b), 0);
    check_int(hem_stream_may_push(&a), 0);
    check_int(hem_stream_find_layer(&a, &none, &layer), HEM_EINVAL);
    check_int(hem_stream_push(&a, &none, &layer), 0);
    check_int(hem_stream_find_layer(&a, &none, &layer), 0);
    check(layer == &layer);
    check_int(hem_stream_write_stall(&a), HEM_NEVER);
    return close_pair(0);
}

CASE(hem_stream_flush)
{
    (void)f;
    begin_to_write();
    return close_pair(hem_stream_flush(&a));
}

/* Memory needs no goodbye: so a socket that is full. */
static void begin_to_end(void)
{
    static char many[10000];
    check_int(hem_socket_pair(&a, &b), 0);
    while (hem_stream_pending(&a) == 0)
        check_int(hem_stream_put(&a, many, sizeof(many)), 0);
}

static int read_all_later(void *arg)
{
    char buf[10000];
    ssize_t n;
    (void)arg;
    while ((n = hem_stream_read(&b, buf, sizeof(buf))) > 0)
        ;
    return 0;
}

static int end(int (*call)(hem_stream *s))
{
    begin_to_end();
    hem_task *t;
    check_int(hem_spawn(&t, read_all_later, NULL), 0);
    int rc = call(&a);
    (void)hem_task_cancel(t, NULL);
    return close_pair(rc);
}

CASE(hem_stream_shutdown_write)
{
    (void)f;
    return end(hem_stream_shutdown_write);
}

CASE(hem_stream_aclose)
{
    (void)f;
    return end(hem_stream_aclose);
}

static const struct suspension table[] = {
    NEVER(hem_stream_at_eof, stream),
    NEVER(hem_stream_put, stream),
    NEVER(hem_stream_pending, stream),
    NEVER(hem_stream_bytes_read, stream),
    NEVER(hem_stream_bytes_written, stream),
    NEVER(hem_stream_get_info, stream),
    NEVER(hem_stream_set_limits, stream),
    NEVER(hem_stream_close, stream),
    NEVER(hem_stream_abort, stream),
    NEVER(hem_stream_push, stream),
    NEVER(hem_stream_open, stream),
    NEVER(hem_stream_may_push, layers),
    NEVER(hem_stream_find_layer, layers),
    NEVER(hem_stream_write_stall, layers),
    NEVER(hem_stream_open_fd, pipe),
    NEVER(hem_stream_open_stdin, pipe),
    NEVER(hem_stream_open_stdout, pipe),
    NEVER(hem_pipe, pipe),
    NEVER(hem_socket_pair, pipe),
    NEVER(hem_stream_pair, pipe),
    SUSPENDS(hem_stream_read),
    SUSPENDS(hem_stream_read_some),
    SUSPENDS(hem_stream_read_exactly),
    SUSPENDS(hem_stream_read_until),
    SUSPENDS(hem_stream_read_line),
    SUSPENDS(hem_stream_peek),
    SUSPENDS(hem_stream_write),
    SUSPENDS(hem_stream_writev),
    SUSPENDS(hem_stream_send_file),
    SUSPENDS(hem_stream_drain),
    SUSPENDS(hem_stream_drain_to),
    SUSPENDS(hem_stream_flush),
    SUSPENDS(hem_stream_shutdown_write),
    SUSPENDS(hem_stream_aclose),
};

int main(void)
{
    static const char *const headers[] = {"stream", "pipe", "transport"};
    return suspension_test(table, COUNT_OF(table), headers, COUNT_OF(headers));
}
