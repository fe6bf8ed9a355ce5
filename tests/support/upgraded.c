/* SPDX-License-Identifier: MIT */
#include "upgraded.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "files.h"
#include "net.h"

#define DIRECTORY "HEM_TEST_UPGRADED"
#define LIFE_MAX  100   /* seconds, should the test be gone */
#define PATIENCE  30000 /* milliseconds without a word */

/* ---- a service ---- */

static struct {
    const char *directory;
    char settings[256];
    int sockets[8];
} role;

static bool is_set(const char *word)
{
    return strstr(role.settings, word) != NULL;
}

/* One of a few strings. */
static const char *path_of(const char *name)
{
    static char paths[8][300];
    static unsigned next;
    char *path = paths[next++ % COUNT_OF(paths)];
    snprintf(path, sizeof(paths[0]), "%s/%s", role.directory, name);
    return path;
}

static void read_settings(void)
{
    FILE *f = fopen(path_of("settings"), "re");
    size_t n = f ? fread(role.settings, 1, sizeof(role.settings) - 1, f) : 0;
    role.settings[n] = '\0';
    if (f)
        fclose(f);
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
    char line[512];
    int n = snprintf(line, sizeof(line), "%d ", (int)getpid());
    va_list args;
    va_start(args, format);
    n += vsnprintf(line + n, sizeof(line) - 1 - (size_t)n, format, args);
    va_end(args);
    line[n++] = '\n';
    (void)!write(STDOUT_FILENO, line, (size_t)n);
}

static void say_descriptors(void)
{
    char text[256] = "";
    size_t used = 0;
    DIR *dir = opendir("/proc/self/fd");
    for (int fd = 0; fd < 100; fd++) {
        if (fd != dirfd(dir) && fcntl(fd, F_GETFD) >= 0)
            used +=
                (size_t)snprintf(text + used, sizeof(text) - used, " %d", fd);
    }
    closedir(dir);
    say("has%s", text);
    const char *names = getenv("LISTEN_FDNAMES");
    say("names %s", names ? names : "none");
}

