/* SPDX-License-Identifier: MIT */
/* Other users: found in the system's databases, and become. */
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "hem/daemon.h"
#include "service/explain.h"

#define BUFFER_MIN_BYTES 1024
#define BUFFER_MAX_BYTES ((size_t)1 << 20)
#define ID_MAX           (UINT32_MAX - 1) /* the last one means: none */

/* A question to a database, which needs room for the strings of its answer. */
struct question {
    enum { USER_BY_NAME, USER_BY_ID, GROUP_BY_NAME } kind;
    const char *name;
    uid_t id;
    struct passwd user; /* the answer; its strings are in `buf` */
    struct group group;
    char *buf;
};

static int ask_with(struct question *q, size_t size)
{
    int rc;
    do {
        if (q->kind == USER_BY_NAME)
            rc = hem__sys_find_user(q->name, &q->user, q->buf, size);
        else if (q->kind == USER_BY_ID)
            rc = hem__sys_find_uid(q->id, &q->user, q->buf, size);
        else
            rc = hem__sys_find_group(q->name, &q->group, q->buf, size);
    } while (rc == HEM_EINTR);
    return rc;
}

/* 1: there is an answer, until q->buf is freed; 0: no such user or group. */
static int ask(struct question *q)
{
    int rc = HEM_ERANGE;
    for (size_t size = BUFFER_MIN_BYTES;
         rc == HEM_ERANGE && size <= BUFFER_MAX_BYTES; size *= 2) {
        hem__free(q->buf);
        q->buf = hem__alloc(size);
        rc = q->buf ? ask_with(q, size) : HEM_ENOMEM;
    }
    return rc;
}

/* 1: a number; 0: a name. */
static int parse(const char *text, uint32_t *ret)
{
    if (!text || !*text)
        return HEM_EINVAL;
    if (text[strspn(text, "0123456789")])
        return 0;
    uint64_t n = 0;
    for (; *text; text++) {
        n = 10 * n + (uint64_t)(*text - '0');
        if (n > ID_MAX)
            return HEM_EINVAL;
    }
    *ret = (uint32_t)n;
    return 1;
}

static int find_group(gid_t *ret, const char *name)
{
    int rc = parse(name, ret);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    struct question q = {.kind = GROUP_BY_NAME, .name = name};
    rc = ask(&q);
    if (rc == 1)
        *ret = q.group.gr_gid;
    hem__free(q.buf);
    return rc == 0 ? hem__explain(HEM_ENOENT, "there is no group %.100s", name)
                   : rc;
}

/* A user of the database, with the groups that it says. */
static int find_entry(hem_user *ret, struct question *q)
{
    int rc = ask(q);
    if (rc <= 0)
        return rc;
    ret->uid = q->user.pw_uid;
    ret->gid = q->user.pw_gid;
    rc = hem__sys_list_groups(q->user.pw_name, ret->gid, ret->groups,
                              HEM_USER_GROUPS);
    if (rc < 0)
        return rc;
    ret->group_count = (size_t)rc;
    return 1;
}

static int find_user(hem_user *ret, const char *name, bool has_group)
{
    struct question q = {.kind = USER_BY_NAME, .name = name};
    int rc = parse(name, &q.id);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        q.kind = USER_BY_ID;
        ret->uid = q.id;
        if (has_group)
            return 0;
    }
    rc = find_entry(ret, &q);
    hem__free(q.buf);
    return rc == 0 ? hem__explain(HEM_ENOENT, "there is no user %.100s", name)
                   : rc;
}

int hem_user_find(hem_user *ret, const char *user, const char *group)
{
    hem_user found = {.group_count = 0};
    HEM_TRY(find_user(&found, user, group != NULL));
    if (group) {
        HEM_TRY(find_group(&found.gid, group));
        found.group_count = 0;
    }
    *ret = found;
    return 0;
}

/* The primary group is one that a process is in, listed or not. */
static bool has_group(const gid_t *groups, size_t count, gid_t own, gid_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (groups[i] == id)
            return true;
    }
    return own == id;
}

static bool has_groups_of(const hem_user *u)
{
    gid_t groups[HEM_USER_GROUPS + 1];
    int count = getgroups(0, NULL);
    if (count < 0 || count > HEM_USER_GROUPS + 1)
        return false;
    count = getgroups(HEM_USER_GROUPS + 1, groups);
    if (count < 0)
        return false;
    for (int i = 0; i < count; i++) {
        if (!has_group(u->groups, u->group_count, u->gid, groups[i]))
            return false;
    }
    for (size_t i = 0; i < u->group_count; i++) {
        if (!has_group(groups, (size_t)count, u->gid, u->groups[i]))
            return false;
    }
    return true;
}

/* Whether this process is that user, in every respect. */
static bool is_already(const hem_user *u)
{
    uid_t uid[3];
    gid_t gid[3];
    if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 ||
        getresgid(&gid[0], &gid[1], &gid[2]) < 0)
        return false;
    for (int i = 0; i < 3; i++) {
        if (uid[i] != u->uid || gid[i] != u->gid)
            return false;
    }
    return has_groups_of(u);
}

int hem_user_become(const hem_user *user)
{
    if (user->uid > ID_MAX || user->gid > ID_MAX ||
        user->group_count > HEM_USER_GROUPS)
        return HEM_EINVAL;
    if (is_already(user))
        return 0;
    HEM_TRY(hem__sys_change_groups(user->group_count, user->groups));
    HEM_TRY(hem__sys_change_gid(user->gid));
    HEM_TRY(hem__sys_change_uid(user->uid));
    if (!is_already(user))
        return hem__explain(HEM_EPERM, "this process is not user %u",
                            (unsigned)user->uid);
    if (user->uid != 0 && hem__sys_change_uid(0) == 0)
        return hem__explain(HEM_EPERM, "user %u can become root",
                            (unsigned)user->uid);
    return 0;
}
