/* SPDX-License-Identifier: MIT */
/*
 * The demonstration: a service is replaced under load, and nothing is lost.
 *
 *     make demo
 *
 * While http_load asks http_server for the project's documents over 200
 * connections, all its workers are replaced three times, one after the other,
 * and then the program itself, by another that it starts and hands its socket.
 * What is printed as lost is computed from the account of http_load, and
 * everything but zero makes the demonstration fail.
 *
 *   demo/service.c   http_server, told by signals what to do
 *   demo/program.c   programs to run
 *   demo/picture.c   the picture of their lives
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
#include "demo/service.h"

/* Descriptor 4 of http_load is a file in memory. */
#define ACCOUNT_PATH "/proc/self/fd/4"
#define ALL_TIME     (50 * HEM_SEC)

enum { FILES_MAX = 24, FILE_BYTES_MAX = 1 << 20, ROLLS = 3 };

struct demo {
    char directory[PATH_MAX]; /* of this program and the two others */
    char server[PATH_MAX + 16], load[PATH_MAX + 16];
    char address[32], port[8];
    glob_t found;                 /* files that match */
    const char *files[FILES_MAX]; /* those to be asked for */
    size_t file_count;
    bool has_curl;
    service service;
    program loader;
    hem_ns origin, first_roll, upgraded;
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

static int start_service(struct demo *d, hem_scope *s)
{
    HEM_TRY(service_start(&d->service, d->server, s));
    snprintf(d->port, sizeof(d->port), "%u", (unsigned)d->service.port);
    snprintf(d->address, sizeof(d->address), "127.0.0.1:%s", d->port);
    tell(d, "http_server serves http://%s/ (pid %ld, 2 workers)", d->address,
         (long)d->service.pid);
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
    char command[sizeof(d->address) + PATH_MAX];
    snprintf(command, sizeof(command), "curl -I http://%s/%s", d->address,
             d->files[0]);
    const char *url = strrchr(command, ' ') + 1;
    program p = {.argv = {"curl", "-sSI", "--noproxy", "*", "--max-time", "5",
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

static int roll(struct demo *d)
{
    hem_ns begin = hem_now();
    if (d->first_roll == 0)
        d->first_roll = begin;
    HEM_TRY(service_roll(&d->service));
    tell(d, "SIGHUP: both workers are replaced, after %.1f ms",
         (double)(hem_now() - begin) / (double)HEM_MSEC);
    return hem_sleep(HEM_SEC);
}

static int upgrade(struct demo *d)
{
    tell(d, "SIGUSR2: the program is to be replaced");
    HEM_TRY(service_upgrade(&d->service));
    d->upgraded = hem_now();
    tell(d, "pid %ld serves, the one before has ended with status 0",
         (long)d->service.pid);
    return 0;
}

/* Everything that happens. */
static int show(struct demo *d)
{
    HEM_SCOPE(s, .timeout = ALL_TIME);
    HEM_TRY(start_service(d, &s));
    HEM_TRY(start_load(d, &s));
    HEM_TRY(hem_sleep(2 * HEM_SEC));
    if (d->has_curl)
        HEM_TRY(ask_with_curl(d, &s));
    for (int i = 0; i < ROLLS; i++)
        HEM_TRY(roll(d));
    HEM_TRY(upgrade(d));
    if (d->has_curl)
        HEM_TRY(ask_with_curl(d, &s));
    HEM_TRY(hem_await(d->loader.watch));
    tell(d, "load ends");
    HEM_TRY(service_stop(&d->service));
    tell(d, "SIGTERM: the server has ended");
    return hem_scope_close(&s, 0);
}

static void draw(const struct demo *d)
{
    const life *lives[LIVES_MAX + 1];
    const service *s = &d->service;
    for (size_t i = 0; i < s->life_count; i++)
        lives[i] = &s->lives[i];
    life load = {"load", d->loader.began, 0, d->loader.ended};
    lives[s->life_count] = &load;
    picture_draw(lives, s->life_count + 1, d->origin);
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
    bool was_under_load = d->loader.began < d->first_roll &&
                          d->first_roll < d->upgraded &&
                          d->upgraded < d->loader.ended;
    printf("\nlost: %" PRIu64 "\n", lost);
    if (lost != a.refused + a.reset + a.partial + a.timeout + a.wrong)
        return fail("the account does not balance");
    if (a.sent == 0 || lost != 0 || d->loader.status.exit_code != 0)
        return fail("requests were lost");
    if (!was_under_load || d->service.rolls != ROLLS ||
        d->service.programs != 2)
        return fail("not all was replaced under load");
    return 0;
}

static int run(void *arg)
{
    struct demo *d = arg;
    d->origin = hem_now();
    int rc = show(d);
    service_close(&d->service);
    program_close(&d->loader);
    putchar('\n');
    if (rc >= 0)
        draw(d);
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
    static struct demo d;
    int rc = HEM_EIO;
    puts("A web server of two processes is under full load from 200"
         " connections. After a\nwhile its workers are replaced, three times,"
         " and then the whole program, by one\nthat serves on the same socket."
         " Every byte of every answer is checked, and no\nrequest may be"
         " lost.\n");
    if (find_programs(&d) && find_files(&d)) {
        d.has_curl = curl_exists();
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
