/* SPDX-License-Identifier: MIT */
/*
 * The quota of CPU time of this process' cgroups. /proc/self/cgroup names the
 * group in each hierarchy, /proc/self/mountinfo where the hierarchy is mounted
 * and which group is the top of what is to be seen there. From the directory of
 * the group upwards to that top each may have a quota; the least one holds.
 *
 * Both versions may be there at once. What cannot be read has no quota.
 */
#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "io/file.h"
#include "service/cpus.h"

#define LINE_BYTES 4096
#define NO_QUOTA   UINT32_MAX

/* A hierarchy that may limit CPU time. */
struct hierarchy {
    bool v2;
    char group[LINE_BYTES]; /* of this process in it; "": it has none */
    char dir[LINE_BYTES];   /* its directory; "": not found */
    size_t top;             /* length of the part of `dir` that is the mount */
    bool whole;             /* `dir` is the group's, not just the mount's */
};

/* A file, line by line. Longer ones are left out. */
struct lines {
    int fd;
    size_t at, used;
    bool skipping;
    char buf[LINE_BYTES];
};

/* Make room for more, and read it; 0: no more. */
static ssize_t fill(struct lines *l)
{
    if (l->at == 0 && l->used == sizeof(l->buf)) {
        l->skipping = true;
        l->used = 0;
    }
    memmove(l->buf, l->buf + l->at, l->used - l->at);
    l->used -= l->at;
    l->at = 0;
    ssize_t n;
    do {
        n = hem__sys_read(l->fd, l->buf + l->used, sizeof(l->buf) - l->used);
    } while (n == HEM_EINTR);
    l->used += n > 0 ? (size_t)n : 0;
    return n;
}

/* NULL: no more. */
static char *next_line(struct lines *l)
{
    for (;;) {
        char *line = l->buf + l->at;
        char *end = memchr(line, '\n', l->used - l->at);
        if (!end) {
            if (fill(l) <= 0)
                return NULL;
            continue;
        }
        *end = '\0';
        l->at = (size_t)(end + 1 - l->buf);
        if (!l->skipping)
            return line;
        l->skipping = false;
    }
}

static int open_file(const char *path)
{
    int fd;
    do {
        fd = hem__sys_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                           0);
    } while (fd == HEM_EINTR);
    return fd;
}

/* Call fn with each line of the file ROOT/path. */
static void each_line(const char *root, const char *path,
                      void (*fn)(struct hierarchy *h, char *line),
                      struct hierarchy *h)
{
    struct lines l = {.at = 0};
    char name[LINE_BYTES];
    if (snprintf(name, sizeof(name), "%s%s", root, path) >= (int)sizeof(name))
        return;
    l.fd = open_file(name);
    if (l.fd < 0)
        return;
    for (char *line = next_line(&l); line; line = next_line(&l))
        fn(h, line);
    close(l.fd);
}

/* Whether a list, with commas, has the word. */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, word, n) == 0 && (at[n] == '\0' || at[n] == ','))
            return true;
    }
    return false;
}

/* NUMBER:CONTROLLERS:GROUP, the controllers empty in version 2. */
static void note_group(struct hierarchy *h, char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return;
    *controllers++ = '\0';
    *group++ = '\0';
    bool ours = h->v2 ? !*controllers && strcmp(line, "0") == 0
                      : has_word(controllers, "cpu");
    if (ours && *group == '/')
        memcpy(h->group, group, strlen(group) + 1);
}

/* The byte that \OOO stands for; -1: it is no such. */
static int octal(const char *at)
{
    int value = 0;
    for (int i = 1; i <= 3; i++) {
        if (at[0] != '\\' || at[i] < '0' || at[i] > '7')
            return -1;
        value = 8 * value + (at[i] - '0');
    }
    return value;
}

/* In mountinfo, blanks and backslashes are \OOO. */
static void unescape(char *text)
{
    char *to = text;
    for (const char *at = text; *at; to++) {
        int byte = octal(at);
        *to = byte < 0 ? *at : (char)byte;
        at += byte < 0 ? 1 : 4;
    }
    *to = '\0';
}

