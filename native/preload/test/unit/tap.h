/* One header of TAP: is(), and a table of what went wrong. */
#ifndef TP_TAP_H
#define TP_TAP_H

#include <stdio.h>
#include <string.h>

static int tap_count, tap_failures;

static inline void tap_ok(int good, const char *name, const char *file, int line)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++tap_count, name);
	if (!good) {
		printf("# %s:%d\n", file, line);
		tap_failures++;
	}
}

#define ok(condition, name) tap_ok(!!(condition), name, __FILE__, __LINE__)

#define is(got, wanted, name)                                                                  \
	do {                                                                                   \
		long long got_ = (long long)(got), wanted_ = (long long)(wanted);              \
		tap_ok(got_ == wanted_, name, __FILE__, __LINE__);                             \
		if (got_ != wanted_)                                                           \
			printf("#   got %lld, wanted %lld\n", got_, wanted_);                  \
	} while (0)

static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures ? 1 : 0;
}

#endif
