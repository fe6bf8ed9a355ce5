/* SPDX-License-Identifier: MIT */
/* Parts of words: names and numbers. */
#include <ctype.h>
#include <stdlib.h>

#include "program.h"

#define DIGITS_MAX 9

bool word_is_name(const char *word)
{
    if (!isalpha((unsigned char)word[0]) && word[0] != '_')
        return false;
    for (const char *c = word; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_')
            return false;
    }
    return true;
}

bool word_is_number(const char *word, bool sign, int *ret)
{
    const char *digits = word;
    if (sign && *digits == '-')
        digits++;
    size_t count = 0;
    while (isdigit((unsigned char)digits[count]))
        count++;
    if (count == 0 || count > DIGITS_MAX || digits[count])
        return false;
    *ret = atoi(word);
    return true;
}