/* The rest of a group's name behind that of the group `top`, which is above
 * it or the same; NULL: it is not, or only seems so. */
static const char *below(const char *group, const char *top)
{
    size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);
    if (strncmp(group, top, n) != 0 || (group[n] != '/' && group[n] != '\0') ||
        strstr(group, "/.."))
        return NULL;
    return group + n;
}

static void note_directory(struct hierarchy *h, char *top, char *mount)
{
    if (h->whole || strlen(mount) + strlen(h->group) >= sizeof(h->dir))
        return;
    unescape(top);
    unescape(mount);
    const char *rest = below(h->group, top);
    if (!rest && *h->dir)
        return;
    h->whole = rest != NULL;
    h->top = strlen(mount);
    snprintf(h->dir, sizeof(h->dir), "%s%s", mount, rest ? rest : "");
}

/* ID PARENT DEVICE TOP MOUNT OPTIONS [FIELD...] - TYPE SOURCE OPTIONS */
static void note_mount(struct hierarchy *h, char *line)
{
    char *part[6], *end = strstr(line, " - "), *rest = line;
    if (!end)
        return;
    *end = '\0';
    for (int i = 0; i < 6; i++) {
        part[i] = strsep(&rest, " ");
        if (!part[i])
            return;
    }
    rest = end + 3;
    const char *type = strsep(&rest, " ");
    (void)strsep(&rest, " ");
    if (!rest || strcmp(type, h->v2 ? "cgroup2" : "cgroup") != 0)
        return;
    if (h->v2 || has_word(rest, "cpu"))
        note_directory(h, part[3], part[4]);
}

/* The first `max` characters of a file in the directory; "": none. */
static void read_value(const char *root, const struct hierarchy *h,
                       const char *name, char *ret)
{
    char path[LINE_BYTES + 64];
    *ret = '\0';
    if (snprintf(path, sizeof(path), "%s%s/%s", root, h->dir, name) >=
        (int)sizeof(path))
        return;
    int fd = open_file(path);
    if (fd < 0)
        return;
    ssize_t n;
    do {
        n = hem__sys_read(fd, ret, 63);
    } while (n == HEM_EINTR);
    ret[n > 0 ? n : 0] = '\0';
    close(fd);
}

/* Microseconds of CPU time within a period: in CPUs. */
static uint32_t in_cpus(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return NO_QUOTA;
    long long cpus = quota / period + (quota % period != 0);
    return cpus < NO_QUOTA ? (uint32_t)cpus : NO_QUOTA;
}

static uint32_t read_quota(const char *root, const struct hierarchy *h)
{
    char text[64], other[64];
    long long quota, period;
    if (h->v2) { /* "QUOTA PERIOD", "max PERIOD" */
        read_value(root, h, "cpu.max", text);
        return sscanf(text, "%18lld %18lld", &quota, &period) == 2
                   ? in_cpus(quota, period)
                   : NO_QUOTA;
    }
    read_value(root, h, "cpu.cfs_quota_us", text);
    read_value(root, h, "cpu.cfs_period_us", other);
    return sscanf(text, "%18lld", &quota) == 1 &&
                   sscanf(other, "%18lld", &period) == 1
               ? in_cpus(quota, period)
               : NO_QUOTA;
}

/* Of the group and all above it. */
static uint32_t least_quota(const char *root, bool v2)
{
    struct hierarchy h = {.v2 = v2};
    each_line(root, "/proc/self/cgroup", note_group, &h);
    if (!*h.group)
        return NO_QUOTA;
    each_line(root, "/proc/self/mountinfo", note_mount, &h);
    if (!*h.dir)
        return NO_QUOTA;
    uint32_t least = NO_QUOTA;
    for (;;) {
        uint32_t quota = read_quota(root, &h);
        least = quota < least ? quota : least;
        char *slash = strrchr(h.dir, '/');
        if (!slash || (size_t)(slash - h.dir) < h.top)
            return least;
        *slash = '\0';
    }
}

uint32_t hem__cpu_quota(const char *root)
{
    uint32_t v1 = least_quota(root, false), v2 = least_quota(root, true);
    return v1 < v2 ? v1 : v2;
}
