/* SPDX-License-Identifier: MIT */
/*
 * A lock keeps together what belongs together: two customers take money out of
 * one account, and asking the bank takes its time.
 */
#include <hem.h>
#include <stdio.h>

static hem_lock account;
static int balance = 100;

static int ask_the_bank(void)
{
    return hem_sleep(10 * HEM_MSEC);
}

/* To be called with the account locked. */
static int pay_out(const char *name, int sum)
{
    if (sum > balance) {
        printf("%s: %d is too much, there are %d\n", name, sum, balance);
        return 0;
    }
    HEM_TRY(ask_the_bank()); /* the others run: none may touch the balance */
    balance -= sum;
    printf("%s: took %d, %d are left\n", name, sum, balance);
    return 0;
}

static int customer(void *arg)
{
    HEM_TRY(hem_lock_acquire(&account));
    int rc = pay_out(arg, 80);
    (void)hem_lock_release(&account);
    return rc;
}

static int main_task(void *arg)
{
    (void)arg;
    hem_lock_init(&account);
    HEM_SCOPE(s);
    HEM_TRY(hem_scope_spawn(&s, NULL, customer, "Ann"));
    HEM_TRY(hem_scope_spawn(&s, NULL, customer, "Bob"));
    return hem_scope_close(&s, 0);
}

int main(void)
{
    return hem_run(main_task, NULL, NULL) < 0;
}

/*
 * Output:
 *     Ann: took 80, 20 are left
 *     Bob: 80 is too much, there are 20
 */
