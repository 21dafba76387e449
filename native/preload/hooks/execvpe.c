/* execvpe(3): the search in PATH stays the C library's. */
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
	call->result = tp_next.execvpe(call->path, call->arguments, environment);
}

TP_HOOK int execvpe(const char *path, char *const arguments[], char *const environment[])
{
	struct call call = { path, arguments, -1 };
	struct tp_exec_target target = { AT_FDCWD, path, 0, true };
	int refused = tp_exec(TP_EXEC_SELF, &target, environment, run, &call);
	return refused < 0 ? tp_fail(refused) : call.result;
}
