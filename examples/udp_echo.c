/* SPDX-License-Identifier: MIT */
/*
 * UDP: a server that sends back what it gets, and a client that says something
 * and waits for the answer; the two programs of asyncio's guide in one.
 */
#include <hem.h>
#include <stdio.h>

static int serve(void *arg)
{
    hem_datagram *d = arg;
    for (;;) {
        char data[2048];
        hem_address client;
        ssize_t n = hem_datagram_receive_from(d, data, 2048, &client, NULL);
        HEM_TRY(n);
        printf("Received %.*s\n", (int)n, data);
        HEM_TRY(hem_datagram_send_to(d, data, (size_t)n, &client));
    }
}

static int ask(const hem_address *server)
{
    char answer[2048];
    HEM_DATAGRAM(d);
    HEM_TRY(hem_datagram_open(&d, &(hem_datagram_options){.peer = server}));
    puts("Send: Hello World!");
    HEM_TRY(hem_datagram_send(&d, "Hello World!", 12));
    ssize_t n = hem_datagram_receive(&d, answer, sizeof(answer));
    HEM_TRY(n);
    printf("Received back: %.*s\n", (int)n, answer);
    return 0;
}

static int main_task(void *arg)
{
    (void)arg;
    hem_address here;
    HEM_DATAGRAM(d);
    HEM_TRY(
        hem_datagram_open(&d, &(hem_datagram_options){.host = "127.0.0.1"}));
    HEM_TRY(hem_datagram_address(&d, &here));
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, serve, &d));
    HEM_TRY(ask(&here));
    hem_scope_abort(&s, "no more clients");
    return hem_scope_close(&s, 0);
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     Send: Hello World!
 *     Received Hello World!
 *     Received back: Hello World!
 */
