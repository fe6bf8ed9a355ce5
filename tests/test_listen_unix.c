/* SPDX-License-Identifier: MIT */
/* Listeners on Unix sockets, and the files that go with them. */
#include "support.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "net.h"
#include "unix_net.h"

static bool exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

/* Whether the listener answers at that path. */
static bool answers(hem_listener *l, const char *path)
{
    hem_stream s;
    int peer = unix_connect(path);
    if (peer < 0)
        return false;
    check_int(hem_accept(l, &s), 0);
    check_int(hem_stream_write(&s, "hello", 5), 5);
    check_int(hem_stream_close(&s), 0);
    bool heard = net_hears(peer, "hello") && net_hears_the_end(peer);
    net_close(peer);
    return heard;
}

VIRTUAL_TEST(a_unix_socket_is_listened_on_and_its_file_goes_with_it)
{
    char path[64], text[HEM_ADDRESS_TEXT], want[80];
    hem_listener l;
    hem_address a;
    unix_begin(path);
    check_int(hem_listen_unix(&l, path, NULL), 0);
    check(answers(&l, path));
    check_int(hem_listener_address(&l, &a), 0);
    snprintf(want, sizeof(want), "unix:%s", path);
    check_str(hem_address_format(&a, text), want);
    check_int(hem_listener_close(&l), 0);
    check(!exists(path));
    check_int(unix_connect(path), HEM_ENOENT);
    unix_end();
    return 0;
}

VIRTUAL_TEST(an_abstract_name_has_no_file)
{
    char name[64], text[HEM_ADDRESS_TEXT], want[80];
    hem_listener l, again;
    hem_address a;
    snprintf(name, sizeof(name), "@hem-test-%d", (int)getpid());
    snprintf(want, sizeof(want), "unix:%s", name);
    check_int(hem_listen_unix(&l, name, &(hem_listen_options){.mode = 0600}),
              0);
    check(answers(&l, name));
    check_int(hem_listener_address(&l, &a), 0);
    check_str(hem_address_format(&a, text), want);
    check_int(hem_listen_unix(&again, name, NULL), HEM_EADDRINUSE);
    check_int(hem_listener_close(&l), 0);
    check_int(unix_connect(name), HEM_ECONNREFUSED);
    return 0;
}

VIRTUAL_TEST(who_is_connected_is_known)
{
    char path[64], text[HEM_ADDRESS_TEXT];
    hem_listener l;
    hem_stream s;
    hem_stream_info info;
    unix_begin(path);
    check_int(hem_listen_unix(&l, path, NULL), 0);
    int peer = unix_connect(path);
    check_int(hem_accept(&l, &s), 0);
    check_int(hem_stream_get_info(&s, &info), 0);
    check_contains(hem_address_format(&info.local, text), path);
    check_str(hem_address_format(&info.peer, text), "unix:");
    check(!info.proxied);
    net_close(peer);
    check_int(hem_stream_close(&s), 0);
    check_int(hem_listener_close(&l), 0);
    unix_end();
    return 0;
}

VIRTUAL_TEST(a_leftover_is_replaced)
{
    char path[64];
    hem_listener l;
    unix_begin(path);
    unix_leave(path);
    check_int(unix_connect(path), HEM_ECONNREFUSED);
    check_int(hem_listen_unix(&l, path, NULL), 0);
    check(answers(&l, path));
    check_int(hem_listener_close(&l), 0);
    unix_end();
    return 0;
}

VIRTUAL_TEST(who_answers_is_not_replaced)
{
    char path[64];
    hem_listener l, again = {.limit = 77};
    unix_begin(path);
    check_int(hem_listen_unix(&l, path, NULL), 0);
    check_int(hem_listen_unix(&again, path, NULL), HEM_EADDRINUSE);
    check_int(again.limit, 77);
    hem_stream probe; /* how it was found out */
    check_int(hem_accept(&l, &probe), 0);
    check_int(hem_stream_close(&probe), 0);
    check(answers(&l, path));
    check_int(hem_listener_close(&l), 0);
    unix_end();
    return 0;
}

VIRTUAL_TEST(who_is_too_busy_to_answer_is_not_replaced)
{
    char path[64];
    hem_listener l;
    unix_begin(path);
    int busy = unix_bind(path);
    check_int(listen(busy, 0), 0);
    int first = unix_connect(path); /* no other has a place in the queue */
    check(first >= 0);
    check_int(hem_listen_unix(&l, path, NULL), HEM_EADDRINUSE);
    net_close(first);
    net_close(busy);
    check_int(unlink(path), 0);
    int datagrams = socket(AF_UNIX, SOCK_DGRAM, 0);
    hem_address a;
    check_int(hem_address_unix(&a, path, strlen(path)), 0);
    check_int(bind(datagrams, (struct sockaddr *)&a.storage, a.length), 0);
    check_int(hem_listen_unix(&l, path, NULL), HEM_EADDRINUSE);
    net_close(datagrams);
    check_int(unlink(path), 0);
    unix_end();
    return 0;
}

