/* SPDX-License-Identifier: MIT */
/* Datagrams over Unix sockets: paths, abstract names, and receivers that are
 * full. */
#include "support.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "settle.h"
#include "udp.h"

/* A directory of our own for a test, and a path in it. */
static char directory[32], path[64];

static void make_directory(void)
{
    snprintf(directory, sizeof(directory), "/tmp/hem-datagram-XXXXXX");
    check(mkdtemp(directory) != NULL);
    snprintf(path, sizeof(path), "%s/socket", directory);
}

static void remove_directory(void)
{
    check_int(rmdir(directory), 0); /* so it is empty */
}

static bool is_there(void)
{
    struct stat s;
    return lstat(path, &s) == 0;
}

VIRTUAL_TEST(a_path_is_made_and_removed)
{
    make_directory();
    HEM_DATAGRAM(server);
    HEM_DATAGRAM(client);
    (void)udp_open_with(&server, (hem_datagram_options){.path = path});
    check(is_there());
    (void)udp_open_with(&client, (hem_datagram_options){.peer_path = path});
    udp_say(&client, NULL, "hello");
    char buf[8];
    hem_address from;
    check_int(hem_datagram_receive_from(&server, buf, 8, &from, NULL), 5);
    udp_say(&server, &from, "answer"); /* it was given a name */
    udp_expect(&client, "answer");
    check_int(hem_datagram_close(&server), 0);
    check(!is_there());
    check_int(hem_datagram_send(&client, "x", 1), HEM_ECONNREFUSED);
    remove_directory();
    return 0;
}

VIRTUAL_TEST(a_path_has_the_permissions_that_were_asked_for)
{
    make_directory();
    HEM_DATAGRAM(server);
    struct stat s;
    (void)udp_open_with(&server,
                        (hem_datagram_options){.path = path, .mode = 0620});
    check_int(lstat(path, &s), 0);
    check_int(s.st_mode & 0777, 0620);
    check_int(hem_datagram_close(&server), 0);
    remove_directory();
    return 0;
}

VIRTUAL_TEST(an_abstract_name_is_no_file)
{
    HEM_DATAGRAM(server);
    HEM_DATAGRAM(client);
    char name[64];
    snprintf(name, sizeof(name), "@hem-test-%d", (int)getpid());
    hem_address a =
        udp_open_with(&server, (hem_datagram_options){.path = name});
    check_int(a.length, offsetof(struct sockaddr_un, sun_path) + strlen(name));
    (void)udp_open_with(&client, (hem_datagram_options){.family = AF_UNIX});
    udp_say(&client, &a, "hello");
    udp_expect(&server, "hello");
    return 0;
}

VIRTUAL_TEST(a_sender_without_name_has_an_empty_address)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_local_pair(&a, &b);
    udp_say(&a, NULL, "hello");
    char buf[8];
    hem_address from = {.length = 9};
    check_int(hem_datagram_receive_from(&b, buf, 8, &from, NULL), 5);
    check_int(from.length, 0);
    return 0;
}

VIRTUAL_TEST(what_is_cut_off_is_told_of_unix_datagrams_too)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_local_pair(&a, &b);
    udp_say(&a, NULL, "0123456789");
    check_int(hem_datagram_send(&a, NULL, 0), 0);
    char buf[4];
    hem_datagram_info info;
    check_int(hem_datagram_receive_from(&b, buf, 4, NULL, &info), 4);
    check_int(info.size, 10);
    check(info.truncated);
    check_int(hem_datagram_receive_from(&b, buf, 4, NULL, &info), 0);
    check(!info.truncated);
    return 0;
}

static int open_path(const char *p)
{
    hem_datagram d;
    HEM_TRY(hem_datagram_open(&d, &(hem_datagram_options){.path = p}));
    return hem_datagram_close(&d);
}

VIRTUAL_TEST(a_path_is_never_cut_off)
{
    char p[4097];
    static const size_t sizes[] = {108, 109, 4096};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        memset(p, 'x', sizes[i]);
        p[sizes[i]] = '\0';
        check_int(open_path(p), HEM_ENAMETOOLONG);
        p[0] = '@';
        check_int(open_path(p), HEM_ENAMETOOLONG);
    }
    p[107] = '\0';
    check_int(open_path(p), 0);
    check_int(open_path(""), HEM_EINVAL);
    return 0;
}

