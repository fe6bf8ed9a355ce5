/* SPDX-License-Identifier: MIT */
/*
 * The demonstration: a server is replaced under load, and nothing is lost.
 *
 *     make demo
 *
 * Two generations of http_server accept from one listening socket, which is
 * opened here and handed to both as systemd would. While http_load asks for
 * the project's documents over 200 connections, the second generation starts
 * and the first is told to stop. What is printed as lost is computed from the
 * account of http_load, and everything but zero makes the demonstration fail.
 *
 *   demo/program.c   programs to run, and their lifetimes
 *   demo/picture.c   their picture
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <glob.h>
#include <hem.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "demo/picture.h"
#include "demo/program.h"

/* Descriptor 4 of http_load is a file in memory. */
#define ACCOUNT_PATH "/proc/self/fd/4"
#define ALL_TIME     (50 * HEM_SEC)

enum { FILES_MAX = 24, FILE_BYTES_MAX = 1 << 20 };

struct demo {
    char directory[PATH_MAX]; /* of this program and the two others */
    char server[PATH_MAX + 16], load[PATH_MAX + 16];
    char address[HEM_ADDRESS_TEXT];
    char port[8];
    glob_t found;                 /* files that match */
    const char *files[FILES_MAX]; /* those to be asked for */
    size_t file_count;
    bool has_curl;
    int socket;
    program first, second, loader;
    hem_ns origin;
};

/* The account as http_load wrote it. */
struct account {
    uint64_t sent, answered, refused, reset, partial, timeout, wrong;
};