VIRTUAL_TEST(what_is_no_socket_is_never_touched)
{
    char path[64], target[80];
    hem_listener l;
    unix_begin(path);
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    check_int(hem_listen_unix(&l, path, NULL), HEM_EEXIST);
    close(file);
    check_int(unlink(path), 0);
    check_int(mkdir(path, 0700), 0);
    check_int(hem_listen_unix(&l, path, NULL), HEM_EEXIST);
    check_int(rmdir(path), 0);
    snprintf(target, sizeof(target), "%s.target", path);
    check_int(symlink(target, path), 0); /* to nothing */
    check_int(hem_listen_unix(&l, path, NULL), HEM_EEXIST);
    unix_leave(target); /* to a leftover */
    check_int(hem_listen_unix(&l, path, NULL), HEM_EEXIST);
    check(exists(target));
    check_int(unlink(target), 0);
    check_int(unlink(path), 0);
    unix_end();
    return 0;
}

VIRTUAL_TEST(a_path_that_cannot_be_is_refused)
{
    char path[64], below[80], none[80];
    hem_listener l = {.limit = 77};
    unix_begin(path);
    snprintf(none, sizeof(none), "%s/none", path);
    check_int(hem_listen_unix(&l, none, NULL), HEM_ENOENT);
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    snprintf(below, sizeof(below), "%s/below", path);
    check_int(hem_listen_unix(&l, below, NULL), HEM_ENOTDIR);
    check_int(hem_listen_unix(&l, "", NULL), HEM_EINVAL);
    check_int(l.limit, 77);
    close(file);
    check_int(unlink(path), 0);
    unix_end();
    return 0;
}

static mode_t mode_of(const char *path)
{
    struct stat st = {0};
    check_int(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

VIRTUAL_TEST(the_file_has_the_permissions_that_were_asked_for)
{
    static const mode_t modes[] = {0600, 0660, 0666, 0777, 0700};
    char path[64];
    mode_t mask = umask(027);
    unix_begin(path);
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        hem_listener l;
        hem_listen_options o = {.mode = modes[i]};
        check_int(hem_listen_unix(&l, path, &o), 0);
        check_int(mode_of(path), modes[i]);
        check_int(hem_listener_close(&l), 0);
    }
    hem_listener l;
    check_int(hem_listen_unix(&l, path, NULL), 0);
    check_int(mode_of(path), 0750);
    check_int(hem_listener_close(&l), 0);
    umask(mask);
    unix_end();
    return 0;
}

VIRTUAL_TEST(a_file_may_be_kept_and_that_of_another_is)
{
    char path[64], other[80];
    hem_listener l, next;
    unix_begin(path);
    check_int(hem_listen_unix(&l, path, &(hem_listen_options){.keep = true}),
              0);
    check_int(hem_listener_close(&l), 0);
    check(exists(path));
    check_int(hem_listen_unix(&l, path, NULL), 0);
    snprintf(other, sizeof(other), "%s.old", path);
    check_int(rename(path, other), 0);
    check_int(hem_listen_unix(&next, path, NULL), 0);
    check_int(hem_listener_close(&l), 0); /* it is not its own any more */
    check(answers(&next, path));
    check_int(hem_listener_close(&next), 0);
    check(!exists(path));
    check_int(unlink(other), 0);
    unix_end();
    return 0;
}

static int close_in_child(void *arg)
{
    check_int(hem_listener_close(arg), HEM_EBADF);
    return check_failures_take();
}

VIRTUAL_TEST(a_forked_child_removes_no_file)
{
    char path[64];
    hem_listener l;
    struct ending e;
    unix_begin(path);
    check_int(hem_listen_unix(&l, path, NULL), 0);
    process_run(close_in_child, &l, &e);
    check_int(e.status, 0);
    check(answers(&l, path));
    check_int(hem_listener_close(&l), 0);
    unix_end();
    return 0;
}

VIRTUAL_TEST(a_unix_socket_is_adopted_and_its_file_stays)
{
    char path[64];
    hem_listener l;
    hem_address a;
    int fd;
    unix_begin(path);
    check_int(hem_address_unix(&a, path, strlen(path)), 0);
    check_int(hem_listen_address_socket(&fd, &a, NULL), 0);
    check_int(hem_listen(&l, NULL, 0, &(hem_listen_options){.fd = fd}), 0);
    check(answers(&l, path));
    check_int(hem_listener_close(&l), 0);
    check(exists(path));
    check_int(unlink(path), 0);
    unix_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_unix_socket_is_listened_on_and_its_file_goes_with_it),
        LEDGER_TEST(an_abstract_name_has_no_file),
        LEDGER_TEST(who_is_connected_is_known),
        LEDGER_TEST(a_leftover_is_replaced),
        LEDGER_TEST(who_answers_is_not_replaced),
        LEDGER_TEST(who_is_too_busy_to_answer_is_not_replaced),
        LEDGER_TEST(what_is_no_socket_is_never_touched),
        LEDGER_TEST(a_path_that_cannot_be_is_refused),
        LEDGER_TEST(the_file_has_the_permissions_that_were_asked_for),
        LEDGER_TEST(a_file_may_be_kept_and_that_of_another_is),
        LEDGER_TEST(a_forked_child_removes_no_file),
        LEDGER_TEST(a_unix_socket_is_adopted_and_its_file_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
