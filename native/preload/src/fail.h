/* The end of a hook that failed: errno is set here and nowhere else. */
#ifndef TP_FAIL_H
#define TP_FAIL_H

#include <errno.h>

/** `error` is a negative errno. */
static inline int tp_fail(int error)
{
	errno = -error;
	return -1;
}

#endif
