/* SPDX-License-Identifier: MIT */
/* Operators' pages and the agent's line, cancelled everywhere: nothing is left. */
#include "support.h"

#include <sys/socket.h>

#include "cancel_everywhere.h"
#include "fake_service.h"
#include "net.h"

struct asking {
    struct fake_service fake;
    int peer;
};

static void asking_begin(void *state)
{
    struct asking *s = state;
    fake_service_init(&s->fake);
    s->fake.options.admin = "127.0.0.1:0";
    s->fake.options.agent = "127.0.0.1:0";
    s->peer = -1;
}

static int connect_to(int listening)
{
    hem_address a;
    check_int(hem_address_of_socket(&a, listening), 0);
    return net_connect(hem_address_port(&a));
}

/* Unless the service, cancelled, has closed the connection. */
static void say(const struct asking *s, const char *text)
{
    (void)!send(s->peer, text, strlen(text), MSG_NOSIGNAL);
}

static int ask_for_page(struct asking *s)
{
    int fd = hem__admin_socket(&s->fake.s);
    if (fd < 0)
        return 0;
    s->peer = connect_to(fd);
    HEM_TRY(hem_sleep(HEM_MSEC));
    say(s, "GET /metrics HTTP/1.1\r\n");
    HEM_TRY(hem_sleep(HEM_MSEC));
    say(s, "Host: x\r\n\r\n");
    return hem_sleep(HEM_MSEC);
}

static int ask_for_line(struct asking *s)
{
    int fd = hem__agent_socket(&s->fake.s);
    if (fd < 0)
        return 0;
    s->peer = connect_to(fd);
    return hem_sleep(HEM_MSEC);
}

static void leave(struct asking *s)
{
    if (s->peer >= 0)
        net_close(s->peer);
    s->peer = -1;
}

static int asking_body(void *arg)
{
    struct asking *s = arg;
    HEM_SCOPE(scope);
    HEM_TRY(hem__admin_start(&s->fake.s, &scope));
    HEM_TRY(ask_for_page(s));
    leave(s);
    HEM_TRY(hem_sleep(HEM_MSEC));
    HEM_TRY(ask_for_line(s));
    leave(s);
    HEM_TRY(hem_sleep(HEM_MSEC));
    hem__admin_hand_over(&s->fake.s);
    return hem_scope_close(&scope, 0);
}

static void asking_end(void *state, const struct disturbance *d)
{
    struct asking *s = state;
    (void)d;
    leave(s);
    check(s->fake.s.admin == NULL);
    fake_service_deinit(&s->fake);
}

int main(void)
{
    static const struct flow flows[] = {
        FLOW(asking),
    };
    return cancel_everywhere(flows, COUNT_OF(flows));
}
