/* SPDX-License-Identifier: MIT */
/*
 * hem_race(): the first result wins and the others are cancelled. With
 * HEM_CONTINUE_ON_ERROR a failure does not end the race.
 */
#include <hem.h>
#include <stdio.h>

struct server {
    hem_ns delay;
    int answer;
};

static int resolve(void *arg)
{
    const struct server *s = arg;
    int rc = hem_sleep(s->delay);
    if (rc == HEM_ECANCELED)
        puts("not needed any more");
    return rc ? rc : s->answer;
}

static int race(struct server *s, unsigned flags)
{
    hem_call c[] = {HEM_CALL(resolve, &s[0]), HEM_CALL(resolve, &s[1])};
    int winner = hem_race(c, 2, flags);
    printf("%d: %s\n", winner, winner < 0 ? hem_errname(winner) : "wins");
    return winner == HEM_ECANCELED ? winner : 0;
}

static int main_task(void *arg)
{
    (void)arg;
    struct server s[] = {{10 * HEM_MSEC, HEM_ENAME}, {90 * HEM_MSEC, 7}};
    HEM_TRY(race(s, 0));
    HEM_TRY(race(s, HEM_CONTINUE_ON_ERROR));
    s[1].answer = HEM_ENAMETEMP;
    return race(s, HEM_CONTINUE_ON_ERROR); /* a group of both errors */
}

static void ignore(void *arg, const hem_report *r)
{
    (void)arg, (void)r; /* errors that do not end the race are reported */
}

int main(void)
{
    hem_virtual_clock clock = {0};
    hem_run_options o = {.clock = &clock, .on_report = ignore};
    return hem_run(main_task, NULL, &o) < 0;
}

/*
 * Output:
 *     not needed any more
 *     -5013: HEM_ENAME
 *     1: wins
 *     -5003: HEM_EGROUP
 */
