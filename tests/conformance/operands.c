/* SPDX-License-Identifier: MIT */
/* Operands and options of statements, by the letters of statement.operands. */
#include <string.h>

#include "arena.h"
#include "problem.h"
#include "statement.h"

static const char *const option_names[OPTION_COUNT] = {
    [OPTION_AS] = "as",
    [OPTION_CTX] = "ctx=",
    [OPTION_EAGER] = "eager",
    [OPTION_HANDLER] = "handler=",
    [OPTION_MSG] = "msg=",
    [OPTION_SHIELD] = "shield",
    [OPTION_TIMEOUT] = "timeout=",
    [OPTION_TOK] = "tok=",
    [OPTION_RETURN_EXCEPTIONS] = "return_exceptions",
    [OPTION_CONTINUE_ON_ERROR] = "continue_on_error",
    [OPTION_IMMEDIATE] = "immediate",
    [OPTION_WAIT] = "wait",
    [OPTION_SYNC] = "sync",
};

static const char *const scope_kinds[] = {
    [SCOPE_TASKSCOPE] = "taskscope",     [SCOPE_SUPERVISOR] = "supervisor",
    [SCOPE_TASKGROUP] = "taskgroup",     [SCOPE_PTASKGROUP] = "ptaskgroup",
    [SCOPE_SHIELDSCOPE] = "shieldscope", [SCOPE_SHIELDBLOCK] = "shieldblock",
    [SCOPE_TASKCONTEXT] = "taskcontext", NULL,
};

static const char *const wait_modes[] = {
    [WAIT_FIRST_COMPLETED] = "first_completed",
    [WAIT_FIRST_EXCEPTION] = "first_exception",
    [WAIT_ALL] = "all_completed",
    NULL,
};

static const char *const timer_policies[] = {
    [TIMER_DEFAULT] = "default",
    [TIMER_CANCEL] = "cancel",
    NULL,
};

struct place {
    const struct source *source;
    const struct node *node;
};

/* Whether `name` is among the words of `list`, separated by spaces. */
static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; at && (at = strstr(at, name)); at++) {
        bool begins = at == list || at[-1] == ' ';
        if (begins && (at[length] == ' ' || !at[length]))
            return true;
    }
    return false;
}

/* The option that the token is, OPTION_COUNT: none of this statement. */
static enum option_kind option_of(const struct statement *s, const char *token)
{
    for (enum option_kind o = 0; o < OPTION_COUNT; o++) {
        const char *name = option_names[o];
        size_t length = strlen(name);
        bool has_value = name[length - 1] == '=';
        if (has_value ? strncmp(token, name, length) : strcmp(token, name))
            continue;
        if (listed(s->options, name))
            return o;
    }
    return OPTION_COUNT;
}

static int choose(struct place at, const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    problem_bad(at.source, at.node->line, "unexpected %s", word);
}

static int number(struct place at, const char *word, bool sign)
{
    int n;
    if (!word_is_number(word, sign, &n))
        problem_bad(at.source, at.node->line, "number expected, not %s", word);
    return n;
}

static void check_name(struct place at, const char *word)
{
    if (!word_is_name(word))
        problem_bad(at.source, at.node->line, "name expected, not %s", word);
}

static int raise_kind(struct place at, const char *word)
{
    enum outcome_kind kind;
    if (!outcome_kind_of(word, &kind) || kind == OUTCOME_GROUP ||
        kind == OUTCOME_MISUSE || kind == OUTCOME_CLOSED)
        problem_bad(at.source, at.node->line, "%s cannot be raised", word);
    return (int)kind;
}

static struct operand convert(struct place at, char letter, const char *word)
{
    struct operand o = {.word = word};
    switch (letter) {
    case 'W':
        break;
    case 'I':
        o.number = number(at, word, false);
        break;
    case 'Z':
        o.number = number(at, word, true);
        break;
    case 'D':
        o.none = strcmp(word, "none") == 0;
        o.number = o.none ? 0 : number(at, word, true);
        break;
    case 'R':
        o.none = strcmp(word, "calls") == 0;
        o.number = o.none ? 0 : number(at, word, false);
        break;
    case 'X':
        if (*word == '$')
            o.word++;
        else
            o.choice = 1; /* a function */
        check_name(at, o.word);
        break;
    case 'M':
        o.choice = choose(at, wait_modes, word);
        break;
    case 'K':
        o.choice = choose(at, scope_kinds, word);
        break;
    case 'P':
        o.choice = choose(at, timer_policies, word);
        break;
    case 'E':
        o.choice = raise_kind(at, word);
        break;
    default:
        check_name(at, word);
    }
    return o;
}

/* Take the options out of the tokens; returns how many are left. */
static size_t take_options(const struct source *source, struct node *n,
                           const char **tokens, size_t count)
{
    struct place at = {source, n};
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        enum option_kind o = option_of(n->statement, tokens[i]);
        if (o == OPTION_COUNT) {
            tokens[left++] = tokens[i];
            continue;
        }
        if (o == OPTION_AS) {
            if (++i == count)
                problem_bad(source, n->line, "as NAME expected");
            check_name(at, tokens[i]);
            n->options[o] = tokens[i];
            continue;
        }
        n->options[o] = tokens[i] + strlen(option_names[o]);
        if (o == OPTION_TIMEOUT)
            n->timeout = number(at, n->options[o], true);
    }
    return left;
}

void operands_parse(const struct source *source, struct node *n,
                    const char **tokens, size_t count)
{
    struct place at = {source, n};
    const char *letters = n->statement->operands;
    count = take_options(source, n, tokens, count);
    size_t room = count > strlen(letters) ? count : strlen(letters);
    n->operands = arena_alloc((room + 1) * sizeof(*n->operands));
    n->count = 0;
    for (const char *l = letters; *l; l++) {
        char letter = *l;
        bool many = l[1] == '*' || l[1] == '+';
        bool optional = l[1] == '?' || l[1] == '*';
        if (many || optional)
            l++;
        if (n->count == count && !optional)
            problem_bad(source, n->line, "%s: operand missing",
                        n->statement->name);
        size_t end = many ? count : n->count + 1;
        for (; n->count < end && n->count < count; n->count++)
            n->operands[n->count] = convert(at, letter, tokens[n->count]);
    }
    if (n->count < count)
        problem_bad(source, n->line, "unexpected %s", tokens[n->count]);
}