/* Print a line with the time in front, over a progress line. */
__attribute__((format(printf, 2, 3))) static void tell(const struct demo *d,
                                                       const char *format, ...)
{
    fputs(isatty(STDOUT_FILENO) ? "\r\033[K" : "", stdout);
    printf("%6.2f s  ", (double)(hem_now() - d->origin) / (double)HEM_SEC);
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

static bool find_programs(struct demo *d)
{
    ssize_t n = readlink("/proc/self/exe", d->directory, PATH_MAX - 1);
    if (n < 0)
        return false;
    d->directory[n] = '\0';
    *strrchr(d->directory, '/') = '\0';
    snprintf(d->server, sizeof(d->server), "%s/http_server", d->directory);
    snprintf(d->load, sizeof(d->load), "%s/http_load", d->directory);
    if (access(d->server, X_OK) == 0 && access(d->load, X_OK) == 0)
        return true;
    fprintf(stderr, "demo: http_server and http_load are not in %s\n",
            d->directory);
    return false;
}

/* The project's own documents, as many as there are. */
static bool find_files(struct demo *d)
{
    static const char *const patterns[] = {"README.md",    "LICENSE",
                                           "CHANGELOG.md", "docs/*.md",
                                           "include/*.h",  "include/hem/*.h"};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        glob(patterns[i], i > 0 ? GLOB_APPEND : 0, NULL, &d->found);
    for (size_t i = 0; i < d->found.gl_pathc; i++) {
        struct stat st;
        const char *name = d->found.gl_pathv[i];
        if (d->file_count < FILES_MAX && stat(name, &st) == 0 &&
            S_ISREG(st.st_mode) && st.st_size <= FILE_BYTES_MAX)
            d->files[d->file_count++] = name;
    }
    if (d->file_count > 0)
        return true;
    fprintf(stderr, "demo: to be started in the project's own directory\n");
    return false;
}

static int open_socket(struct demo *d)
{
    int fd;
    HEM_TRY(hem_listen_socket(&fd, "127.0.0.1", 0, NULL));
    hem_address a = {.length = sizeof(a.storage)};
    if (getsockname(fd, (struct sockaddr *)&a.storage, &a.length) < 0)
        return -errno;
    hem_address_format(&a, d->address);
    snprintf(d->port, sizeof(d->port), "%u", (unsigned)hem_address_port(&a));
    d->socket = program_move_up(fd);
    return d->socket;
}

/* Start a generation of the server and wait until it says that it listens. */
static int start_generation(struct demo *d, program *p, hem_scope *s)
{
    const char *argv[] = {d->server, "--workers", "2", "--root", ".", NULL};
    memcpy(p->argv, argv, sizeof(argv));
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    p->output = program_move_up(ends[1]);
    p->socket = d->socket;
    int rc = p->output < 0 ? p->output : program_start(p, s);
    close(p->output);
    if (rc >= 0)
        rc = program_wait_line(ends[0]);
    close(ends[0]);
    HEM_TRY(rc);
    p->ready = hem_now();
    tell(d, "%s serves http://%s/ (pid %ld, 2 workers)", p->name, d->address,
         (long)hem_child_pid(&p->child));
    return 0;
}

static int start_load(struct demo *d, hem_scope *s)
{
    program *p = &d->loader;
    const char *argv[] = {d->load, "--connections", "200",        "--seconds",
                          "8",     "--account",     ACCOUNT_PATH, "127.0.0.1",
                          d->port};
    size_t n = sizeof(argv) / sizeof(argv[0]);
    memcpy(p->argv, argv, sizeof(argv));
    memcpy(p->argv + n, d->files, d->file_count * sizeof(d->files[0]));
    p->output = program_make_file("report");
    HEM_TRY(p->output);
    p->account = program_make_file("account");
    HEM_TRY(p->account);
    HEM_TRY(program_start(p, s));
    tell(d, "load begins: 200 connections, %zu files, every byte is checked",
         d->file_count);
    return 0;
}

/* Print the first line of what is in the file `fd`. */
static void tell_first_line(const struct demo *d, const char *name, int fd)
{
    char text[256];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    tell(d, "%s: %s", name, text);
}

/* Ask as everybody would. */
static int ask_with_curl(struct demo *d, hem_scope *s)
{
    char command[HEM_ADDRESS_TEXT + PATH_MAX];
    snprintf(command, sizeof(command), "curl -I http://%s/%s", d->address,
             d->files[0]);
    const char *url = strrchr(command, ' ') + 1;
    program p = {.name = "curl",
                 .argv = {"curl", "-sSI", "--noproxy", "*", "--max-time", "5",
                          url, NULL}};
    p.output = program_make_file("curl");
    HEM_TRY(p.output);
    int rc = program_start(&p, s);
    if (rc >= 0)
        rc = program_wait(&p);
    program_close(&p);
    if (rc >= 0)
        tell_first_line(d, command, p.output);
    else if (rc == HEM_EEXITED)
        tell(d, "curl failed");
    close(p.output);
    return rc == HEM_EEXITED ? 0 : rc;
}

static bool curl_exists(void)
{
    return system("command -v curl >/dev/null 2>&1") == 0;
}

/* Everything that happens. */
static int show(struct demo *d)
{
    HEM_SCOPE(s, .timeout = ALL_TIME);
    HEM_TRY(start_generation(d, &d->first, &s));
    HEM_TRY(start_load(d, &s));
    HEM_TRY(hem_sleep(2 * HEM_SEC));
    if (d->has_curl)
        HEM_TRY(ask_with_curl(d, &s));
    HEM_TRY(hem_sleep(HEM_SEC));
    HEM_TRY(start_generation(d, &d->second, &s));
    HEM_TRY(hem_sleep(HEM_SEC));
    HEM_TRY(program_tell(&d->first));
    tell(d, "SIGTERM to generation 1, under load");
    HEM_TRY(program_wait(&d->first));
    tell(d, "generation 1 has ended, with status 0");
    if (d->has_curl)
        HEM_TRY(ask_with_curl(d, &s));
    HEM_TRY(hem_await(d->loader.watch));
    tell(d, "load ends");
    HEM_TRY(program_tell(&d->second));
    HEM_TRY(program_wait(&d->second));
    tell(d, "generation 2 has ended, with status 0");
    return hem_scope_close(&s, 0);
}

static void copy_out(int fd)
{
    char buf[4096];
    ssize_t n;
    for (off_t at = 0; (n = pread(fd, buf, sizeof(buf), at)) > 0; at += n)
        fwrite(buf, 1, (size_t)n, stdout);
}

static int read_account(struct account *ret, int fd)
{
    const struct {
        const char *name;
        uint64_t *value;
    } fields[] = {
        {"sent", &ret->sent},       {"answered", &ret->answered},
        {"refused", &ret->refused}, {"reset", &ret->reset},
        {"partial", &ret->partial}, {"timeout", &ret->timeout},
        {"wrong", &ret->wrong},
    };
    enum { COUNT = sizeof(fields) / sizeof(fields[0]) };
    char text[1024];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    int seen = 0;
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        char name[16];
        uint64_t value;
        if (sscanf(line, "%15s %" SCNu64, name, &value) != 2)
            continue;
        for (int i = 0; i < COUNT; i++) {
            if (strcmp(name, fields[i].name) == 0) {
                *fields[i].value = value;
                seen++;
            }
        }
    }
    return seen == COUNT ? 0 : HEM_EINCOMPLETE;
}

