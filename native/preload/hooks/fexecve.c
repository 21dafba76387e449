/* fexecve(3): as execve(). */
#include "exec.h"
#include "fail.h"
#include "state.h"

#include <fcntl.h>
#include <unistd.h>

struct call {
	int fd;
	char *const *arguments;
	int result;
};

static void run(void *argument, char *const *environment)
{
	struct call *call = argument;
	call->result = tp_next.fexecve(call->fd, call->arguments, environment);
}

TP_HOOK int fexecve(int fd, char *const arguments[], char *const environment[])
{
	struct call call = { fd, arguments, -1 };
	struct tp_exec_target target = { fd, "", AT_EMPTY_PATH, false };
	int refused = tp_exec(TP_EXEC_SELF, &target, environment, run, &call);
	return refused < 0 ? tp_fail(refused) : call.result;
}
