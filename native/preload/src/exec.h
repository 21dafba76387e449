/* What the hooks that start programs have in common. All of it is async-signal-safe and fit for a vfork() child. */
#ifndef TP_EXEC_H
#define TP_EXEC_H

#include "exec-target.h"

#include <stdarg.h>
#include <stddef.h>

/** Makes the call with the environment it gets. */
typedef void tp_exec_run(void *call, char *const *environment);

enum tp_exec_kind {
	TP_EXEC_SELF,  /* it returns only when it failed; the child of a vfork() may make it */
	TP_EXEC_CHILD, /* it starts a child and returns */
};

/**
 * Runs `run` with `environment` itself when nothing is missing in it, else with a repaired one that lasts until `run`
 * returns. A negative errno when it was not run: -EACCES for what could not be captured where that is not allowed.
 */
int tp_exec(enum tp_exec_kind kind, const struct tp_exec_target *target, char *const *environment, tp_exec_run *run, void *call);

/** At load: what the program and those it forks share, so that a warning comes once. */
void tp_exec_init(void);

/** For calls without an environment argument: what is missing is set with setenv(). Not async-signal-safe, as they are not. */
int tp_exec_by_shell(void);

/** The arguments of the execl() family, without the NULL. */
size_t tp_exec_count(const char *first, va_list *list);

/** `arguments` has room for `count` and NULL; what follows NULL is then the next in `list`. */
void tp_exec_collect(char **arguments, size_t count, const char *first, va_list *list);

#endif
