/* SPDX-License-Identifier: MIT */
/* HAProxy's agent line: what it says when, and to whom. */
#include "support.h"

#include <sys/socket.h>

#include "fake_service.h"
#include "net.h"

static void check_line(const struct fake_service *f, const char *want)
{
    char room[64];
    check_str(hem__agent_line(&f->s, room), want);
}

VIRTUAL_TEST(the_line_follows_the_state)
{
    struct fake_service f;
    fake_service_init(&f);
    check_line(&f, "up ready 100%");
    f.s.state = HEM__SERVICE_STARTING;
    check_line(&f, "down #starting");
    f.s.state = HEM__SERVICE_UNREADY;
    check_line(&f, "drain");
    f.s.state = HEM__SERVICE_STOPPING;
    check_line(&f, "stopped #stopping");
    fake_service_deinit(&f);
    return 0;
}

VIRTUAL_TEST(the_weight_is_the_share_of_the_ready_workers)
{
    struct fake_service f;
    fake_service_init(&f);
    f.seats[1].now = NULL;
    check_line(&f, "up ready 66%");
    f.instances[2].state = HEM__INSTANCE_STARTING;
    check_line(&f, "up ready 33%");
    f.s.wanted = 1000;
    check_line(&f, "up ready 1%");
    f.s.wanted = 1;
    check_line(&f, "up ready 100%");
    f.s.wanted = 0;
    check_line(&f, "up ready 100%");
    f.instances[0].state = HEM__INSTANCE_STARTING;
    check_line(&f, "down #no worker is ready");
    fake_service_deinit(&f);
    return 0;
}

/* A service with an agent, and its port. */
static uint16_t begin(struct fake_service *f, hem_scope *s)
{
    hem_address a;
    fake_service_init(f);
    f->options.agent = "127.0.0.1:0";
    check_int(hem_scope_open(s, NULL), 0);
    check_int(hem__admin_start(&f->s, s), 0);
    check_int(hem__admin_socket(&f->s), -1);
    check_int(hem_address_of_socket(&a, hem__agent_socket(&f->s)), 0);
    return hem_address_port(&a);
}

static int end(struct fake_service *f, hem_scope *s)
{
    hem_scope_abort(s, "the service ends");
    check_int(hem_scope_close(s, 0), 0);
    fake_service_deinit(f);
    return 0;
}

VIRTUAL_TEST(who_connects_hears_the_line_and_the_end)
{
    struct fake_service f;
    hem_scope s;
    uint16_t port = begin(&f, &s);
    int peer = net_connect(port);
    net_settle();
    check(net_hears(peer, "up ready 100%\n"));
    check(net_hears_the_end(peer));
    net_close(peer);
    return end(&f, &s);
}

/* "agent-send": it is heard out, for a reset would take the line back. */
VIRTUAL_TEST(what_a_client_says_is_no_matter)
{
    struct fake_service f;
    hem_scope s;
    uint16_t port = begin(&f, &s);
    int peer = net_connect(port);
    net_say(peer, "hello\n");
    net_settle();
    net_say(peer, "are you there?\n");
    net_settle();
    check(net_hears(peer, "up ready 100%\n"));
    check(net_hears_the_end(peer));
    net_close(peer);
    return end(&f, &s);
}

VIRTUAL_TEST(who_stays_is_dropped)
{
    struct fake_service f;
    hem_scope s;
    uint16_t port = begin(&f, &s);
    size_t before = ledger_descriptors();
    int peer = net_connect(port);
    net_settle();
    check_int(ledger_descriptors(), before + 2);
    check_int(hem_sleep(HEM__ADMIN_PATIENCE), 0);
    net_settle();
    check_int(ledger_descriptors(), before + 1);
    net_close(peer);
    return end(&f, &s);
}

VIRTUAL_TEST(who_says_too_much_is_dropped)
{
    static char much[1 << 16];
    struct fake_service f;
    hem_scope s;
    uint16_t port = begin(&f, &s);
    size_t before = ledger_descriptors();
    int peer = net_connect(port);
    while (ledger_descriptors() > before + 1 || hem_now() == 0) {
        (void)!send(peer, much, sizeof(much), MSG_NOSIGNAL | MSG_DONTWAIT);
        net_settle();
        if (!check(hem_now() < HEM_SEC))
            break;
    }
    net_close(peer);
    return end(&f, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(the_line_follows_the_state),
        LEDGER_TEST(the_weight_is_the_share_of_the_ready_workers),
        LEDGER_TEST(who_connects_hears_the_line_and_the_end),
        LEDGER_TEST(what_a_client_says_is_no_matter),
        LEDGER_TEST(who_stays_is_dropped),
        LEDGER_TEST(who_says_too_much_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
