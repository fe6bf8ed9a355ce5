/* SPDX-License-Identifier: MIT */
/* A connection that sends a file. */
#include <fcntl.h>
#include <sys/mman.h>

#include "torture.h"

#define FILE_BYTES ((size_t)6 << 20) /* more than the kernel keeps */

/* A file. */

struct sending {
    hem_listener *listener;
    uint16_t port;
    int file;
};

static int send_it(void *arg)
{
    struct sending *p = arg;
    hem_stream s;
    int rc = accept_any(p->listener, &s);
    if (!check_success(rc, HEM_ECANCELED))
        return 0;
    ssize_t n = hem_stream_send_file(&s, p->file, 1, FILE_BYTES);
    if (check_success(n, HEM_ECANCELED, TORTURE_PEER_FAILED)) {
        check_int(n, FILE_BYTES);
        check_int(hem_stream_close(&s), 0);
    } else {
        check_int(hem_stream_abort(&s), 0);
    }
    return 0;
}

/* The content of the file repeats after so many bytes. */
#define PERIOD 1021

static char content[FILE_BYTES + 1 + PERIOD];

/* Read up to the end; returns how much there was. */
static ssize_t read_all(hem_stream *s)
{
    size_t all = 0;
    ssize_t n;
    char *part;
    while ((n = hem_stream_read_some(s, &part)) > 0) {
        const char *want = content + (1 + all) % PERIOD;
        if (!check(memcmp(part, want, (size_t)n) == 0))
            break;
        all += (size_t)n;
    }
    return n < 0 ? n : (ssize_t)all;
}

static int receive_it(void *arg)
{
    struct sending *p = arg;
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, send_it, p));
    hem_stream stream;
    HEM_TRY(hem_connect(&stream, "127.0.0.1", p->port, NULL));
    ssize_t n = read_all(&stream);
    check_int(hem_stream_close(&stream), 0);
    HEM_TRY(n);
    check_int(n, FILE_BYTES);
    return hem_scope_close(&s, 0);
}

static int make_file(void)
{
    for (size_t i = 0; i < sizeof(content); i++)
        content[i] = (char)(i % PERIOD);
    int fd = memfd_create("file", MFD_CLOEXEC);
    if (fd < 0 || write(fd, content, FILE_BYTES + 1) != (ssize_t)FILE_BYTES + 1)
        abort();
    return fd;
}

static int files_main(void *arg)
{
    (void)arg;
    hem_listener l;
    int fd;
    HEM_TRY(hem_listen_socket(&fd, "127.0.0.1", 0, NULL));
    fcntl(fd, F_SETFL, 0); /* to be made non-blocking again */
    int rc = hem_listen(&l, NULL, 0, &(hem_listen_options){.fd = fd});
    if (rc < 0) {
        close(fd);
        return rc;
    }
    hem_address a;
    rc = hem_listener_address(&l, &a);
    if (check_success(rc)) {
        struct sending p = {
            .listener = &l, .port = hem_address_port(&a), .file = make_file()};
        check_success(in_time(receive_it, &p), HEM_ECANCELED,
                      TORTURE_PEER_FAILED);
        close(p.file);
    }
    check_int(hem_listener_close(&l), 0);
    return 0;
}

void scenario_files(void)
{
    check_success(hem_run(files_main, NULL, NULL));
}