/* Bind a socket to the path. */
static int take_path(int type)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    strcpy(sa.sun_path, path);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
    check_int(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

static void leave_stale(void)
{
    check_int(close(take_path(SOCK_DGRAM)), 0);
}

VIRTUAL_TEST(a_stale_socket_is_replaced)
{
    make_directory();
    leave_stale();
    check(is_there());
    check_int(open_path(path), 0);
    check(!is_there());
    remove_directory();
    return 0;
}

VIRTUAL_TEST(what_is_in_use_or_no_socket_is_left_alone)
{
    make_directory();
    HEM_DATAGRAM(d);
    (void)udp_open_with(&d, (hem_datagram_options){.path = path});
    check_int(open_path(path), HEM_EADDRINUSE);
    check(is_there());
    check_int(hem_datagram_close(&d), 0);

    int fd = take_path(SOCK_STREAM); /* of another kind */
    check_int(listen(fd, 1), 0);
    check_int(open_path(path), HEM_EADDRINUSE);
    check_int(unlink(path) | close(fd), 0);

    check_int(symlink("/nowhere", path), 0);
    check_int(open_path(path), HEM_EEXIST);
    check_int(unlink(path), 0);

    fd = open(path, O_CREAT | O_CLOEXEC | O_WRONLY, 0600);
    check_int(close(fd), 0);
    check_int(open_path(path), HEM_EEXIST);
    check_int(unlink(path), 0);
    remove_directory();
    return 0;
}

VIRTUAL_TEST(a_file_that_is_another_by_now_is_not_removed)
{
    make_directory();
    HEM_DATAGRAM(d);
    (void)udp_open_with(&d, (hem_datagram_options){.path = path});
    int holder = open(path, O_PATH | O_CLOEXEC); /* its number is not free */
    check_int(unlink(path), 0);
    leave_stale();
    check_int(hem_datagram_close(&d), 0);
    check(is_there());
    check_int(close(holder) | unlink(path), 0);
    remove_directory();
    return 0;
}

VIRTUAL_TEST(an_endpoint_that_does_not_come_about_leaves_no_file)
{
    make_directory();
    hem_datagram d;
    check_int(hem_datagram_open(
                  &d, &(hem_datagram_options){.path = path,
                                              .peer_path = "/nowhere/socket"}),
              HEM_ENOENT);
    check(!is_there());
    remove_directory();
    return 0;
}

#define FLOOD 600

static int flood(hem_datagram *d, const hem_address *to)
{
    for (int i = 0; i < FLOOD; i++) {
        char text[8];
        int n = snprintf(text, sizeof(text), "%d", i);
        HEM_TRY(to ? hem_datagram_send_to(d, text, (size_t)n, to)
                   : hem_datagram_send(d, text, (size_t)n));
    }
    return 0;
}

static int flood_peer(void *arg)
{
    return flood(arg, NULL);
}

struct flooding {
    hem_datagram from;
    hem_address to;
};

static int flood_address(void *arg)
{
    struct flooding *f = arg;
    return flood(&f->from, &f->to);
}

static void check_flood(hem_datagram *to, hem_task *sender)
{
    check(!hem_task_done(sender)); /* it waits for room */
    for (int i = 0; i < FLOOD; i++) {
        char text[8];
        snprintf(text, sizeof(text), "%d", i);
        udp_expect(to, text);
    }
    check_int(hem_await(sender), 0);
}

VIRTUAL_TEST(sending_waits_for_room_at_the_peer)
{
    HEM_DATAGRAM(a);
    HEM_DATAGRAM(b);
    udp_open_local_pair(&a, &b);
    check_flood(&b, spawn_settled(flood_peer, &a));
    return 0;
}

VIRTUAL_TEST(sending_waits_for_room_at_an_address)
{
    HEM_DATAGRAM(b);
    struct flooding f = {.to = {.length = 0}};
    char name[64];
    snprintf(name, sizeof(name), "@hem-flood-%d", (int)getpid());
    f.to = udp_open_with(&b, (hem_datagram_options){.path = name});
    (void)udp_open_with(&f.from, (hem_datagram_options){.family = AF_UNIX});
    check_flood(&b, spawn_settled(flood_address, &f));

    hem_task *t = spawn_settled(flood_address, &f);
    check(!hem_task_done(t));
    check_int(hem_datagram_close(&f.from), 0);
    check_int(hem_await(t), HEM_EBADF);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(a_path_is_made_and_removed),
        LEDGER_TEST(a_path_has_the_permissions_that_were_asked_for),
        LEDGER_TEST(an_abstract_name_is_no_file),
        LEDGER_TEST(a_sender_without_name_has_an_empty_address),
        LEDGER_TEST(what_is_cut_off_is_told_of_unix_datagrams_too),
        LEDGER_TEST(a_path_is_never_cut_off),
        LEDGER_TEST(a_stale_socket_is_replaced),
        LEDGER_TEST(what_is_in_use_or_no_socket_is_left_alone),
        LEDGER_TEST(a_file_that_is_another_by_now_is_not_removed),
        LEDGER_TEST(an_endpoint_that_does_not_come_about_leaves_no_file),
        LEDGER_TEST(sending_waits_for_room_at_the_peer),
        LEDGER_TEST(sending_waits_for_room_at_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
