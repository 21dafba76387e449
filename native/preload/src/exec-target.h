/* Whether what is to be started can be captured: a loader that heeds LD_PRELOAD has to load it. Async-signal-safe. */
#ifndef TP_EXEC_TARGET_H
#define TP_EXEC_TARGET_H

#include <stdbool.h>

/** What is to be started, as execveat() names it. */
struct tp_exec_target {
	int directory;
	const char *path;
	int flags;
	bool searched; /* in PATH, unless it has a slash */
};

enum tp_capture {
	TP_CAPTURE_YES,	       /* or the kernel will refuse it, or it is no ELF file and no script */
	TP_CAPTURE_STATIC,
	TP_CAPTURE_PRIVILEGED, /* set-uid, set-gid, with capabilities of its own */
	TP_CAPTURE_FOREIGN,    /* for another machine, or a 32-bit one */
	TP_CAPTURE_UNKNOWN,    /* it may be started, but not be read */
};

/** `search`: the value of PATH, or NULL. */
enum tp_capture tp_exec_target_look(const struct tp_exec_target *target, const char *search);

#endif