static int pass_gate(void)
{
    int fd = open(path_of("gate"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    int rc = hem_fd_wait(fd, HEM_READABLE);
    (void)hem_fd_close(fd);
    return rc < 0 ? rc : 0;
}

static int answer_all(void *arg)
{
    char text[32];
    int n = snprintf(text, sizeof(text), "%d\n",
                     (int)(is_set("threads") ? getpid() : getppid()));
    for (;;) {
        HEM_STREAM(s);
        HEM_TRY(hem_accept(arg, &s));
        (void)!hem_stream_write(&s, text, (size_t)n);
    }
}

static int worker(hem_worker *w, void *arg)
{
    (void)arg;
    if (is_set("broken"))
        return HEM_EPROTO;
    if (is_set("gate")) {
        say("set up");
        HEM_TRY(pass_gate());
    }
    HEM_LISTENER(l);
    HEM_TRY(hem_listen(&l, NULL, 0,
                       &(hem_listen_options){.fd = dup(role.sockets[0])}));
    HEM_SCOPE(s);
    if (!is_set("idle"))
        HEM_TRY(hem_scope_spawn(&s, NULL, answer_all, &l));
    int sig = hem_worker_wait(w);
    hem_scope_abort(&s, "stop");
    (void)!hem_scope_close(&s, 0);
    hem_listener_close(&l);
    if (is_set("drain")) {
        say("drains");
        HEM_TRY(pass_gate());
    }
    return sig == SIGTERM ? 0 : HEM_EPROTO;
}

static void tell(void *arg, const hem_prefork_event *e)
{
    (void)arg;
    switch (e->kind) {
    case HEM_SERVICE_IS_READY:
        say("ready");
        break;
    case HEM_SERVICE_UPGRADES:
        say("starts %d", (int)e->pid);
        break;
    case HEM_SERVICE_UPGRADED:
        say(e->error ? "failed %s" : "replaced", hem_errname(e->error));
        break;
    case HEM_SERVICE_IS_UNREADY:
        say("unready %d", e->signal);
        break;
    case HEM_SERVICE_RELOADED:
        say("reloaded %d", e->error);
        break;
    default:
        break;
    }
}

static int context(hem_main *m, void *arg)
{
    (void)arg;
    int sig = hem_main_serve(m, NULL);
    say("served %d", sig);
    return sig < 0 ? sig : 0;
}

static int run_service(void)
{
    char admin[310];
    snprintf(admin, sizeof(admin), "unix:%s", path_of("admin.sock"));
    hem_prefork_options o = {
        .num_workers = is_set("two") ? 2 : 1,
        .sockets = role.sockets,
        .threads = is_set("threads"),
        .on_event = tell,
        .upgrade_timeout = is_set("hasty") ? 30 * HEM_MSEC : 0,
        .unready = is_set("patient") ? HEM_NEVER : 0,
        .grace = is_set("brief") ? 20 * HEM_MSEC : 0,
        .admin = is_set("admin") ? admin : NULL,
        .pid_file = is_set("pidfile")   ? path_of("pid")
                    : is_set("nowhere") ? path_of("no/such")
                                        : NULL,
        .main = is_set("context") ? context : NULL,
    };
    int rc = hem_prefork(worker, NULL, &o);
    say("end %s", rc ? hem_errname(rc) : "0");
    return rc < 0;
}

_Noreturn static void linger(void)
{
    for (;;)
        pause();
}

static void speak_nonsense(void)
{
    int fd = -1;
    if (sscanf(getenv("HEM_UPGRADE_FDS"), "report=%d", &fd) == 1)
        (void)!write(fd, "nonsense", 8);
    linger();
}

void upgraded_role(void)
{
    role.directory = getenv(DIRECTORY);
    if (!role.directory)
        return;
    alarm(LIFE_MAX);
    read_settings();
    say_descriptors();
    if (hem_inherited_sockets(role.sockets, 7) != 1)
        exit(9);
    if (is_set("exit"))
        exit(3);
    if (is_set("nonsense"))
        speak_nonsense();
    if (is_set("stubborn")) {
        signal(SIGTERM, SIG_IGN);
        linger();
    }
    exit(run_service());
}

/* ---- the test ---- */

static const char *self(void)
{
    static char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    check(n > 0);
    return path;
}

void upgraded_set(const char *settings)
{
    FILE *f = fopen(file_path("settings.new"), "we");
    if (!check(f != NULL))
        return;
    fputs(settings, f);
    fclose(f);
    check_int(rename(file_path("settings.new"), file_path("settings")), 0);
}

static void set_number(const char *name, int n)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", n);
    setenv(name, text, 1);
}

_Noreturn static void execute(const struct upgraded *u, const char *program,
                              int output)
{
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (u->listener == 3)
        fcntl(3, F_SETFD, 0);
    else
        dup2(u->listener, 3);
    set_number("LISTEN_PID", (int)getpid());
    set_number("LISTEN_FDS", 1);
    if (u->name)
        setenv("LISTEN_FDNAMES", u->name, 1);
    char *directory = strdup(file_path(""));
    directory[strlen(directory) - 1] = '\0';
    setenv(DIRECTORY, directory, 1);
    execl(program, "service", (char *)NULL);
    _exit(127);
}

/* `flags` of clone(2). */
static void start(struct upgraded *u, const char *program, unsigned long flags)
{
    int fds[2];
    check_int(pipe2(fds, O_CLOEXEC), 0);
    fflush(NULL);
    u->pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
    if (u->pid == 0)
        execute(u, program, fds[1]);
    close(fds[1]);
    u->lines = fdopen(fds[0], "r");
    setvbuf(u->lines, NULL, _IONBF, 0);
}

static void prepare(struct upgraded *u, const char *settings)
{
    hem_address a = {.length = 0};
    *u = (struct upgraded){.listener = -1, .name = u->name};
    check_int(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    check_int(hem_listen_socket(&u->listener, "127.0.0.1", 0, NULL), 0);
    check_int(hem_address_of_socket(&a, u->listener), 0);
    u->port = hem_address_port(&a);
    check_int(mkfifo(file_path("gate"), 0600), 0);
    u->gate = open(file_path("gate"), O_RDWR | O_CLOEXEC);
    upgraded_set(settings);
}

void upgraded_start(struct upgraded *u, const char *program,
                    const char *settings)
{
    prepare(u, settings);
    start(u, program ? program : self(), 0);
    upgraded_says(u, u->pid, "ready");
}

bool upgraded_start_contained(struct upgraded *u, const char *settings)
{
    prepare(u, settings);
    start(u, self(), CLONE_NEWPID);
    if (u->pid < 0) {
        upgraded_end(u);
        return false;
    }
    upgraded_says(u, 1, "ready");
    return true;
}

void upgraded_signal(const struct upgraded *u, int signo)
{
    check_int(kill(u->pid, signo), 0);
}

/* Take a line out of those that were said. */
static const char *take(struct upgraded *u, size_t i)
{
    static char line[1024];
    snprintf(line, sizeof(line), "%s", u->said[i]);
    free(u->said[i]);
    u->count--;
    for (; i < u->count; i++)
        u->said[i] = u->said[i + 1];
    return line;
}

/* Unbuffered, so that what poll sees is all there is. False: the end, or
 * nothing was said for so long that it hangs. */
static bool read_line(struct upgraded *u)
{
    struct pollfd p = {.fd = fileno(u->lines), .events = POLLIN};
    if (poll(&p, 1, PATIENCE) != 1)
        return false;
    char *line = NULL;
    size_t room = 0;
    if (u->count == COUNT_OF(u->said) || getline(&line, &room, u->lines) < 0) {
        free(line);
        return false;
    }
    line[strcspn(line, "\n")] = '\0';
    u->said[u->count++] = line;
    return true;
}

static void show(const struct upgraded *u)
{
    for (size_t i = 0; i < u->count; i++)
        print_message("    %s\n", u->said[i]);
}

/* The first line that begins with `begin` and has `part` in it. */
static const char *wait_for(struct upgraded *u, const char *begin,
                            const char *part)
{
    for (size_t i = 0; i < u->count || read_line(u); i++) {
        const char *line = u->said[i];
        if (strncmp(line, begin, strlen(begin)) == 0 && strstr(line, part))
            return take(u, i);
    }
    print_message("no line \"%s...%s\" but\n", begin, part);
    check_never("all have ended, or nothing happens");
    show(u);
    return "";
}

const char *upgraded_says(struct upgraded *u, pid_t pid, const char *what)
{
    char begin[512];
    snprintf(begin, sizeof(begin), "%d %s", (int)pid, what);
    return wait_for(u, begin, "");
}

const char *upgraded_logs(struct upgraded *u, const char *part)
{
    return wait_for(u, "", part);
}

pid_t upgraded_begin(struct upgraded *u)
{
    upgraded_signal(u, SIGUSR2);
    const char *line = upgraded_says(u, u->pid, "starts ");
    int old = 0, next = 0;
    if (!check_int(sscanf(line, "%d starts %d", &old, &next), 2))
        abort(); /* 0 is no pid to send signals to */
    return next;
}

void upgraded_finish(struct upgraded *u, pid_t next)
{
    pid_t old = u->pid;
    u->pid = next;
    upgraded_says(u, next, "ready");
    upgraded_says(u, old, "replaced");
    upgraded_says(u, old, "end 0");
    upgraded_ends(u, old, 0);
}

void upgraded_upgrade(struct upgraded *u)
{
    upgraded_finish(u, upgraded_begin(u));
}

void upgraded_answers(const struct upgraded *u, pid_t pid)
{
    char text[16];
    snprintf(text, sizeof(text), "%d\n", (int)pid);
    int peer = net_connect(u->port);
    check(net_hears(peer, text));
    net_close(peer);
}

void upgraded_open_gate(const struct upgraded *u)
{
    check_int(write(u->gate, "x", 1), 1);
}

void upgraded_close_gate(const struct upgraded *u)
{
    char c;
    check_int(read(u->gate, &c, 1), 1);
}

void upgraded_ends(struct upgraded *u, pid_t pid, int status)
{
    (void)u;
    int is = 0;
    check_int(waitpid(pid, &is, 0), pid);
    check_int(WIFSIGNALED(is) ? -WTERMSIG(is) : WEXITSTATUS(is), status);
}

void upgraded_stop(struct upgraded *u)
{
    upgraded_signal(u, SIGTERM);
    upgraded_says(u, u->pid, "end 0");
    upgraded_ends(u, u->pid, 0);
    upgraded_end(u);
}

void upgraded_end(struct upgraded *u)
{
    while (waitpid(-1, NULL, 0) > 0) /* workers of one that was killed */
        continue;
    while (read_line(u)) /* its end: nobody has it open */
        continue;
    fclose(u->lines);
    if (u->listener >= 0)
        close(u->listener);
    close(u->gate);
    while (u->count > 0)
        (void)take(u, 0);
    check_int(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
    run_assert_checks();
}
