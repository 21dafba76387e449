/* execveat(2): as execve(). */
#include "exec.h"
#include "fail.h"
#include "state.h"

#include <fcntl.h>
#include <unistd.h>

/* glibc has it since 2.34, musl has not. */
int execveat(int directory, const char *path, char *const arguments[], char *const environment[], int flags);

struct call {
	int directory, flags;
	const char *path;
	char *const *arguments;
	int result;
};

static void run(void *argument, char *const *environment)
{
	struct call *call = argument;
	call->result = tp_next.execveat(call->directory, call->path, call->arguments, environment, call->flags);
}

TP_HOOK int execveat(int directory, const char *path, char *const arguments[], char *const environment[], int flags)
{
	struct call call = { directory, flags, path, arguments, -1 };
	struct tp_exec_target target = { directory, path, flags, false };
	int refused = tp_exec(TP_EXEC_SELF, &target, environment, run, &call);
	return refused < 0 ? tp_fail(refused) : call.result;
}
