/* SPDX-License-Identifier: MIT */
/*
 * A server of hem's behind nginx, whose stream module speaks the PROXY protocol:
 * each client's own address arrives. nginx is handed its listening socket, so
 * that no port is fixed (its environment variable NGINX).
 */
#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "net.h"

#define NGINX  "/usr/sbin/nginx"
#define MODULE "/usr/lib/nginx/modules/ngx_stream_module.so"
#define FRONT  9 /* the descriptor that nginx is handed */

struct front {
    hem_listener listener; /* behind it */
    uint16_t port, back;
    char directory[64], config[128];
    int served;
    char peers[8][HEM_ADDRESS_TEXT];
};

static int tell_peer(hem_stream *s, void *arg)
{
    struct front *f = arg;
    hem_stream_info info;
    HEM_TRY(hem_stream_get_info(s, &info));
    check(info.proxied);
    check_int(hem_address_port(&info.local), f->port);
    hem_address_format(&info.peer, f->peers[f->served++]);
    return (int)hem_stream_write(s, "hello", 5);
}

static int serve(void *arg)
{
    struct front *f = arg;
    return hem_serve(&f->listener, tell_peer, f,
                     &(hem_serve_options){.proxy = true});
}

static void write_config(struct front *f)
{
    memcpy(f->directory, "/tmp/hem-nginx-XXXXXX", 22);
    check(mkdtemp(f->directory) != NULL);
    snprintf(f->config, sizeof(f->config), "%s/nginx.conf", f->directory);
    FILE *file = fopen(f->config, "we");
    fprintf(file,
            "load_module %s;\ndaemon off;\n"
            "pid %s/pid;\nerror_log stderr emerg;\nevents {}\n"
            "stream { server { listen 127.0.0.1:%u; proxy_pass 127.0.0.1:%u; "
            "proxy_protocol on; } }\n",
            MODULE, f->directory, (unsigned)f->port, (unsigned)f->back);
    fclose(file);
}

static pid_t start_nginx(struct front *f, int front)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    dup2(front, FRONT);
    fcntl(FRONT, F_SETFL, fcntl(FRONT, F_GETFL) | O_NONBLOCK);
    int log = open("/dev/null", O_RDWR);
    dup2(log, STDERR_FILENO);
    char inherited[16];
    snprintf(inherited, sizeof(inherited), "%d;", FRONT);
    setenv("NGINX", inherited, 1);
    execl(NGINX, "nginx", "-c", f->config, "-p", f->directory, (char *)NULL);
    _exit(127);
}

static int be_client(struct front *f, int n)
{
    HEM_STREAM(s);
    char buf[8], want[HEM_ADDRESS_TEXT];
    hem_stream_info info;
    HEM_TRY(hem_connect(&s, "127.0.0.1", f->port, NULL));
    HEM_TRY(hem_stream_get_info(&s, &info));
    HEM_TRY(hem_stream_read_exactly(&s, buf, 5, NULL));
    hem_address_format(&info.local, want);
    check_str(f->peers[n], want);
    return 0;
}

static int talk(void *arg)
{
    struct front *f = arg;
    HEM_SCOPE(s, .timeout = 20 * HEM_SEC);
    HEM_TRY(hem_scope_spawn(&s, NULL, serve, f));
    for (int i = 0; i < 8; i++)
        HEM_TRY(be_client(f, i));
    check_int(hem_listener_close(&f->listener), 0);
    return hem_scope_close(&s, 0);
}

static int prepare_and_talk(void *arg)
{
    struct front *f = arg;
    hem_address a;
    int front;
    f->back = net_listen(&f->listener);
    check_int(hem_listen_socket(&front, "127.0.0.1", 0, NULL), 0);
    check_int(hem_address_of_socket(&a, front), 0);
    f->port = hem_address_port(&a);
    write_config(f);
    pid_t nginx = start_nginx(f, front);
    close(front);
    int rc = talk(f);
    (void)hem_listener_close(&f->listener);
    kill(nginx, SIGTERM);
    check_int(waitpid(nginx, NULL, 0), nginx);
    return rc;
}

static void remove_files(const struct front *f)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", f->directory);
    check_int(system(command), 0);
}

static void nginx_tells_who_its_clients_are(void **state)
{
    (void)state;
    static struct front f;
    check_int(hem_run(prepare_and_talk, &f, NULL), 0);
    check_int(f.served, 8);
    remove_files(&f);
    run_assert_checks();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(nginx_tells_who_its_clients_are),
    };
    if (access(NGINX, X_OK) < 0 || access(MODULE, R_OK) < 0)
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
