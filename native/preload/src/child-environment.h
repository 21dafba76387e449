/* What a program that is started has to find in its environment, so that it is captured like the one that starts it. */
#ifndef TP_CHILD_ENVIRONMENT_H
#define TP_CHILD_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

#define TP_KEPT_COUNT 17

/** As of load. */
struct tp_kept {
	const char *preload;	 /* LD_PRELOAD= and this library; NULL when LD_PRELOAD is not what has loaded it */
	const char *entries[TP_KEPT_COUNT]; /* NAME=value; NULL where the variable was not there, or is not for children */
};

/** Where TAILPROXY_FD is in `entries`. */
#define TP_KEPT_BOOTSTRAP 11

/** What the repaired environment takes. */
struct tp_repair {
	size_t slots; /* its pointers, with the NULL at the end */
	size_t bytes; /* the strings that neither the program nor `tp_kept` has */
};

/** `loaded`: the path under which the loader knows this library. The strings are copied: programs write over theirs. */
void tp_kept_read(struct tp_kept *kept, char *const *environment, const char *loaded);

/** Children are told of the bootstrap at this number; -1: of none. */
void tp_kept_bootstrap(struct tp_kept *kept, int number);

/** The environment names another session: it was made by a tailproxy inside ours, for a session of its own or for none. */
#define TP_OTHER_SESSION 2

/**
 * 0: nothing is missing or changed; 1: `repair` is filled in; TP_OTHER_SESSION; -EFAULT: it cannot be read. NULL is an
 * empty one.
 */
int tp_child_environment_measure(const struct tp_kept *kept, char *const *environment, struct tp_repair *repair);

/** The repaired environment in memory of that size. What another thread has added meanwhile may be left out. */
char **tp_child_environment_build(const struct tp_kept *kept, char *const *environment, const struct tp_repair *repair,
				  char **slots, char *bytes);

/** Calls `set` and `unset`, which are setenv() and unsetenv(), for each variable that is ours in a repaired environment. */
void tp_child_environment_apply(const struct tp_kept *kept, char *const *repaired, int (*set)(const char *, const char *, int),
				int (*unset)(const char *));

#endif