static int fail(const char *why)
{
    fprintf(stderr, "demo: %s\n", why);
    return HEM_EINVAL;
}

/* Was the promise kept? Everything that it rests on is looked at again. */
static int judge(const struct demo *d)
{
    struct account a = {0};
    if (read_account(&a, d->loader.account) < 0)
        return fail("http_load left no account");
    uint64_t lost = a.sent - a.answered;
    bool was_under_load = d->loader.began < d->second.ready &&
                          d->second.ready < d->first.told &&
                          d->first.ended < d->loader.ended;
    printf("\nlost: %" PRIu64 "\n", lost);
    if (lost != a.refused + a.reset + a.partial + a.timeout + a.wrong)
        return fail("the account does not balance");
    if (a.sent == 0 || lost != 0 || d->loader.status.exit_code != 0)
        return fail("requests were lost");
    if (!was_under_load)
        return fail("the generations did not overlap");
    return 0;
}

static int run(void *arg)
{
    struct demo *d = arg;
    d->origin = hem_now();
    int rc = show(d);
    program *const all[] = {&d->first, &d->second, &d->loader};
    for (size_t i = 0; i < 3; i++)
        program_close(all[i]);
    putchar('\n');
    if (rc >= 0)
        picture_draw((const program *const *)all, 3, d->origin);
    putchar('\n');
    if (d->loader.ended > 0)
        copy_out(d->loader.output);
    return rc < 0 ? rc : judge(d);
}

/* The line to type: relative to where the user is, if it lies beneath. */
static void say_how_to_go_on(const struct demo *d)
{
    char here[PATH_MAX];
    const char *server = d->server;
    size_t n = getcwd(here, sizeof(here)) != NULL ? strlen(here) : 0;
    if (n > 1 && strncmp(server, here, n) == 0 && server[n] == '/')
        server += n + 1;
    printf("\nTo keep a server running, and open it in a browser:\n"
           "    %s --root . --port 8080\n"
           "    http://127.0.0.1:8080/\n",
           server);
}

int main(void)
{
    static struct demo d = {
        .first = {.name = "generation 1"},
        .second = {.name = "generation 2"},
        .loader = {.name = "load"},
    };
    int rc = HEM_EIO;
    puts("A web server of two processes is under full load from 200"
         " connections. After a\nwhile a new generation of it starts on the"
         " same socket, and the old one is told to\nend. Every byte of every"
         " answer is checked, and no request may be lost.\n");
    if (find_programs(&d) && find_files(&d)) {
        d.has_curl = curl_exists();
        rc = open_socket(&d);
        if (rc >= 0)
            rc = hem_run(run, &d, NULL);
        if (rc < 0)
            fprintf(stderr, "demo: failed: %s\n", hem_strerror(rc));
    }
    globfree(&d.found);
    if (rc < 0)
        return 1;
    say_how_to_go_on(&d);
    return 0;
}
