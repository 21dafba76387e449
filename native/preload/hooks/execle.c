/* execle(3): its arguments are collected on the stack, as the C library does. */
#include "exec.h"
#include "fail.h"
#include "state.h"

#include <fcntl.h>
#include <unistd.h>

struct call {
	const char *path;
	char *const *arguments;
	int result;
};

static void run(void *argument, char *const *environment)
{
	struct call *call = argument;
	call->result = tp_next.execve(call->path, call->arguments, environment);
}

TP_HOOK int execle(const char *path, const char *first, ...)
{
	va_list list;
	va_start(list, first);
	size_t count = tp_exec_count(first, &list);
	va_end(list);
	char **arguments = __builtin_alloca((count + 1) * sizeof *arguments);
	va_start(list, first);
	tp_exec_collect(arguments, count, first, &list);
	char *const *environment = va_arg(list, char *const *);
	va_end(list);
	struct call call = { path, arguments, -1 };
	struct tp_exec_target target = { AT_FDCWD, path, 0, false };
	int refused = tp_exec(TP_EXEC_SELF, &target, environment, run, &call);
	return refused < 0 ? tp_fail(refused) : call.result;
}
