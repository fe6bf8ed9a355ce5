/* SPDX-License-Identifier: MIT */
/* Forks: streams stay with the parent; contexts serve parent and child. */
#include "forked.h"
#include "pair.h"
#include "support.h"

static struct pair pair;

static int use_inherited(void *arg)
{
    (void)arg;
    char byte;
    hem_tls_info info;
    check_int(hem_stream_write(&pair.a, "x", 1), HEM_EBADF);
    check_int(hem_stream_read(&pair.b, &byte, 1), HEM_EBADF);
    check_int(hem_tls_get_info(&pair.a, &info), HEM_EBADF);
    check_int(hem_stream_close(&pair.a), HEM_EBADF);
    return forked_verdict();
}

VIRTUAL_TEST(an_inherited_stream_is_closed)
{
    memset(&pair, 0, sizeof(pair));
    pair_open_well(&pair);
    check_int(forked_status(use_inherited, NULL).exit_code, 0);
    check_int(pair_send(&pair.a, 0, 10), 0); /* nothing was said in between */
    check_int(pair_expect(&pair.b, 0, 10), 0);
    pair_close(&pair);
    return 0;
}

static hem_tls *client, *server;

/* Resume the session of the parent with its context, on a loop of its own. */
static int resume(void *arg)
{
    struct pair p = {.client = client, .server = server};
    p.client_opts.session = arg;
    hem_tls_info info = {.resumed = false};
    pair_open_well(&p);
    check_int(hem_tls_get_info(&p.b, &info), 0);
    check(info.resumed);
    pair_close(&p);
    return 0;
}

static int run_again(void *arg)
{
    check_int(run_virtual(resume, arg), 0);
    return forked_verdict();
}

VIRTUAL_TEST(a_worker_resumes_sessions_of_its_siblings)
{
    client = pair_client((hem_tls_config){.insecure = false});
    server = pair_server(&certs()->server, (hem_tls_config){.sni = NULL});
    struct pair p = {.client = client, .server = server};
    pair_open_well(&p);
    check_int(pair_send(&p.b, 0, 1), 0);
    check_int(pair_expect(&p.a, 0, 1), 0);
    hem_tls_session *session = NULL;
    check_int(hem_tls_session_get(&p.a, &session), 0);
    pair_close(&p);
    check_int(forked_status(run_again, session).exit_code, 0);
    hem_tls_session_destroy(session);
    hem_tls_destroy(client);
    hem_tls_destroy(server);
    return 0;
}

int main(void)
{
    certs();
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(an_inherited_stream_is_closed),
        LEDGER_TEST(a_worker_resumes_sessions_of_its_siblings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
