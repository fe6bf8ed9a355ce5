/* SPDX-License-Identifier: MIT */
#include "hem/error.h"

#include <string.h>

#define HEM__STRING(x) #x
#define HEM__EXPAND(x) HEM__STRING(x)

const char *hem_version(void)
{
    return HEM__EXPAND(HEM_VERSION_MAJOR) "." HEM__EXPAND(
        HEM_VERSION_MINOR) "." HEM__EXPAND(HEM_VERSION_PATCH);
}

/* The kernel's errnos end at 4095. */
static bool is_errno(int error)
{
    return error <= 0 && error >= -4095;
}

const char *hem_errname(int error)
{
    switch (error) {
    case 0:
        return "HEM_OK";
#define HEM__NAME(name, number, text)                                          \
    case number:                                                               \
        return #name;
        HEM_ERRORS(HEM__NAME)
#undef HEM__NAME
#define HEM__NAME(name)                                                        \
    case HEM_E##name:                                                          \
        return "HEM_E" #name;
        HEM_ERRNOS(HEM__NAME)
#undef HEM__NAME
    default:
        break;
    }
    const char *name = is_errno(error) ? strerrorname_np(-error) : NULL;
    return name ? name : "HEM_UNKNOWN";
}

const char *hem_strerror(int error)
{
    switch (error) {
#define HEM__TEXT(name, number, text)                                          \
    case number:                                                               \
        return text;
        HEM_ERRORS(HEM__TEXT)
#undef HEM__TEXT
    case HEM_ECANCELED:
        return "cancelled";
    case HEM_ETIMEDOUT:
        return "timed out";
    default:
        break;
    }
    const char *text = is_errno(error) ? strerrordesc_np(-error) : NULL;
    return text ? text : "unknown error";
}
