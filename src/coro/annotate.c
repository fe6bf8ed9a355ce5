/* SPDX-License-Identifier: MIT */
#include "coro/annotate.h"

#if defined(HEM__ASAN)
_Thread_local hem__annotation *hem__annotate_left;
#elif defined(HEM__TSAN)
_Thread_local void *hem__annotate_dead;
#else
typedef int hem__annotate_nothing; /* a file is not empty in C */
#endif
