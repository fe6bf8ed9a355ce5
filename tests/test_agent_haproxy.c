/* SPDX-License-Identifier: MIT */
/*
 * A real HAProxy asks the agent every few milliseconds, and its own statistics
 * say what it has made of the answer.
 */
#include "support.h"

#include "fake_service.h"
#include "unix_net.h"

struct peer {
    struct fake_service fake;
    char config[80];  /* file */
    char control[64]; /* socket, on which it tells its statistics */
};

static void write_config(struct peer *p, uint16_t port)
{
    snprintf(p->config, sizeof(p->config), "%s.cfg", p->control);
    FILE *file = fopen(p->config, "we");
    if (!check(file != NULL))
        return;
    fprintf(file,
            "global\n"
            "    stats socket %s mode 600 level admin\n"
            "defaults\n"
            "    mode tcp\n"
            "    timeout connect 5s\n"
            "    timeout client 5s\n"
            "    timeout server 5s\n"
            "backend service\n"
            "    server one 127.0.0.1:%u weight 100 check"
            " inter 10ms agent-check agent-port %u agent-inter 10ms\n",
            p->control, (unsigned)port, (unsigned)port);
    fclose(file);
}

/* The columns "status" and "weight" of a line of its statistics. */
static void read_columns(const char *line, char *ret, size_t size)
{
    for (int n = 0; n < 17 && line; n++) {
        line = strchr(line, ',');
        line += line != NULL;
    }
    char status[32] = "", weight[8] = "";
    if (line && sscanf(line, "%31[^,],%7[^,]", status, weight) == 2)
        snprintf(ret, size, "%s, %s", status, weight);
}

/* What it says of the server, as "UP, 100". */
static int read_status(const struct peer *p, char *ret, size_t size)
{
    HEM_STREAM(s);
    char *line;
    ssize_t n;
    HEM_TRY(hem_connect_unix(&s, p->control, NULL));
    HEM_TRY((int)hem_stream_write(&s, "show stat\n", 10));
    while ((n = hem_stream_read_line(&s, &line)) > 0) {
        line[n - 1] = '\0';
        if (strncmp(line, "service,one,", 12) == 0)
            read_columns(line, ret, size);
    }
    return (int)n;
}

/* Until it says so. The scope round the test has a limit. */
static int wait_status(const struct peer *p, const char *want)
{
    char status[64] = "";
    while (strcmp(status, want) != 0) {
        HEM_TRY(hem_sleep(5 * HEM_MSEC));
        int rc = read_status(p, status, sizeof(status));
        if (rc == HEM_ECANCELED) {
            check_str(status, want);
            return rc;
        }
    }
    return 0;
}

static int go_through_states(struct peer *p)
{
    struct fake_service *f = &p->fake;
    HEM_TRY(wait_status(p, "DOWN (agent), 100"));
    f->s.state = HEM__SERVICE_READY;
    HEM_TRY(wait_status(p, "UP, 100"));
    f->seats[1].now = NULL;
    HEM_TRY(wait_status(p, "UP, 66"));
    f->instances[0].state = HEM__INSTANCE_STARTING;
    f->instances[2].state = HEM__INSTANCE_STARTING;
    HEM_TRY(wait_status(p, "DOWN (agent), 66"));
    f->instances[0].state = HEM__INSTANCE_READY;
    HEM_TRY(wait_status(p, "UP, 33"));
    f->s.state = HEM__SERVICE_UNREADY;
    HEM_TRY(wait_status(p, "DRAIN (agent), 33"));
    f->s.state = HEM__SERVICE_STOPPING;
    return wait_status(p, "DOWN (agent), 33");
}

static int watch(struct peer *p)
{
    hem_address its;
    p->fake.s.state = HEM__SERVICE_STARTING;
    p->fake.options.agent = "127.0.0.1:0";
    HEM_SCOPE(s, .timeout = 60 * HEM_SEC);
    HEM_TRY(hem__admin_start(&p->fake.s, &s));
    HEM_TRY(hem_address_of_socket(&its, hem__agent_socket(&p->fake.s)));
    write_config(p, hem_address_port(&its));
    char *argv[] = {"haproxy", "-q", "-db", "-f", p->config, NULL};
    HEM_SUBPROCESS(haproxy);
    HEM_TRY(hem_subprocess_start(
        &haproxy, argv,
        &(hem_subprocess_options){.out = HEM_NULL, .err = HEM_NULL}));
    HEM_TRY(go_through_states(p));
    hem_subprocess_close(&haproxy);
    hem_scope_abort(&s, "the service ends");
    return hem_scope_close(&s, 0);
}

static int run(void *arg)
{
    struct peer *p = arg;
    fake_service_init(&p->fake);
    int rc = watch(p);
    fake_service_deinit(&p->fake);
    return rc;
}

static void haproxy_follows_the_agent(void **state)
{
    (void)state;
    struct peer p;
    unix_begin(p.control);
    check_int(hem_run(run, &p, NULL), 0);
    check_int(unlink(p.config), 0);
    (void)unlink(p.control);
    unix_end();
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(haproxy_follows_the_agent),
    };
    setenv("PATH", "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    if (system("haproxy -v >/dev/null 2>&1") != 0)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
